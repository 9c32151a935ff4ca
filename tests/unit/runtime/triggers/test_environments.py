"""Requests between environments, with real services: one asked in prod trains in dev, and its model goes to prod."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from aifactory_runtime.audit import log as audit
from aifactory_runtime.triggers import log
from aifactory_runtime.triggers.request import Request
from tests.fixtures import usecase_repo, warm_process
from tests.unit.runtime.environments import APPROVER, Environments

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environments]:
    made = Environments(tmp_path_factory.mktemp("factory"), retraining_policy="automatic")
    made.start("staging", "prod")
    try:
        yield made
    finally:
        made.stop()


def tick(places: Environments, environment: str) -> list[str]:
    done = places.run("tick", "--json", environment=environment)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)["done"]
    return found


def requests(places: Environments, environment: str) -> list[Request]:
    return list(log.read(place(places, environment) / "triggers").by_key.values())


def place(places: Environments, environment: str) -> Path:
    return places.home / environment / "demo-case"


def opened(places: Environments, environment: str) -> set[str]:
    listed = places.run("events", "--problems", "--env", environment, "--json").stdout
    return {one["kind"] for one in json.loads(listed)["problems"] if one["state"] == "open"}


def test_given_a_message_in_prod_when_ticked_then_dev_is_asked_trains_and_staging_tests_it_and_prod_waits_for_a_person(
    places: Environments,
) -> None:
    tick(places, "prod")
    (place(places, "prod") / "inbox" / "prices").write_text("new prices")
    tick(places, "prod")
    assert [one.outcome for one in requests(places, "prod")] == ["handed on"]
    tick(places, "dev")
    (one,) = requests(places, "dev")
    assert (one.why, one.facts["environment"], one.outcome, one.version) == ("new prices", "prod", "registered", 1)
    assert one.released == {"staging": "released", "prod": "waits"}
    assert places.predict("staging")[0] == 200 and places.predict("prod")[0] == 503
    assert "release_waits" in opened(places, "prod")


def test_given_a_person_who_approves_when_dev_ticks_then_prod_has_the_model_and_nothing_is_left_to_do(
    places: Environments,
) -> None:
    watched = json.loads((place(places, "dev") / "triggers" / "watch.json").read_text())["stamps"]
    assert str(place(places, "prod") / "audit" / "audit.jsonl") in watched
    assert tick(places, "dev") == [f"{requests(places, 'dev')[0].key}: prod: waits"]
    places.approve()
    tick(places, "dev")
    (one,) = requests(places, "dev")
    assert one.released == {"staging": "released", "prod": "released"}
    assert places.predict("prod")[0] == 200 and "release_waits" not in opened(places, "prod")
    assert tick(places, "dev") == []


def orchestrated(places: Environments) -> list[str]:
    """What a tick of dev's released code did, called as the orchestrator calls it.

    In the snapshot there is neither git nor `.factory/`: other environments come as variables.
    """
    snapshot = (places.serving("dev") / "current").resolve()
    contracts = {name: (places.repo / ".factory" / f"{name}.json").read_text() for name in ("dev", "staging", "prod")}
    applied = snapshot.parent / "environment.json"
    applied.write_text(json.dumps(json.loads(contracts["dev"]) | {"retraining_pace": 0}))
    said = {f"AIFACTORY_CONTRACT_{name.upper()}": text for name, text in contracts.items()}
    said |= {"AIFACTORY_ENV_FILE": str(applied), "AIFACTORY_IDENTITY": "release"}
    done = warm_process.SHARED.run(snapshot, usecase_repo.environment(said), usecase_repo.PACKAGE, "tick", "--json")
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)["done"]
    return found


def test_given_other_rows_when_the_released_code_ticks_as_the_orchestrator_calls_it_then_it_trains_and_releases(
    places: Environments,
) -> None:
    snapshot = (places.serving("dev") / "current").resolve()
    usecase_repo.write_customers(snapshot / "data" / "customers.csv", rows=500, seed=9)
    did = orchestrated(places)

    *_, one = requests(places, "dev")
    assert (one.trigger, one.outcome, one.version) == ("new-data", "registered", 2), did
    assert one.released == {"staging": "released", "prod": "waits"}, one.reason
    (began,) = [
        line["facts"]
        for line in audit.read(place(places, "dev") / "audit")
        if line["action"] == "retraining began" and line["facts"]["request"] == one.key
    ]
    assert began["commit"] == snapshot.name
    shown = (place(places, "dev") / "artifact" / "pages" / "experiments.html").read_text()
    assert "Last run: version 2" in shown and "new-data" in shown


def test_given_a_validator_who_certifies_the_gate_when_the_orchestrator_ticks_then_nobody_has_to_approve_the_model(
    places: Environments,
) -> None:
    contract = json.loads((places.repo / ".factory" / "prod.json").read_text())
    places.write("prod", {**contract, "certified_gate": True, "validators": [APPROVER]})
    waits = orchestrated(places)
    *_, one = requests(places, "dev")
    assert waits == [f"{one.key}: prod: waits"] and places.predict("prod")[1]["model_version"] == "1"
    certified = places.run("certify", "--env", "prod", "--as", APPROVER)
    assert certified.returncode == 0, certified.stderr

    did = orchestrated(places)

    *_, one = requests(places, "dev")
    assert did == [f"{one.key}: prod: released"] and one.released == {"staging": "released", "prod": "released"}
    places.wait("prod", "2")
    lines = list(audit.read(place(places, "prod") / "audit"))
    *_, moved = [line for line in lines if line["action"] == "champion moved"]
    assert moved["facts"]["approved_by"].startswith("certificate ")
    assert moved["facts"]["approved_by"].endswith(f" of {APPROVER}")
    assert moved["facts"]["version"] == 2
    assert [line["action"] for line in lines].count("approved") == 1, "a person approved version 1 alone"


def test_given_prod_when_somebody_asks_by_hand_then_they_are_sent_to_where_models_are_trained(
    places: Environments,
) -> None:
    done = places.run("retrain", "--why", "x", "--env", "prod")
    assert done.returncode == 2 and "ask with --env dev" in done.stderr
    done = places.run("retrain", "--why", "again", "--env", "dev")
    assert done.returncode == 0 and done.stdout.startswith("by-hand:")
    assert "the same data and code were trained by message:" in places.run("due", "--env", "dev").stderr
