"""The stand-in behind the real engine: preview, up, no-op, drift, failure midway, convergence, destroy."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pulumi import automation

from infra.providers.emulated.world import World
from tests.clouds.emulated.program import program
from tests.infra.engine import INFRA, Bench

pytestmark = pytest.mark.slow
SIZE = 10
"""Resources of the program; the engine counts the stack, too."""


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """An empty world."""
    monkeypatch.setenv("FACTORY_HOME", str(tmp_path))
    return Bench(tmp_path, Path("unused"), plugins={"aws-native": INFRA / "providers" / "emulated"})


def stack(bench: Bench, run: Callable[[], Any]) -> automation.Stack:
    made = bench.stack_of("test", "dev", {}, run)
    made.set_config("aws-native:region", automation.ConfigValue("eu-west-1"))
    return made


def things(bench: Bench) -> World:
    return World(bench.home / "world")


def test_given_a_program_when_it_is_run_twice_then_the_second_time_changes_nothing_and_destroy_leaves_nothing(
    bench: Bench,
) -> None:
    made = stack(bench, lambda: program("churn-dev"))
    assert bench.preview(made) == {"create": SIZE + 1}
    assert things(bench).things() == []
    assert bench.up(made) == {"create": SIZE + 1}
    outputs = {key: found.value for key, found in made.outputs().items()}
    assert outputs["account"] == "123456789012"
    assert outputs["role"] == "arn:aws:iam::123456789012:role/churn-dev-release"
    assert bench.up(made) == {}
    assert bench.drift(made) == {}
    policy = next(thing for thing in things(bench).things() if thing.token == "aws-native:s3:BucketPolicy")
    assert policy.inputs["policyDocument"]["Statement"][0]["Resource"][0] == "arn:aws:s3:::churn-dev-data"
    bench.destroy(made)
    assert things(bench).things() == []
    assert not bench.said


def test_given_drift_when_up_is_run_then_what_was_changed_or_removed_is_as_before(bench: Bench) -> None:
    made = stack(bench, lambda: program("churn-dev"))
    bench.up(made)
    log = next(path for path in (bench.home / "world").rglob("*.json") if "logs.LogGroup" in str(path))
    changed = json.loads(log.read_text(encoding="utf-8"))
    changed["inputs"]["retentionInDays"] = 7
    log.write_text(json.dumps(changed), encoding="utf-8")
    next(path for path in (bench.home / "world").rglob("*.json") if "sns.Topic" in str(path)).unlink()
    assert bench.drift(made) == {"update": 1, "delete": 1}
    assert bench.up(made) == {"update": 1, "create": 1}
    assert json.loads(log.read_text(encoding="utf-8"))["inputs"]["retentionInDays"] == 90
    assert bench.up(made) == {}


def test_given_a_failure_midway_when_up_is_run_again_then_it_converges(bench: Bench) -> None:
    made = stack(bench, lambda: program("churn-dev"))
    script = bench.home / "failures.json"
    script.write_text(
        json.dumps([{"type": "aws-native:iam:Role", "message": "Throttling: slow down"}]), encoding="utf-8"
    )
    with pytest.raises(automation.CommandError):
        bench.up(made)
    assert any("Throttling: slow down" in line for line in bench.said)
    assert 0 < len(things(bench).things()) < SIZE
    bench.up(made)
    assert len(things(bench).things()) == SIZE
    assert bench.up(made) == {}


def test_given_a_create_only_input_when_it_changes_then_the_resource_is_another(bench: Bench) -> None:
    bench.up(stack(bench, lambda: program("churn-dev")))
    before = {thing.urn: thing.id for thing in things(bench).things()}
    assert bench.up(stack(bench, lambda: program("churn-dev", instance="ml.m5.xlarge"))) == {"replace": 1}
    assert bench.up(stack(bench, lambda: program("churn-dev", kms_rotates=False, instance="ml.m5.xlarge"))) == {
        "update": 1
    }
    assert {thing.urn: thing.id for thing in things(bench).things()} == before


def test_given_a_bad_input_when_it_is_previewed_then_the_property_is_named_and_nothing_is_made(bench: Bench) -> None:
    with pytest.raises(automation.CommandError):
        bench.preview(stack(bench, lambda: program("churn-dev", retention=91)))
    assert any("retentionInDays is 91: use one of" in line for line in bench.said)
    assert things(bench).things() == []
