"""The other patterns on their way to prod: tables scored without a service, and models trained in prod."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aifactory_runtime.audit import log
from aifactory_runtime.data import tables
from aifactory_runtime.registry.port import CHAMPION
from aifactory_runtime.release.side import open_side
from tests.fixtures.usecase_repo import commit, write_customers
from tests.unit.runtime.environments import APPROVER, Environments

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Environments:
    """Nothing runs: no launcher, no service."""
    made = Environments(tmp_path_factory.mktemp("batch"), scoring="batch")
    made.train()
    return made


@pytest.fixture(scope="module")
def in_prod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environments]:
    """Prod has customers of its own, which dev and staging never see."""
    folder = tmp_path_factory.mktemp("in-prod")
    write_customers(folder / "prod.csv", rows=500, seed=5)
    made = Environments(folder, train_in="prod")
    contract = made.repo / ".factory" / "prod.json"
    values = json.loads(contract.read_text())
    contract.write_text(json.dumps(values | {"data_source": str(folder / "prod.csv")}))
    made.start("staging", "prod")
    try:
        made.train()
        yield made
    finally:
        made.stop()


def report(places: Environments) -> dict[str, Any]:
    """Name of each check of staging's last test, and what was found."""
    newest = max(
        (places.home / "staging/demo-case/artifact/releases").rglob("integration.json"),
        key=lambda path: path.stat().st_mtime_ns,
    )
    return {check["name"]: check["found"] for check in json.loads(newest.read_text())["checks"]}


def current(places: Environments, environment: str) -> Path:
    """The code that runs there."""
    return (places.serving(environment) / "current").resolve()


def score_as_the_schedule_does(places: Environments, environment: str, *more: str) -> dict[str, Any]:
    """With the released code, not the work tree's."""
    contract = places.repo / ".factory" / f"{environment}.json"
    done = places.run("score", "--json", *more, AIFACTORY_ENV_FILE=str(contract))
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_given_approval_asked_in_dev_when_the_line_that_release_ends_with_is_run_then_it_goes_on(
    batch: Environments,
) -> None:
    contract = json.loads((batch.repo / ".factory" / "dev.json").read_text())
    batch.write("dev", contract | {"approval": "required", "approvers": [APPROVER]})
    try:
        waits = batch.run("release", "--to", "dev")
        approved = batch.run(*waits.stderr.splitlines()[-1].split()[1:])
        released = batch.run("release", "--to", "dev")
    finally:
        batch.write("dev", contract)

    assert [waits.returncode, approved.returncode, released.returncode] == [3, 0, 0], approved.stderr + released.stderr
    champion = open_side(batch.repo, "dev").registry.by_alias(CHAMPION)
    assert champion is not None and champion.tags["aifactory.approved_by"] == APPROVER


def test_given_batch_only_when_released_to_staging_then_a_batch_is_the_test(batch: Environments) -> None:
    batch.release("staging")

    found = report(batch)
    assert found["batch: one prediction a row"] == "400 predictions for 400 rows"
    assert found["batch: predictions stand in the order of the source"] == "50 of 50"
    assert found["batch: an id of its own for each"] == "400 ids for 400 predictions"
    assert found["batch: every row twice"] == "40 predictions for 40 rows"
    assert found["batch: the same one again (nothing is added)"] == "20 rows, none added"
    wrong = [name for name in found if "wrong values" in name or name in ("batch: a missing column", "batch: no rows")]
    assert len(wrong) >= 4 and {found[name] for name in wrong} == {"refused"}
    assert not any("HTTP" in name for name in found)
    assert tables.latest(batch.home / "staging/demo-case/data", tables.SCORED) is None, "the test leaves no rows"


def test_given_train_in_dev_when_ci_releases_then_what_dev_trained_moves_and_nothing_else_is_trained(
    batch: Environments,
) -> None:
    both = batch.run("release", "--to", "staging", "--train", "--version", "1")
    done = batch.run("release", "--to", "staging", "--train")

    assert both.returncode == 2 and "--version names what is there" in both.stderr
    assert done.returncode == 0, done.stderr
    assert open_side(batch.repo, "prod").registry.versions() == []
    audit = [line["action"] for line in log.read(batch.home / "staging/demo-case/audit")]
    assert "training started" not in audit


