"""A model on its way from dev to prod and back, with real services: in order, as one use case lives it."""

from __future__ import annotations

import getpass
import json
import os
import signal
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aifactory_runtime.audit import log
from aifactory_runtime.monitoring import expected
from aifactory_runtime.registry.port import CHAMPION
from aifactory_runtime.release.side import open_side
from aifactory_runtime.serving.document import Document, ServingFolder
from tests.fixtures import prediction_log
from tests.fixtures.callers import Callers
from tests.fixtures.usecase_repo import commit
from tests.unit.runtime.environments import APPROVER, TOKEN, Environments, pss_mb

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environments]:
    made = Environments(tmp_path_factory.mktemp("factory"))
    made.start("staging", "prod")
    try:
        (made.repo / "conf" / "staging.yaml").write_text("gate: {limits: {latency_ms: 60000}}\n")
        commit(made.repo, "Limit the time of an answer")
        made.train()
        yield made
    finally:
        made.stop()


def test_given_nothing_in_staging_when_released_to_prod_then_refused(places: Environments) -> None:
    done = places.run("release", "--to", "prod")

    assert done.returncode == 1 and "release --to staging first" in done.stderr


def test_given_a_candidate_when_released_to_staging_then_it_is_tested_there(places: Environments) -> None:
    places.release("staging")

    status, answer = places.predict("staging")
    assert status == 200 and answer["model_version"] == "1"
    assert open_side(places.repo, "staging").registry.version(1).tags["aifactory.authors"] == getpass.getuser()
    report = next((places.home / "staging/demo-case/artifact/releases").glob("*/integration.json"))
    checks = {check["name"]: check["found"] for check in json.loads(report.read_text())["checks"]}
    assert checks["the source's rows over HTTP score as they do offline"] == "50 of 50 rows"
    assert checks["producer sends a missing column"] == checks["producer sends no rows"] == "status 422"
    assert checks["a caller without a token is refused"] == "status 401"
    assert checks["consumer: answers are as it relies on"] == "50 rows"
    assert checks["an answer is explained, by values that sum to it"] == "they do"
    assert checks["one row is answered within 60000 ms (gate.limits.latency_ms)"] == "it is"


def test_given_a_model_in_staging_when_another_is_trained_in_dev_then_it_has_to_beat_that_one(
    places: Environments,
) -> None:
    dev = open_side(places.repo, "dev")
    champion = dev.registry.by_alias(CHAMPION)
    document = dev.serving.known()

    assert champion is not None and champion.number == 1
    assert document is not None and document.champion is not None and document.champion.version == "1"
    assert dev.serving.current.exists(), "the code that a schedule would train with"
    places.run("release", "--to", "staging")
    assert open_side(places.repo, "dev").serving.known() == document, "released again, nothing moves"


def test_given_no_approval_when_released_to_prod_then_it_waits_for_a_person(places: Environments) -> None:
    done = places.run("release", "--to", "prod")

    assert done.returncode == 3
    assert "factory approve --env prod --as kim.meyer --version 1" in [
        line.strip() for line in done.stderr.splitlines()
    ]
    assert done.stderr.index("test roc_auc") < done.stderr.index("report sha256")
    assert places.predict("prod")[0] == 503


def test_given_somebody_else_when_approving_then_refused_and_prod_still_waits(places: Environments) -> None:
    done = places.run("approve", "--env", "prod", "--as", "ana.lopez")

    assert done.returncode == 2 and "ana.lopez may not approve" in done.stderr
    assert places.run("release", "--to", "prod").returncode == 3


def test_given_an_approval_when_released_then_prod_answers_and_trace_leads_back(places: Environments) -> None:
    said = places.run("approve", "--env", "prod", "--as", APPROVER).stdout
    assert said.index("test roc_auc") < said.index("integration.json") < said.index(f"{APPROVER} approves model sha256")
    assert "Now: factory release --to prod --version 1" in said
    places.release("prod")

    _, answer = places.predict("prod")
    done = places.run("trace", answer["prediction_ids"][0], "--env", "prod", "--json")
    found = json.loads(done.stdout)
    assert found["approved_by"] == APPROVER and found["copied_from"] == "staging/1"
    assert found["training_run"].startswith("dev/") and len(found["commit"]) == 40
    assert set(found["data"]) == {"raw", "prepared", "reference"} and found["integration_sha256"]
    monitors = places.home / "prod" / "demo-case" / "artifact" / expected.FOLDER
    kept = (expected.folder(monitors, places.served("prod", 1).sha256) / expected.FILE).read_text()
    assert expected.decode(kept).whole is not None, "what the gate found in dev is known where the traffic is"


def test_given_a_retired_environment_when_released_or_rolled_back_then_it_is_refused_and_nothing_moves(
    places: Environments,
) -> None:
    before = (places.serving("prod") / "serving.json").read_bytes()
    contract = json.loads((places.repo / ".factory" / "prod.json").read_text())
    places.write("prod", {**contract, "retired": "replaced by churn-2"})

    outcomes = [places.run("release", "--to", "prod"), places.run("rollback", "--env", "prod")]
    places.write("prod", contract)

    for done in outcomes:
        assert done.returncode == 1
        assert "retired in prod (replaced by churn-2): factory up prod --revive brings it back" in done.stderr
    assert (places.serving("prod") / "serving.json").read_bytes() == before


