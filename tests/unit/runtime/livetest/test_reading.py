"""What was recorded of a live test is read with its labels, wherever it is stored by then."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from pathlib import Path

import msgspec

from aifactory_runtime.capture import compaction
from aifactory_runtime.capture.log_file import LogFile
from aifactory_runtime.contract.manifest import Labels
from aifactory_runtime.contract.trial import Trial
from aifactory_runtime.livetest.reading import rows
from aifactory_runtime.livetest.rows import Row
from aifactory_runtime.release.live_test import Record
from aifactory_runtime.serving.trial.scores_log import OtherScore, ScoresLog
from tests.unit.runtime.capture import lines
from tests.unit.runtime.labels.parts import HOUR, at, contract, label, predict, prediction, send

STATED = Record.stated(Trial(kind="ab", share=0.5), "d" * 40, 1)
RECORD = msgspec.structs.replace(STATED, began=at(0), id="test-1")


def in_test(folder: Path, number: int, role: str, turn: str, test: str = "test-1") -> None:
    """Record a prediction that was part of a test; its output is what the champion says."""
    log = LogFile(folder / "capture")
    mark = {"trial": {"id": test, "arm": turn, "key": f"key-{number}"}, "role": role}
    log.append([json.dumps(json.loads(lines.line(number, number * HOUR) + b"}") | mark).encode()[:-1]])
    log.close()


def read(folder: Path, hours: float = 100) -> list[Row]:
    return rows(contract(folder), Labels(), RECORD, lines.START + timedelta(hours=hours))


def test_given_rows_of_a_test_when_read_then_answer_other_score_and_label_are_of_the_same_row_and_others_are_left_out(
    tmp_path: Path,
) -> None:
    predict(tmp_path, range(1))
    in_test(tmp_path, 1, "challenger", "challenger")
    in_test(tmp_path, 2, "champion", "challenger")
    in_test(tmp_path, 3, "champion", "champion", test="another")
    given = json.loads(lines.line(1, HOUR) + b"}")["output"]["prediction"]
    ScoresLog(tmp_path / "capture").append(
        [
            OtherScore(prediction(1), "test-1", "1", {"prediction": 7}),
            OtherScore(prediction(2), "test-1", "2", None, "late"),
            OtherScore(prediction(2), "another", "2", {"prediction": 9}),
        ]
    )
    send(tmp_path, label("a", 1, 3 * HOUR, prediction_id=prediction(1)))

    first, second = read(tmp_path)

    assert first == Row(HOUR, 3 * HOUR, 1, "key-1", "challenger", "challenger", given, 7)
    assert (second.turn, second.role, second.other, second.label) == ("challenger", "champion", None, None)
    assert math.isnan(second.labelled)
    compaction.compact(tmp_path / "capture", tmp_path / "tables")
    assert read(tmp_path)[0] == first, "tidied, the table still says which test and whose turn"


def test_given_a_kpi_when_read_then_labels_bring_it_for_the_answer_given_or_the_repo_works_it_out_for_both(
    tmp_path: Path,
) -> None:
    in_test(tmp_path, 1, "challenger", "challenger")
    in_test(tmp_path, 2, "champion", "champion")
    ScoresLog(tmp_path / "capture").append([OtherScore(prediction(1), "test-1", "1", {"prediction": 7})])
    send(tmp_path, label("a", 1, 3 * HOUR, prediction_id=prediction(1), kpi=2.5))

    first, second = read(tmp_path)
    assert first.kpi == 2.5 and math.isnan(first.other_kpi) and math.isnan(second.kpi)
    now = lines.START + timedelta(hours=100)
    says = lambda row, output, label: row["age"] * 100 + output["prediction"] * 10 + label  # noqa: E731
    first, second = rows(contract(tmp_path), Labels(), RECORD, now, says)
    assert (first.kpi, first.other_kpi) == (111, 171) and math.isnan(second.kpi), "none without a label"


def test_given_proxies_when_read_then_each_row_counts_in_them_with_both_answers_and_without_a_label(
    tmp_path: Path,
) -> None:
    in_test(tmp_path, 1, "challenger", "challenger")
    in_test(tmp_path, 2, "champion", "champion")
    ScoresLog(tmp_path / "capture").append([OtherScore(prediction(1), "test-1", "1", {"prediction": 7})])
    given = json.loads(lines.line(1, HOUR) + b"}")["output"]["prediction"]
    watched = msgspec.structs.replace(RECORD, proxies=({"figure": "prediction", "direction": "up", "margin": 1},))

    first, second = rows(contract(tmp_path), Labels(), watched, lines.START + timedelta(hours=100))

    assert (first.figures, first.other_figures) == ((float(given),), (7.0,)) and math.isnan(first.labelled)
    assert math.isnan(second.other_figures[0])
