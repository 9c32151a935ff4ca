"""A successor on live requests in prod, with real services and no orchestrator: in order, as one use case lives it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aifactory_runtime.audit import log
from aifactory_runtime.livetest import look
from aifactory_runtime.livetest.rows import Row
from aifactory_runtime.release import live_test
from aifactory_runtime.release.side import open_side
from aifactory_runtime.serving.document import Document, ServingFolder
from aifactory_runtime.serving.trial.split import is_challengers
from tests.unit.runtime.environments import NONSENSE, ROW, TOKEN, Environments, two_versions

pytestmark = pytest.mark.slow
TRIAL = {"trial": "ab", "trial_share": 0.5, "trial_period": 60.0, "trial_wait": 0.0, "trial_longest": 6_000.0}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environments]:
    asked = {"approval": "none", "approvers": [], **TRIAL}
    with two_versions(tmp_path_factory.mktemp("factory"), 0.01, **asked) as made:
        yield made


def document(places: Environments) -> Document:
    found = ServingFolder(places.serving("prod")).read()
    assert found is not None
    return found


def keys(places: Environments, turn: str) -> list[str]:
    """Split keys whose turn it is."""
    trial = document(places).trial
    assert trial is not None
    named = [f"customer-{number}" for number in range(100)]
    return [key for key in named if is_challengers(key, trial.id, trial.share) is (turn == "challenger")]


def ask(places: Environments, key: str) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", places.ports["prod"], timeout=20)
    try:
        headers = {"Authorization": f"Bearer {TOKEN}", "Split-Key": key}
        connection.request("POST", "/predict", json.dumps({"rows": [ROW]}), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def wait_for(places: Environments, key: str, version: str) -> None:
    until = time.monotonic() + 60
    seen: Any = None
    while time.monotonic() < until:
        seen = ask(places, key)
        assert seen[0] == 200
        if seen[1]["model_version"] == version:
            return
        time.sleep(0.2)
    raise AssertionError(f"{key} never had version {version}: {seen}")


def challenger(places: Environments) -> tuple[int, str]:
    """Process id and socket of the challenger's worker."""
    launcher = places.launchers["prod"].pid
    for pid in Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split():
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        if "--challenger" in words:
            return int(pid), words[words.index("--challenger") + 1]
    raise AssertionError("no challenger runs")


def another(places: Environments, before: int) -> tuple[int, str]:
    """The worker that the launcher started in the place of process `before`, once it answers; nobody is asked."""
    until = time.monotonic() + 90
    while time.monotonic() < until:
        with suppress(AssertionError, OSError), socket.socket(socket.AF_UNIX) as connection:
            pid, path = challenger(places)
            assert pid != before
            connection.connect(path)
            return pid, path
        time.sleep(0.2)
    raise AssertionError("the challenger was not started again")


def metrics(places: Environments) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", places.ports["prod"], timeout=20)
    try:
        connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def lines(places: Environments, action: str) -> list[dict[str, Any]]:
    found = log.read(places.home / "prod" / "demo-case" / "audit")
    return [entry["facts"] for entry in found if entry["action"] == action]


def test_given_a_champion_when_a_successor_is_released_then_it_answers_its_share_and_is_no_champion(
    places: Environments,
) -> None:
    assert document(places).challenger is None, "the first model of all became champion at once"

    done = places.run("release", "--to", "prod")

    assert done.returncode == 0 and "version 2 is tried on live requests in prod" in done.stdout, done.stderr
    (begun,) = lines(places, "live test begins")
    assert (begun["version"], begun["champion"], begun["share"]) == (2, 1, 0.5)
    ours, theirs = keys(places, "champion")[0], keys(places, "challenger")[0]
    wait_for(places, theirs, "2")
    assert [ask(places, key)[1]["model_version"] for key in (ours, theirs, ours, theirs)] == ["1", "2", "1", "2"]
    _, answer = ask(places, theirs)
    traced = json.loads(places.run("trace", answer["prediction_ids"][0], "--env", "prod", "--json").stdout)
    assert traced["version"] == "2" and traced["model_sha256"] == begun["model_sha256"]
    again = places.run("release", "--to", "prod")
    assert again.returncode == 0 and len(lines(places, "live test begins")) == 1, "released again, nothing moves"


