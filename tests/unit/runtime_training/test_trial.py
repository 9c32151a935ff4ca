"""A trial on a sample: the pipeline's verdict, and nothing left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fixtures.usecase_repo import make_repo, run

pytestmark = pytest.mark.slow
STEPS = ["ingest", "validate", "prepare", "train", "evaluate"]


def test_given_a_sample_when_tried_then_figures_and_verdict_are_said_and_nothing_stays(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo")

    done = run(repo, "run", "--sample", "200")

    assert done.returncode == 0, done.stderr
    assert "nothing registered" in done.stdout and "the gate would let it pass" in done.stdout
    assert [line.split()[0] for line in done.stderr.splitlines()] == STEPS
    assert list((repo / ".factory").iterdir()) == []


def test_given_a_sample_that_the_gate_would_refuse_when_tried_then_it_is_said_and_no_failure(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo")
    conf = repo / "conf" / "base.yaml"
    conf.write_text(conf.read_text().replace("baseline: 0.02", "baseline: 0.9"))

    told, told_as_json = run(repo, "run", "--sample", "200"), run(repo, "run", "--sample", "200", "--json")

    assert told.returncode == 0 and "the gate would refuse it: " in told.stdout
    found = json.loads(told_as_json.stdout)
    assert (found["gate"]["passed"], found["version"]) == (False, None)


def test_given_a_table_outside_the_schema_when_tried_then_it_fails_and_nothing_stays(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo")
    table = repo / "data" / "customers.csv"
    table.write_text(table.read_text().replace("east", "nowhere"))

    done = run(repo, "run", "--sample", "200")

    assert done.returncode == 1 and "region" in done.stderr
    assert list((repo / ".factory").iterdir()) == []
