"""What the gate found, as a tag and a file have it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aifactory_runtime.gate.cuts import Bins, Levels
from aifactory_runtime.gate.spread import Measured
from aifactory_runtime.monitoring import expected
from aifactory_runtime.monitoring.calibration import Calibration
from aifactory_runtime.monitoring.expected import Expected, Sliced

WHOLE = Expected(
    "f1",
    "yes",
    Measured(0.75, 400, 0.02),
    (
        Sliced(Levels("region", ("east",)), (Measured(0.7, 40, 0.1), None, None)),
        Sliced(Bins("age", (30.0, 50.5)), (None, Measured(0.8, 90, 0.05), None, None)),
    ),
    Calibration((3, 4), (0.1, -0.2), (0.01, 0.02)),
    Measured(12.5, 400, 3.0),
)
LEAST = Expected("rmse", None, None)


@pytest.mark.parametrize("made", [WHOLE, LEAST])
def test_given_what_was_found_when_kept_then_it_is_read_again_as_it_was(tmp_path: Path, made: Expected) -> None:
    expected.keep(tmp_path, "a" * 64, expected.encode(made))
    assert expected.decode((expected.folder(tmp_path, "a" * 64) / expected.FILE).read_bytes()) == made


@pytest.mark.parametrize("damage", [lambda _: {}, lambda v: v | {"slices": [{"column": "age"}]}, lambda _: []])
def test_given_anything_else_when_read_then_it_is_said(damage: object) -> None:
    values = json.loads(expected.encode(WHOLE))
    with pytest.raises(ValueError, match=r"no figures of a gate|no JSON object"):
        expected.decode(json.dumps(damage(values)))  # type: ignore[operator]


def test_given_fewer_figures_than_slices_when_read_then_it_is_said() -> None:
    values = json.loads(expected.encode(WHOLE))
    values["slices"][0]["figures"].pop()
    with pytest.raises(ValueError, match="no figures of a gate"):
        expected.decode(json.dumps(values))


def test_given_a_calibration_of_the_second_class_from_before_when_the_first_is_positive_then_it_is_turned_round() -> (
    None
):
    values = json.loads(expected.encode(WHOLE))
    assert expected.decode(json.dumps(values), ("yes", "no")) == WHOLE
    del values["calibrated"]
    turned = expected.decode(json.dumps(values), ("yes", "no")).calibration
    assert turned == Calibration((4, 3), (0.2, -0.1), (0.02, 0.01))
    assert expected.decode(json.dumps(values), ("no", "yes")) == WHOLE
    assert expected.decode(json.dumps(values), ("yes", "no", "maybe")) == WHOLE
