"""What a folder runs a science with: the runtime and the factory's lock. Another one alone makes no other model."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from aifactory_runtime.config import layout
from aifactory_runtime.pipeline.reproduction.science import FACTORY_LOCK

_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)


@dataclass(frozen=True)
class Operations:
    """Digests are SHA-256 in hex; empty for what a folder does not have."""

    runtime: str
    """Version of the runtime's copy, as `0.2.0`."""
    runtime_sha256: str
    lock_sha256: str
    """Of requirements/factory.txt."""


def of_folder(root: Path) -> Operations:
    """Operations of the tree at `root`: a work tree as it is now, a snapshot, an image."""
    folder, lock = layout.runtime_folder(root), root / FACTORY_LOCK
    first = folder / "__init__.py"
    version = _VERSION.search(first.read_text(encoding="utf-8")) if first.is_file() else None
    return Operations(
        version[1] if version else "",
        digest(folder, folder.rglob("*.py")) if first.is_file() else "",
        hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else "",
    )


def digest(root: Path, paths: Iterable[Path]) -> str:
    """SHA-256 of files below `root`, by relative path and bytes, whatever their order."""
    total = hashlib.sha256()
    for path in sorted(paths):
        content = path.read_bytes()
        total.update(b"%s\0%d\0" % (path.relative_to(root).as_posix().encode(), len(content)))
        total.update(content)
    return total.hexdigest()
