"""The dashboard over HTTP, with logins that the real tracking server knows: who sees what, and what nobody sees."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from infra.components.local.part import SERVICES
from infra.providers.local import layout
from tests.fixtures import chromium
from tests.infra.engine import Bench
from tests.infra.test_tracking_server import free_port

pytestmark = pytest.mark.slow
PAGE = """<!doctype html><title>x</title><p>the pages of {place}</p>
<script>document.title = 'ran'</script><img src='//127.0.0.1:9/x'>"""


class Asked:
    """The dashboard of the home, and who asks it."""

    def __init__(self, bench: Bench) -> None:
        self.home = bench.home
        port = json.loads(layout.ports(bench.home).read_text())[layout.DASHBOARD]
        self.address = f"http://127.0.0.1:{port}"

    def login(self, person: str, environment: str) -> tuple[str, str]:
        """Login and password of a person there."""
        found = json.loads((self.home / "credentials" / environment / "churn" / f"{person}.json").read_text())
        return found["login"], found["password"]

    def get(self, path: str, auth: tuple[str, str] | None = None, **more: str) -> httpx.Response:
        return httpx.get(self.address + path, auth=auth, headers=more, timeout=30)


@pytest.fixture(scope="module")
def asked(provisioned: Bench) -> Asked:
    made = Asked(provisioned)
    for place in ("dev", "prod"):
        folder = made.home / place / "churn" / "artifacts" / "pages"
        folder.mkdir(parents=True, exist_ok=True)
        for file in ("index.html", "audit.html", "style.css"):
            (folder / file).write_text(PAGE.format(place=place))
        state = {"level": "act now", "sentence": "1 <b>problem</b>", "as_of": "2026-11-27T10:00:00+00:00"}
        (folder / "state.json").write_text(json.dumps(state))
    return made


def test_given_no_login_or_a_wrong_one_when_asked_then_401_and_nothing_is_told(asked: Asked) -> None:
    paths = ("/all/", "/churn/dev/", "/churn/dev/audit.html", "/no-such/dev/", "/churn/dev/nothing.html")
    for path in paths:
        for auth in (None, ("ana.churn.dev", "wrong"), ("nobody", "x")):
            found = asked.get(path, auth)
            assert (found.status_code, "the pages" in found.text) == (401, False)
            assert found.headers["www-authenticate"].startswith('Basic realm="')
    for header in ("Bearer x", "Basic", "Basic !!", "Basic " + "eA==", "Basic " + "A" * 5000):
        assert asked.get("/churn/dev/", authorization=header).status_code == 401
    assert asked.get("/health").text == "ok\n", "supervisor's look needs no login"


def test_given_a_login_when_asked_then_it_sees_its_own_environment_and_no_other(asked: Asked) -> None:
    ana = asked.login("ana", "dev")
    own = asked.get("/churn/dev/", ana)
    assert (own.status_code, "the pages of dev" in own.text) == (200, True)
    assert asked.get("/churn/dev/audit.html", ana).status_code == 200, "she may read the runs"
    refused = [asked.get(path, ana) for path in ("/churn/prod/", "/churn/prod/index.html", "/no-such/dev/", "/x/y/z")]
    assert {found.status_code for found in refused} == {404}
    assert len({found.text for found in refused[:3]}) == 1, "what is not there and what is not hers look alike"
    listed = asked.get("/all/", ana).text
    assert "/churn/dev/" in listed and "/churn/prod/" not in listed
    assert "1 &lt;b&gt;problem&lt;/b&gt;" in listed and "hours ago" in listed
    everything = json.loads(layout.admin(asked.home).read_text())
    admin = asked.get("/all/", (everything["login"], everything["password"])).text
    assert "/churn/dev/" in admin and "/churn/prod/" in admin


def test_given_the_wrong_login_in_a_browser_when_it_logs_in_as_somebody_else_then_it_is_asked_again(
    asked: Asked,
) -> None:
    ana, vera = asked.login("ana", "dev"), asked.login("vera", "prod")
    assert "href='login'" in asked.get("/churn/prod/", ana).text
    assert asked.get("/churn/prod/login", ana).headers["www-authenticate"].startswith('Basic realm="churn in prod"')
    assert asked.get("/churn/prod/login", vera).headers["location"] == "./"
    assert asked.get("/churn/prod", vera).headers["location"].endswith("/churn/prod/")


def test_given_paths_out_of_the_folder_when_asked_then_nothing_is_read(asked: Asked) -> None:
    ana = asked.login("ana", "dev")
    tries = (
        *("/churn/dev/state.json", "/churn/dev/..%2f..%2faudit%2faudit.jsonl", "/churn/dev/%2e%2e/x"),
        *("/..%2f..%2fetc/passwd/x", "/churn%2fdev/dev/", "/churn/dev/index.html%00", "/churn/dev/.html"),
        *("//etc/passwd", "/churn/dev/pages/index.html", "/CHURN/dev/", "/churn/dev/%ff"),
    )
    for path in tries:
        found = asked.get(path, ana)
        assert (found.status_code in {404, 307}, "the pages" in found.text) == (True, False), path
    assert httpx.post(asked.address + "/churn/dev/", auth=ana).status_code == 405
    assert asked.get("/churn/dev/", ana, host="attacker.example").status_code == 400, "a name that was rebound"


def test_given_any_answer_when_looked_at_then_a_browser_runs_and_fetches_nothing_and_keeps_nothing(
    asked: Asked,
) -> None:
    ana = asked.login("ana", "dev")
    for path, auth in (("/churn/dev/", ana), ("/all/", ana), ("/churn/dev/", None), ("/nothing", None), ("/", None)):
        headers = asked.get(path, auth).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
        assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")
        assert (headers["x-frame-options"], headers["referrer-policy"]) == ("DENY", "no-referrer")
        assert "server" not in headers
    assert asked.get("/churn/dev/style.css", ana).headers["content-type"] == "text/css; charset=utf-8"


def test_given_a_page_that_would_run_and_fetch_when_opened_in_a_browser_then_it_does_neither(
    asked: Asked, tmp_path: Path
) -> None:
    login, password = asked.login("ana", "dev")
    header = "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()
    with chromium.started(tmp_path) as browser:
        page = browser.open(f"{asked.address}/churn/dev/", login=header)
        assert page.value("document.title") == "x" and "the pages of dev" in page.value("document.body.innerText")
        assert [said for said in page.said if "Content Security Policy" in said] != []
        listed = browser.open(f"{asked.address}/all/", chromium.PHONE, dark=True, login=header)
        assert (listed.said, listed.value("document.documentElement.scrollWidth")) == ([], chromium.PHONE)
        assert listed.value("document.querySelector('td a').textContent") == "Customer churn"


def test_given_no_page_yet_when_asked_then_it_is_said_how_to_get_one(asked: Asked) -> None:
    found = asked.get("/churn/dev/cost.html", asked.login("ana", "dev"))
    assert (found.status_code, "python -m churn pages --env dev" in found.text) == (404, True)


def test_given_a_use_case_when_up_then_its_contract_leads_to_the_dashboard_and_to_the_orchestrator(
    asked: Asked,
) -> None:
    contract = json.loads((asked.home / "usecases" / "churn.dev.json").read_text())["environment"]
    ports = json.loads(layout.ports(asked.home).read_text())
    assert contract["dashboard_url"] == f"{asked.address}/churn/dev/"
    assert contract["orchestrator_url"] == f"http://127.0.0.1:{ports['dagster-webserver']}"


def test_given_a_state_that_nobody_writes_any_more_or_of_tomorrow_when_listed_then_it_needs_a_look(
    asked: Asked,
) -> None:
    file = asked.home / "dev" / "churn" / "artifacts" / "pages" / "state.json"
    ticked = asked.home / "dev" / "churn" / "triggers" / "watch.json"
    kept, ana, now = file.read_text(), asked.login("ana", "dev"), datetime.now(UTC)
    good, look = "<span class='pill good'>in order", "<span class='pill look'>needs a look"
    try:
        for minutes, more, shown in (
            (20, {"period_minutes": 10.0}, good),
            (31, {"period_minutes": 10.0}, look),
            (31, {}, good),
            (181, {"period_minutes": "x"}, look),
            (-5, {"period_minutes": 10.0}, look),
        ):
            as_of = (now - timedelta(minutes=minutes)).isoformat()
            file.write_text(json.dumps({"level": "in order", "sentence": "All is well", "as_of": as_of} | more))
            assert shown in asked.get("/all/", ana).text, (minutes, more)
        file.write_text(json.dumps({"level": "in order", "sentence": "All is well"}))
        assert look in asked.get("/all/", ana).text
        rests = {"level": "in order", "sentence": "All is well", "as_of": (now - timedelta(hours=9)).isoformat()}
        file.write_text(json.dumps(rests))
        later = {"until": (now + timedelta(hours=15)).isoformat(), "stamps": {}}
        usual = {"until": (now - timedelta(hours=8)).isoformat(), "stamps": {}}
        ticked.parent.mkdir(exist_ok=True)
        for watch, shown in ((usual, look), (usual | {"idle": later}, good)):
            ticked.write_text(json.dumps(watch))
            assert shown in asked.get("/all/", ana).text, "where nothing is recorded nobody has to look"
    finally:
        file.write_text(kept)
        ticked.unlink(missing_ok=True)


def test_given_an_applied_file_that_is_no_such_thing_when_listed_then_the_others_are_shown(asked: Asked) -> None:
    file = asked.home / "usecases" / "churn.staging.json"
    kept = file.read_text() if file.exists() else None
    everything = json.loads(layout.admin(asked.home).read_text())
    admin = (everything["login"], everything["password"])
    try:
        for content in ({"manifest": ["x"], "environment": "y"}, {"manifest": None, "environment": None}):
            file.write_text(json.dumps(content))
            listed = asked.get("/all/", admin)
            assert (listed.status_code, "/churn/dev/" in listed.text, "/churn/staging/" in listed.text) == (
                200,
                True,
                True,
            )
    finally:
        file.unlink() if kept is None else file.write_text(kept)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[str]:
    """A dashboard whose tracking server is away."""
    port = free_port()
    command = [sys.executable, str(SERVICES / "dashboard.py"), "--home", str(tmp_path), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--tracking", f"http://127.0.0.1:{free_port()}"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                httpx.get(f"http://127.0.0.1:{port}/health")
                break
            except httpx.HTTPError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def test_given_no_tracking_server_when_asked_then_nobody_is_let_in_and_it_is_said(alone: str) -> None:
    found = httpx.get(f"{alone}/churn/dev/", auth=("ana.churn.dev", "x"))
    assert (found.status_code, "does not answer" in found.text) == (503, True)
    assert httpx.get(f"{alone}/churn/dev/").status_code == 401
