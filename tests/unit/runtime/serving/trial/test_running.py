"""A live test in one worker: a real champion, and a challenger behind a real socket that is well, or is not."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fastapi.testclient import TestClient

from aifactory_runtime.serving import app
from aifactory_runtime.serving.document import Document, ServingFolder, Trial
from aifactory_runtime.serving.fetch import Source
from aifactory_runtime.serving.loader import Loader
from aifactory_runtime.serving.recording import Recorder
from aifactory_runtime.serving.service import Service
from aifactory_runtime.serving.trial import running, scores_log
from aifactory_runtime.serving.trial.ask import is_answer
from aifactory_runtime.serving.trial.follow import LiveTests
from aifactory_runtime.serving.trial.second_worker import Second
from aifactory_runtime.serving.trial.split import is_challengers
from tests.unit.runtime.serving_parts import CODE, ROW, estimator, features, make_model, write_model

SHADOW = Trial("test-1", "shadow", share=0.0, timeout=0.2, errors=0.05, latency=0.2)
AB = msgspec.structs.replace(SHADOW, kind="ab", share=0.5)
KEYS = [f"customer-{number}" for number in range(60)]
THEIRS = [key for key in KEYS if is_challengers(key, AB.id, AB.share)]
OURS = [key for key in KEYS if key not in THEIRS]
Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def _contrary() -> Any:
    """A model that says the opposite."""
    fitted = estimator()
    fitted[-1].coef_, fitted[-1].intercept_ = -fitted[-1].coef_, -fitted[-1].intercept_
    return fitted


@contextmanager
def listening(path: Path, converse: Conversation) -> Iterator[None]:
    """A challenger's socket in a thread of its own."""
    loop, ready = asyncio.new_event_loop(), threading.Event()

    async def listen() -> None:
        await asyncio.start_unix_server(converse, path)
        ready.set()

    def run() -> None:
        loop.create_task(listen())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


class Place:
    """A service with a champion, a challenger's model, and the folder that both follow."""

    def __init__(self, folder: Path) -> None:
        self.capture, self.socket = folder / "capture", folder / "s"
        self.folder = ServingFolder(folder / "serving")
        self.champion = make_model(folder / "one")
        self.challenger = write_model(folder / "two", _contrary(), "2")
        loader = Loader(self.folder.models, Source("", lambda: None), features, CODE, None, max_rows=50)
        self.second = Second(loader.load(self.challenger), None)
        self.service = Service(20_000, Recorder(self.capture), None, loader.load(self.champion), None)
        self.tests = LiveTests(self.service, self.folder, self.socket, self.capture)
        self.client = TestClient(app.create_app(self.service, "Churn"))

    def begin(self, trial: Trial) -> None:
        self.tests.follow(Document(2, self.champion, self.challenger, trial=trial))

    def ask(self, key: str | None = None) -> dict[str, Any]:
        answer = self.client.post("/predict", json={"rows": [ROW]}, headers={"Split-Key": key} if key else {})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def line(self, answer: dict[str, Any]) -> dict[str, Any]:
        (path,) = self.capture.glob("predictions-*.jsonl")
        return next(
            one for one in map(json.loads, path.read_text().splitlines()) if one["id"] in answer["prediction_ids"]
        )

    def others(self, count: int) -> list[scores_log.OtherScore]:
        for _ in range(500):
            found = list(scores_log.read(self.capture, AB.id))
            if len(found) >= count:
                return found
            time.sleep(0.02)
        raise AssertionError(f"{len(found)} scores of the other model, not {count}")

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(msgspec.json.encode(await self.second.answer(line)) + b"\n")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    with made.client:
        yield made


def test_given_a_shadow_when_asked_then_the_champion_answers_and_the_shadow_scores_the_row_afterwards(
    place: Place,
) -> None:
    with listening(place.socket, place.converse):
        place.begin(SHADOW)
        answer = place.ask("ana")
        (other,) = place.others(1)

    line = place.line(answer)
    assert (answer["model_version"], line["role"], line["trial"]["arm"]) == ("1", "champion", "champion")
    assert line["trial"]["id"] == "test-1" and line["trial"]["key"] != "ana"
    assert [other.id] == answer["prediction_ids"] and other.model_version == "2" and other.error is None
    assert other.output is not None and other.output != line["output"]


