"""One batch of the table `scored` as a file of its own: CSV or Parquet, by the ending; there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aifactory_runtime.data import arrow_frames, tables
from aifactory_runtime.data.located import Located
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline.score import Scored
from aifactory_runtime.storage.place import Place

if TYPE_CHECKING:
    import pyarrow as pa

ENDINGS = (".csv", ".parquet")
_ID = "prediction_id"


def check_ending(path: Path) -> None:
    """UsageProblem unless the ending says what is to be written, and there is a folder to write it to."""
    if path.suffix.lower() not in ENDINGS:
        raise UsageProblem(f"{path} ends in none of {', '.join(ENDINGS)}: the ending says what is written")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise UsageProblem(f"{path} cannot be written: name a file in a folder that is there")


def check_apart(path: Path, scored: Located) -> None:
    """UsageProblem when `path` is the table that is scored, or would become a part of it."""
    if scored.filesystem is None and path.resolve().is_relative_to(Path(scored.path).resolve()):
        raise UsageProblem(f"{path} is, or belongs to, the table that is scored: write to another place")


def write(folder: Place, batch: Scored, path: Path) -> None:
    """Write the rows of `batch` in the table `scored` to `path`, over what is there.

    FactoryError when the table in `folder` does not hold them all, and when the disk does not take them.
    """
    import pyarrow as pa

    schema, written = tables.columns(folder, tables.SCORED), 0
    with _in_its_place(path) as part, _writer(part, path.suffix.lower(), schema) as writer:
        for frame in tables.batches(folder, tables.SCORED):
            found = arrow_frames.to_arrow(frame[frame[_ID].str.startswith(batch.prefix)])
            if found.num_rows:
                writer.write_table(pa.Table.from_batches([found]).cast(schema))
                written += found.num_rows
        if written != batch.rows:
            raise FactoryError(f"the table {tables.SCORED} holds {written} of the {batch.rows} rows of this batch")


def _writer(part: Path, ending: str, schema: pa.Schema) -> Any:
    if ending == ".csv":
        from pyarrow import csv

        return csv.CSVWriter(str(part), schema)
    from pyarrow import parquet

    return parquet.ParquetWriter(str(part), schema)


@contextmanager
def _in_its_place(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to: it takes the place of `path` when all went well, else it is gone."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        raise FactoryError(
            f"{path} cannot be written ({error.strerror or error}): check its folder and space"
        ) from None
    finally:
        part.unlink(missing_ok=True)
