"""The labels of one prediction: the same that count for those who read all of them, wherever they lie."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from aifactory_runtime.capture import compaction as predictions
from aifactory_runtime.capture import find
from aifactory_runtime.contract.manifest import Labels
from aifactory_runtime.labels import compaction as labels
from aifactory_runtime.labels.joined import joined
from aifactory_runtime.labels.of_prediction import of_prediction
from tests.unit.runtime.capture import lines
from tests.unit.runtime.labels.parts import HOUR, at, contract, label, predict, prediction, send

BY_KEY = Labels(key="customer", wait=10 * HOUR)
NOW = lines.START + timedelta(hours=14)


def states(folder: Path, number: int) -> list[tuple[str, str]]:
    """Ids and states of the labels of a prediction."""
    line = find.find(folder / "capture", folder / "tables", prediction(number))
    assert line is not None
    return [(one.id, state) for one, state in of_prediction(contract(folder), BY_KEY, line, NOW)]


def counting(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """The label that counts of each prediction, as those see it who read all."""
    found: dict[str, list[tuple[str, str]]] = {}
    for frame in joined(contract(folder), BY_KEY, now=NOW):
        for row in frame.to_dict("records"):
            found[row["prediction_id"]] = [(row["label_id"], "joined")] if row["state"] == "joined" else []
    return found


@pytest.mark.parametrize("moved", ["neither", "before", "both"])
def test_given_labels_by_id_and_key_when_one_prediction_is_asked_about_then_its_own_are_found_with_their_states(
    tmp_path: Path, moved: str
) -> None:
    predict(tmp_path, range(3), customer=17)
    predict(tmp_path, range(3, 7), customer='a "b" \u00e9')
    send(
        tmp_path,
        label("by id", 1, 6 * HOUR, prediction_id=prediction(0)),
        label("again", 1, 6 * HOUR, prediction_id=prediction(0)),
        label("otherwise", 0, 7 * HOUR, prediction_id=prediction(0)),
        label("better", 0, 8 * HOUR, prediction_id=prediction(0), replaces="by id"),
        label("by key", 1, 9 * HOUR, key="17", at=at(1.5 * HOUR)),
    )
    if moved != "neither":
        predictions.compact(tmp_path / "capture", tmp_path / "tables")
        labels.compact(tmp_path / "capture", tmp_path / "tables")
    send(
        tmp_path,
        label("newest", 1, 9 * HOUR, key="17"),
        label("odd key", 1, 9 * HOUR, key='a "b" \u00e9', at=at(3.5 * HOUR)),
        label("early", 1, 30 * HOUR, prediction_id=prediction(5)),
        label("of another", 1, 9 * HOUR, prediction_id=prediction(4)[:-1] + "x"),
    )
    if moved == "both":
        labels.compact(tmp_path / "capture", tmp_path / "tables")

    found = {number: states(tmp_path, number) for number in range(6)}
    assert found == {
        0: [("by id", "replaced"), ("again", "doubled"), ("otherwise", "contradicting"), ("better", "joined")],
        1: [("by key", "joined")],
        2: [("newest", "joined")],
        3: [("odd key", "joined")],
        4: [],
        5: [("early", "early")],
    }
    every = counting(tmp_path)
    for number, own in found.items():
        assert [one for one in own if one[1] == "joined"] == every[prediction(number)]
