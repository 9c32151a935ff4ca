"""Training, gate and registration: what is refused, and what an interruption leaves."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from aifactory_runtime.audit import log as audit
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.events import kinds, log, record
from aifactory_runtime.pipeline.context import Context
from tests.unit.runtime.conftest import Pipeline
from tests.unit.runtime.pipeline.edits import edit

pytestmark = pytest.mark.slow


def test_given_a_model_no_better_than_chance_when_run_then_the_gate_refuses_and_leaves_an_event(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    edit(repo, "src/demo_case/features.py", "return {", 'return {"one": columns["age"] * 0.0}\n    return {')
    with pytest.raises(FactoryError, match="the gate refuses the candidate"):
        pipeline()
    assert context.registry.versions() == []
    (run,) = context.registry._runs.search_runs(["1"], "", 1)  # type: ignore[attr-defined]
    assert run.info.status == "FAILED"
    (event,) = log.read(Path(context.contract.events_uri)).events
    assert (event.key, event.state, event.facts["kind"]) == ("gate_refused", "open", "experiment")
    assert event.facts["reasons"]
    assert not (Path(context.contract.audit_uri) / "audit.jsonl").exists()


def test_given_a_refusal_that_cannot_be_recorded_when_run_then_the_refusal_is_told_all_the_same(
    repo: Path, pipeline: Pipeline, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    edit(repo, "src/demo_case/features.py", "return {", 'return {"one": columns["age"] * 0.0}\n    return {')
    Path(context.contract.events_uri).parent.mkdir(parents=True, exist_ok=True)
    Path(context.contract.events_uri).write_text("in the way")
    with caplog.at_level(logging.WARNING, "aifactory.events"), pytest.raises(FactoryError, match="the gate refuses"):
        pipeline()
    assert "takes no event (File exists), gate_refused is not recorded" in caplog.text


def test_given_problems_of_earlier_runs_when_a_candidate_is_registered_then_they_are_over(
    pipeline: Pipeline, context: Context
) -> None:
    place = Path(context.contract.events_uri)
    for kind in (kinds.GATE_REFUSED, kinds.NOT_CONVERGED):
        record.found(place, kind, {})
    handoff = pipeline()
    last = log.read(place).events[-2:]
    assert {(one.key, one.state, one.facts["run"]) for one in last} == {
        ("gate_refused", "closed", handoff.id),
        ("not_converged", "closed", handoff.id),
    }


def test_given_features_that_look_at_other_rows_when_trained_then_refused(repo: Path, pipeline: Pipeline) -> None:
    edit(repo, "src/demo_case/features.py", '"age": columns["age"],', '"age": columns["age"] - columns["age"].mean(),')
    with pytest.raises(UsageProblem, match="age of a row depends on other rows"):
        pipeline()


def test_given_parameters_that_the_model_does_not_take_when_trained_then_conf_is_named(
    repo: Path, pipeline: Pipeline
) -> None:
    edit(repo, "conf/base.yaml", "C: 1.0", "depth: 3")
    with pytest.raises(UsageProblem, match=r"train\.parameters"):
        pipeline()


def test_fault_26_given_a_kill_between_version_and_handoff_when_run_again_then_one_version_and_one_audit_line(
    pipeline: Pipeline, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(audit, "append", killed)
        with pytest.raises(KeyboardInterrupt):
            pipeline()
    assert len(context.registry.versions()) == 1
    handoff = pipeline()
    assert handoff.version == 1
    assert len(context.registry.versions()) == 1
    assert len(audit.read(Path(context.contract.audit_uri))) == 1


@pytest.mark.parametrize("error", [FactoryError("the server is gone"), ZeroDivisionError("a bug"), KeyboardInterrupt()])
def test_given_a_failure_after_the_tracking_run_began_when_trained_then_it_does_not_stay_running(
    error: BaseException, pipeline: Pipeline, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[bool] = []

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(type(context.registry), "log", fail)
    monkeypatch.setattr(type(context.registry), "finish_run", lambda *_, failed=False: ended.append(failed))
    with pytest.raises(type(error)):
        pipeline()
    assert ended == [True]


def test_given_ctrl_c_in_a_later_step_when_run_then_the_tracking_run_does_not_stay_running(
    pipeline: Pipeline, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[bool] = []

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(type(context.registry), "log_file", interrupt)
    monkeypatch.setattr(type(context.registry), "finish_run", lambda *_, failed=False: ended.append(failed))
    with pytest.raises(KeyboardInterrupt):
        pipeline()
    assert ended == [True]