def test_given_batch_only_when_approved_and_released_then_prod_scores_and_trace_leads_back(batch: Environments) -> None:
    assert batch.run("release", "--to", "prod").returncode == 3
    batch.approve()
    batch.release("prod")

    done = score_as_the_schedule_does(batch, "prod")

    assert (done["rows"], done["version"], done["new"]) == (400, 1, True)
    folder = batch.home / "prod/demo-case/data"
    row = tables.read(folder, tables.SCORED).iloc[7]
    traced = batch.run("trace", row["prediction_id"], "--env", "prod", "--json")
    found = json.loads(traced.stdout)
    assert found["version"] == "1" and found["approved_by"] and found["copied_from"] == "staging/1"
    assert found["time"] == row["scored_at"] and found["output"]["prediction"] == row["prediction"]
    assert found["inputs"]["age"] == row["age"] and "churned" not in found["inputs"]


def test_given_released_batches_when_released_again_then_nothing_changes(batch: Environments) -> None:
    assert not batch.release_again()


def test_given_a_second_model_when_rolled_back_then_the_first_scores_again(batch: Environments) -> None:
    first = current(batch, "prod")
    batch.change_settings(0.5)
    batch.train()
    batch.release("staging")
    batch.approve()
    batch.release("prod")
    assert current(batch, "prod") != first and score_as_the_schedule_does(batch, "prod")["version"] == 2

    done = batch.run("rollback", "--env", "prod")

    assert done.returncode == 0, done.stderr
    assert current(batch, "prod") == first
    side = open_side(batch.repo, "prod")
    champion = side.registry.by_alias(CHAMPION)
    assert champion is not None and champion.number == 1


def test_given_a_model_that_breaks_what_the_consumer_relies_on_when_tested_then_the_one_before_is_back(
    batch: Environments,
) -> None:
    before = current(batch, "staging")
    (batch.repo / "conf" / "consumer.yaml").write_text("predictions: {values: [yes, no]}\n")
    batch.change_settings(0.7)
    batch.train()

    done = batch.run("release", "--to", "staging")

    assert done.returncode == 1
    assert "not among the 2 values it understands" in done.stderr and "staging has version 2 again" in done.stderr
    assert current(batch, "staging") == before
    side = open_side(batch.repo, "staging")
    champion = side.registry.by_alias(CHAMPION)
    assert champion is not None and champion.number == 2
    again = batch.run("release", "--to", "staging")
    assert again.returncode == 1 and "--version 3" in again.stderr
    named = batch.run("release", "--to", "staging", "--version", "3")
    assert named.returncode == 1 and "staging has version 2 again" in named.stderr
    assert log.verify(batch.home / "staging/demo-case/audit").problem is None
    (batch.repo / "conf" / "consumer.yaml").unlink()
    commit(batch.repo, "No contract")


def test_given_the_first_model_of_all_when_it_fails_then_nothing_is_left_in_staging(
    tmp_path: Path, batch: Environments
) -> None:
    del batch
    places = Environments(tmp_path, scoring="batch")
    (places.repo / "conf" / "consumer.yaml").write_text("columns: [prediction, price]\n")
    commit(places.repo, "A consumer that asks too much")
    places.train()

    done = places.run("release", "--to", "staging")

    assert done.returncode == 1 and "no column price" in done.stderr and "staging has none now" in done.stderr
    assert not (places.serving("staging") / "current").exists()
    assert json.loads(places.document("staging"))["champion"] is None
    assert places.run("release", "--to", "prod").returncode == 1


@pytest.mark.parametrize(
    ("environment", "identity", "says"),
    [
        ("staging", "release", "nothing is trained in staging"),
        ("prod", "ana.lopez", "only its release identity trains"),
    ],
)
def test_given_train_in_prod_when_someone_trains_by_hand_then_a_sentence_says_how_it_is_done(
    in_prod: Environments, environment: str, identity: str, says: str
) -> None:
    done = in_prod.run("run", environment=environment, AIFACTORY_IDENTITY=identity)

    assert done.returncode == 2 and says in done.stderr and done.stderr.count("\n") == 1


def test_given_train_in_dev_when_a_candidate_is_to_be_trained_in_prod_then_refused(batch: Environments) -> None:
    trained = batch.run("release", "--train", "--env", "prod")
    by_hand = batch.run("run", environment="prod", AIFACTORY_IDENTITY="release")

    assert trained.returncode == 2 and "train_in: dev" in trained.stderr
    assert by_hand.returncode == 2 and "nothing is trained in prod with train_in: dev" in by_hand.stderr


