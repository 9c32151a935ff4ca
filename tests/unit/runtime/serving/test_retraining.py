"""A caller who may asks for a training: it is in the inbox with their login before it is acknowledged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from aifactory_runtime.serving.app import create_app
from aifactory_runtime.serving.callers import Callers
from aifactory_runtime.serving.recording import Recorder
from aifactory_runtime.serving.retraining import Retraining
from aifactory_runtime.serving.service import Service
from aifactory_runtime.triggers import inbox
from infra.providers.local import admission

ROLES = {"ana": "data-scientist", "otto": "operator", "app": "consumer"}


@pytest.fixture
def service(tmp_path: Path) -> Service:
    (tmp_path / "callers").mkdir()
    for login, role in ROLES.items():
        admission.write(
            tmp_path / "callers" / f"{login}.json", login, [role], admission.entries(f"of-{login}", None, [])
        )
    made = Service(2_000, Recorder(tmp_path / "log"), Callers(tmp_path / "callers"))
    made.retraining = Retraining(tmp_path / "inbox")
    return made


def ask(service: Service, login: str, body: Any) -> Any:
    client = TestClient(create_app(service, "Churn"))
    return client.post("/retrain", json=body, headers={"Authorization": f"Bearer of-{login}"})


def test_given_those_who_may_when_they_ask_then_a_message_has_their_login_and_reason(
    service: Service, tmp_path: Path
) -> None:
    answers = [ask(service, login, {"why": "new prices"}) for login in ("ana", "otto")]
    found = [message.ask for message in inbox.read(tmp_path / "inbox")]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert {(one.who, one.why, one.trigger) for one in found if one} == {
        ("ana", "new prices", "message"),
        ("otto", "new prices", "message"),
    }


@pytest.mark.parametrize(
    ("login", "body", "status"),
    [
        ("app", {"why": "x"}, 403),
        ("nobody", {"why": "x"}, 401),
        ("ana", {}, 422),
        ("ana", {"why": ""}, 422),
        ("ana", {"why": "x" * 501}, 422),
        ("ana", {"why": "x", "trigger": "drift"}, 422),
        ("ana", [], 422),
    ],
)
def test_given_who_may_not_or_what_does_not_fit_when_asked_then_it_is_refused_and_nothing_is_written(
    service: Service, tmp_path: Path, login: str, body: Any, status: int
) -> None:
    answer = ask(service, login, body)
    assert answer.status_code == status and inbox.read(tmp_path / "inbox") == []
    assert not (tmp_path / "inbox").exists()


def test_given_an_inbox_that_takes_nothing_when_asked_then_503_says_so(service: Service, tmp_path: Path) -> None:
    (tmp_path / "inbox").write_text("a file where the folder belongs")
    answer = ask(service, "ana", {"why": "x"})
    assert answer.status_code == 503 and "send it again" in answer.json()["detail"]
