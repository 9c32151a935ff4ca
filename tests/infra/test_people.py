"""People by persona, live at the tracking server: given, ended, taken away, and their secrets rotated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from aifactory_runtime.serving.callers import Callers
from infra.providers.local import files, layout, rotation_mark
from tests.infra.engine import Bench

pytestmark = pytest.mark.slow

PLACE = "staging"
PEOPLE = {
    "data-scientist": ["bo", {"login": "cy", "until": "2027-01-14"}],
    "stakeholder": ["sam", "bo"],
    "operator": ["otto"],
}


class Crew:
    """`churn` in staging with people, each with their own login."""

    def __init__(self, bench: Bench, manifest: str) -> None:
        self.bench = bench
        self.credentials = bench.home / "credentials" / PLACE / "churn"
        self.callers = Callers(bench.home / PLACE / "churn" / "callers")
        self._manifest = json.loads(manifest)

    def up(self, people: dict[str, Any]) -> dict[str, int]:
        manifest = json.dumps({**self._manifest, "people": people})
        return self.bench.up(self.bench.usecase(manifest, "churn", PLACE))

    def secret(self, file: str, key: str = "password") -> str:
        path = self.credentials / file
        assert path.stat().st_mode & 0o777 == 0o600
        return str(json.loads(path.read_text())[key])

    def login(self, person: str, password: str) -> httpx.Client:
        port = json.loads(layout.ports(self.bench.home).read_text())[layout.TRACKING]
        auth = (f"{person}.churn.{PLACE}", password)
        return httpx.Client(base_url=f"http://127.0.0.1:{port}/api/2.0/mlflow/", auth=auth, timeout=30)

    def sees_runs(self, person: str, password: str | None = None) -> int:
        found = self.login(person, password or self.secret(f"{person}.json"))
        return found.get("experiments/get-by-name", params={"experiment_name": f"{PLACE}/churn"}).status_code

    def sees_page(self, person: str, page: str) -> int:
        folder = self.bench.home / PLACE / "churn" / "artifacts" / "pages"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{page}.html").write_text("a page")
        port = json.loads(layout.ports(self.bench.home).read_text())[layout.DASHBOARD]
        auth = (f"{person}.churn.{PLACE}", self.secret(f"{person}.json"))
        return httpx.get(f"http://127.0.0.1:{port}/churn/{PLACE}/{page}.html", auth=auth, timeout=30).status_code

    def sees_model(self, person: str) -> int:
        found = self.login(person, self.secret(f"{person}.json"))
        return found.get("registered-models/get", params={"name": f"churn.{PLACE}"}).status_code


@pytest.fixture(scope="module")
def crew(bench: Bench, manifest: str) -> Iterator[Crew]:
    made = Crew(bench, manifest)
    made.up(PEOPLE)
    yield made
    bench.destroy(bench.usecase(manifest, "churn", PLACE))


def test_given_personas_when_up_then_each_sees_what_the_table_says(crew: Crew) -> None:
    assert (crew.sees_runs("otto"), crew.sees_model("otto")) == (200, 200)
    assert (crew.sees_runs("bo"), crew.sees_model("bo")) == (200, 200), "the rights of both personas"
    assert (crew.sees_runs("sam"), crew.sees_model("sam")) == (403, 200), "a stakeholder sees no runs"
    assert [crew.sees_page("sam", page) for page in ("index", "experiments", "audit")] == [200, 404, 404]
    assert [crew.sees_page("otto", page) for page in ("index", "experiments", "audit")] == [200, 200, 200]
    assert json.loads((crew.credentials / "bo.json").read_text())["roles"] == ["data-scientist", "stakeholder"]


def test_given_somebody_whose_time_has_ended_when_up_then_they_have_no_login(crew: Crew) -> None:
    assert not (crew.credentials / "cy.json").exists()
    assert crew.sees_runs("cy", "anything") == 401


def test_given_personas_with_a_token_when_up_then_the_service_knows_each_of_them(crew: Crew) -> None:
    tokens = {path.stem for path in (crew.credentials / "tokens").glob("*.json")}
    assert tokens == {"ana", "bo", "otto"}
    everyone = [crew.secret(f"tokens/{person}.json", "token") for person in sorted(tokens)]
    everyone.append(crew.secret("consumer.json", "token"))
    assert len(set(everyone)) == 4
    assert all(crew.callers.admits(token) for token in everyone)
    written = "".join(path.read_text() for path in crew.callers.folder.glob("*.json"))
    assert not any(token in written for token in everyone)


def test_given_a_token_let_in_by_hand_when_up_then_it_is_drift_and_taken_away(crew: Crew) -> None:
    path = crew.callers.folder / "otto.json"
    content = json.loads(path.read_text())
    content["accepts"].append({"sha256": "0" * 64, "until": None})
    path.write_text(json.dumps(content))
    assert crew.up(PEOPLE) == {"update": 1}
    assert len(json.loads(path.read_text())["accepts"]) == 1


def test_given_rotation_asked_for_when_up_then_new_secrets_work_and_old_ones_are_refused(crew: Crew) -> None:
    asked = [crew.credentials / file for file in ("bo.json", "service.json", "consumer.json", "tokens/bo.json")]
    old = {path: json.loads(path.read_text()) for path in asked}
    assert crew.sees_runs("bo") == 200, "the old password is in the server's cache"
    for path in asked:
        rotation_mark.ask(path)

    assert crew.bench.drift(crew.bench.usecase(_manifest(crew), "churn", PLACE)) == {"update": 4}
    assert crew.up(PEOPLE) == {"update": 4}

    for path in asked:
        key = "token" if "token" in old[path] else "password"
        now = json.loads(path.read_text())
        assert now[key] != old[path][key]
        assert {**now, key: ""} == {**old[path], key: ""}
        assert path.stat().st_mode & 0o777 == 0o600
        if key == "token":
            assert crew.callers.admits(now[key]) and not crew.callers.admits(old[path][key])
        else:
            person = now["identity"]
            assert (crew.sees_runs(person), crew.sees_runs(person, old[path][key])) == (200, 401)
    assert not list(crew.credentials.rglob("*.rotate"))
    assert crew.up(PEOPLE) == {}
    _assert_not_in_state(crew, [json.loads(path.read_text()) for path in asked])


def test_given_an_overlap_when_rotated_then_both_tokens_are_good_and_the_old_one_ends_by_itself(crew: Crew) -> None:
    path = crew.credentials / "consumer.json"
    old = crew.secret("consumer.json", "token")
    rotation_mark.ask(path, overlap_seconds=600)
    crew.up(PEOPLE)
    new = crew.secret("consumer.json", "token")
    _current, retiring = json.loads((crew.callers.folder / "consumer.json").read_text())["accepts"]
    end = _instant(retiring["until"])
    assert new != old
    assert [crew.callers.admits(token, end - 1) for token in (old, new)] == [True, True]
    assert [crew.callers.admits(token, end) for token in (old, new)] == [False, True]
    assert crew.up(PEOPLE) == {}


def test_given_a_rotation_killed_before_it_was_recorded_when_up_then_the_login_works_again(crew: Crew) -> None:
    """The server and the file have the new password, the state has not."""
    from infra.providers.local import mlflow_client

    lost = {**json.loads((crew.credentials / "bo.json").read_text()), "password": "known-to-server-and-file-only"}
    home, login = str(crew.bench.home), f"bo.churn.{PLACE}"
    mlflow_client.call(home, "PATCH", "2.0/mlflow/users/update-password", username=login, password=lost["password"])
    files.write(crew.credentials / "bo.json", json.dumps(lost))
    assert crew.up(PEOPLE) == {"update": 1}
    assert crew.sees_runs("bo") == 200


def test_given_a_person_taken_off_the_list_when_up_then_login_and_token_are_refused(crew: Crew) -> None:
    password, token = crew.secret("otto.json"), crew.secret("tokens/otto.json", "token")
    assert crew.sees_runs("otto", password) == 200
    fewer = {persona: members for persona, members in PEOPLE.items() if persona != "operator"}

    changed = crew.up(fewer)

    assert changed == {"delete": 4, "update": 1}, "role, login, its place in the role, token; the record of people"
    assert crew.sees_runs("otto", password) == 401
    assert not crew.callers.admits(token)
    assert not (crew.credentials / "otto.json").exists()
    crew.up(PEOPLE)


def _manifest(crew: Crew) -> str:
    return json.dumps({**crew._manifest, "people": PEOPLE})


def _instant(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def _assert_not_in_state(crew: Crew, files: list[dict[str, Any]]) -> None:
    """No secret stands in plain text in the engine's state or among its outputs."""
    secrets = [content.get("token") or content["password"] for content in files]
    kept = [path for path in (crew.bench.home / "state").rglob("*") if path.is_file()]
    applied: list[Path] = [*kept, *(crew.bench.home / "usecases").glob("*.json")]
    text = "".join(path.read_text(errors="replace") for path in applied)
    assert len(text) > 1000
    assert not [secret for secret in secrets if secret in text]