def test_fault_61_given_a_live_test_when_another_is_released_then_it_is_refused_and_the_test_goes_on(
    places: Environments,
) -> None:
    before = document(places)

    done = places.run("release", "--to", "prod", "--version", "1")

    assert done.returncode == 1
    assert "version 2 is in a live test there since" in done.stderr and "livetest stop" in done.stderr
    assert document(places) == before


def test_faults_54_62_given_a_challenger_that_dies_talks_nonsense_and_hangs_then_the_champion_answers_every_caller(
    places: Environments,
) -> None:
    """Nothing of the orchestrator runs here, and the challenger is withdrawn all the same."""
    theirs = keys(places, "challenger")
    folder, trial = ServingFolder(places.serving("prod")), document(places).trial
    assert trial is not None
    pid, path = challenger(places)

    os.kill(pid, signal.SIGKILL)
    dead = [ask(places, key) for key in theirs[:3]]
    pid, path = another(places, pid)
    os.kill(pid, signal.SIGSTOP)
    fake = subprocess.Popen([sys.executable, "-c", NONSENSE, path], stdout=subprocess.PIPE)
    try:
        assert fake.stdout is not None and fake.stdout.readline() == b"listens\n"
        nonsense = [ask(places, key) for key in theirs[3:6]]
        assert not folder.was_withdrawn(trial.id), "a few failed calls take nobody out"
        fake.send_signal(signal.SIGSTOP)
        hangs = [ask(places, key) for key in theirs[6:20]]
    finally:
        fake.kill()
        fake.wait()

    answers = [*dead, *nonsense, *hangs]
    assert {status for status, _ in answers} == {200}
    assert {answer["model_version"] for _, answer in answers} == {"1"}
    counted = metrics(places)
    assert 'outcome="nonsense"' in counted and 'outcome="late"' in counted
    until = time.monotonic() + 30
    while not folder.was_withdrawn(trial.id) and time.monotonic() < until:
        time.sleep(0.1)
    assert folder.was_withdrawn(trial.id)


def test_given_a_challenger_that_the_service_took_out_when_released_again_then_the_registry_says_so_and_why(
    places: Environments,
) -> None:
    done = places.run("release", "--to", "prod")

    assert done.returncode == 1 and "the service took it out" in done.stderr and "--version" in done.stderr
    (ended,) = lines(places, "live test ends")
    assert ended["verdict"] == "withdraw" and "calls failed" in ended["why"]
    found = document(places)
    assert (found.challenger, found.trial) == (None, None)
    assert not ServingFolder(places.serving("prod")).challenger.is_symlink()
    assert places.predict("prod")[1]["model_version"] == "1"


def test_given_a_lost_test_when_named_then_it_is_tried_again_and_a_person_may_end_it(places: Environments) -> None:
    done = places.run("release", "--to", "prod", "--version", "2")
    assert done.returncode == 0 and len(lines(places, "live test begins")) == 2, done.stderr

    longer = places.run("livetest", "extend", "--by", "1h", "--why", "labels are late", "--env", "prod")
    assert longer.returncode == 0 and "may last" in longer.stdout, longer.stderr
    ended = places.run("livetest", "stop", "--why", "we stop here", "--env", "prod", "--json")

    assert json.loads(ended.stdout)["why"] == "we stop here"
    assert document(places).challenger is None
    (extended,) = lines(places, "live test extended")
    assert (extended["by"], extended["longest"]) == (3_600.0, 9_600.0)
    assert places.run("livetest", "stop", "--why", "again", "--env", "prod").returncode == 1


