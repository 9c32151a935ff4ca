"""MLflow's database of the embedded default: made whole or not at all."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
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
        refuse_unfit(path)
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


def refuse_unfit(path: Path) -> None:
    """FactoryError unless `path` is a database that can be read and holds MLflow's tables.

    An emptied one MLflow would fill with new tables, so that all runs and models were gone without a word; for one that
    cannot be read it would try again for two minutes before it says so.
    """
    if not path.is_file() or not os.access(path, os.R_OK):
        raise FactoryError(f"{path} is no file that can be read: see its rights, or move it away to begin anew")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as found:
            tables = found.execute("SELECT count(*) FROM sqlite_master WHERE name = 'experiments'").fetchone()
            what = None if tables[0] else "MLflow's tables are not in it any more"
    except sqlite3.OperationalError:
        return  # held by a writer, or the disk is full: whoever opens it next says so
    except sqlite3.DatabaseError as error:
        what = str(error)
    if what:
        raise FactoryError(f"{path}: {what}; restore it from a backup, or move it away to begin anew")


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
