"""What the gate found of a model on its test rows: what its figures on labelled traffic are held against.

It is no part of the model, whose bytes are judged by it. It travels as a tag of the registered version; the release
that puts the model to service leaves it where monitors look.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from aifactory_runtime import files
from aifactory_runtime.gate.metrics import Metric
from aifactory_runtime.registry import model_folder
from aifactory_runtime.storage import place as places
from aifactory_runtime.storage.place import Place

if TYPE_CHECKING:
    from aifactory_runtime.gate.cuts import Cut
    from aifactory_runtime.gate.spread import Measured
    from aifactory_runtime.monitoring.calibration import Calibration

FILE = "expected.json"
_POSITIVE = "positive"
_METRICS: Mapping[str, Metric] = {name: name for name in get_args(Metric)}
_MODELS = "models"
FOLDER = "monitoring"
"""Of the folder of artefacts, the part that is the monitors'."""


@dataclass(frozen=True)
class Sliced:
    """The slices of a column, and the figure of each by its number; None where rows were too few or told nothing."""

    cut: Cut
    figures: tuple[Measured | None, ...]


@dataclass(frozen=True)
class Expected:
    """A model on the test rows."""

    metric: Metric
    """The gate's."""
    positive: Any
    """The class that f1 is of; None for the second."""
    whole: Measured | None
    slices: tuple[Sliced, ...] = ()
    calibration: Calibration | None = None
    kpi: Measured | None = None
    """The mean of what `kpi.py` says of a row; None without one."""
    groups: tuple[Cut, ...] = ()
    """The groups of people by protected column, of which the gate judged differences."""


def encode(expected: Expected) -> str:
    """As a tag and a file have it."""
    values = {
        "metric": expected.metric,
        "positive": expected.positive,
        "whole": _numbers(expected.whole),
        "slices": [
            {**asdict(one.cut), "figures": [_numbers(figure) for figure in one.figures]} for one in expected.slices
        ],
        "calibration": None if expected.calibration is None else asdict(expected.calibration),
        "calibrated": _POSITIVE,
        "kpi": _numbers(expected.kpi),
        "groups": [asdict(one) for one in expected.groups],
    }
    return json.dumps(values, separators=(",", ":"), allow_nan=False)


def decode(text: bytes | str, classes: Sequence[Any] = ()) -> Expected:
    """What `encode` made of a model with these classes; ValueError for anything else."""
    values = files.parse_json(text)
    try:
        return Expected(
            metric=_METRICS[values["metric"]],
            positive=values["positive"],
            whole=_measured(values["whole"]),
            slices=tuple(_sliced(one) for one in values["slices"]),
            calibration=_calibration(values, classes),
            kpi=_measured(values["kpi"]),
            groups=tuple(_cut(one) for one in values.get("groups", ())),
        )
    except (KeyError, TypeError, AttributeError):
        raise ValueError("no figures of a gate") from None


def folder(monitoring: Path, sha256: str) -> Path:
    """Where monitors keep what they know of a model."""
    return monitoring / _MODELS / sha256


def keep(monitoring: Place, sha256: str, text: str) -> None:
    """Leave the figures of a model where monitors look."""
    places.write(monitoring / _MODELS / sha256 / FILE, text)


def remember(monitoring: Place, sha256: str, model: Path) -> None:
    """Have the input schema of the model in `model` where monitors look: where no service is, a batch leaves it."""
    place = monitoring / _MODELS / sha256 / model_folder.SCHEMA
    if not place.exists():
        places.write(place, (model / model_folder.SCHEMA).read_bytes())


def _numbers(one: Measured | None) -> list[float] | None:
    return None if one is None else [one.rows, one.value, one.error]


def _measured(values: Sequence[float] | None) -> Measured | None:
    from aifactory_runtime.gate.spread import Measured

    return None if values is None else Measured(float(values[1]), int(values[0]), float(values[2]))


def _calibration(values: Mapping[str, Any], classes: Sequence[Any]) -> Calibration | None:
    """One that does not say whose it is was of the second of two classes, whichever was the positive one."""
    from aifactory_runtime.monitoring import calibration

    if values["calibration"] is None:
        return None
    found = calibration.Calibration(**{key: tuple(each) for key, each in values["calibration"].items()})
    of_second = "calibrated" not in values and len(classes) == 2  # noqa: PLR2004
    return calibration.of_other_class(found) if of_second and values["positive"] == classes[0] else found


def _cut(values: Mapping[str, Any]) -> Cut:
    from aifactory_runtime.gate.cuts import Bins, Levels

    column, named = str(values["column"]), values.get("values")
    if named is not None:
        return Levels(column, tuple(map(str, named)))
    return Bins(column, tuple(map(float, values["edges"])), bool(values["dates"]))


def _sliced(values: Mapping[str, Any]) -> Sliced:
    made = _cut(values)
    if len(made.names) != len(values["figures"]):
        raise ValueError("no figures of a gate")
    return Sliced(made, tuple(_measured(one) for one in values["figures"]))
