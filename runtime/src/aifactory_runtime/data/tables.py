"""Delta tables of an environment: written once per content, read back at a version, in the order they were written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

RAW = "raw"
PREPARED = "prepared"
REFERENCE = "reference"
SCORED = "scored"

ROWS = 65_536
"""Rows that are held at a time, if nothing else is said."""

_ORDER = "_row"
"""Keeps the order of rows, which Delta does not promise; the same rows in another order train another model."""
_SHA256 = "sha256"


@dataclass(frozen=True)
class TableVersion:
    """One version of a table, and the digest of its content."""

    version: int
    sha256: str

    @property
    def tag(self) -> str:
        """As tags and audit lines name it."""
        return f"{self.version}@{self.sha256}"


def latest(folder: Path, name: str) -> TableVersion | None:
    """The newest version of a table, None when there is no table."""
    table = _open(folder, name)
    if table is None:
        return None
    return TableVersion(table.version(), str(table.history(1)[0].get(_SHA256, "")))


def write(folder: Path, name: str, frame: pd.DataFrame, sha256: str) -> TableVersion:
    """Replace the table's content by `frame` in one commit; nothing is written when the newest version has `sha256`."""
    import numpy as np
    from deltalake import CommitProperties, write_deltalake

    found = latest(folder, name)
    if found is not None and found.sha256 == sha256:
        return found
    with _one_line(name):
        write_deltalake(
            str(folder / name),
            _to_arrow(frame.assign(**{_ORDER: np.arange(len(frame))})),
            mode="overwrite",
            schema_mode="overwrite",
            commit_properties=CommitProperties(custom_metadata={_SHA256: sha256}),
        )
    return TableVersion(found.version + 1 if found else 0, sha256)


def append(folder: Path, name: str, frame: pd.DataFrame, facts: Mapping[str, str]) -> bool:
    """Add rows in one commit; False, and nothing is written, when a commit with equal facts is there already."""
    from deltalake import CommitProperties, write_deltalake

    table = _open(folder, name)
    if table is not None and any(facts.items() <= commit.items() for commit in table.history()):
        return False
    with _one_line(name):
        write_deltalake(
            str(folder / name),
            _to_arrow(frame),
            mode="append",
            schema_mode="merge",
            commit_properties=CommitProperties(custom_metadata=dict(facts)),
        )
    return True


def read(folder: Path, name: str, version: int | None = None) -> pd.DataFrame:
    """Rows of a version (the newest by default) in the order they were written; FactoryError when it is not there."""
    import pandas as pd

    table = _open(folder, name, version)
    if table is None:
        raise FactoryError(f"table {name} is not there: run the step that writes it")
    with _one_line(name):
        found = table.scan().read_all()
        columns = {column: _from_arrow(found.column(column)) for column in found.column_names}
    order = columns.pop(_ORDER, None)
    frame: pd.DataFrame = pd.DataFrame(columns, copy=False)
    if order is None or bool((order[1:] > order[:-1]).all()):
        return frame
    ordered: pd.DataFrame = frame.iloc[order.argsort()].reset_index(drop=True)
    return ordered


def batches(
    folder: Path,
    name: str,
    version: int | None = None,
    *,
    columns: Sequence[str] | None = None,
    where: tuple[str, object] | None = None,
    rows: int | None = None,
) -> Iterator[pd.DataFrame]:
    """The rows of a version in the order they were written, as frames of `rows` rows at most (ROWS by default).

    `columns` takes only these; `where` only the rows in which a column has a value. FactoryError when the table is not
    there.
    """
    frame = read(folder, name, version)
    if where is not None:
        frame = frame[frame[where[0]] == where[1]]
    if columns is not None:
        frame = frame[list(columns)]
    step = rows or ROWS
    for start in range(0, len(frame), step):
        yield frame.iloc[start : start + step].reset_index(drop=True)


def row_hashes(frame: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """One number a row that depends on its values only: equal for 1, 1.0 and True, for every process and machine."""
    import numpy as np
    from pandas.util import hash_pandas_object

    plain = {
        name: frame[name].astype(np.float64) if frame[name].dtype.kind in "biuf" else frame[name]
        for name in sorted(frame.columns)
    }
    hashed = hash_pandas_object(type(frame)(plain, copy=False), index=False, categorize=False)
    numbers: np.ndarray[Any, np.dtype[np.uint64]] = np.asarray(hashed, dtype=np.uint64)
    return numbers


def content_sha256(frame: pd.DataFrame, *more: object) -> str:
    """Digest of column names, values in their order, and whatever else decides what the content means."""
    total = hashlib.sha256(repr((sorted(frame.columns), *more)).encode())
    total.update(row_hashes(frame).tobytes())
    return total.hexdigest()


def _open(folder: Path, name: str, version: int | None = None) -> Any:
    from deltalake import DeltaTable
    from deltalake.exceptions import TableNotFoundError

    if not (folder / name / "_delta_log").is_dir():
        return None
    with _one_line(name):
        try:
            return DeltaTable(str(folder / name), version=version)
        except TableNotFoundError:
            return None


def _to_arrow(frame: pd.DataFrame) -> Any:
    from arro3.core import Array, DataType, Table

    made: dict[str, Any] = {}
    for name in frame.columns:
        series: Any = frame[name]
        if series.dtype.kind in "biuf" and not hasattr(series.dtype, "na_value"):
            made[str(name)] = Array.from_numpy(series.to_numpy())
            continue
        values = series.to_numpy(dtype=object, na_value=None).tolist()
        kinds = {type(value) for value in values if value is not None}
        if kinds == {bool}:
            made[str(name)] = Array(values, DataType.bool())
        elif kinds == {int}:
            made[str(name)] = Array(values, DataType.int64())
        elif kinds <= {int, float} and kinds:
            made[str(name)] = Array(values, DataType.float64())
        else:
            made[str(name)] = Array([None if value is None else str(value) for value in values], DataType.string())
    return Table.from_pydict(made)


def _from_arrow(column: Any) -> Any:
    import pandas as pd
    from arro3.core import DataType

    if DataType.is_string(column.type) or DataType.is_string_view(column.type) or DataType.is_large_string(column.type):
        return pd.array(column.to_pylist(), dtype="str")
    if column.null_count == 0:
        return column.to_numpy()
    kinds = {"Boolean": "boolean", "Int64": "Int64"}
    kind = next((dtype for text, dtype in kinds.items() if text in str(column.type)), "float64")
    return pd.array(column.to_pylist(), dtype=kind)


@contextmanager
def _one_line(name: str) -> Iterator[None]:
    from deltalake.exceptions import DeltaError

    try:
        yield
    except (DeltaError, OSError) as error:
        first = str(error).strip().partition("\n")[0][:200]
        raise FactoryError(f"table {name}: {first}; check the disk's space and rights, then run again") from None