def test_given_a_split_when_asked_then_each_key_has_its_model_and_the_other_one_scores_the_row_too(
    place: Place,
) -> None:
    with listening(place.socket, place.converse):
        place.begin(AB)
        theirs, again, ours = place.ask(THEIRS[0]), place.ask(THEIRS[0]), place.ask(OURS[0])
        others = {score.id: score for score in place.others(3)}

    assert [one["model_version"] for one in (theirs, again, ours)] == ["2", "2", "1"]
    line = place.line(theirs)
    assert (line["role"], line["model_sha256"]) == ("challenger", place.challenger.sha256)
    assert [others[one["prediction_ids"][0]].model_version for one in (theirs, ours)] == ["1", "2"]
    assert others[theirs["prediction_ids"][0]].output == place.line(ours)["output"], "the same row, the same model"


async def _hangs(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def _dies(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _talks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.readline():
        writer.write(b'{"outputs":[{"prediction":"perhaps","probabilities":[2,-1]}]}\n')


@pytest.mark.parametrize(("converse", "outcome"), [(_hangs, "late"), (_dies, "absent"), (_talks, "nonsense")])
def test_given_a_challenger_that_does_not_answer_when_it_is_its_turn_then_the_champion_does_and_it_is_counted(
    place: Place, converse: Conversation, outcome: str
) -> None:
    with listening(place.socket, converse):
        place.begin(msgspec.structs.replace(AB, timeout=0.05))
        answer = place.ask(THEIRS[0])
        (other,) = place.others(1)

    line = place.line(answer)
    assert (answer["model_version"], line["role"], line["trial"]["arm"]) == ("1", "champion", "challenger")
    assert (other.error, other.output) == (outcome, None)
    assert f'aifactory_trial_calls_total{{outcome="{outcome}"}} 1.0' in place.service.metrics.text().decode()


def test_given_a_challenger_that_keeps_failing_then_it_is_withdrawn_for_all_workers_and_nobody_asks_it_any_more(
    place: Place,
) -> None:
    with listening(place.socket, _talks):
        place.begin(AB)
        for key in THEIRS[:12]:
            place.ask(key)

    assert place.service.live_test is None
    for _ in range(500):
        if place.folder.was_withdrawn(AB.id):
            break
        time.sleep(0.01)
    said = place.folder.withdrawn()
    assert said is not None and "10 of its last 10 calls failed" in said.why
    place.begin(AB)
    assert place.service.live_test is None, "another worker finds the file"
    assert "trial" not in place.line(place.ask(THEIRS[0]))


def test_given_a_challenger_that_is_not_there_yet_then_the_champion_answers_and_it_has_time_to_start(
    place: Place,
) -> None:
    place.begin(AB)
    for key in THEIRS[:15]:
        assert place.ask(key)["model_version"] == "1"
    assert place.service.live_test is not None

    with listening(place.socket, place.converse):
        assert place.ask(THEIRS[0])["model_version"] == "2"


def test_given_more_waiting_than_the_bound_then_what_comes_is_dropped_and_counted(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "MOST_WAITING", 0)
    place.begin(SHADOW)
    place.ask()

    assert "aifactory_trial_dropped_total 1.0" in place.service.metrics.text().decode()


def test_given_a_test_that_is_over_or_of_another_champion_then_the_service_runs_none(place: Place) -> None:
    place.begin(SHADOW)
    assert place.service.live_test is not None

    place.tests.follow(Document(3, place.champion))
    assert place.service.live_test is None
    other = msgspec.structs.replace(place.champion, commit="e" * 40)
    place.tests.follow(Document(4, other, place.challenger, trial=SHADOW))
    assert place.service.live_test is None, "the champion of that test is not loaded yet"


@pytest.mark.parametrize(
    ("outputs", "classes", "valid"),
    [
        ([{"prediction": 1, "probabilities": [0.25, 0.75]}], [0, 1], True),
        ([{"prediction": 2, "probabilities": [0.25, 0.75]}], [0, 1], False),
        ([{"prediction": 1, "probabilities": [0.25, 0.5]}], [0, 1], False),
        ([{"prediction": 1}], [0, 1], False),
        ([], [0, 1], False),
        ([{"prediction": 1.5}], [], True),
        ([{"prediction": True}], [], False),
        ([{"prediction": None}], [], False),
        ([{"prediction": 1.5, "more": 1}], [], False),
    ],
)
def test_given_what_a_challenger_says_then_only_what_a_champion_could_say_is_an_answer(
    outputs: Any, classes: Any, valid: bool
) -> None:
    assert is_answer(outputs, 1, classes) is valid
