"""Figures by labels: each label in one window, held against the gate, an alarm after two, and no data said as such."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from aifactory_runtime.config.project import Science
from aifactory_runtime.config.settings import FairnessSettings, GateSettings
from aifactory_runtime.contract.kpi import Kpi
from aifactory_runtime.contract.manifest import Labels
from aifactory_runtime.contract.recording import CaptureColumns
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.gate import spread
from aifactory_runtime.gate.chance import Answers
from aifactory_runtime.gate.cuts import Levels
from aifactory_runtime.monitoring import calibration, expected, labelled, store
from aifactory_runtime.monitoring.expected import Expected, Sliced
from tests.unit.runtime.monitoring.watched import LABEL_ROWS, SHA256, Row, Watched, answer, rows

pytestmark = pytest.mark.slow  # tables of Delta, a window a commit
Truth = Callable[[Row, np.random.Generator], int]


def honest(row: Row, draw: np.random.Generator) -> int:
    """What comes true as often as the model says."""
    return int(draw.random() < answer(row)["probabilities"][1])


def by_chance(row: Row, draw: np.random.Generator) -> int:
    """What the model knows nothing of."""
    del row
    return int(draw.random() < 0.5)


def changed_in_the_west(row: Row, draw: np.random.Generator) -> int:
    """As the model says, but for one slice, where the contrary comes true."""
    return 1 - honest(row, draw) if row["region"] == "west" else honest(row, draw)


def truth(inputs: Sequence[Row], what: Truth, seed: int) -> list[int]:
    draw = np.random.default_rng(seed)
    return [what(row, draw) for row in inputs]


def gate(kpi: float | None = None) -> Expected:
    """What the gate would have found on 2,000 test rows."""
    inputs = rows(99, 2_000)
    labels = np.array(truth(inputs, honest, 99))
    shares = np.array([answer(row)["probabilities"] for row in inputs])
    said = Answers(shares.argmax(axis=1), shares, (0, 1))
    cut = Levels("region", ("east", "north", "west"))
    places = np.array([cut.values.index(row["region"]) for row in inputs])
    chosen = [np.flatnonzero(places == number) for number in range(3)]
    figures = tuple(spread.of("roc_auc", labels[part], said.of(part)) for part in chosen)
    return Expected(
        "roc_auc",
        None,
        spread.of("roc_auc", labels, said),
        (Sliced(cut, (*figures, None, None)),),
        calibration.of(labels, said),
        None if kpi is None else spread.Measured(kpi, 2_000, 0.01),
    )


class Labelling(Watched):
    """An environment whose champion the gate has judged, and whose predictions get labels."""

    def __init__(self, folder: Path, known: Expected | None = None) -> None:
        super().__init__(folder, size=1_000_000)  # no windows of traffic
        if known is not None:
            expected.keep(folder / "artifact" / expected.FOLDER, SHA256, expected.encode(known))

    def live(self, seed: int, what: Truth = honest, count: int = LABEL_ROWS, **more: Any) -> list[str]:
        """Predictions, each labelled as it comes true."""
        inputs = rows(seed, count)
        ids = self.predict(inputs, **more)
        self.label(ids, truth(inputs, what, seed))
        return ids

    def labelled(self) -> list[str]:
        return self.windows(store.LABELS)


def test_given_labels_as_the_gate_found_them_when_looked_at_then_each_window_is_ok_and_each_label_in_one(
    tmp_path: Path,
) -> None:
    watched = Labelling(tmp_path, gate())
    watched.look()
    assert [watched.state(name) for name in ("labels", "figures", "calibration", "kpi")] == ["no labels"] * 4
    watched.live(1, count=3 * LABEL_ROWS + 20)
    assert watched.look().failures == []

    assert watched.labelled() == ["labels 1", "labels 2", "labels 3"]
    assert {row["subject"] for row in watched.rows(monitor="figures", source="labels")} == {
        "",
        *(f"region = {name}" for name in ("east", "north", "west")),
    }
    assert {row["state"] for row in watched.rows(monitor="figures", source="labels")} == {"ok"}
    assert watched.state("calibration") == "ok" and watched.open() == {}
    assert [row["rows"] for row in watched.rows(monitor="figures", subject="", source="labels")] == [LABEL_ROWS] * 3
    watched.live(2, count=LABEL_ROWS - 21)
    watched.look()
    assert len(watched.labelled()) == 3, "one label is missing"
    watched.live(3, count=1)
    watched.look()
    assert len(watched.labelled()) == 4, "those that were left over count in the next one"


def test_given_a_model_that_is_worse_in_two_windows_when_looked_at_then_one_problem_that_closes_by_itself(
    tmp_path: Path,
) -> None:
    watched = Labelling(tmp_path, gate())
    watched.live(1, by_chance)
    watched.look()
    assert watched.open() == {} and "one window so far" in watched.rows(monitor="figures", subject="")[-1]["reason"]
    watched.live(2, by_chance)
    watched.look()
    found = watched.open()["model_worse"]
    assert (found.kind, found.facts["owner"], found.facts["window"]) == ("model_worse", "mia", "labels 2")
    assert not any(key.startswith("model_worse:") for key in watched.open()), "one problem, not one a slice"
    assert "as all rows are" in watched.rows(monitor="figures", subject="region = east")[-1]["reason"]
    assert "roc_auc is" in str(found.facts["reason"]) and watched.open()["miscalibrated"].count == 1
    watched.live(3, by_chance)
    watched.look()
    watched.now += timedelta(hours=2)
    watched.look()
    assert watched.open()["model_worse"].count == 2, "once a window"
    watched.live(4)
    watched.look()
    assert not {"model_worse", "miscalibrated"} & watched.open().keys()


def test_given_one_slice_that_changed_when_looked_at_then_that_slice_is_named(tmp_path: Path) -> None:
    watched = Labelling(tmp_path, gate())
    watched.live(1, changed_in_the_west, count=2 * LABEL_ROWS)
    watched.look()
    found = {key for key in watched.open() if key.startswith("model_worse")}
    assert "model_worse:region = west" in found and "model_worse:region = east" not in found


def test_given_labels_that_wait_when_looked_at_then_none_counts_before(tmp_path: Path) -> None:
    watched = Labelling(tmp_path, gate())
    watched.labels = Labels(wait=3_600.0)
    watched.live(1)
    watched.look()
    assert watched.labelled() == [] and "a window takes 300" in watched.rows(monitor="figures")[-1]["reason"]
    watched.now += timedelta(hours=2)
    watched.look()
    assert watched.labelled() == ["labels 1"]


def test_given_labels_that_are_doubled_or_late_when_looked_at_then_they_count_nowhere_and_are_said(
    tmp_path: Path,
) -> None:
    watched = Labelling(tmp_path, gate())
    unlabelled = watched.predict(rows(5, 30))
    ids = watched.live(1)
    watched.look()
    watched.label(ids, [0] * LABEL_ROWS)  # again, and otherwise
    watched.label(unlabelled, [1] * 30)
    watched.look()
    assert watched.labelled() == ["labels 1"]
    watched.live(2)
    watched.look()
    assert watched.labelled() == ["labels 1", "labels 2"]
    assert [row["value"] for row in watched.rows(monitor="late_labels")] == [0, 30 + LABEL_ROWS - 1]
    assert watched.state("figures") == "ok"


def test_given_predictions_of_others_when_looked_at_then_only_the_champions_labels_make_windows(tmp_path: Path) -> None:
    watched = Labelling(tmp_path, gate())
    watched.live(1, by_chance, role="challenger")
    watched.live(2, by_chance, sha256="e" * 64)
    watched.look()
    assert watched.labelled() == []
    watched.live(3)
    watched.look()
    assert watched.labelled() == ["labels 1"] and watched.state("figures") == "ok"


def test_given_a_model_of_before_when_looked_at_then_its_figure_is_shown_and_nothing_is_decided(tmp_path: Path) -> None:
    watched = Labelling(tmp_path)
    watched.live(1, by_chance, count=2 * LABEL_ROWS)
    watched.look()
    last = watched.rows(monitor="figures", source="labels")[-1]
    assert last["state"] == "no data" and "train it again" in last["reason"] and 0.3 < last["value"] < 0.7
    assert watched.open() == {}


def test_given_a_column_that_is_not_recorded_when_looked_at_then_its_slices_have_no_data(tmp_path: Path) -> None:
    watched = Labelling(tmp_path, gate())
    inputs = [row | {"region": "2f3a"} for row in rows(1, LABEL_ROWS)]
    watched.label(watched.predict(inputs, redacted={"region": "hash"}), truth(inputs, honest, 1))
    assert watched.look().failures == []
    assert (watched.state("figures"), watched.state("figures", "region")) == ("ok", "no data")


@pytest.mark.parametrize("direction", ["up", "down"])
def test_given_a_kpi_that_labels_bring_when_it_becomes_worse_than_in_the_first_windows_then_it_is_a_problem(
    tmp_path: Path, direction: Any
) -> None:
    watched = Labelling(tmp_path, gate())
    watched.kpi = Kpi(name="profit", direction=direction, margin=0.5, field="profit")
    draw, sign = np.random.default_rng(4), 1 if direction == "up" else -1

    def earn(seed: int, mean: float, windows: int = 1) -> None:
        inputs = rows(seed, windows * LABEL_ROWS)
        profits = draw.normal(sign * mean, 2, len(inputs)).tolist()
        watched.label(watched.predict(inputs), truth(inputs, honest, seed), profits)
        watched.look()

    earn(1, 10, windows=3)
    assert {row["state"] for row in watched.rows(monitor="kpi", subject="profit")} == {"no data"}
    earn(2, 9.8, windows=2)
    assert watched.state("kpi", "profit") == "ok", "within the margin"
    earn(3, 8, windows=2)
    assert watched.open()["kpi_worse:profit"].facts["owner"] == "mia"
    earn(4, 10)
    assert watched.open() == {}


def test_given_a_kpi_of_the_repo_when_looked_at_then_it_is_held_against_the_gate_and_one_that_fails_is_said(
    tmp_path: Path,
) -> None:
    def hits(row: Row, output: dict[str, Any], label: int) -> float:
        assert row["region"] and output["probabilities"]
        return float(output["prediction"] == label)

    watched = Labelling(tmp_path, gate(kpi=0.95))
    watched.kpi = Kpi(name="hits")
    watched.science = SimpleNamespace(kpi=lambda: hits)
    watched.live(1, count=2 * LABEL_ROWS)
    watched.look()
    assert "hits is 0.7" in str(watched.open()["kpi_worse:hits"].facts["reason"])

    def broken(*_: Any) -> float:
        raise FactoryError("src/demo_case/kpi.py fails on a row with KeyError: mend it")

    watched.science = SimpleNamespace(kpi=lambda: broken)
    watched.live(2)
    assert watched.look().failures == ["labels: src/demo_case/kpi.py fails on a row with KeyError: mend it"]
    watched.science = SimpleNamespace(kpi=lambda: hits)
    watched.look()
    assert watched.labelled() == ["labels 1", "labels 2", "labels 3"], "no window is lost"


def test_given_a_kpi_without_a_file_or_one_that_fails_when_asked_for_then_it_is_said_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "kpi_case"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UsageProblem, match=r"src/kpi_case/kpi\.py is not there"):
        Science("kpi_case").kpi()
    (package / "kpi.py").write_text("def kpi(row, output, label):\n    return row['secret'] * label\n")
    says = Science("kpi_case").kpi()
    assert says({"secret": 2}, {}, 3) == 6.0
    with pytest.raises(FactoryError, match="fails on a row with KeyError: mend it"):
        says({}, {}, 1)


def test_given_labels_of_no_due_prediction_when_read_then_nothing_is(tmp_path: Path) -> None:
    watched = Labelling(tmp_path)
    watched.live(1, count=3)
    wanted = labelled.Wanted(SHA256, SimpleNamespace(classes=(0, 1), columns=()))  # type: ignore[arg-type]
    after = labelled.Point(time=watched.now.isoformat(timespec="milliseconds"), id="z")
    assert labelled.read(watched.contract, Labels(wait=60), wanted, after, watched.now) is None
    found = labelled.read(watched.contract, Labels(), wanted, labelled.Point(), watched.now)
    assert found is not None and list(found.places) == sorted(found.places) and len(found.places) == 3


def protecting(folder: Path, *columns: str, limit: float | None = 0.3, known: Expected | None = None) -> Labelling:
    """An environment whose gate has judged differences in accuracy between groups."""
    watched = Labelling(folder, known or replace(gate(), groups=(Levels("region", ("east", "north", "west")),)))
    watched.gate = GateSettings(fairness=FairnessSettings(columns=columns, metric="accuracy", limit=limit))
    return watched


def test_given_groups_that_are_answered_unlike_in_two_windows_when_looked_at_then_the_owner_of_the_model_is_called(
    tmp_path: Path,
) -> None:
    watched = protecting(tmp_path, "region")
    watched.look()
    assert watched.state("fairness") == "no labels"
    watched.live(1)
    watched.look()
    honest_difference = watched.rows(monitor="fairness", subject="region")[-1]
    assert (honest_difference["state"], honest_difference["threshold"]) == ("ok", 0.3)
    watched.live(2, changed_in_the_west)
    watched.look()
    assert "unfair:region" not in watched.open()
    watched.live(3, changed_in_the_west)
    watched.look()

    found = watched.open()["unfair:region"]
    assert (found.kind, found.facts["owner"]) == ("unfair", "mia")
    assert "accuracy differs by" in str(found.facts["reason"]) and "region = west" in str(found.facts["reason"])
    assert "in two windows running" in str(found.facts["reason"])
    watched.live(4)
    watched.look()
    assert "unfair:region" not in watched.open()


def test_given_a_limit_of_none_when_groups_are_answered_unlike_then_it_is_shown_and_nobody_is_called(
    tmp_path: Path,
) -> None:
    watched = protecting(tmp_path, "region", limit=None)
    for seed in (1, 2):
        watched.live(seed, changed_in_the_west)
        watched.look()
    shown = watched.rows(monitor="fairness", subject="region")[-1]
    assert shown["state"] == "ok" and shown["value"] > 0.3 and "unfair:region" not in watched.open()


@pytest.mark.parametrize(
    ("column", "capture", "said"),
    [
        ("region", {"region": "drop"}, "capture_columns drops the column"),
        ("region", {"region": "hash"}, "capture_columns records a hash"),
        ("sex", {}, "no request has the column"),
        ("member", {}, "judged before its groups were kept"),
    ],
)
def test_given_groups_that_no_prediction_tells_when_looked_at_then_it_says_why(
    tmp_path: Path, column: str, capture: CaptureColumns, said: str
) -> None:
    watched = protecting(tmp_path, column)
    watched.contract = watched.contract.model_copy(update={"capture_columns": capture})
    more: dict[str, Any] = {"redacted": capture} if capture else {}
    watched.live(1, **more)
    watched.look()
    row = watched.rows(monitor="fairness", subject=column)[-1]
    assert row["state"] == "no data" and said in row["reason"]


def test_given_no_protected_column_when_looked_at_then_it_says_that_nothing_is_checked(tmp_path: Path) -> None:
    watched = Labelling(tmp_path, gate())
    watched.live(1)
    watched.look()
    row = watched.rows(monitor="fairness")[-1]
    assert row["state"] == "no data" and "gate.fairness.columns" in row["reason"]
