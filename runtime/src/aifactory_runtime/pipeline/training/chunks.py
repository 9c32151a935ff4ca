"""Lists the chunks of files that hold the rows of a split; each is read on its own, by this process or another one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aifactory_runtime.data import split, tables
from aifactory_runtime.data.parts import Stored
from aifactory_runtime.data.tables import PREPARED
from aifactory_runtime.storage.place import Place

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Chunk:
    """One chunk of the prepared table, of whose rows those of a split count."""

    folder: Place
    version: int
    split: str
    file: Stored
    first: int
    """How many rows of the split come before it."""
    rows: int

    def read(self) -> pd.DataFrame:
        """Its rows of the split, in order; FactoryError when the file is damaged or gone."""
        import pandas as pd

        found = tables.batches(
            self.folder,
            PREPARED,
            self.version,
            where=(split.SPLIT, self.split),
            rows=max(self.file.rows, 1),
            files=[self.file],
        )
        return pd.concat(list(found), ignore_index=True)


def of(folder: Place, version: int, name: str) -> list[Chunk]:
    """The chunks of the split `name` of the prepared table, in the order of their rows, none without rows.

    Only the ends of files are read, as `prepare` writes a file for each split. FactoryError when the table is not
    there.
    """
    found: list[Chunk] = []
    first = 0
    for file, rows in tables.chunked(folder, PREPARED, version):
        if file.only.get(split.SPLIT) != name:
            continue
        for number, count in enumerate(rows):
            if count:
                one = replace(file, chunks=range(number, number + 1))
                found.append(Chunk(folder, version, name, one, first, count))
            first += count
    return found