def test_given_train_in_prod_when_released_then_the_code_moves_and_the_model_is_trained_there(
    in_prod: Environments,
) -> None:
    done = in_prod.run("release", "--train", "--env", "prod")
    assert done.returncode == 0, done.stderr
    again = in_prod.run("release", "--train", "--env", "prod")
    moved = in_prod.run("release", "--to", "staging", "--train")
    assert moved.returncode == 0, moved.stderr
    waits = in_prod.run("release", "--to", "prod")
    in_prod.approve()
    in_prod.release("prod")

    assert "version 1 was trained in prod" in done.stdout
    assert "version 1 was trained before in prod" in again.stdout
    assert waits.returncode == 3
    dev, staging, prod = (open_side(in_prod.repo, name).registry for name in ("dev", "staging", "prod"))
    assert len(dev.versions()) == len(staging.versions()) == len(prod.versions()) == 1
    assert dev.version(1).model_sha256 != prod.version(1).model_sha256 == staging.version(1).model_sha256
    assert prod.version(1).tags["aifactory.data.raw"] != dev.version(1).tags["aifactory.data.raw"]
    assert staging.version(1).tags["aifactory.from"] == "prod/1"
    assert prod.version(1).tags["aifactory.integration_sha256"]
    _, answer = in_prod.predict("prod")
    found = json.loads(in_prod.run("trace", answer["prediction_ids"][0], "--env", "prod", "--json").stdout)
    assert found["training_run"].startswith("prod/") and found["copied_from"] is None and found["approved_by"]
    actions = [line["action"] for line in log.read(in_prod.home / "prod/demo-case/audit")]
    assert actions[:2] == ["training started", "register"]
    assert in_prod.run("release", "--to", "prod").stdout.count("was served already") == 1


def test_given_staging_made_again_when_prods_champion_is_released_there_then_it_is_tested_and_nobody_approved_it(
    in_prod: Environments,
) -> None:
    place = in_prod.home / "staging" / "demo-case"
    (place / "mlflow.db").unlink()
    shutil.rmtree(place / "artifact")

    in_prod.release("staging")

    found = open_side(in_prod.repo, "staging").registry.version(1).tags
    assert report(in_prod)["the source's rows over HTTP score as they do offline"] == "50 of 50 rows"
    assert found["aifactory.integration_sha256"] and "aifactory.approved_by" not in found


def test_given_a_model_of_dev_in_staging_when_released_to_prod_that_trains_itself_then_refused(
    in_prod: Environments,
) -> None:
    contract = in_prod.repo / ".factory" / "staging.json"
    before = contract.read_text()
    contract.write_text(json.dumps(json.loads(before) | {"train_in": "dev"}))
    in_prod.release("staging")
    contract.write_text(before)

    done = in_prod.run("release", "--to", "prod")

    assert done.returncode == 1 and "only what prod trained" in done.stderr


def test_given_dirty_code_in_dev_when_trained_in_prod_then_it_is_skipped(in_prod: Environments) -> None:
    in_prod.train_what_is_not_committed()

    skipped = in_prod.run("release", "--train", "--env", "prod")
    named = in_prod.run("release", "--train", "--env", "prod", "--version", "2")

    assert skipped.returncode == 0 and "version 1 was trained before in prod" in skipped.stdout
    assert "skipped: version 2 of dev" in skipped.stderr and "not committed" in skipped.stderr
    assert named.returncode == 1 and "may not train in prod" in named.stderr and "not committed" in named.stderr


def test_given_both_when_released_to_staging_then_service_and_batch_are_tested(tmp_path: Path) -> None:
    places = Environments(tmp_path, scoring="both")
    (places.repo / "data" / "request.json").write_text(json.dumps({"rows": [{"age": 1}]}))
    (places.repo / "conf" / "consumer.yaml").write_text(
        "request: data/request.json\npredictions: {values: [0, 1], probabilities: true}\n"
    )
    commit(places.repo, "A request that is none")
    places.start("staging")
    try:
        places.train()
        refused = places.run("release", "--to", "staging")
        assert refused.returncode == 1 and "consumer: its example request: status 422" in refused.stderr
        assert "staging has none now" in refused.stderr
        status, _ = places.predict("staging")
        assert status == 503, "a model that failed does not stay served"

        shutil.copyfile(places.repo / "data" / "customers.csv", places.repo / "data" / "other.csv")
        row = {"age": 30, "income": None, "member": True, "region": "east"}
        (places.repo / "data" / "request.json").write_text(json.dumps({"rows": [row]}))
        commit(places.repo, "A good request")
        places.train()
        places.release("staging")
    finally:
        places.stop()
    found = report(places)
    assert found["consumer: its example request"] == "1 rows answered"
    assert found["batch: one prediction a row"] == "400 predictions for 400 rows"
    assert found["the source's rows over HTTP score as they do offline"] == "50 of 50 rows"
