"""An environment is tidied for real: said first, written down, then gone; what stays is read as before."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from aifactory_runtime import files
from aifactory_runtime.audit import log as audit
from aifactory_runtime.capture import find
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.data import removals, table_writing, tables
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.events import log as events
from aifactory_runtime.events import record
from aifactory_runtime.monitoring import store
from aifactory_runtime.monitoring.result import Result
from aifactory_runtime.pipeline import exclusive
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.quota import guard
from aifactory_runtime.registry.port import Registry
from aifactory_runtime.retention import rules, tidying
from aifactory_runtime.retention.tidying import Tidied, look, tidy
from aifactory_runtime.serving.trial import scores_log
from tests.unit.runtime.labels.parts import label, send
from tests.unit.runtime.retention import made
from tests.unit.runtime.retention.made import NOW, Memory, days_ago


@pytest.fixture(autouse=True)
def _two_runs_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "LAST_RUNS", 2)


def done(here: EnvironmentContract, registry: Callable[[], Registry]) -> dict[str, tuple[str, ...]]:
    found = tidy(here, registry, "release.demo-case.dev", NOW)
    assert found.troubles == ()
    return names(found)


def names(found: Tidied) -> dict[str, tuple[str, ...]]:
    return {one.kind: one.names for one in found.removals}


@pytest.mark.heavy
def test_given_runs_when_tidied_then_what_is_said_first_goes_is_recorded_and_is_told_when_asked_for(
    tmp_path: Path,
) -> None:
    here, registry = made.contract(tmp_path), Memory()
    handed = [made.run(here, number) for number in range(5)]
    registry.add(1, handed[0].id, handed[0])
    before = made.content(tmp_path)

    said = names(look(here, registry.open, NOW))
    assert said == {
        "run": (made.run_id(1), made.run_id(2)),
        "raw": ("1", "2"),
        "prepared": ("1", "2"),
    }
    assert made.content(tmp_path) == before, "only said"
    assert done(here, registry.open) == said

    data, artifacts = Path(here.data_uri), Path(here.artifact_uri)
    for number, table in ((0, "raw"), (0, "prepared"), (3, "raw"), (4, "prepared")):
        assert tables.read(data, table, number)["a"].tolist() == [number] * 5
    assert tables.read(data, "reference", 0)["a"].tolist() == [0] * 5
    assert tables.latest(data, "raw") == handed[4].tables["raw"]
    assert table_writing.write(data, "raw", [], "raw 4") == handed[4].tables["raw"], "equal content makes no version"
    assert len(list((data / "raw").glob("*.parquet"))) == 3
    with pytest.raises(
        FactoryError, match=r"version 1 of table raw was removed on 20..-..-.. by release\.demo-case\.dev: no"
    ):
        tables.read(data, "raw", 1)
    assert handoffs.find(artifacts, data, made.run_id(0)).tables == handed[0].tables
    with pytest.raises(
        FactoryError, match=rf"run {made.run_id(2)} was removed on 2026-11-27 .* not one of the last 20"
    ):
        handoffs.find(artifacts, data, made.run_id(2))
    assert removals.find(data, removals.RUN, "mlflow-2") is not None, "also by the tracking server's id"
    line = audit.read(Path(here.audit_uri))[-1]
    assert (line["action"], line["who"]) == ("tidied", "release.demo-case.dev")
    assert line["facts"] == {"removed": {"run": 2, "raw": 2, "prepared": 2}}
    after = made.content(tmp_path)
    assert done(here, registry.open) == {} and made.content(tmp_path) == after, "nothing is left to do"


def test_given_old_predictions_labels_and_batches_when_tidied_then_they_go_by_days_and_trace_says_so(
    tmp_path: Path,
) -> None:
    here, registry = made.contract(tmp_path, predictions_days=10), Memory()
    data, capture = Path(here.data_uri), Path(here.capture_uri)
    ids = {days: made.predict(here, days_ago(days), number=days) for days in (30, 11, 10, 0)}
    batches = {days: made.scored(here, days_ago(days), f"{days:016x}") for days in (12, 9)}

    assert done(here, registry.open) == {
        "scored": (f"{12:016x}",),
        "captured": (str(days_ago(30)), str(days_ago(11))),
    }, "also what was still in the log"

    assert [find.find(capture, data, ids[days]) is not None for days in (30, 11, 10, 0)] == [False, False, True, True]
    assert tables.read(data, "scored")["prediction_id"].tolist()[0] == batches[9]
    assert {path.stat().st_size for path in (data / "captured").glob("*.parquet")} and tables.count(
        data, "captured"
    ) == 2
    removed = find.removed(data, ids[30])
    assert removed is not None and removed.when.endswith("older than 10 days (retention.predictions_days)")
    assert find.removed(data, batches[12]) is not None and find.removed(data, batches[9]) is None
    assert find.removed(data, ids[10]) is None


def test_given_events_when_tidied_then_old_ones_go_but_for_those_of_an_open_problem(tmp_path: Path) -> None:
    here, registry = made.contract(tmp_path, events_days=10), Memory()
    folder = Path(here.events_uri)
    made.problem(here, 40, "disk")
    record.over(folder, {"quota_used_up:disk"}, {}, NOW - timedelta(days=39))
    events.close_if_before(folder, NOW)
    made.problem(here, 30, "compute")

    assert done(here, registry.open) == {"events": ("events-000000000001.jsonl",)}

    found = record.read(folder)
    assert found.damaged == () and [one.key for one in found.events] == ["quota_used_up:compute"]
    assert [one.key for one in found.problems.open(NOW)] == ["quota_used_up:compute"]
    record.over(folder, {"quota_used_up:compute"}, {}, NOW - timedelta(days=29))
    assert done(here, registry.open) == {"events": ("events-000000000003.jsonl", "events-000000000004.jsonl")}
    assert record.read(folder).events == ()


@pytest.mark.heavy
def test_given_old_results_of_monitors_when_tidied_then_they_are_packed_and_go_by_days_but_for_open_problems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "APART", 1)
    here, registry = made.contract(tmp_path, events_days=10), Memory()
    data, folder = Path(here.data_uri), Path(here.events_uri)
    for number, days in enumerate((30, 20, 11, 10, 0), start=1):
        moment = NOW - timedelta(days=days)
        place = store.Place(store.CLOCK, number, moment.isoformat(), moment.isoformat())
        store.write(data, place, [Result("service", "answers")], moment)
    record.found(folder, "drift", {"window": "clock 2"}, "age", now=NOW - timedelta(days=20))
    made.problem(here, 40, "disk")  # nobody needs results of monitors for it

    assert look(here, registry.open, NOW).windows == 4
    assert done(here, registry.open) == {"monitors": (str(days_ago(30)),)}, "also what was packed just now"
    record.over(folder, {"drift:age"}, {}, NOW)
    assert done(here, registry.open) == {"monitors": (str(days_ago(20)), str(days_ago(11)))}

    assert tables.read(data, tables.MONITORS)["window"].tolist() == ["clock 4", "clock 5"]
    removal = removals.find(data, tables.MONITORS, str(days_ago(20)))
    assert removal is not None and removal.when.endswith("older than 10 days (retention.monitors_days)")
    assert done(here, registry.open) == {}


def test_given_damaged_events_when_tidied_then_none_goes_and_that_is_said(tmp_path: Path) -> None:
    here, registry = made.contract(tmp_path, events_days=10), Memory()
    made.problem(here, 40)
    made.problem(here, 39)
    path = Path(here.events_uri) / "events-000000000001.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"kind"', b'"find"', 1))
    before = path.read_bytes()

    found = tidy(here, registry.open, "kim", NOW)

    assert found.removals == () and "no event is removed until that is mended" in found.notes[0]
    assert path.read_bytes() == before


@pytest.mark.heavy
def test_given_a_pipeline_that_runs_when_tidied_then_runs_and_tables_wait_and_the_rest_is_done(tmp_path: Path) -> None:
    here, registry = made.contract(tmp_path, predictions_days=10), Memory()
    for number in range(4):
        made.run(here, number)
    made.predict(here, days_ago(30))
    with exclusive.held(Path(here.artifact_uri)):
        found = tidy(here, registry.open, "kim", NOW)
    assert list(names(found)) == ["captured"] and found.troubles == ()
    assert found.notes[-1].startswith("runs and tables stay: another pipeline runs here")
    assert "run" in done(here, registry.open)


def test_given_a_registry_that_does_not_answer_when_tidied_then_nothing_goes_and_predictions_are_packed(
    tmp_path: Path,
) -> None:
    here = made.contract(tmp_path, predictions_days=10)
    made.run(here, 0)
    made.predict(here, days_ago(30))
    send(Path(here.capture_uri).parent, label("a", 1, 0, prediction_id="p"))

    def down() -> Registry:
        raise FactoryError("the tracking server does not answer: factory start")

    found = tidy(here, down, "kim", NOW)
    assert found == Tidied(1, (), (), ("the tracking server does not answer: factory start",))
    assert tables.count(Path(here.data_uri), tables.LABELS) == 1


def test_given_used_up_quotas_when_tidied_then_it_is_done_and_a_pipeline_is_refused(tmp_path: Path) -> None:
    here = made.contract(tmp_path, predictions_days=10, quota_disk_gb=1e-9, quota_compute_hours=1e-9)
    made.predict(here, days_ago(30))
    with pytest.raises(FactoryError, match="GB of disk"), guard.within(here, "run", lambda _: None, NOW):
        raise AssertionError
    assert "captured" in done(here, Memory().open)


def test_given_a_record_that_cannot_be_written_when_tidied_then_nothing_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, registry = made.contract(tmp_path), Memory()
    for number in range(4):
        made.run(here, number)
    before = made.content(Path(here.data_uri)) | made.content(Path(here.artifact_uri))

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "append", full)
    found = tidy(here, registry.open, "kim", NOW)
    assert (
        "removals.jsonl cannot be written (No space left on device): nothing is removed without it" in found.troubles[0]
    )
    after = made.content(Path(here.data_uri)) | made.content(Path(here.artifact_uri))
    assert {name for name in before if not name.endswith("removals.jsonl")} <= set(after)


def test_given_a_tidying_that_runs_when_started_twice_then_the_second_is_told(tmp_path: Path) -> None:
    here = made.contract(tmp_path)
    with tidying.held(here), pytest.raises(FactoryError, match=r"dev is being tidied \(process \d+\): wait until"):
        tidy(here, Memory().open, "kim", NOW)


def test_given_released_code_when_tidied_then_it_goes_with_the_last_environment_that_holds_on_to_it(
    tmp_path: Path,
) -> None:
    here, registry = made.contract(tmp_path), Memory()
    champion, mine, shared, fresh, before, served = (letter * 40 for letter in "123456")
    registry.add(1, "run", commit=champion)
    registry.aliases["champion"] = 1
    place = {
        commit: made.release_code(here, commit, f"lock {commit[0]}") for commit in (champion, mine, shared, served)
    }
    made.release_code(here, shared, "lock 3", environment="prod")
    place[fresh] = made.release_code(here, fresh, "lock 2", days=0)
    os.utime(place[fresh].parent / "claims" / fresh / "dev")
    place[before] = Path(here.snapshot_uri) / here.use_case / before
    place[before].mkdir()
    link = Path(here.release_uri.replace("/dev/", "/staging/")) / "current"
    link.parent.mkdir(parents=True)
    link.symlink_to(place[served])

    said = names(look(here, registry.open, NOW))
    assert said == {"code": (mine, shared)}, "environments were made just now"
    assert done(here, registry.open) == said
    assert {commit for commit in place if place[commit].exists()} == {champion, shared, fresh, before, served}
    assert removals.find(Path(here.data_uri), removals.CODE, mine) is not None
    link.unlink()
    assert done(here, registry.open) == {"code": (served,)} and not place[served].exists()


def test_given_scores_of_a_live_test_that_is_long_over_when_tidied_then_their_file_goes(tmp_path: Path) -> None:
    here, registry = made.contract(tmp_path), Memory()
    capture = Path(here.capture_uri)

    def scored(days: int) -> None:
        milliseconds = int((NOW - timedelta(days=days)).timestamp() * 1000)
        identity = f"{milliseconds >> 16:08x}-{milliseconds & 0xFFFF:04x}-7000-8000-000000000000"
        scores_log.ScoresLog(capture).append([scores_log.OtherScore(identity, "t", "2", {"label": "yes"})])

    scored(300)
    assert names(look(here, registry.open, NOW)) == {}, "the file is still written to"
    assert done(here, registry.open) == {"other scores": ("other-scores-000000000000001.jsonl",)}
    scored(10)
    assert done(here, registry.open) == {}

    assert [one.id[:8] for one in scores_log.read(capture, "t")] == [
        f"{int((NOW - timedelta(days=10)).timestamp() * 1000) >> 16:08x}"
    ]
