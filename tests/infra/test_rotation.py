"""`factory person` and `factory rotate` as they are typed: a person comes and goes, secrets change, nothing fails."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from aifactory_runtime.audit import log
from aifactory_runtime.config import credentials
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.serving.fetch import Source
from infra.providers.local import layout
from tests.fixtures.machine import Machine
from tests.infra.conftest import MANIFEST

pytestmark = pytest.mark.slow


@dataclass
class Repo:
    """A use case's repo, as far as provisioning looks at it, and the home that tests share."""

    path: Path
    machine: Machine

    @property
    def home(self) -> Path:
        return self.machine.home.root

    def factory(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.machine.factory(*arguments, cwd=self.path)

    def done(self, *arguments: str) -> str:
        return self.machine.done(*arguments, cwd=self.path)

    @property
    def contract(self) -> EnvironmentContract:
        """Prod's."""
        return EnvironmentContract.model_validate_json((self.path / ".factory" / "prod.json").read_text())

    @property
    def credentials(self) -> Path:
        return self.home / "credentials" / "prod" / "churn"

    def login(self, identity: str) -> tuple[str, str]:
        content = json.loads((self.credentials / f"{identity}.json").read_text())
        return content["login"], content["password"]

    def status(self, login: tuple[str, str]) -> int:
        """What the tracking server answers to a login that asks for prod's model."""
        address = f"{self.contract.tracking_uri}/api/2.0/mlflow/registered-models/get"
        return httpx.get(address, params={"name": "churn.prod"}, auth=login, timeout=30).status_code

    def audit(self, action: str) -> list[dict[str, Any]]:
        folder = Path(self.contract.audit_uri)
        assert log.verify(folder).problem is None
        return [line["facts"] for line in log.read(folder) if line["action"] == action]


@pytest.fixture(scope="module")
def repo(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repo]:
    found = Repo(tmp_path_factory.mktemp("churn"), machine)
    (found.path / "factory.yaml").write_text(yaml.safe_dump(MANIFEST, sort_keys=False))
    found.done("up", "prod", "--platform")
    yield found
    found.done("destroy", "prod", "--yes", "--unprotect", "prod")


def test_given_a_person_added_and_removed_when_up_then_their_login_works_and_is_refused_afterwards(repo: Repo) -> None:
    said = repo.done("person", "add", "bo", "--as", "operator", "--env", "prod", "--up")
    assert "under people.operator" in said
    login = repo.login("bo")
    assert repo.status(login) == 200
    assert repo.audit("access")[-1]["people"]["bo"] == {"operator": None}

    repo.done("person", "remove", "bo", "--up")

    assert repo.status(login) == 401
    assert not (repo.credentials / "bo.json").exists()
    assert [("bo" in facts["people"]) for facts in repo.audit("access")] == [False, True, False]


def test_given_nothing_changed_when_up_runs_again_then_the_audit_log_says_nothing_new(repo: Repo) -> None:
    before = len(repo.audit("access"))
    assert "no change" in repo.done("up", "prod")
    assert len(repo.audit("access")) == before


def test_given_somebody_whose_time_has_ended_when_previewed_then_it_is_said(repo: Repo) -> None:
    path = repo.path / "factory.yaml"
    text = path.read_text()
    path.write_text(text + "people:\n  operator: [{login: cy, until: 2026-01-31}]\n")
    looked = repo.factory("preview", "prod")
    path.write_text(text)
    assert looked.returncode == 0, looked.stderr
    assert "cy is operator in prod no more, since the end of 2026-01-31" in looked.stderr


def test_fault_50_given_a_size_that_dev_does_not_give_when_up_then_file_and_line_are_named_and_nothing_is_made(
    repo: Repo,
) -> None:
    path = repo.path / "factory.yaml"
    text = path.read_text()
    path.write_text(text.replace("  dev:\n", "  dev:\n    size: large\n"))
    line = 1 + path.read_text().splitlines().index("    size: large")
    refused = repo.factory("up", "dev", "--platform")
    path.write_text(text)
    assert refused.returncode == 2
    assert f"factory.yaml:{line}: environments.dev.size: large is not available in dev; write small" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert not (repo.home / "dev").exists()


@dataclass
class Fetching:
    """Fetches a model as the scoring service does, over and over, in a thread."""

    source: Source
    uri: str
    folder: Path
    count: int = 0
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Fetching:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.is_set():
            try:
                self.source.fetch(self.uri, self.folder)
                self.count += 1
            except Exception as error:  # every failure counts, whatever it is
                self.failures.append(str(error))


def test_given_the_services_login_in_use_when_rotated_then_no_fetch_fails_and_the_old_password_is_refused(
    repo: Repo, tmp_path: Path
) -> None:
    contract = repo.contract
    release = repo.login("release")
    base = f"{contract.tracking_uri}/api/2.0"
    with httpx.Client(auth=release, timeout=30) as client:
        found = client.get(f"{base}/mlflow/experiments/get-by-name", params={"experiment_name": contract.experiment})
        place = f"{found.json()['experiment']['experiment_id']}/by-hand/artifacts/model"
        put = client.put(f"{base}/mlflow-artifacts/artifacts/{place}/part", content=b"model")
        assert put.status_code == 200
    old = repo.login("service")
    source = Source(contract.tracking_uri, partial(credentials.of, contract, "service"))

    with Fetching(source, f"mlflow-artifacts:/{place}", tmp_path) as fetching:
        for _ in range(3):
            said = repo.done("rotate", "service", "--env", "prod")

    assert "service" in said
    assert fetching.failures == [], (repo.home / "services" / "logs" / "tracking.log").read_text()[-4000:]
    assert fetching.count > 10
    assert (repo.status(old), repo.status(repo.login("service"))) == (401, 200)
    assert (repo.credentials / "service.json").stat().st_mode & 0o777 == 0o600
    assert repo.audit("rotate")[-1] == {"identities": ["service"]}


def test_given_everybody_when_rotated_then_every_secret_is_new_and_the_next_up_changes_nothing(repo: Repo) -> None:
    keys = repo.credentials / "capture-key.json"
    files = sorted({*repo.credentials.rglob("*.json")} - {keys})
    hashing = keys.read_text()
    before = [path.read_text() for path in files]
    old = repo.login("ana")
    listed = json.loads(repo.done("rotate", "--json"))
    assert {row["file"] for row in listed} == {str(path) for path in files}
    assert not set(before) & {path.read_text() for path in files}
    assert (repo.status(old), repo.status(repo.login("ana"))) == (401, 200)
    assert keys.read_text() == hashing, "what is hashed alike ends only when that is asked for"
    assert "no change" in repo.done("up", "prod")


def test_given_the_key_of_hashes_when_it_is_named_then_it_gets_a_version_more(repo: Repo) -> None:
    path = repo.credentials / "capture-key.json"
    before = json.loads(path.read_text())["keys"]

    repo.done("rotate", "capture-key")

    after = json.loads(path.read_text())["keys"]
    assert after[:-1] == before and [one["version"] for one in after] == [1, 2]
    assert path.stat().st_mode & 0o777 == 0o600
    assert "no change" in repo.done("up", "prod")


def test_given_the_homes_identity_anchor_when_rotated_then_its_old_password_is_refused_and_the_log_says_so(
    repo: Repo,
) -> None:
    path = layout.anchor(repo.home)
    address = f"{repo.contract.tracking_uri}/api/2.0/mlflow/experiments/get-by-name"

    def status(known: dict[str, Any]) -> int:
        login = (known["login"], known["password"])
        return httpx.get(address, params={"experiment_name": "anchor"}, auth=login, timeout=30).status_code

    old = json.loads(path.read_text())
    assert status(old) == 200
    repo.done("rotate", "anchor")
    assert (status(old), status(json.loads(path.read_text()))) == (401, 200)
    assert repo.audit("rotate")[-1] == {"identities": ["anchor"]}
    refused = repo.factory("rotate", "anchor", "--env", "prod")
    assert (refused.returncode, "anchor belongs to no environment" in refused.stderr) == (2, True)


def test_given_somebody_whose_last_day_passed_when_others_are_rotated_then_the_audit_log_says_who_has_access_now(
    repo: Repo,
) -> None:
    today = datetime.now(UTC).date()
    repo.done("person", "add", "cy", "--as", "operator", "--env", "prod", "--until", f"{today}", "--up")
    login = repo.login("cy")
    assert repo.status(login) == 200
    assert "cy" in repo.audit("access")[-1]["people"]
    applied = repo.home / "usecases" / "churn.prod.json"
    applied.write_text(applied.read_text().replace(f"{today}", f"{today - timedelta(days=1)}"))

    repo.done("rotate", "otto")

    assert repo.status(login) == 401
    assert "cy" not in repo.audit("access")[-1]["people"]
    repo.done("person", "remove", "cy", "--up")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ("rotate", "zoe"),
            2,
            "zoe has no secret in prod; who has: ana, capture-key, consumer, otto, release, service, vera",
        ),
        (("rotate", "--env", "dev"), 1, "dev of churn is not provisioned: factory up dev"),
    ],
)
def test_given_nobody_to_rotate_when_asked_then_one_line_says_what_there_is(
    repo: Repo, arguments: tuple[str, ...], code: int, said: str
) -> None:
    refused = repo.factory(*arguments)
    assert (refused.returncode, refused.stderr) == (code, f"factory: {said}\n")
