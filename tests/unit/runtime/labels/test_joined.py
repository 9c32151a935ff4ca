"""Predictions come with the label that counts, whenever it came and wherever the two are stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from aifactory_runtime.capture import compaction as predictions
from aifactory_runtime.capture import moving
from aifactory_runtime.capture.hashing import Keys
from aifactory_runtime.contract.manifest import Labels
from aifactory_runtime.data import removals, table_writing, tables
from aifactory_runtime.data.removals import Removal
from aifactory_runtime.labels import compaction, overview, stored
from aifactory_runtime.labels.compaction import LABELS
from aifactory_runtime.labels.joined import Window, joined, last_sequence
from aifactory_runtime.labels.line import Line, by_hashes
from aifactory_runtime.labels.of_prediction import of_prediction
from tests.unit.runtime.capture import lines
from tests.unit.runtime.labels.parts import HOUR, at, contract, label, predict, prediction, send


def read(folder: Path, settings: Labels | None = None, *, hours: tuple[float, float] = (0, 99), **more: Any) -> Any:
    """Label and state by number of the prediction; `now` is a hundred hours on unless said."""
    window = Window(*(lines.START + timedelta(hours=hour) for hour in hours))
    more = {"now": lines.START + timedelta(hours=100)} | more
    frames = list(joined(contract(folder), settings or Labels(), window, **more))
    found = pd.concat(frames, ignore_index=True)
    return {
        int(row["inputs"].partition('"age":')[2].strip().partition(",")[0]): (row["label"], row["state"])
        for row in found.to_dict("records")
    }


def counted(folder: Path, settings: Labels | None = None, hours: float = 100) -> dict[str, int]:
    """How many labels of each state there are."""
    found = contract(folder)
    now = lines.START + timedelta(hours=hours)
    states = overview.states(found, settings or Labels(), stored.lines(found), now)
    return {state: number for state, number in overview.count(states).items() if number}


def test_fault_56_given_labels_early_twice_and_for_a_removed_prediction_then_each_is_counted_and_one_counts(
    tmp_path: Path,
) -> None:
    """Given predictions and labels in log and table, when they are joined before and after the wait."""
    wait = Labels(wait=10 * HOUR)
    predict(tmp_path, range(5, 8))
    predictions.compact(tmp_path / "capture", tmp_path / "tables")
    predict(tmp_path, range(8, 10))
    send(
        tmp_path,
        label("early", 1, 8.5 * HOUR, prediction_id=prediction(8)),
        label("first", 0, 6 * HOUR, prediction_id=prediction(5), kpi=1.5),
        label("twice", 0, 7 * HOUR, prediction_id=prediction(5), kpi=1.5),
    )
    compaction.compact(tmp_path / "capture", tmp_path / "tables")
    send(
        tmp_path,
        label("otherwise", 1, 7 * HOUR, prediction_id=prediction(5)),
        label("of a removed one", 1, 9 * HOUR, prediction_id=prediction(2)),
        label("of none", 1, 9 * HOUR, prediction_id="0" * 32),
    )

    there = lines.START + timedelta(hours=17)
    assert read(tmp_path, wait, now=there) == {
        5: ("0", "joined"),
        6: (None, "none"),
        7: (None, "none"),
        8: (None, "early"),
        9: (None, "none"),
    }
    every = {"doubled": 1, "contradicting": 1, "removed": 1, "unknown": 1}
    assert counted(tmp_path, wait, 17) == {"joined": 1, "early": 1, **every}
    assert counted(tmp_path, wait, 18) == {"joined": 2, **every}
    assert read(tmp_path, wait)[8] == ("1", "joined")


def test_given_a_prediction_on_record_as_erased_when_its_label_is_counted_then_it_was_removed(tmp_path: Path) -> None:
    predict(tmp_path, range(2))
    gone = prediction(50)
    send(tmp_path, label("a", 1, HOUR, prediction_id=gone), label("b", 1, HOUR, prediction_id=prediction(51)))
    assert counted(tmp_path) == {"unknown": 2}
    removals.note(tmp_path / "tables", [Removal(removals.PREDICTION, (gone,), "erased")], "ana")
    assert counted(tmp_path) == {"unknown": 1, "removed": 1}


def test_given_a_correction_when_a_closed_period_is_read_again_then_it_is_as_it_was(tmp_path: Path) -> None:
    predict(tmp_path, range(2))
    send(tmp_path, label("a", 1, HOUR, prediction_id=prediction(0)))
    closed = last_sequence(contract(tmp_path))
    send(tmp_path, label("b", 0, 2 * HOUR, prediction_id=prediction(0), replaces="a"))

    assert read(tmp_path)[0] == ("0", "joined")
    assert read(tmp_path, upto=closed)[0] == ("1", "joined")
    assert counted(tmp_path) == {"joined": 1, "replaced": 1}


def test_given_labels_by_key_when_joined_then_each_finds_the_prediction_before_its_outcome(tmp_path: Path) -> None:
    predict(tmp_path, range(2), customer=17)
    predict(tmp_path, range(2, 3), customer="18")
    send(
        tmp_path,
        label("a", 1, 3 * HOUR, key="17", at=at(0.5 * HOUR)),
        label("b", 0, 3 * HOUR, key="18"),
        label("c", 0, 3 * HOUR, key="19"),
    )

    by_key = Labels(key="customer")
    assert read(tmp_path, by_key) == {0: ("1", "joined"), 1: (None, "none"), 2: ("0", "joined")}
    assert read(tmp_path, by_key, hours=(2, 3)) == {2: ("0", "joined")}
    assert counted(tmp_path, by_key) == {"joined": 2, "unknown": 1}
    assert counted(tmp_path, Labels()) == {"unknown": 3}, "no column is the key"


def test_given_log_and_table_when_read_while_the_log_is_moved_then_each_prediction_comes_once(tmp_path: Path) -> None:
    predict(tmp_path, range(3))
    predictions.compact(tmp_path / "capture", tmp_path / "tables")
    predict(tmp_path, range(3, 6))
    reading = joined(contract(tmp_path), Labels())

    first = next(reading)
    predictions.compact(tmp_path / "capture", tmp_path / "tables")
    predict(tmp_path, range(6, 7))
    rest = [identity for frame in reading for identity in frame["prediction_id"]]

    assert [*first["prediction_id"], *rest] == [prediction(number) for number in range(6)]


def test_given_rows_of_a_batch_when_joined_then_they_have_their_labels_too(tmp_path: Path) -> None:
    batch = pd.DataFrame(
        {
            "age": [41, 42],
            "prediction": [0, 1],
            "probability_0": [0.75, 0.25],
            "probability_1": [0.25, 0.75],
            "scored_at": [at(0), at(0)],
            "model_version": [3, 3],
            "model_sha256": ["a" * 64] * 2,
            "prediction_id": ["b" * 32, "c" * 32],
        }
    )
    table_writing.append(tmp_path / "tables", tables.SCORED, [batch], {"input_sha256": "x"})
    send(tmp_path, label("a", 1, HOUR, prediction_id="c" * 32))

    (found,) = joined(contract(tmp_path), Labels())

    assert list(found["role"]) == ["batch", "batch"] and list(found["label"]) == [None, "1"]
    assert found["output"][1] == '{"prediction": 1, "probabilities": [0.25, 0.75]}'
    assert counted(tmp_path) == {"joined": 1}


def test_given_labels_when_moved_into_the_table_then_they_are_as_they_were_sent(tmp_path: Path) -> None:
    sent = [
        label("a", "gone away", 1, prediction_id=prediction(0), kpi=0.1, at=at(0)),
        label("b", False, 2, key="17", by="", replaces="a"),
    ]
    send(tmp_path, *sent)
    before = stored.lines(contract(tmp_path))
    capture, data = tmp_path / "capture", tmp_path / "tables"

    assert moving.waiting(capture, LABELS) == 2
    assert compaction.compact(capture, data).rows == 2
    assert compaction.compact(capture, data).rows == 0 and moving.waiting(capture, LABELS) == 0

    assert stored.lines(contract(tmp_path)) == before
    assert [(line.id, line.text, line.sequence) for line in before] == [("a", '"gone away"', 1), ("b", "false", 2)]


OLD, NEW = Keys({1: b"1" * 32}), Keys({1: b"1" * 32, 2: b"2" * 32})
BY_KEY = Labels(key="customer")


def hashed(identity: str, value: Any, received: float, key: str, keys: Keys) -> Line:
    """A label by key as the service records it where that column is hashed."""
    return by_hashes(label(identity, value, received, key=key), keys.every(key))


def test_given_a_hashing_key_that_was_rotated_when_labels_come_then_predictions_from_before_and_after_are_found(
    tmp_path: Path,
) -> None:
    predict(tmp_path, range(1), customer=OLD.hash("17"))
    predict(tmp_path, range(1, 2), customer=OLD.hash("18"))
    predict(tmp_path, range(2, 3), customer=NEW.hash("18"))
    send(tmp_path, hashed("a", 1, 5 * HOUR, "17", NEW), hashed("b", 0, 5 * HOUR, "18", NEW))

    expected = {0: ("1", "joined"), 1: (None, "none"), 2: ("0", "joined")}
    assert read(tmp_path, BY_KEY) == expected, "the newest prediction of a key, whichever hash it has"
    for moved in (False, True):
        if moved:
            compaction.compact(tmp_path / "capture", tmp_path / "tables")
        inputs = {"customer": OLD.hash("17")}
        made = {"id": prediction(0), "time": at(0), "inputs": inputs}
        (found,) = of_prediction(contract(tmp_path), BY_KEY, made)
        assert (found[0].id, found[1]) == ("a", "joined"), f"moved into the table: {moved}"
    assert read(tmp_path, BY_KEY) == expected and counted(tmp_path, BY_KEY) == {"joined": 2}


def test_given_labels_that_no_earlier_hash_was_kept_of_when_counted_then_it_is_said_how_predictions_have_their_key(
    tmp_path: Path,
) -> None:
    predict(tmp_path, range(1), customer=OLD.hash("17"))
    predict(tmp_path, range(1, 2), customer="18")
    before = label("a", 1, 5 * HOUR, key=NEW.hash("17"))
    send(tmp_path, before, hashed("b", 1, 5 * HOUR, "18", NEW), hashed("c", 1, 6 * HOUR, "17", NEW))
    lines = stored.lines(contract(tmp_path))
    states = overview.states(contract(tmp_path), BY_KEY, lines)

    assert states == ["unknown", "unknown", "joined"], "the same label with all hashes is found"
    lost = overview.beyond_rotation(contract(tmp_path), BY_KEY, lines, states)
    assert lost == {"as it came": 2, "hashed by key version 1": 1}
    assert overview.beyond_rotation(contract(tmp_path), BY_KEY, lines[2:], states[2:]) == {}


def test_given_a_table_of_labels_from_before_there_were_earlier_hashes_when_more_come_then_both_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict(tmp_path, range(1), customer=OLD.hash("17"))
    send(tmp_path, label("a", 1, 5 * HOUR, prediction_id=prediction(0)))
    with monkeypatch.context() as older:
        columns = LABELS.columns
        log = replace(LABELS, columns=lambda found: {k: v for k, v in columns(found).items() if k != "older_keys"})
        older.setattr(compaction, "LABELS", log)
        compaction.compact(tmp_path / "capture", tmp_path / "tables")
    assert "older_keys" not in tables.columns(tmp_path / "tables", tables.LABELS).names
    made = {"id": prediction(0), "time": at(0), "inputs": {"customer": OLD.hash("17")}}
    assert [line.id for line, _ in of_prediction(contract(tmp_path), BY_KEY, made)] == ["a"]
    send(tmp_path, hashed("b", 1, 6 * HOUR, "17", NEW))
    compaction.compact(tmp_path / "capture", tmp_path / "tables")
    assert [state for _, state in of_prediction(contract(tmp_path), BY_KEY, made)] == ["joined", "doubled"]
