"""What a prediction is traced to, and what is said when there is none."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner

from aifactory_runtime.audit import log
from aifactory_runtime.capture.log_file import OLDER
from aifactory_runtime.config import options
from aifactory_runtime.config.project import Project
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.contract.manifest import Labels
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry import looking
from aifactory_runtime.registry.looking import Looks
from aifactory_runtime.release import commands, live_test, trace
from tests.unit.runtime.release.parts import chosen, contract

TIME = "2025-01-15T12:00:00.000+00:00"


def traced(folder: Path, /, **more: str) -> trace.Trace:
    """The trace of a prediction of a version whose tags hold `more`."""
    line = {"id": "a", "time": TIME, "model_version": "3", "model_sha256": "a" * 64, "inputs": {}, "output": {}}
    return followed(folder, line, **more)


def followed(folder: Path, line: dict[str, Any], **more: str) -> trace.Trace:
    (folder / OLDER).write_text(json.dumps(line) + "\n")
    version = chosen(folder, **more).version
    versions = cast("Looks", SimpleNamespace(version=lambda _: version))
    uris = {f"{place}_uri": str(folder) for place in ("capture", "data", "audit")}
    return trace.trace(against(contract("prod", **uris)), versions, "a")


def against(environment: EnvironmentContract) -> Project:
    """A project whose labels are as nobody asked for."""
    there = {"environment": SimpleNamespace(contract=environment), "manifest": SimpleNamespace(labels=Labels())}
    return cast("Project", SimpleNamespace(**there))


@pytest.mark.parametrize("folder", [None, "9" * 64])
def test_given_a_model_from_elsewhere_when_traced_then_the_folder_it_came_from_is_named(
    tmp_path: Path, folder: str | None
) -> None:
    found = traced(tmp_path, **({"imported": folder} if folder else {}))

    assert found.values()["imported"] == folder
    told = dict(commands._told(found))
    assert told.get("imported") == (f"the folder with sha256 {folder}" if folder else None)


@pytest.mark.parametrize("redacted", [{}, {"age": "drop", "income": "drop", "email": "hash"}])
def test_given_columns_that_were_not_recorded_as_they_came_when_traced_then_they_are_named(
    tmp_path: Path, redacted: dict[str, str]
) -> None:
    line = {"id": "a", "time": TIME, "model_version": "3", "model_sha256": "a" * 64, "inputs": {}, "output": {}}
    found = followed(tmp_path, line | ({"redacted": redacted} if redacted else {}))
    told = dict(commands._told(found))
    assert found.values()["redacted"] == redacted
    said = ("age, income", "email") if redacted else (None, None)
    assert (told.get("not recorded"), told.get("as a hash")) == said


@pytest.mark.parametrize("remark", [None, "made-up rows: says nothing about the model"])
def test_given_figures_of_made_up_rows_when_traced_then_it_is_told(tmp_path: Path, remark: str | None) -> None:
    found = traced(tmp_path, **({"figures": remark} if remark else {}))

    assert (found.values()["remark"], dict(commands._told(found)).get("figures")) == (remark, remark)


@pytest.mark.parametrize("told", [{}, {"runtime": "0.3.0", "lock_sha256": "b" * 64}])
def test_given_what_ran_the_science_when_traced_then_it_is_told_apart_and_nothing_where_nobody_wrote_it(
    tmp_path: Path, told: dict[str, str]
) -> None:
    found = traced(tmp_path, **{f"operations.{name}": value for name, value in told.items()})
    assert found.operations == told
    shown = dict(commands._told(found))
    assert {name: shown.get(f"operations {name}") for name in told} == told


def test_given_a_trace_when_it_is_said_then_no_name_touches_its_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = traced(tmp_path, **{"operations.runtime_sha256": "b" * 64})
    monkeypatch.setattr(trace, "trace", lambda *_: found)
    monkeypatch.setattr(options, "project_of", lambda _: against(contract("prod")))
    lines = CliRunner().invoke(commands.trace, ["a"]).output.splitlines()
    starts = {line.index(line.split("  ")[-1].strip()) for line in lines if line.strip()}
    assert "operations runtime_sha256  " + "b" * 64 in lines and len(starts) == 1


@pytest.mark.parametrize(
    ("environment", "arguments", "lines"),
    [
        ("prod", ["a", "--json"], 1),
        ("prod", ["a"], 0),
        ("embedded", ["a", "--json"], 0),
    ],
)
def test_given_a_trace_that_shows_inputs_when_it_is_said_then_the_audit_log_has_who_read_them_and_no_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: str, arguments: list[str], lines: int
) -> None:
    found = traced(tmp_path)
    monkeypatch.setattr(trace, "trace", lambda *_: found)
    audited = contract(environment, audit_uri=str(tmp_path / "audit"))
    monkeypatch.setattr(options, "project_of", lambda _: against(audited))
    monkeypatch.setattr("getpass.getuser", lambda: "otto")

    done = CliRunner().invoke(commands.trace, arguments)

    assert done.exit_code == 0, done.output
    written = log.read(tmp_path / "audit")
    assert [(line["action"], line["who"], line["facts"]["for"]) for line in written] == [
        ("captured rows read", "otto", "trace")
    ] * lines
    digest = hashlib.sha256(found.prediction_id.encode()).hexdigest()[:16]
    assert [line["facts"]["prediction_sha256"] for line in written] == [digest] * lines


def test_given_a_row_that_does_not_say_its_code_when_traced_then_the_audit_log_knows_what_was_served_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [
        {"time": "2025-01-14", "facts": {"version": 3, "code_commit": "b" * 40}},
        {"time": "2025-01-14", "facts": {"version": 4, "code_commit": "c" * 40}},
        {"time": "2025-01-16", "facts": {"version": 3, "code_commit": "e" * 40}},
    ]
    monkeypatch.setattr(log, "read", lambda _: lines)

    found = traced(tmp_path)

    assert (found.commit, found.code_commit) == ("d" * 40, "b" * 40)
    told = dict(commands._told(found))
    assert (told["trained from"], told["answered by"]) == (f"commit {'d' * 40}", f"commit {'b' * 40}")


@pytest.mark.parametrize(
    ("environment", "said"),
    [("embedded", "say with --env dev, staging or prod where it was made"), ("prod", "check id and --env")],
)
def test_given_an_id_that_nothing_was_recorded_under_when_traced_then_env_is_named(
    tmp_path: Path, environment: str, said: str
) -> None:
    places = contract(environment, capture_uri=str(tmp_path), data_uri=str(tmp_path))

    with pytest.raises(FactoryError, match=f"{environment} has recorded no prediction 'a': {said}"):
        trace.trace(against(places), looking.at(places, None), "a")


def test_given_labels_of_a_prediction_when_traced_then_each_is_told_with_state_time_and_sender(tmp_path: Path) -> None:
    assert dict(commands._told(traced(tmp_path)))["label"] == "none yet"
    labels = tmp_path / "labels-000000000000001.jsonl"
    sent = {"time": "2025-01-15T13:00:00.000+00:00", "by": "kim.churn.prod", "prediction_id": "a", "sequence": 1}
    other = {"id": "y", "time": "2025-01-16T13:00:00.000+00:00", "by": "", "label": 0, "sequence": 2}
    written = [{"id": "x", "label": 1, "kpi": 2.5, **sent}, {**other, "prediction_id": "a"}, {**other, "id": "z"}]
    labels.write_text("".join(json.dumps(line) + "\n" for line in written))

    found = traced(tmp_path)

    assert found.values()["labels"][0] == {
        **{"state": "joined", "label": 1, "kpi": 2.5, "id": "x"},
        **{"time": "2025-01-15T13:00:00.000+00:00", "by": "kim.churn.prod"},
    }
    assert [one["state"] for one in found.values()["labels"]] == ["joined", "contradicting"]
    told = [value for key, value in commands._told(found) if key == "label"]
    assert told[0] == "1, KPI 2.5, of 2025-01-15T13:00:00.000+00:00, from kim.churn.prod: counts"
    assert told[1].startswith(
        "0, of 2025-01-16T13:00:00.000+00:00, from a caller whose name nobody asked: says otherwise"
    )


def test_given_a_request_of_a_live_test_when_traced_then_arm_test_and_verdict_are_told(tmp_path: Path) -> None:
    mark = {"id": "t1", "arm": "challenger", "key": "k"}
    line = {"id": "a", "time": TIME, "model_version": "3", "model_sha256": "a" * 64, "inputs": {}, "output": {}}
    line |= {"commit": "d" * 40, "role": "champion", "trial": mark}
    log.append(tmp_path, live_test.ENDS, "release", {"test": "t0", "verdict": "keep", "why": "of another"})
    running = followed(tmp_path, line)
    assert running.live_test == trace.LiveTest("t1", "challenger", "champion", None, "", None)
    said = dict(commands._told(running))["live test"]
    assert said == "t1: the challenger's turn, answered by the champion; it has not ended"

    ended = log.append(tmp_path, live_test.ENDS, "release", {"test": "t1", "verdict": "withdraw", "why": "it is slow"})

    found = followed(tmp_path, line)
    assert found.values()["live_test"] == {
        **{"id": "t1", "arm": "challenger", "answered_by": "champion"},
        **{"verdict": "withdraw", "why": "it is slow", "ended": ended["time"]},
    }
    assert f"withdraw on {ended['time']} (it is slow)" in dict(commands._told(found))["live test"]
    assert traced(tmp_path).live_test is None
