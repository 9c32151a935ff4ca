"""Which judged rows belong together, so that none of them counts alone: by their time, else by their group."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory_runtime.data import row_hash, split
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Together:
    """The column that says it."""

    column: str
    by_time: bool
    """Whether rows near each other in its order belong together, else those of equal values."""

    def values(self, frames: Iterable[pd.DataFrame]) -> Array:
        """Of frames that hold the column: moments, or equal numbers for equal values; of shape (rows,)."""
        read = (split.moments(frame, self.column) if self.by_time else row_hash.hashes(frame) for frame in frames)
        return np.concatenate(list(read))


def of(context: Context, handoff: Handoff) -> list[Together]:
    """What may say it, first what counts first; nothing where each row counts alone.

    Made-up rows are drawn one by one: none is like its neighbour.
    """
    time, group = context.project.science.time(), context.settings.data.group
    if handoff.made_up:
        return []
    return [
        *([Together(time, by_time=True)] if time is not None else []),
        *([Together(group, by_time=False)] if group is not None else []),
    ]
