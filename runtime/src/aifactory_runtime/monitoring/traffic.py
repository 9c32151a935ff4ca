"""All monitors of one window of predictions; one that fails says so, and the others go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.monitoring import columns, data_rules, drift_rules
from aifactory_runtime.monitoring.baseline import Baseline
from aifactory_runtime.monitoring.columns import PREDICTION
from aifactory_runtime.monitoring.profile import Profile
from aifactory_runtime.monitoring.result import FAILED, Area, Result
from aifactory_runtime.monitoring.windows import Prediction, Window, redacted
from aifactory_runtime.registry.model_folder import InputSchema

LEFT_OUT = "left_out"
"""Predictions of another champion before the window's end that are in no window; shown."""
_NO_BASELINE = "neither 20 windows of its own nor a profile of the training rows: train the model again"
_NO_PROFILE = "the model has no profile of its training rows: train it again"


@dataclass(frozen=True)
class Known:
    """What a window is held against."""

    schema: InputSchema
    profile: Profile | None
    training: Baseline | None
    """Of the training rows; None for a model from before there were profiles."""
    traffic: Baseline | None
    """Of own traffic or batches; None before there is enough."""


def results(window: Window, known: Known, before: Sequence[Mapping[str, Any]]) -> list[Result]:
    """Every monitor of predictions; `before` are the rows of the window before, if it is the same champion's."""
    inputs = [each.inputs for each in window.predictions]
    hidden = redacted(window.predictions)
    seen = read(window.predictions, known.schema)
    named = [column.name for column in known.schema.columns]

    def of_columns() -> list[Result]:
        profile = known.profile or {}
        return [each for name in named for each in data_rules.of_column(name, seen.get(name), profile.get(name))]

    found = [Result("data", LEFT_OUT, value=float(window.left_out))]
    found += guarded("data", data_rules.SCHEMA, lambda: [data_rules.schema(inputs, known.schema, hidden)])
    found += guarded("data", data_rules.MISSING, of_columns)
    found += guarded("data", drift_rules.DRIFT, lambda: _drifts(known, seen, before, named))
    found += guarded("data", drift_rules.SKEW, lambda: _skews(known, seen, before, named))
    return found


def read(predictions: Sequence[Prediction], schema: InputSchema) -> dict[str, pa.ChunkedArray]:
    """Inputs and answers of some predictions as columns, without those that are not recorded as they came."""
    found, hidden = columns.of_inputs([each.inputs for each in predictions], schema), redacted(predictions)
    shown = {name: column for name, column in found.items() if name not in hidden}
    return shown | {PREDICTION: columns.of_outputs([each.output for each in predictions], schema.classes)}


def guarded(area: Area, monitor: str, look: Callable[[], list[Result]]) -> list[Result]:
    """What `look` finds; a failure becomes a result of that monitor. Only our own words are repeated: no values."""
    try:
        return look()
    except FactoryError as error:
        return [Result(area, monitor, state=FAILED, reason=str(error))]
    except Exception as error:  # a monitor must never be silent because it failed
        return [Result(area, monitor, state=FAILED, reason=f"unexpected {type(error).__name__}")]


def _drifts(
    known: Known, seen: Mapping[str, pa.ChunkedArray], before: Sequence[Mapping[str, Any]], named: Sequence[str]
) -> list[Result]:
    held = known.traffic or known.training
    watched = [*named, PREDICTION]
    if held is None:
        monitors = {name: drift_rules.PREDICTION_DRIFT if name == PREDICTION else drift_rules.DRIFT for name in watched}
        return [one for name, each in monitors.items() for one in drift_rules.nothing(each, [name], _NO_BASELINE)]
    over = drift_rules.over(before, drift_rules.DRIFT) | drift_rules.over(before, drift_rules.PREDICTION_DRIFT)
    return drift_rules.drifts(held, seen, over)


def _skews(
    known: Known, seen: Mapping[str, pa.ChunkedArray], before: Sequence[Mapping[str, Any]], named: Sequence[str]
) -> list[Result]:
    if known.training is None:
        return drift_rules.nothing(drift_rules.SKEW, named, _NO_PROFILE)
    inputs = {name: column for name, column in seen.items() if name != PREDICTION}
    return drift_rules.skews(known.training, inputs, drift_rules.over(before, drift_rules.SKEW))
