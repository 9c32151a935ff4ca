"""The baseline of a champion's own windows: made once 20 of them were looked at, from their rows where these are."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.monitoring import baseline, batches, drift, drift_rules, store, traffic, windows
from aifactory_runtime.monitoring.baseline import Baseline
from aifactory_runtime.monitoring.models import Model
from aifactory_runtime.monitoring.windows import Prediction, Window

_LOOKED_BACK = min(store.APART, 3 * drift.LEAST_WINDOWS)
"""Among so many windows a champion needs enough of its own."""


def of(contract: EnvironmentContract, model: Model, window: Window, source: str, size: int) -> Baseline | None:
    """That of the windows of this kind, of `size` rows, before `window`; None before there are enough of them."""
    if (known := model.baseline(source, size)) is not None:
        return known
    data = Path(contract.data_uri)
    firsts = store.firsts(data, source, window.sha256, _LOOKED_BACK)[-drift.LEAST_WINDOWS :]
    if len(firsts) < drift.LEAST_WINDOWS:
        return None
    own = (
        each
        for each in _read(contract, source, firsts[0] - 1, size)
        if each.sha256 == window.sha256 and each.role == windows.CHAMPION and each.sequence < window.first
    )
    rows = list(itertools.islice(own, drift.LEAST_WINDOWS * size))
    if len(rows) < drift.LEAST_WINDOWS * size:
        return None  # some of them were removed since: training rows go on
    seen = drift_rules.comparable(traffic.read(rows, model.schema))
    made = baseline.of_batches(seen, size) if source == store.BATCHES else baseline.of_traffic(seen, size)
    model.keep(source, made)
    return made


def _read(contract: EnvironmentContract, source: str, after: int, size: int) -> Iterator[Prediction]:
    data = Path(contract.data_uri)
    if source == store.BATCHES:
        return batches.read(data, after, size)
    return windows.read(Path(contract.capture_uri), data, after)
