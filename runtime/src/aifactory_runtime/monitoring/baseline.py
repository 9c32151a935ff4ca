"""What a champion's windows are held against: its first 20 windows of traffic or batches, before these training rows.

A baseline of own windows is made once and kept: what changes slowly would else become what is usual.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from aifactory_runtime.monitoring import bins, drift
from aifactory_runtime.monitoring.bins import Bins
from aifactory_runtime.monitoring.drift import Threshold
from aifactory_runtime.monitoring.profile import Profile

TRAFFIC = "own traffic"
BATCHES = "own batches"
TRAINING = "training rows"
"""Not enough for a retraining by itself: training rows know no rhythm of the traffic."""


@dataclass(frozen=True)
class Baseline:
    """Bins and threshold by column."""

    source: str
    """TRAFFIC, BATCHES or TRAINING."""
    kinds: Mapping[str, Bins]
    threshold: Threshold


def of_traffic(columns: Mapping[str, pa.ChunkedArray], size: int) -> Baseline:
    """From rows in order of request, 20 windows of `size` at least; ValueError for fewer."""
    return _own(TRAFFIC, columns, size, whole=False)


def of_batches(columns: Mapping[str, pa.ChunkedArray], size: int) -> Baseline:
    """From rows of batches, window after window, 20 of `size` at least; ValueError for fewer.

    A stretch that ends one batch and begins the next is more like all of them than a batch is, so whole windows count.
    """
    return _own(BATCHES, columns, size, whole=True)


def _own(source: str, columns: Mapping[str, pa.ChunkedArray], size: int, *, whole: bool) -> Baseline:
    kinds = {name: bins.of(column) for name, column in columns.items()}
    places = {name: kinds[name].place(column) for name, column in columns.items()}
    return Baseline(source, kinds, drift.calibrate(kinds, places, size, whole=whole))


def of_training(profile: Profile, size: int) -> Baseline:
    """From the profile that is stored with the model."""
    known = {name: one for name, one in profile.items() if one.rows}
    kinds = {name: one.bins for name, one in known.items()}
    shares = {name: one.shares for name, one in known.items()}
    threshold = drift.expect(kinds, shares, {name: one.rows for name, one in known.items()}, size)
    return Baseline(TRAINING, kinds, threshold)


def to_values(baseline: Baseline) -> dict[str, Any]:
    """A baseline as JSON has it: aggregates only."""
    limit = baseline.threshold
    return {
        "source": baseline.source,
        "size": limit.size,
        "largest": limit.largest,
        "columns": {
            name: {
                "bins": bins.to_values(kind),
                "reference": limit.reference[name].tolist(),
                "usual": limit.usual[name],
                "spread": limit.spread[name],
            }
            for name, kind in baseline.kinds.items()
        },
    }


def from_values(values: Mapping[str, Any]) -> Baseline:
    """What `to_values` made; ValueError for anything else."""
    try:
        columns = values["columns"]
        kinds = {name: bins.from_values(one["bins"]) for name, one in columns.items()}
        reference = {name: np.asarray(one["reference"], dtype=float) for name, one in columns.items()}
        usual = {name: float(one["usual"]) for name, one in columns.items()}
        spread = {name: float(one["spread"]) for name, one in columns.items()}
        limit = Threshold(int(values["size"]), reference, usual, spread, float(values["largest"]))
        return Baseline(str(values["source"]), kinds, limit)
    except (KeyError, TypeError, AttributeError):
        raise ValueError("no baseline of windows") from None
