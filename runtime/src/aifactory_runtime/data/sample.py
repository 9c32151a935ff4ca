"""Draws rows of a table by a seed while it is read, holding few more than it draws."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa


def draw(batches: Iterable[pa.RecordBatch], rows: int, seed: int) -> Iterator[pa.RecordBatch]:
    """`rows` rows in the order of the table, the same for the same seed; all of them for 0 or when there are not more.

    Each row gets a number by chance, and the rows of the smallest numbers stay.
    """
    import pyarrow as pa

    if rows == 0:
        yield from batches
        return
    chance = np.random.default_rng(seed)
    held: pa.Table | None = None
    numbers = np.empty(0)
    for batch in batches:
        table = pa.Table.from_batches([batch])
        held = table if held is None else pa.concat_tables([held, table])
        numbers = np.concatenate([numbers, chance.random(batch.num_rows)])
        if len(held) > rows:
            stay = np.sort(np.argpartition(numbers, rows - 1)[:rows])
            held, numbers = held.take(stay).combine_chunks(), numbers[stay]
    if held is not None:
        yield from held.to_batches()
