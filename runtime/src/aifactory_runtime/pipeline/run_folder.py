"""The folder of a run, where its steps read and write files: its own one, or a copy of one in an object store.

A step on any machine brings the files that are there when it first asks, and sends back what it changed when it is
done: the handoff last, so that whoever finds it finds all that it speaks of.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.storage import Missing, place
from aifactory_runtime.storage.place import Place, Remote

_RUNS, _SENT = "runs", "sent.json"


def of(artifacts: Place, run: str) -> Path:
    """The folder of a run on this machine; of one in a store a copy, brought when it is first asked for."""
    if isinstance(artifacts, Path):
        return artifacts / _RUNS / run
    folder = _copies(artifacts) / run
    if not folder.exists():
        with suppress(Missing):  # a run that begins
            (artifacts / _RUNS / run).store.download("", folder)
            _remember(folder)
    return folder


def ids(artifacts: Place) -> list[str]:
    """Names of the runs that are there, oldest first."""
    if isinstance(artifacts, Path):
        return files.names(artifacts / _RUNS)
    return [found.name for found in (artifacts / _RUNS).iterdir()]


def send(artifacts: Place, run: str, last: str) -> None:
    """Put what changed of a run into its store, the file `last` after all others; nothing to do for a folder."""
    if isinstance(artifacts, Path):
        return
    folder, store = of(artifacts, run), (artifacts / _RUNS / run).store
    sent, now = files.read_json(_record(folder)) if _record(folder).exists() else {}, _state(folder)
    for name in sorted(now, key=lambda name: (name == last, name)):
        if sent.get(name) != now[name]:
            store.put(name, (folder / name).read_bytes())
    for name in set(sent).difference(now):
        store.delete(name)
    _remember(folder)


def drop(artifacts: Place, run: str) -> None:
    """Remove a run with all its files."""
    folder = of(artifacts, run)
    shutil.rmtree(folder, ignore_errors=isinstance(artifacts, Remote))
    if isinstance(artifacts, Remote):
        place.remove(artifacts / _RUNS / run)


@contextmanager
def copied(artifacts: Place) -> Iterator[None]:
    """While the block runs files of runs in a store have copies here; none of before is used, and none stays."""
    if isinstance(artifacts, Path):
        yield
        return
    shutil.rmtree(_copies(artifacts), ignore_errors=True)
    try:
        yield
    finally:
        shutil.rmtree(_copies(artifacts), ignore_errors=True)


def _copies(artifacts: Remote) -> Path:
    """The folder of this machine's copies; only its user may look into it."""
    name = hashlib.sha256(str(artifacts).encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"aifactory-runs-{os.getuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid() or folder.is_symlink():
        raise FactoryError(f"{folder} belongs to somebody else: remove it, then run again")
    return folder


def _remember(folder: Path) -> None:
    files.write(_record(folder), json.dumps(_state(folder)))


def _record(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.{_SENT}")


def _state(folder: Path) -> dict[str, list[int]]:
    """Size and time of each file of a run, by its name below the folder."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): [path.stat().st_size, path.stat().st_mtime_ns] for path in found}
