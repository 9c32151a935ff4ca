"""Line 1 of factory.yaml and of conf/: where editors find the schema, after the runtime's copy has left src/."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from aifactory_runtime import files

_OLD = re.compile(rb"(\$schema=(?:\.\./)?)src/aifactory_runtime/")
_NEW = rb"\1vendor/aifactory-runtime/src/aifactory_runtime/"


def due(repo: Path) -> str | None:
    """Which files still name the old place."""
    named = ", ".join(path.relative_to(repo).as_posix() for path in _outdated(repo))
    return f"the line that tells editors the schema names the runtime's old place, in {named}" if named else None


def apply(repo: Path) -> None:
    """Name the new place; the rest of each file stays as it is, byte by byte."""
    for path in list(_outdated(repo)):
        files.write(path, _OLD.sub(_NEW, path.read_bytes(), count=1))


def _outdated(repo: Path) -> Iterator[Path]:
    for path in (repo / "factory.yaml", *sorted(repo.glob("conf/*.yaml"))):
        if path.is_file() and _OLD.search(path.read_bytes().partition(b"\n")[0]):
            yield path
