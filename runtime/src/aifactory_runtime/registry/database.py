"""MLflow's database of the embedded default: made whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    from sqlalchemy import Engine


def make(path: Path) -> None:
    """Make MLflow's database when it is not there, complete or not at all.

    Its migrations cannot be resumed: killed half way they leave a database that nothing can open any more. On the way
    nothing is forced to disk, because the half-made file is thrown away anyway; the finished one is. Of two that make
    it at once the first one's counts: it may hold runs already.
    """
    if path.exists():
        if not path.is_file() or not os.access(path, os.R_OK):
            # MLflow would try again for two minutes before it says so.
            raise FactoryError(f"{path} is no file that can be read: see its rights, or move it away to begin anew")
        return
    from sqlalchemy import create_engine, event

    path.parent.mkdir(parents=True, exist_ok=True)
    _clear_half_made(path)
    making = path.with_name(f".{path.name}.{os.getpid()}")
    engine = create_engine(f"sqlite:///{making}")
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    try:
        _make_tables(engine)
        engine.dispose()
        with making.open("rb+") as file:
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(making, path)
    finally:
        making.unlink(missing_ok=True)


def _clear_half_made(path: Path) -> None:
    """Remove what killed makers of this database left beside it; one that still runs keeps its own."""
    for left in path.parent.glob(f".{path.name}.*"):
        pid = left.name.removeprefix(f".{path.name}.").partition("-")[0]
        if pid.isdigit() and not Path("/proc", pid).exists():
            left.unlink(missing_ok=True)


def _make_tables(engine: Engine) -> None:
    """MLflow's tables in an empty database; what does that has a private name there, which only this function uses."""
    from mlflow.store.db.utils import _initialize_tables

    _initialize_tables(engine)
