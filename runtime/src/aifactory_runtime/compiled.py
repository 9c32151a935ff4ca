"""Compiled files of packages: linked from where the same files were compiled before, as compiling takes seconds.

Python takes a compiled file only if it names size and time of its source. A package that uv installs twice on one file
system has both alike, so that what one environment has compiled is good in another.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import struct
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from aifactory_runtime.config import cache

_ENDING = f".{sys.implementation.cache_tag}.pyc"
_HEADER = struct.Struct("<4sIII")
_WORD = 0xFFFFFFFF
_FOLDER = "__pycache__"
_KEPT = 3
"""Sets of packages whose compiled files stay in the cache; those that were used last."""


def place_of(packages: Path, wanted: Iterable[str]) -> Path:
    """Where compiled files are kept of the packages installed in `packages`, for imports of `wanted`."""
    installed = sorted(path.name for path in packages.glob("*.dist-info"))
    told = "\n".join([_ENDING, *wanted, *installed])
    return cache.folder() / "compiled" / hashlib.sha256(told.encode()).hexdigest()[:16]


def share(source: Path, target: Path) -> bool:
    """Link compiled files below `source` to the same places below `target`, where they fit.

    Returns whether there were any, and all fitted. What is there stays. OSError when `target` cannot be written.
    """
    found = [(path, _is_of(source / path, _module(target / path))) for path in _compiled(source)]
    for path in (path for path, fits in found if fits):
        _link(source / path, target / path)
    return bool(found) and all(fits for _, fits in found)


def keep(packages: Path, place: Path) -> None:
    """Put compiled files of `packages` at `place`, in one go, and remove the sets that were not used for longest.

    OSError when the cache cannot be written; nothing half-made stays.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".making-", ignore_cleanup_errors=True) as folder:
        making = Path(folder) / "made"
        for path in _compiled(packages):
            if _is_of(packages / path, _module(packages / path)):
                _link(packages / path, making / path)
        shutil.rmtree(place, ignore_errors=True)
        with suppress(OSError):  # another setup was first
            making.rename(place)
    used(place)


def used(place: Path) -> None:
    """Note that a set was used now, and remove all but the last few."""
    with suppress(FileNotFoundError):
        os.utime(place)
    known = sorted(_folders(place.parent), key=lambda pair: pair[0], reverse=True)
    for _, old in known[_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def _folders(parent: Path) -> Iterator[tuple[float, Path]]:
    for path in parent.glob("[!.]*"):
        with suppress(FileNotFoundError):
            yield path.stat().st_mtime, path


def _compiled(tree: Path) -> Iterator[Path]:
    """Compiled files of this Python below `tree`, as paths from there."""
    for folder, _, names in os.walk(tree):
        if folder.endswith(_FOLDER):
            place = Path(folder).relative_to(tree)
            yield from (place / name for name in names if name.endswith(_ENDING))


def _module(compiled: Path) -> Path:
    return compiled.parent.parent / f"{compiled.name.removesuffix(_ENDING)}.py"


def _is_of(compiled: Path, module: Path) -> bool:
    """Whether Python would take the compiled file for this module: the header names its time and size."""
    try:
        with compiled.open("rb") as stream:
            header = stream.read(_HEADER.size)
        now = module.stat()
    except OSError:
        return False
    return header == _HEADER.pack(importlib.util.MAGIC_NUMBER, 0, int(now.st_mtime) & _WORD, now.st_size & _WORD)


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except FileExistsError:
        return
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
