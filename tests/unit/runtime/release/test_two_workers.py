"""Two workers of one service: code moves there and back, one is killed, models are swapped, one log holds it all."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from aifactory_runtime.serving.document import Document, ServingFolder
from tests.fixtures import own_document, prediction_log
from tests.fixtures.callers import Callers
from tests.unit.runtime.environments import TOKEN, Environments

pytestmark = pytest.mark.slow

CALLERS = 4


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environments]:
    made = Environments(tmp_path_factory.mktemp("factory"))
    made.start("staging", workers=2)
    try:
        made.train()
        made.release("staging")
        made.workers("staging", 2)
        yield made
    finally:
        made.stop()


def test_figure_2_given_load_when_the_code_moves_and_is_rolled_back_then_no_request_fails(places: Environments) -> None:
    places.change_settings(0.5)
    places.train()
    with callers_of(places) as callers:
        places.release("staging")
        places.workers("staging", 2)
        done = places.run("rollback", "--env", "staging")
        places.wait("staging", "1")
        places.workers("staging", 2)

    assert done.returncode == 0, done.stderr
    assert callers.statuses() == {200}, f"{len(callers.answers)} requests"
    assert {answer.said["model_version"] for answer in callers.answers} == {"1", "2"}
    assert lost(places, callers) == set()


def test_figure_3_given_load_when_one_is_killed_then_no_later_request_fails_and_no_answer_is_lost(
    places: Environments,
) -> None:
    killed, other = places.workers("staging", 2)
    with callers_of(places) as callers:
        time.sleep(0.5)
        os.kill(killed, signal.SIGKILL)
        at = time.monotonic()
        while killed in (now := places.workers("staging", 2)):
            time.sleep(0.05)

    assert other in now
    assert callers.statuses(since=at) == {200}
    assert lost(places, callers) == set()


def test_figure_1_given_load_when_models_of_one_code_are_swapped_then_both_workers_swap_and_no_request_fails(
    places: Environments,
) -> None:
    folder, before = ServingFolder(places.serving("staging")), places.workers("staging", 2)
    document = folder.read()
    assert document is not None and document.champion is not None
    with callers_of(places) as callers:
        for number in (1, 2):
            champion = places.served("staging", 2) if number == 1 else document.champion
            folder.write(Document(document.sequence + number, champion))
            reported = {champion.sha256}
            while {one.champion and one.champion.sha256 for one in folder.statuses()} != reported:
                time.sleep(0.05)

    assert callers.statuses() == {200}
    assert places.workers("staging", 2) == before
    assert lost(places, callers) == set()


def test_given_all_that_when_the_log_and_the_counts_are_read_then_no_sequence_is_missing_or_there_twice(
    places: Environments,
) -> None:
    lines = [json.loads(line) for line in prediction_log.text(log_of(places)).splitlines()]
    headers = {"Authorization": f"Bearer {TOKEN}"}
    shown = httpx.get(f"http://127.0.0.1:{places.ports['staging']}/metrics", headers=headers).text
    (counted,) = re.findall(r"^aifactory_rows_scored_total (\S+)$", shown, re.MULTILINE)

    assert [line["sequence"] for line in lines] == list(range(1, len(lines) + 1))
    assert 0 <= len(lines) - float(counted) <= CALLERS, "recorded, and killed before they were counted"


@pytest.mark.long  # the same is asked of a service in one process in tests/unit/runtime/serving/test_openapi.py
def test_given_its_own_document_when_both_workers_are_asked_by_it_then_there_is_no_finding(
    places: Environments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert own_document.findings(f"http://127.0.0.1:{places.ports['staging']}", TOKEN, 100) == set()


def callers_of(places: Environments) -> Callers:
    """They ask staging, each request on a connection of its own."""
    return Callers(lambda: places.predict("staging"), CALLERS)


def log_of(places: Environments) -> Path:
    return places.home / "staging" / "demo-case" / "capture"


def lost(places: Environments, callers: Callers) -> set[str]:
    """Ids that callers were given and that are not in the log."""
    lines = prediction_log.text(log_of(places)).splitlines()
    given = {one for answer in callers.answers if answer.status == 200 for one in answer.said["prediction_ids"]}
    return given - {json.loads(line)["id"] for line in lines}
