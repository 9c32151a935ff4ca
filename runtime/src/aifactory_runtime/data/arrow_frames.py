"""Frames as Arrow and Arrow as frames: the types that tables are written with, and read back as."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def to_arrow(chunk: Any) -> pa.RecordBatch:
    """A frame as Arrow; what is no number, date or truth value becomes text."""
    import pandas as pd
    import pyarrow as pa

    if isinstance(chunk, pa.RecordBatch):
        return chunk
    made = {}
    for name in chunk.columns:
        series: Any = chunk[name]
        if series.dtype == object or isinstance(series.dtype, pd.CategoricalDtype):
            values = series.to_numpy(dtype=object, na_value=None)
            made[str(name)] = _objects(values)
        else:
            found = pa.array(series, from_pandas=True)
            made[str(name)] = found.cast(pa.string()) if pa.types.is_large_string(found.type) else found
    return pa.RecordBatch.from_pydict(made)


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Arrow as a frame that holds no objects: nulls are NaN, in whole numbers and truth values they are NA."""
    import pandas as pd
    import pyarrow as pa

    made: dict[str, Any] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        values = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
        if column.null_count and pa.types.is_integer(column.type):
            made[name] = _masked(pd.Int64Dtype(), values.cast(pa.int64()))
        elif column.null_count and pa.types.is_boolean(column.type):
            made[name] = _masked(pd.BooleanDtype(), values)
        elif pa.types.is_string(column.type):
            made[name] = values.to_pandas()
        else:
            made[name] = values.to_numpy(zero_copy_only=False)
    frame: pd.DataFrame = pd.DataFrame(made, index=pd.RangeIndex(len(table)), copy=False)
    return frame


def _objects(values: Any) -> pa.Array:
    import pyarrow as pa

    kinds = {type(value) for value in values if value is not None}
    if kinds and kinds <= {bool}:
        return pa.array(values, pa.bool_())
    if kinds and kinds <= {int, float}:
        return pa.array(values, pa.int64() if kinds == {int} else pa.float64())
    return pa.array([None if value is None else str(value) for value in values], pa.string())


def _masked(dtype: Any, values: pa.Array) -> Any:
    return dtype.__from_arrow__(values)
