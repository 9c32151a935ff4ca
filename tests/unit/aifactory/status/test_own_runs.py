"""MLflow on a repo's own runs: where nothing is provisioned its pages are served from here, on a copy."""

from __future__ import annotations

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import urllib.parse
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from aifactory.home import Home
from aifactory.provision.plan import Place
from aifactory.status import addresses, own_runs
from aifactory_runtime.contract import Manifest
from aifactory_runtime.errors import FactoryError
from tests.fixtures import usecase_repo
from tests.unit.aifactory.homes import provisioned
from tests.unit.runtime.contract.test_manifest import VALID

FACTORY = str(Path(sys.executable).with_name("factory"))
MANIFEST = Manifest.model_validate(VALID)


@pytest.mark.parametrize(
    ("made", "page", "where", "own"),
    [
        (False, "mlflow", None, True),
        (False, "mlflow", "dev", False),
        (False, "dagster", None, False),
        (True, "mlflow", None, False),
        (True, "mlflow", "embedded", True),
    ],
)
def test_given_a_repo_then_its_own_runs_are_meant_where_nothing_is_provisioned_or_when_said(
    tmp_path: Path, made: bool, page: str, where: str | None, own: bool
) -> None:
    home = provisioned(tmp_path) if made else Home(tmp_path)
    assert addresses.own_runs(Place(home, tmp_path, MANIFEST), page, where) == own
    assert not addresses.own_runs(Place(home, None, None), page, where)


def test_given_nothing_trained_or_no_server_then_it_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FactoryError, match=r"no runs yet.*make train"), own_runs.served(tmp_path, MANIFEST, print):
        pass
    database = tmp_path / ".factory" / "embedded" / "mlflow.db"
    database.parent.mkdir(parents=True)
    database.touch()
    with pytest.raises(FactoryError, match="not in it any more"), own_runs.served(tmp_path, MANIFEST, print):
        pass
    with closing(sqlite3.connect(database)) as made:
        made.execute("CREATE TABLE experiments (id)")
    monkeypatch.setattr("aifactory.provision.servers.find", lambda: None)
    with pytest.raises(FactoryError, match="factory doctor --mend"), own_runs.served(tmp_path, MANIFEST, print):
        pass


def test_given_a_tracking_server_then_the_page_is_that_of_the_use_cases_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def answer(request: urllib.request.Request, timeout: float) -> io.BytesIO:
        asked.append((request.full_url, request.get_header("Authorization"), timeout))
        return io.BytesIO(json.dumps({"experiment": {"experiment_id": "7"}}).encode())

    monkeypatch.setattr(urllib.request, "urlopen", answer)
    page = addresses.of(Place(provisioned(tmp_path), tmp_path, MANIFEST), "mlflow", "prod")

    assert page.url == "http://127.0.0.1:25000/#/experiments/7/runs"
    assert asked[0][0].endswith("get-by-name?experiment_name=prod%2Fchurn")
    assert str(asked[0][1]).startswith("Basic ")


@pytest.mark.slow
def test_given_a_trained_repo_and_nothing_provisioned_when_opened_then_its_runs_answer_until_ctrl_c(
    tmp_path: Path,
) -> None:
    repo = usecase_repo.make_repo(tmp_path / "repo")
    assert usecase_repo.run(repo, "run").returncode == 0
    before = (repo / ".factory" / "embedded" / "mlflow.db").read_bytes()
    opened = subprocess.Popen(
        [FACTORY, "open", "mlflow", "--print"],
        cwd=repo,
        env={**os.environ, "FACTORY_HOME": str(tmp_path / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert opened.stdout is not None
    address, _, page = opened.stdout.readline().strip().partition("/#")
    number = page.split("/")[2]
    body = json.dumps({"experiment_ids": [number]}).encode()
    search = urllib.request.Request(  # noqa: S310
        f"{address}/api/2.0/mlflow/runs/search", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(search, timeout=300) as answer:  # noqa: S310
        assert json.load(answer)["runs"]
    with urllib.request.urlopen(f"{address}/api/2.0/mlflow/registered-models/search", timeout=300) as answer:  # noqa: S310
        (model,) = json.load(answer)["registered_models"]
    where = urllib.parse.urlencode({"name": model["name"], "version": 1, "path": "MLmodel"})
    with urllib.request.urlopen(f"{address}/model-versions/get-artifact?{where}", timeout=300) as answer:  # noqa: S310
        assert b'"type": "double", "name": "age"' in answer.read()  # what the page of a version shows
    os.killpg(opened.pid, signal.SIGINT)
    said = opened.communicate(timeout=300)[1]

    assert opened.returncode == 0, said
    assert "Traceback" not in said
    assert (repo / ".factory" / "embedded" / "mlflow.db").read_bytes() == before
