"""Gives each row its split by what is in it: no row changes sides as data grows, and equal rows stay together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aifactory_runtime.data import tables
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

SPLIT = "split"
TRAIN = "train"
VALIDATION = "validation"
TEST = "test"
_BITS = 53


def assign(
    frame: pd.DataFrame, target: str, test: float, validation: float, reference: pd.DataFrame | None
) -> pd.DataFrame:
    """`frame` without duplicates and with a column `split`; rows of `reference` are always test.

    The target takes no part in the choice: a row whose label is corrected stays where it is. FactoryError when a split
    would be empty.
    """
    import numpy as np

    if SPLIT in frame.columns:
        raise FactoryError(f"the data has a column {SPLIT}, a name the pipeline needs: rename it")
    rows = frame.drop_duplicates(ignore_index=True)
    hashes = tables.row_hashes(rows.drop(columns=target))
    place = (hashes >> np.uint64(64 - _BITS)).astype(np.float64) / 2.0**_BITS
    chosen = np.where(place < test, TEST, np.where(place < test + validation, VALIDATION, TRAIN)).astype(object)
    if reference is not None:
        chosen[known(hashes, reference, rows, target)] = TEST
    for name in (TRAIN, VALIDATION, TEST):
        if not (chosen == name).any():
            raise FactoryError(f"{len(rows)} rows leave none for {name}: the pipeline needs more data")
    return rows.assign(**{SPLIT: chosen})


def known(
    hashes: np.ndarray[Any, np.dtype[np.uint64]], reference: pd.DataFrame, rows: pd.DataFrame, target: str
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which rows are in the reference table."""
    import numpy as np

    columns = [name for name in rows.columns if name != target]
    missing = [name for name in columns if name not in reference.columns]
    if missing:
        raise FactoryError(
            f"the frozen reference table has no column {missing[0]}: it judges old and new models alike, "
            "so a new schema needs a new use case or a reference made anew by hand"
        )
    return np.isin(hashes, tables.row_hashes(reference[columns]))
