"""`factory backup`: a consistent copy of a home while its services go on.

What points at other things is copied before what it points at, and things are never changed in place, only added: what
serves before the registry, the registry before its artefacts, a table's log before its files. So each copy refers only
to what is there. A release that runs meanwhile looks as if it had been killed, and running it again finishes it.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aifactory import machine
from aifactory.home import Home
from aifactory.local.archive import Contents, Places, Writer, writing
from aifactory.provision import exclusive, servers, stacks
from aifactory.workshop import workshop
from aifactory_runtime import __version__, files
from aifactory_runtime.errors import FactoryError, UsageProblem

Say = Callable[[str], None]
_PATIENCE_SECONDS = 30.0
_SAY_EVERY = 500

_LEFT_OUT = re.compile(
    "|".join(
        (
            # The engine's own workspaces, environments (a restore builds them from their locks), scratch, logs.
            r"pulumi|snapshots/envs/.+|shared/mlflow/tmp/.+|services/logs/.+",
            # Locks, process ids, marks: they say what runs now, not what there is.
            r"work/[^/]+/lock|state/\.pulumi/locks|services/(lock|stopped|supervisord\.pid)",
            r"[^/]+/[^/]+/serving/status/.+|(dev|staging|prod)/[^/]+/.+\.lock|shared/.+\.lock",
            # What is being written, and what comes by itself.
            r"shared/.+(-wal|-shm|-journal|\.making)|(?!snapshots/).*/\.[^/]+\.(new|part|tmp)|snapshots/[^/]+/\.[^/]+",
            r"state/.+\.attrs|snapshots/.+/__pycache__",
        )
    )
)
"""Paths in the home that no backup holds. A folder whose contents are left out is kept, empty."""


@dataclass(frozen=True)
class Made:
    """A backup that was made."""

    path: str
    files: int
    bytes: int
    use_cases: list[str]


def make(home: Home, target: Path, say: Say) -> Made:
    """Write a backup of `home` to the new file `target`, mode 0600.

    FactoryError when nothing is provisioned, somebody changes an environment, or the disk is full; no partial file is
    left. UsageProblem when `target` is there already or lies in the home.
    """
    _check(home, target)
    contents = Contents(datetime.now(UTC).isoformat(timespec="seconds"), __version__, places(home))
    with ExitStack() as held, workshop(target.parent, ".aifactory-backup-") as scratch:
        for stack in stacks.known(home):
            held.enter_context(exclusive.hold(home.lock(stack), stack))
        with writing(target, contents, scratch) as writer:
            for number, path in enumerate(_ordered(home.root), start=1):
                _add(writer, home.root, path, scratch)
                if number % _SAY_EVERY == 0:
                    say(f"  {number} files ...")
    cases = sorted(path.stem for path in (home.root / "usecases").glob("*.json"))
    return Made(str(target), len(contents.files), target.stat().st_size, cases)


def places(home: Home) -> Places:
    """Where this home and the tool lie on this machine."""
    python = servers.find()
    return Places(
        home=str(home.root),
        servers=str(python.parent.parent) if python else "",
        infra=str(stacks.infra_folder()),
        socket=str(machine.socket(home)),
    )


def _check(home: Home, target: Path) -> None:
    if not home.root.is_dir() or not (stacks.known(home) or stacks.shared_backend()):
        raise FactoryError(f"nothing is provisioned in {home.root}: factory up")
    if target.exists():
        raise UsageProblem(f"{target} is there already: name a new file")
    if target.resolve().is_relative_to(home.root.resolve()):
        raise UsageProblem(f"{target} lies in the home itself: name a file elsewhere, best on another disk")
    if not target.parent.is_dir():
        raise UsageProblem(f"{target.parent} is not a folder: make it first")


def _ordered(root: Path) -> list[Path]:
    """Everything to copy: what points first, then databases, then the rest with tables' logs before their files."""
    paths = list(_walk(root))
    return sorted(paths, key=lambda path: (_rank(path.relative_to(root)), str(path)))


def _rank(path: Path) -> int:
    if path.name in {"serving.json", "current"}:
        return 0
    if path.suffix == ".db":
        return 1
    return 2 if "_delta_log" in path.parts else 3


def _walk(root: Path) -> Iterator[Path]:
    """Folders, files and links under `root` that belong in a backup."""
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        links = [name for name in folders if (here / name).is_symlink()]
        folders[:] = [name for name in folders if name not in links and _wanted(root, here / name)]
        yield from (here / name for name in folders)
        yield from (here / name for name in (*names, *links) if _wanted(root, here / name))


def _wanted(root: Path, path: Path) -> bool:
    return _LEFT_OUT.fullmatch(str(path.relative_to(root))) is None


def _add(writer: Writer, root: Path, path: Path, scratch: Path) -> None:
    """Copy one thing; what vanished since it was listed was a passing one."""
    name = str(path.relative_to(root))
    try:
        if path.is_symlink():
            writer.contents.links[name] = str(path.readlink())
        elif path.is_dir():
            writer.contents.folders[name] = path.stat().st_mode & 0o777
        elif path.suffix == ".db" and name.startswith("shared/"):
            copy = scratch / "database"
            _copy_database(path, copy)
            _add_file(writer, name, copy, path.stat().st_mode & 0o777)
            copy.unlink()
        else:
            _add_file(writer, name, path, path.stat().st_mode & 0o777)
    except FileNotFoundError:
        return


def _add_file(writer: Writer, name: str, path: Path, mode: int) -> None:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if name.endswith(".jsonl"):
            size = files.after_last_newline(file.fileno(), size)  # what follows is being written
        writer.add(name, file, size, mode)


def _copy_database(path: Path, copy: Path) -> None:
    """One moment of a database that may be written meanwhile."""
    try:
        with (
            closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=_PATIENCE_SECONDS)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
    except sqlite3.Error as error:
        raise FactoryError(f"{path} cannot be copied ({error}): see that its service is well, then again") from None
