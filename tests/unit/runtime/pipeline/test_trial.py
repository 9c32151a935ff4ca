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


def test_given_prod_when_somebody_tries_a_sample_there_then_refused_as_training_is(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo")
    contract = tmp_path / "prod.json"
    places = {"data", "artifact", "capture", "release", "snapshot", "audit", "events", "logs"}
    values = {f"{name}_uri": str(tmp_path / name) for name in places} | {"use_case": "demo-case", "environment": "prod"}
    values |= {"identity": "ana.lopez", "experiment": "e", "model_name": "m", "tracking_uri": "t", "registry_uri": "r"}
    contract.write_text(json.dumps(values | {"data_source": "data/customers.csv", "train_in": "prod"}))

    done = run(repo, "run", "--sample", "200", variables={"AIFACTORY_ENV_FILE": str(contract)})

    assert done.returncode == 2 and "only its release identity trains, not ana.lopez" in done.stderr
    assert not (repo / ".factory").exists()


def test_given_quotas_when_a_sample_is_tried_then_its_seconds_count_and_none_begins_at_the_limit(
    tmp_path: Path,
) -> None:
    repo = make_repo(tmp_path / "repo")
    quota = "AIFACTORY_QUOTA_COMPUTE_HOURS"

    tried = run(repo, "run", "--sample", "200", variables={quota: "1"})
    refused = run(repo, "run", "--sample", "200", variables={quota: "0.000001"})

    (notes,) = (repo / ".factory" / "embedded" / "artifacts" / "compute").iterdir()
    assert tried.returncode == 0, tried.stderr
    assert [json.loads(line)["what"] for line in notes.read_text().splitlines()] == ["trial"]
    assert refused.returncode == 1 and "hours of compute" in refused.stderr


def test_given_a_source_out_of_reach_when_a_sample_is_asked_for_then_the_repos_own_serves_and_it_is_said(
    tmp_path: Path,
) -> None:
    repo = make_repo(tmp_path / "repo")
    (repo / "data" / "customers.csv").rename(repo / "data" / "sample.csv")
    conf = repo / "conf" / "base.yaml"
    conf.write_text(conf.read_text().replace("data:\n", "data:\n  sample: made-up\n", 1))

    tried, trained = run(repo, "run", "--sample", "200"), run(repo, "run")

    assert tried.returncode == 0, tried.stderr
    said = "note: data/customers.csv cannot be reached from here: data/sample.csv is tried in its place"
    assert tried.stderr.splitlines()[0] == said
    assert tried.stdout.splitlines()[-1] == "made-up rows: says nothing about the model"
    assert trained.returncode == 1 and "data/customers.csv is missing" in trained.stderr


def test_given_neither_source_nor_sample_when_tried_then_the_missing_source_is_named(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo")
    (repo / "data" / "customers.csv").unlink()

    done = run(repo, "run", "--sample", "200")

    assert done.returncode == 1 and "data/customers.csv is missing" in done.stderr
