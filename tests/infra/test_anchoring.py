"""Heads of audit logs go to the tracking server when they move, by an identity that can do nothing else."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from aifactory.provision import anchored
from aifactory_runtime.audit import anchors, log
from aifactory_runtime.config import credentials
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.registry.mlflow import connect
from aifactory_runtime.registry.port import Head
from infra.providers.local import layout
from infra.services import anchoring
from tests.infra.engine import Bench

STARTS = ("subprocess.Popen", "os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.system", "socket.connect")
begun: list[str] = []
sys.addaudithook(lambda event, _: begun.append(event) if event in STARTS else None)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with the log of `churn` in prod, and a tracking server that does not answer."""
    for path, content in (
        (anchoring.PLATFORM, {"tracking_uri": "http://127.0.0.1:9", "anchor_experiment": "7"}),
        (anchoring.CREDENTIALS, {"login": "anchor", "password": "x"}),
    ):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(json.dumps(content))
    log.append(tmp_path / "prod" / "churn" / "audit", "released", "release", {})
    return tmp_path


def known(home: Path, name: str, entry: dict[str, Any]) -> None:
    """Have a line of a log written down as anchored."""
    path = home / anchoring.HEADS
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({name: {key: entry[key] for key in ("sequence", "sha256")}}))


def test_given_heads_that_moved_nowhere_when_looked_at_then_nobody_is_asked_and_nothing_starts(home: Path) -> None:
    folder = home / "prod" / "churn" / "audit"
    known(home, "churn.prod", log.append(folder, "rolled back", "release", {"why": "x" * 200_000}))
    (home / "dev" / "new" / "audit").mkdir(parents=True)
    with (folder / log.FILE).open("a") as file:
        file.write('{"sequence": 3, "sha')  # torn: it was never acknowledged
    begun.clear()
    assert anchoring.anchor(home) == anchoring.Report()
    assert begun == []


def test_given_a_server_that_is_down_when_a_head_moves_then_that_is_said_and_tried_again(home: Path) -> None:
    for _ in range(2):
        report = anchoring.anchor(home)
        assert report.written == []
        assert "the tracking server does not answer" in report.troubles[0]
    (home / anchoring.CREDENTIALS).unlink()
    assert anchoring.anchor(home).troubles == ["there is no place to anchor audit logs yet: factory up shared"]


def test_given_a_log_that_is_gone_or_damaged_when_looked_at_then_it_is_named(home: Path) -> None:
    folder = home / "prod" / "churn" / "audit"
    known(home, "churn.prod", log.read(folder)[0])
    (folder / log.FILE).write_text("half a li\n")
    assert f"the head of {folder / log.FILE} cannot be read" in anchoring.anchor(home).troubles[0]
    (folder / log.FILE).unlink()
    assert anchoring.anchor(home).troubles == ["the audit log of churn.prod is gone, line 1 of it is anchored"]


class Churn:
    """The log of `churn` in dev and what is anchored of it, at a real tracking server."""

    def __init__(self, bench: Bench) -> None:
        self.home = bench.home
        record = json.loads((bench.home / "usecases" / "churn.dev.json").read_text())
        self.contract = EnvironmentContract.model_validate(record["environment"])
        self.folder = Path(self.contract.audit_uri)

    def append(self) -> Head:
        entry = log.append(self.folder, "released", "release", {})
        return Head(entry["sequence"], entry["sha256"])

    def anchored(self) -> list[Head]:
        """As the owner reads it; each head says when it was written."""
        found = connect(self.contract, credentials.of(self.contract)).anchored() or ()
        assert all(head.at is not None for head in found)
        return [replace(head, at=None) for head in found]

    def client(self, path: Path) -> httpx.Client:
        login = json.loads(path.read_text())
        address = f"{self.contract.tracking_uri}/api/2.0/mlflow/"
        return httpx.Client(base_url=address, auth=(login["login"], login["password"]), timeout=30)


@pytest.fixture
def churn(provisioned: Bench) -> Churn:
    return Churn(provisioned)


@pytest.mark.slow
def test_given_a_log_that_moves_when_a_minute_is_over_then_its_head_is_anchored_and_a_cut_shows(churn: Churn) -> None:
    first = churn.append()
    assert anchoring.anchor(churn.home).troubles == []
    second, third = churn.append(), churn.append()
    assert anchoring.anchor(churn.home).troubles == []
    found = churn.anchored()
    assert first in found and third in found
    assert anchored.head(churn.home, "churn.dev") == {"sequence": third.sequence, "sha256": third.sha256}
    assert anchors.compare(log.read(churn.folder), found) == anchors.Comparison(third.sequence)

    lines = (churn.folder / log.FILE).read_text().splitlines(keepends=True)
    (churn.folder / log.FILE).write_text("".join(lines[:-2]))

    said = f"lines {second.sequence} to {third.sequence} were cut off: line {third.sequence} is anchored"
    assert anchors.compare(log.read(churn.folder), churn.anchored()).problem == said
    anchoring.anchor(churn.home)
    assert anchors.compare(log.read(churn.folder), churn.anchored()).problem == said, "once anchored, always"

    anchored.end(churn.home, "churn.dev")  # as a destroy does, so that other tests find a log that holds
    anchoring.anchor(churn.home)
    assert anchors.compare(log.read(churn.folder), churn.anchored()).problem is None
    assert list((churn.home / anchoring.ENDED).iterdir()) == []


@pytest.mark.slow
def test_given_the_identity_anchor_when_it_tries_more_than_to_write_heads_then_it_is_refused(churn: Churn) -> None:
    head = churn.append()
    anchoring.anchor(churn.home)
    assert layout.anchor(churn.home).stat().st_mode & 0o777 == 0o600
    run = anchoring.read_heads(churn.home)["churn.dev"].run
    experiment = json.loads(layout.platform(churn.home).read_text())["anchor_experiment"]
    rewritten = {"run_id": run, "params": [{"key": f"line-{head.sequence:010}", "value": "0" * 64}]}
    owner = Path(str(churn.contract.credentials_file))
    with churn.client(layout.anchor(churn.home)) as anchor, churn.client(owner) as ana:
        assert anchor.post("runs/log-batch", json=rewritten).status_code == 400
        assert anchor.post("runs/delete", json={"run_id": run}).status_code == 403
        other = anchor.get("experiments/get-by-name", params={"experiment_name": "dev/churn"})
        model = anchor.get("registered-models/get", params={"name": "churn.dev"})
        assert (other.status_code, model.status_code) == (403, 403)
        begun_by_her = ana.post("runs/create", json={"experiment_id": experiment, "start_time": 1})
        assert begun_by_her.status_code == ana.post("runs/log-batch", json=rewritten).status_code == 403
    assert head in churn.anchored()