def test_given_dev_without_its_artefacts_when_prod_starts_anew_then_it_loads_its_champion(places: Environments) -> None:
    dev = places.home / "dev" / "demo-case" / "artifact" / "mlflow"
    dev.rename(dev.with_name("away"))
    models = places.serving("prod") / "models"
    models.rename(models.with_name("old-models"))
    try:
        os.kill(places.worker("prod"), signal.SIGKILL)
        places.wait("prod", "1")
        assert [path.name for path in models.iterdir()] == [places.served("prod", 1).sha256], "fetched anew"
    finally:
        dev.with_name("away").rename(dev)


def test_given_released_models_when_released_again_then_nothing_changes(places: Environments) -> None:
    assert not places.release_again()


def test_given_a_model_of_files_not_committed_when_released_then_it_is_skipped(places: Environments) -> None:
    places.train_what_is_not_committed()

    done = places.run("release", "--to", "staging")
    named = places.run("release", "--to", "staging", "--version", "2")

    assert done.returncode == 0 and done.stdout.startswith("version 1 was served already in staging")
    assert "skipped: version 2 of dev: it was trained from files that are not committed" in done.stderr
    assert named.returncode == 1 and "not committed" in named.stderr


def certify(places: Environments) -> None:
    """From here on prod takes certificates of the gate, and the approver, a model validator, has given one."""
    contract = json.loads((places.repo / ".factory" / "prod.json").read_text())
    refused = places.run("certify", "--env", "prod", "--as", APPROVER)
    assert refused.returncode == 2 and "prod takes no certificate of the gate" in refused.stderr
    places.write("prod", {**contract, "certified_gate": True, "validators": [APPROVER]})
    waits = places.run("release", "--to", "prod")
    assert waits.returncode == 3 and "nobody has certified the gate" in waits.stderr
    done = places.run("certify", "--env", "prod", "--as", APPROVER)
    assert done.returncode == 0 and f"{APPROVER} certifies this gate for prod" in done.stdout, done.stderr


def test_fault_39_given_load_when_new_code_and_back_again_then_no_request_fails(places: Environments) -> None:
    places.change_settings(0.5)
    places.train()
    places.release("staging")
    assert places.run("release", "--to", "prod").returncode == 3, "an approval must not carry over"
    certify(places)
    with Callers(lambda: places.predict("prod"), 2) as callers:
        places.release("prod")
        places.wait("prod", "2")
        started = time.monotonic()
        done = places.run("rollback", "--env", "prod")
        places.wait("prod", "1")
        seconds = time.monotonic() - started

    assert done.returncode == 0, done.stderr
    assert callers.statuses() == {200}, f"{len(callers.answers)} requests"
    assert seconds < 60


def test_figure_1_given_load_when_models_of_the_same_code_are_swapped_then_no_request_fails(
    places: Environments,
) -> None:
    folder = ServingFolder(places.serving("prod"))
    before = folder.read()
    assert before is not None and before.champion is not None
    worker = places.worker("prod")
    other = places.served("prod", 2)
    with Callers(lambda: places.predict("prod"), 3) as callers:
        number = 0
        while number < 6 or number % 2 or len(callers.answers) <= 200:
            champion = other if number % 2 == 0 else before.champion
            folder.write(Document(before.sequence + 1 + number, champion))
            number += 1
            places.wait("prod", champion.version)

    assert callers.statuses() == {200}
    versions = [answer.said["model_version"] for answer in callers.answers]
    assert set(versions) == {"1", "2"}
    assert places.worker("prod") == worker, "equal code is swapped without a restart"


def test_given_a_rollback_when_the_same_is_released_then_only_if_it_is_named(places: Environments) -> None:
    done = places.run("release", "--to", "prod")
    assert done.returncode == 1 and "rolled back" in done.stderr and "--version" in done.stderr
    assert places.predict("prod")[1]["model_version"] == "1"

    tested = json.loads(places.document("staging"))["champion"]["version"]
    places.release("prod", "--version", tested)

    assert places.predict("prod")[1]["model_version"] == "2"


def test_fault_60_given_used_up_quotas_when_the_service_starts_anew_then_it_answers_and_tidying_and_rollback_go_on(
    places: Environments,
) -> None:
    contract = json.loads((places.repo / ".factory" / "prod.json").read_text())
    places.write("prod", {**contract, "quota_disk_gb": 1e-9, "quota_compute_hours": 1e-9})
    try:
        os.kill(places.worker("prod"), signal.SIGKILL)
        places.wait("prod", "2")
        status, answer = places.predict("prod")
        batch = places.run("score", environment="prod")
        tidied = places.run("tidy", "--env", "prod", "--yes")
        back = places.run("rollback", "--env", "prod")
        places.wait("prod", "1")
        again = places.run("release", "--to", "prod", "--version", "2")
        places.wait("prod", "2")
    finally:
        places.write("prod", contract)

    assert batch.returncode == 1 and "quotas" in batch.stderr, "the quota is used up"
    traced = places.run("trace", answer["prediction_ids"][0], "--env", "prod", "--json")
    assert status == 200 and json.loads(traced.stdout)["version"] == "2"
    assert [done.returncode for done in (tidied, back, again)] == [0, 0, 0], tidied.stderr + back.stderr + again.stderr


