"""What the other model says of rows: read by test, whole lines only, and erased with a person's predictions."""

from __future__ import annotations

from pathlib import Path

from aifactory_runtime.serving.trial.scores_log import OtherScore, ScoresLog, erase, read, segments

SCORES = [
    OtherScore("id-1", "test-1", "2", {"prediction": 1}),
    OtherScore("id-2", "test-1", "2", None, "late"),
    OtherScore("id-1", "another", "3", {"prediction": 0}),
]


def test_given_scores_when_read_then_they_are_those_of_the_test_and_what_a_kill_tore_is_left_out(
    tmp_path: Path,
) -> None:
    ScoresLog(tmp_path).append(SCORES)
    (path,) = segments(tmp_path).all()
    with path.open("ab") as file:
        file.write(b'{"id":"id-3","test":"test-1","model_ver')

    assert list(read(tmp_path, "test-1")) == SCORES[:2]
    ScoresLog(tmp_path).append(SCORES[:1])
    assert len(list(read(tmp_path, "test-1"))) == 3, "the torn line is cut off, the log goes on"


def test_given_a_person_whose_predictions_are_erased_then_no_score_of_them_is_left_and_the_log_goes_on(
    tmp_path: Path,
) -> None:
    log = ScoresLog(tmp_path)
    log.append(SCORES)

    erase(tmp_path, ["id-1"])
    erase(tmp_path, ["id-1"])
    log.append([OtherScore("id-4", "test-1", "2", {"prediction": 1})])

    assert [score.id for score in read(tmp_path, "test-1")] == ["id-2", "id-4"]
    assert list(read(tmp_path, "another")) == []
    assert b"id-1" not in b"".join(path.read_bytes() for path in segments(tmp_path).all())
