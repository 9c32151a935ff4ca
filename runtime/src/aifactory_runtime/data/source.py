"""Reads the data source, a CSV file, or says in one line what is wrong with it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from aifactory_runtime.errors import FactoryError, UsageProblem

if TYPE_CHECKING:
    import pandas as pd


def locate(root: Path, source: str) -> Path:
    """The file a data source names, relative to the repo or absolute; FactoryError when it is missing or empty."""
    if "://" in source or not source.endswith(".csv"):
        raise UsageProblem(f"data_source: {source} is not a CSV file; name one, such as data/customers.csv")
    path = root / source
    if not path.is_file():
        raise FactoryError(f"{path} is missing: data_source in factory.yaml says where the data lies")
    if path.stat().st_size == 0:
        raise FactoryError(f"{path} is empty: put the data there, then run again")
    return path


def digest(path: Path) -> str:
    """SHA-256 of the file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read(path: Path) -> pd.DataFrame:
    """The table in the file; FactoryError when it is not a table or has no rows."""
    import pandas as pd

    try:
        frame = pd.read_csv(path)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise FactoryError(f"{path} is not a CSV table in UTF-8 ({reason}): mend the file, then run again") from None
    if frame.empty:
        raise FactoryError(f"{path} has no rows: put the data there, then run again")
    return frame


def sample(frame: pd.DataFrame, rows: int, seed: int) -> pd.DataFrame:
    """`rows` rows drawn by `seed`, in the order of the table; all of them for 0 or when there are not more."""
    if rows == 0 or rows >= len(frame):
        return frame
    return frame.sample(rows, random_state=seed).sort_index().reset_index(drop=True)
