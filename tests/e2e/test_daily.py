"""A released use case on other than ordinary days: backup and restore, reboot, retirement. Leaves it as it was."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.providers.local import layout, processes
from tests.e2e.spine import REGRESSION, USE_CASE, Spine
from tests.fixtures import prediction_log

pytestmark = pytest.mark.e2e


def ask(spine: Spine) -> tuple[int, dict[str, Any]]:
    """One prediction of prod."""
    token = json.loads(Path(spine.contract("prod")["endpoint_token_file"]).read_text())["token"]
    return spine.ask("prod", spine.row(), token=token)


def ask_when_ready(spine: Spine) -> dict[str, Any]:
    """The answer of prod once it is ready, two minutes at most."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            status, answer = ask(spine)
        except httpx.HTTPError:
            status, answer = 0, {}
        if status == 200:
            return answer
        time.sleep(0.5)
    raise AssertionError("prod does not answer")


def assert_unchanged(spine: Spine, *commands: str) -> None:
    """`refresh` of platform and both use cases finds no difference; nor does `up`, where it is asked too."""
    for command in ("refresh", *commands):
        outcome = spine.must(spine.factory(command, "--platform", "--json"))
        results = json.loads(outcome.out)
        assert len(results) == 7
        assert [result["changed"] for result in results] == [[]] * 7


def shown(spine: Spine, environment: str) -> dict[str, Any]:
    """The row of `factory status` for an environment."""
    rows = json.loads(spine.must(spine.factory("status", "--json")).out)["serving"]
    found: dict[str, Any] = next(row for row in rows if row["environment"] == environment)
    return found


def test_given_a_released_use_case_when_looked_at_then_logs_addresses_settings_and_status_say_what_is(
    spine: Spine,
) -> None:
    logs = spine.must(spine.factory("logs", "--env", "prod")).out
    pages = json.loads(spine.must(spine.factory("open", "--json")).out)
    settings = json.loads(spine.must(spine.factory("config", "--env", "prod", "--explain", "--json")).out)
    row = shown(spine, "dev")

    assert f"==> {USE_CASE}.prod <==" in logs
    assert "serves version 1" in logs
    addresses = {page["page"]: page["url"] for page in pages}
    assert httpx.get(addresses[f"docs {USE_CASE}.prod"]).status_code == 200
    assert httpx.get(addresses["dagster"], follow_redirects=True).status_code == 200
    assert httpx.get(addresses["dashboard"], follow_redirects=True).status_code == 401
    assert settings["endpoint_url"]["from"].endswith(".factory/prod.json")
    assert row["last_run"].endswith("version 1")
    assert (row["problem"], row["scoring"], row["retired"]) == ("classification", "online", "")


def test_given_a_service_in_use_when_backed_up_lost_and_restored_then_prod_answers_with_the_same_champion(
    spine: Spine,
) -> None:
    first, stop = ask_when_ready(spine), threading.Event()
    failed, acknowledged = list[int](), list[str]()

    def use() -> None:
        while not stop.is_set():
            status, answer = ask(spine)
            if status == 200:
                acknowledged.extend(answer["prediction_ids"])
            else:
                failed.append(status)

    user = threading.Thread(target=use)
    user.start()
    while len(acknowledged) < 5:
        time.sleep(0.05)
    before = list(acknowledged)
    file = spine.folder.parent / "backup.tar.gz"
    try:
        spine.must(spine.factory("backup", str(file)))
    finally:
        stop.set()
        user.join()
    assert failed == [], "services go on"
    assert file.stat().st_mode & 0o777 == 0o600

    restored = spine.must(spine.factory("restore", str(file), "--force", "--json"))

    assert json.loads(restored.out)["troubles"] == []
    assert ask_when_ready(spine)["model_version"] == first["model_version"]
    log = prediction_log.text(spine.home / "prod" / USE_CASE / "capture")
    assert [one for one in before if one not in log] == [], "acknowledged before the backup, so in it"
    assert_unchanged(spine)
    spine.must(spine.factory("trace", first["prediction_ids"][0], "--env", "prod"))
    file.unlink()
    (aside,) = spine.home.parent.glob(f"{spine.home.name}.before-*")
    shutil.rmtree(aside)


def test_given_a_reboot_when_started_then_prod_answers_and_nothing_differs(spine: Spine) -> None:
    for pid in processes.marked(layout.socket(spine.home)):
        os.kill(pid, 9)
    shutil.rmtree(layout.runtime(spine.home), ignore_errors=True)

    spine.must(spine.factory("start"))

    assert ask_when_ready(spine)["model_version"] == spine.serving("prod")["champion"]["version"]
    assert_unchanged(spine)


def test_given_prod_when_retired_then_it_stays_stopped_and_visible_until_it_is_revived(spine: Spine) -> None:
    before = shown(spine, "prod")

    spine.must(spine.factory("retire", "prod", "--reason", "replaced by tumour-2"))

    row = shown(spine, "prod")
    assert row["retired"].endswith(": replaced by tumour-2")
    assert (row["released"], row["registry"], row["address"]) == (before["released"], before["registry"], "")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{before['address']}/health/live")
    assert "retired in prod" in spine.must(spine.factory("release", "--to", "prod"), code=1).err
    assert "stays retired since" in spine.must(spine.factory("up", "prod")).err
    assert shown(spine, "prod")["retired"] != ""
    spine.must(spine.factory("refresh", "prod"))

    spine.must(spine.factory("up", "prod", "--revive"))

    assert ask_when_ready(spine)["model_version"] == before["released"]
    assert shown(spine, "prod")["retired"] == ""
    actions = [json.loads(line)["action"] for line in (spine.home / "prod" / USE_CASE / "audit" / "audit.jsonl").open()]
    assert actions[-2:] == ["retired", "revived"]
    assert_unchanged(spine, "up")


def test_fault_46_given_prod_when_destroyed_without_naming_it_twice_then_it_is_refused_and_answers(
    spine: Spine,
) -> None:
    one, both = f"{USE_CASE}.prod is", f"{USE_CASE}.prod, {REGRESSION}.prod are"
    for arguments, kept in ((("prod", "--yes"), one), (("--all", "--yes"), both)):
        refused = spine.must(spine.factory("destroy", *arguments), code=1)
        assert f"{kept} protected" in refused.err

    assert ask(spine)[0] == 200