def better(count: int) -> list[Row]:
    """A request each second, labelled at once; the champion is wrong on each third."""
    turns = ["challenger" if number % 2 else "champion" for number in range(count)]
    wrong = [number % 3 == 0 for number in range(count)]
    made = []
    for number, (turn, is_wrong) in enumerate(zip(turns, wrong, strict=True)):
        said = {"champion": 1 if is_wrong else 0, "challenger": 0}
        other = said["champion" if turn == "challenger" else "challenger"]
        made.append(Row(float(number), float(number), 0, f"key-{number}", turn, turn, said[turn], other))
    return made


def test_given_a_kpi_that_is_edited_after_the_test_began_when_looked_at_then_the_one_of_the_begin_is_judged(
    places: Environments,
) -> None:
    manifest, kpi_file = places.repo / "factory.yaml", places.repo / "src" / "demo_case" / "kpi.py"
    before = manifest.read_text()
    manifest.write_text(before + "kpi: {name: gain, margin: 0.5}\n")
    kpi_file.write_text("def kpi(row, output, label):\n    return float(output['prediction'] == label)\n")
    done = places.run("release", "--to", "prod", "--version", "2")
    assert done.returncode == 0, done.stderr
    manifest.write_text(before + "kpi: {name: gain, margin: 500}\n")
    kpi_file.write_text("def kpi(row, output, label):\n    return 0.0\n")
    said: list[str] = []

    def worse(*reading: Any, **_: Any) -> list[Row]:
        """Both models are right all the time, and the challenger's answers are worth nothing by kpi.py of the begin."""
        says = reading[-1]
        made = []
        for row in better(300):
            right, wrong = says({}, {"prediction": 0}, 0), says({}, {"prediction": 1}, 0)
            kpi, other = (right, wrong) if row.role == "champion" else (wrong, right)
            made.append(replace(row, given=0, other=0, kpi=kpi, other_kpi=other))
        return made

    found = live_test.running(open_side(places.repo, "prod"))
    assert found is not None
    begun = datetime.fromisoformat(found[1].began).astimezone(UTC)
    standing = look.look(places.repo, "prod", worse, said.append, begun + timedelta(seconds=301))

    assert (standing.verdict, standing.why) == ("withdraw the challenger", "gain is worse by more than 0.5"), standing
    assert "kpi.margin is 500, was 0.5" in standing.changed and "kpi.py is another" in standing.changed
    assert [line for line in said if standing.changed in line] and document(places).challenger is None
    manifest.write_text(before)
    kpi_file.unlink()


def test_given_labels_that_prove_it_better_when_looked_at_then_it_becomes_champion_on_the_same_path(
    places: Environments,
) -> None:
    assert places.run("release", "--to", "prod", "--version", "2").returncode == 0
    found = live_test.running(open_side(places.repo, "prod"))
    assert found is not None
    begun = datetime.fromisoformat(found[1].began).astimezone(UTC)

    early = look.look(places.repo, "prod", lambda *_: better(30), print, begun + timedelta(seconds=30))
    assert (early.verdict, early.periods) == ("go on", 0)
    assert [(one.name, one.why) for one in early.unjudged] == [("KPI", "factory.yaml named none when the test began")]
    proves_nothing = [replace(row, given=0, other=0) for row in better(100)]
    first = look.look(places.repo, "prod", lambda *_: proves_nothing, print, begun + timedelta(seconds=61))
    again = look.look(places.repo, "prod", lambda *_: pytest.fail("read"), print, begun + timedelta(seconds=62))
    assert (first.units, again.units, again.better_by) == (60, 60, first.better_by), "what the last look found is told"
    standing = look.look(places.repo, "prod", lambda *_: better(300), print, begun + timedelta(seconds=301))

    assert standing.verdict == "promote the challenger", standing
    document_now = document(places)
    assert document_now.champion is not None and document_now.champion.version == "2"
    assert document_now.challenger is None and not ServingFolder(places.serving("prod")).challenger.is_symlink()
    assert places.predict("prod")[1]["model_version"] == "2"
    assert [facts["verdict"] for facts in lines(places, "live test ends")] == ["withdraw"] * 3 + ["promote"]
    assert lines(places, "champion moved")[-1]["version"] == 2
