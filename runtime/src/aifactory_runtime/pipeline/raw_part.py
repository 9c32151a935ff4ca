"""One part of the data source, on whichever worker: its rows are read and written to a file aside, as they are."""

from __future__ import annotations

from aifactory_runtime.data import ahead, parts, table_errors, tables
from aifactory_runtime.data.notes import Notes
from aifactory_runtime.data.pieces import Reader
from aifactory_runtime.pipeline.filling import Done, Part


def write(reader: Reader, part: Part) -> Done:
    """Write the rows of a part; FactoryError for cells that are not what schema.py declares, and for a full disk."""
    notes = Notes()
    read = (batch for piece in part.pieces for batch in reader.batches(piece, notes))
    with table_errors.one_line(tables.RAW):
        written = part.file.write(ahead.ahead(parts.gathered(read)))
    return Done(written, notes)
