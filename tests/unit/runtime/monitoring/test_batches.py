"""Monitors of a use case that only scores batches: windows of its rows, a large batch one, small ones together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from aifactory_runtime.data import table_writing, tables, upkeep
from aifactory_runtime.events import record
from aifactory_runtime.labels.rules import stamp
from aifactory_runtime.monitoring import store
from tests.unit.runtime.monitoring.watched import SHA256, SIZE, Row, Watched, answer, older, rows

pytestmark = pytest.mark.slow  # tables of Delta


class Batches(Watched):
    """An environment without a service, whose champion scores tables."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.contract = self.contract.model_copy(update={"scoring": "batch"})

    def score(self, inputs: Sequence[Row]) -> None:
        """A batch of these rows."""
        self.predicted += 1
        frame = pd.DataFrame(list(inputs)).astype({"income": float, "since": "datetime64[us]"})
        said = [answer(row) for row in inputs]
        scored = frame.assign(
            prediction=[one["prediction"] for one in said],
            probability_0=[one["probabilities"][0] for one in said],
            probability_1=[one["probabilities"][1] for one in said],
            prediction_id=[f"{self.predicted:016x}{number:016x}" for number in range(len(frame))],
            scored_at=stamp(self.now),
            model_version=3,
            model_sha256=SHA256,
        )
        table_writing.append(self.data, tables.SCORED, [scored], {"batch": str(self.predicted)})

    def seen(self) -> list[dict[str, Any]]:
        """One row a window."""
        return self.rows(monitor="batch_rows")


def test_given_batches_when_looked_at_then_a_large_one_is_a_window_and_small_ones_fill_one(tmp_path: Path) -> None:
    watched = Batches(tmp_path)
    watched.score(rows(1, 20 * SIZE + 7))
    assert watched.look().failures == []
    assert [(row["window"], row["rows"]) for row in watched.seen()] == [("batches 1", SIZE)]
    assert '"last":1981' in watched.seen()[0]["facts"], "spread over the whole batch"
    assert {row["state"] for row in watched.rows(source="batches")} == {"ok"} and watched.open() == {}

    for number in range(3):
        watched.score(rows(2 + number, SIZE // 2))
        watched.look()
    assert [row["rows"] for row in watched.seen()] == [SIZE, SIZE]
    watched.look()
    assert len(watched.seen()) == 2, "each once"


def test_given_batches_that_are_unlike_training_when_looked_at_then_problems_open_and_close_by_themselves(
    tmp_path: Path,
) -> None:
    watched = Batches(tmp_path)
    for number in range(2):
        watched.score([row | {"income": None} for row in rows(number, SIZE, older)])
    watched.look()
    found = watched.open()
    assert found["drift:age"].facts["retrains"] is False and found["missing_values:income"].facts["owner"] == "dana"
    watched.score(rows(5, SIZE))
    watched.look()
    assert watched.open() == {}


def test_given_20_batches_of_the_champion_when_looked_at_then_these_are_the_baseline_and_a_drift_may_retrain(
    tmp_path: Path,
) -> None:
    watched = Batches(tmp_path)
    for number in range(20):
        watched.score(rows(number, SIZE + 50, older))
    watched.look()
    last = watched.rows(monitor="drift", subject="age")[-1]
    assert (last["window"], last["state"]) == ("batches 20", "alarm") and '"source":"training rows"' in last["facts"]
    assert watched.open()["drift:age"].facts["retrains"] is False, "training rows know no rhythm of the batches"
    for number in (20, 21):
        watched.score(rows(number, SIZE, older))
    watched.look()
    last = watched.rows(monitor="drift", subject="age")[-1]
    assert (last["window"], last["state"]) == ("batches 22", "ok") and '"source":"own batches"' in last["facts"]
    assert watched.state("skew", "age") == "alarm", "and still not what the model learned from"
    assert len(list(watched.folder.rglob("baseline-batches-*.json"))) == 1

    for number in (22, 23):
        watched.score(rows(number, SIZE))
    watched.look()
    assert watched.open()["drift:age"].facts["retrains"] is True


def test_given_batches_that_were_all_removed_when_new_ones_come_then_these_are_looked_at(tmp_path: Path) -> None:
    watched = Batches(tmp_path)
    watched.score(rows(1, SIZE))
    watched.look()
    paths = [file.path for file in upkeep.files(watched.data, tables.SCORED, "prediction_id")]
    upkeep.remove_files(watched.data, tables.SCORED, paths)
    watched.look()
    watched.score(rows(2, SIZE - 1))
    watched.score(rows(3, 1))
    watched.look()
    assert len(watched.seen()) == 2


def test_given_a_service_beside_batches_when_looked_at_then_its_traffic_is_watched_alone(tmp_path: Path) -> None:
    watched = Batches(tmp_path)
    watched.contract = watched.contract.model_copy(update={"scoring": "both"})
    watched.score(rows(1, SIZE))
    watched.predict(rows(2, SIZE))
    watched.look()
    assert watched.windows() == ["traffic 100"] and watched.seen() == []
    assert store.position(watched.data, store.BATCHES) == 0


def test_given_a_problem_of_the_traffic_when_batches_take_its_place_and_are_well_then_it_stays_closed(
    tmp_path: Path,
) -> None:
    watched = Batches(tmp_path)
    watched.contract = watched.contract.model_copy(update={"scoring": "online"})
    watched.predict([row | {"income": None} for row in rows(1, SIZE)])
    watched.look()
    assert "missing_values:income" in watched.open()
    watched.contract = watched.contract.model_copy(update={"scoring": "batch"})
    watched.score(rows(2, SIZE))
    watched.look()
    assert "missing_values:income" not in watched.open()
    told = record.read(watched.events).problems.by_key["missing_values:income"]
    for _ in range(2):
        watched.look()
    assert record.read(watched.events).problems.by_key["missing_values:income"] == told, "not opened and closed again"