def test_fault_38_given_kill_9_of_the_worker_when_asked_then_it_is_back_and_nothing_lost(
    places: Environments,
) -> None:
    ids = [places.predict("prod")[1]["prediction_ids"][0] for _ in range(20)]
    os.kill(places.worker("prod"), signal.SIGKILL)
    places.wait("prod", "2")

    captured = prediction_log.text(places.home / "prod" / "demo-case" / "capture")
    assert all(identity in captured for identity in ids)


def test_given_a_killed_release_when_run_again_then_serving_follows_the_alias(places: Environments) -> None:
    document = places.serving("prod") / "serving.json"
    values = json.loads(document.read_text())
    first = {**values, "champion": {**values["champion"], "version": "1", "sha256": "0" * 64}}
    document.write_text(json.dumps(first))

    places.release("prod")

    assert json.loads(document.read_text())["champion"] == values["champion"]


def test_given_a_service_when_its_modules_are_listed_then_neither_mlflow_nor_pandas(places: Environments) -> None:
    mapped = Path(f"/proc/{places.worker('prod')}/maps").read_text()

    assert "pandas" not in mapped and "numpy" in mapped


def test_given_two_services_when_measured_then_one_takes_150_mb_at_most(places: Environments) -> None:
    for _ in range(100):
        places.predict("prod")

    total = pss_mb(places.launchers["prod"].pid) + pss_mb(places.worker("prod"))

    assert total <= 150, f"{total:.0f} MB"


def test_given_all_that_when_the_audit_log_is_verified_then_its_chain_holds(places: Environments) -> None:
    folder = places.home / "prod" / "demo-case" / "audit"

    assert log.verify(folder).problem is None
    actions = [line["action"] for line in log.read(folder)]
    assert actions[:3] == ["approved", "champion moved", "released"] and "rolled back" in actions
    moved = [line["facts"]["approved_by"] for line in log.read(folder) if line["action"] == "champion moved"]
    assert moved[0] == APPROVER and moved[1].startswith("certificate ") and moved[1].endswith(f" of {APPROVER}")


def test_given_a_release_when_its_evidence_is_asked_for_then_one_file_holds_it_without_rows_and_again_the_same_bytes(
    places: Environments, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    done = [places.run("evidence", "--version", "2", "--output", str(path), "--json") for path in (first, second)]
    again = places.run("evidence", "--output", str(first))

    assert [one.returncode for one in done] == [0, 0] and first.read_bytes() == second.read_bytes()
    assert again.returncode == 2 and "is there already" in again.stderr
    with zipfile.ZipFile(first) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(parts["manifest.json"])
    assert (manifest["version"], manifest["problems"], sorted(manifest["missing"])[-1]) == (2, [], "live_test.json")
    assert {"gate.json", "integration.json", "input_schema.json", "approvals.json", "release.json"} < parts.keys()
    assert {f"audit/{name}/audit.jsonl" for name in ("dev", "staging", "prod")} < parts.keys()
    assert json.loads(parts["approvals.json"])["approved_by"].endswith(APPROVER)
    assert [one["environment"] for one in json.loads(parts["release.json"])["registered"]] == ["prod", "staging", "dev"]
    assert "background" not in json.loads(parts["input_schema.json"]) and TOKEN.encode() not in first.read_bytes()

    report = next((places.home / "dev/demo-case/artifact/runs").glob(f"{_run(parts)}/gate.json"))
    before = report.read_text()
    report.write_text(before.replace("true", "false", 1))
    changed = places.run("evidence", "--version", "2", "--output", str(tmp_path / "third.zip"))
    report.write_text(before)
    assert changed.returncode == 1 and "gate.json is not what was registered" in changed.stderr


def _run(parts: dict[str, bytes]) -> str:
    registered = json.loads(parts["release.json"])["registered"]
    return str(registered[0]["tags"]["aifactory.pipeline_run"])


def test_given_a_certificate_when_it_is_taken_back_then_a_release_asks_a_person_again(places: Environments) -> None:
    command = ("certify", "--env", "prod", "--as", APPROVER, "--withdraw", "the reference rows are too old")
    done, again = places.run(*command), places.run(*command)

    assert done.returncode == 0 and "ask a person again" in done.stdout
    assert again.returncode == 2 and "nothing to take back" in again.stderr
    assert places.run("release", "--to", "prod").returncode == 3
    last = log.read(places.home / "prod" / "demo-case" / "audit")[-1]
    assert (last["action"], last["facts"]["why"]) == ("gate certificate withdrawn", "the reference rows are too old")


def test_given_an_unknown_id_when_traced_then_one_line(places: Environments) -> None:
    done = places.run("trace", "nope", "--env", "prod")

    assert done.returncode == 1 and done.stderr.count("\n") == 1
