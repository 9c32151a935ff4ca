"""The factory's file: what a consumer of the scoring service may rely on, asked of the real process."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from .conftest import Repo

pytestmark = pytest.mark.slow


READY_WITHIN_SECONDS = 120


def wait_until_ready(client: httpx.Client) -> None:
    """The service listens at once and is ready when its model is loaded."""
    until = time.monotonic() + READY_WITHIN_SECONDS
    while client.get("/health/ready").status_code != httpx.codes.OK:
        assert time.monotonic() < until, client.get("/health/ready").text
        time.sleep(0.2)


@pytest.fixture(scope="module")
def service(trained: Repo) -> Iterator[httpx.Client]:
    """A client of the service, which serves what was trained; both end with the tests."""
    with subprocess.Popen(
        trained.command("serve", "--port", "0"),
        cwd=trained.root,
        env=trained.environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            address = next((line for line in process.stdout if line.startswith("http://")), "").strip()
            assert address, "the service printed no address"
            with httpx.Client(base_url=address.removesuffix("/docs"), timeout=30) as client:
                wait_until_ready(client)
                yield client
        finally:
            process.terminate()


@pytest.fixture
def row(trained: Repo) -> dict[str, Any]:
    """The row of data/request.json."""
    found: dict[str, Any] = json.loads((trained.root / "data/request.json").read_text(encoding="utf-8"))["rows"][0]
    return found


def test_given_a_row_when_asked_then_a_prediction_and_its_id_come_back(
    service: httpx.Client, row: dict[str, Any]
) -> None:
    answer = service.post("/predict", json={"rows": [row, row]})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert len(found["predictions"]) == len(set(found["prediction_ids"])) == 2
    assert found["predictions"][0] == found["predictions"][1]
    assert found["model_version"]


def test_given_a_prediction_when_traced_then_it_leads_to_model_run_and_data(
    service: httpx.Client, trained: Repo, row: dict[str, Any]
) -> None:
    identity = service.post("/predict", json={"rows": [row]}).json()["prediction_ids"][0]
    done = trained.run("trace", identity, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert trained.handoff()["model_sha256"] in done.stdout


@pytest.mark.parametrize("wrong", ["missing", "extra", "list", "nan"])
def test_given_a_wrong_row_when_asked_then_it_is_refused_without_echoing_it(
    service: httpx.Client, row: dict[str, Any], wrong: str
) -> None:
    first = next(iter(row))
    if wrong == "missing":
        row.pop(first)
    elif wrong == "extra":
        row["patient"] = "Jane Doe"
    else:
        row[first] = {"list": ["many"], "nan": float("nan")}[wrong]
    answer = service.post("/predict", content=json.dumps({"rows": [row]}))
    assert answer.status_code == 422
    assert "Jane Doe" not in answer.text


def test_given_the_service_then_it_says_what_it_serves_and_documents_itself(
    service: httpx.Client, trained: Repo
) -> None:
    assert service.get("/health/live").status_code == 200
    assert service.get("/health/ready").status_code == 200
    assert service.get("/version").json()["model_sha256"] == trained.handoff()["model_sha256"]
    assert "/predict" in service.get("/openapi.json").json()["paths"]
