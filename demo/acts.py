"""The acts of the loop's demo: what happens, and what has to be seen from outside before the next one begins.

The demo calls `tick` more often than the orchestrator, which does so each minute. One message goes only its way.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from demo import flights
from demo.demo import APPROVER, FACTORY, OWNER, PLACE, Failed, UseCase, run
from demo.flights import Flights
from demo.outside import Outside
from demo.traffic import Pace, Traffic

PROBLEM = os.environ.get("DEMO_LOOP", "classification")
USE_CASE = UseCase("flights" if PROBLEM == "classification" else "flight-delays", flights.TARGETS[PROBLEM], ())
DEV, STAGING, PROD = (Outside(USE_CASE, name) for name in ("dev", "staging", "prod"))
WINDOW = 500
"""Predictions of a monitor's window."""
BURST, USUAL, TRIED = Pace(50, rows=20), Pace(20, rows=2), Pace(150, rows=1)
"""Traffic while windows are waited for, else, and during live tests, where a request counts once whatever its rows."""
FIRST, SUCCESSOR = 1, 2
"""Versions of the model."""
_WINDOWS_OF_BASELINE = 21
_MESSAGE = "the demo asks by the orchestrator's way"
_PATIENCE_SECONDS = 600.0
_LOOK_SECONDS = 0.2


@dataclass
class Loop:
    """What the acts share: the traffic, and when each step was seen."""

    traffic: Traffic
    rows: Flights
    began: float = field(default_factory=time.monotonic)
    times: list[tuple[float, str]] = field(default_factory=list)
    acts: list[tuple[str, float]] = field(default_factory=list)
    """What each act is called, and how many seconds it took."""

    def play(self, act: Callable[[Loop], None]) -> None:
        """One act, from its title to its end."""
        title, began = (act.__doc__ or "").splitlines()[0], time.monotonic()
        print(f"\n-- {title}", flush=True)
        act(self)
        self.acts.append((title.partition(":")[0], time.monotonic() - began))

    def seen(self, what: str, where: str, look: Callable[[], Any], do: Callable[[], object] = lambda: None) -> Any:
        """Wait until `look` finds something, doing `do` in between, and say it; Failed when it does not come."""
        until = time.monotonic() + _PATIENCE_SECONDS
        while not (found := look()):
            if time.monotonic() > until:
                raise Failed(f"not seen in {_PATIENCE_SECONDS:.0f} s: {what} ({where})")
            do()
            time.sleep(_LOOK_SECONDS)
        self.times.append((time.monotonic() - self.began, f"{what} ({where})"))
        requests, failed = self.traffic.requests, len(self.traffic.failures)
        print(f"{self.times[-1][0]:7.1f} s  {what}   [{where}; {requests} requests, {failed} failed]", flush=True)
        return found

    def pass_windows(self, count: int) -> None:
        """Wait until so many more windows of predictions are recorded."""
        wanted = self.traffic.predictions + count * WINDOW
        what = f"{count} windows of {WINDOW} predictions"
        self.traffic.pace = BURST
        self.seen(what, "HTTP: answers of /predict", lambda: self.traffic.predictions > wanted)
        self.traffic.pace = USUAL  # else more windows close than a busy machine looks at

    def served(self, version: int) -> None:
        """Wait until callers are answered by this version alone."""

        def look() -> bool:
            self.traffic.versions.clear()
            time.sleep(_LOOK_SECONDS)
            return set(self.traffic.versions) == {str(version)}

        self.seen(f"callers are answered by version {version}", "HTTP: model_version", look)
        self.seen(f"version {version} is champion", "registry of prod", lambda: PROD.champion() == version)


def table() -> Path:
    """The table that dev learns from."""
    return PLACE.folder / f"{USE_CASE.name}-data" / "flights.csv"


def approve_release() -> None:
    """The named person agrees."""
    print(f"(played by the demo: {APPROVER}, approver of prod)")
    run(FACTORY, "approve", "--env", "prod", "--as", APPROVER, cwd=USE_CASE.repo)


_TICK_DEV, _TICK_PROD = partial(DEV.said, "tick"), partial(PROD.said, "tick")
_LOOK_AT_TEST = partial(PROD.said, "livetest", "--env", "prod")


def learn_usual_traffic(loop: Loop) -> None:
    """Usual traffic: monitors learn how far it moves without any change."""
    (Path(STAGING.contract["inbox_uri"]) / "demo").write_text(_MESSAGE, encoding="utf-8")
    loop.pass_windows(_WINDOWS_OF_BASELINE)
    kept = Path(PROD.contract["artifact_uri"]) / "monitoring" / "models"
    known = "monitors know the champion's own traffic"
    loop.seen(known, "artifacts/monitoring", lambda: list(kept.glob("*/baseline-*.json")), _TICK_PROD)


def break_source(loop: Loop) -> None:
    """A broken source: temperatures come in another unit. The owner of the data is called, and nothing is trained."""
    before = DEV.versions()
    loop.traffic.send(flights.in_kelvin(loop.rows.asked(loop.rows.before, 2)))
    loop.pass_windows(3)
    called = loop.seen("its owner is called", "events --problems", lambda: _open("data_fault"), _TICK_PROD)
    print(f"           {called['owner']}: {called['what_to_do']}")
    loop.seen("triage: data fault", "audit log of prod", lambda: PROD.audit("triage", cause="data fault"))
    loop.traffic.send(loop.rows.asked(loop.rows.before, 3))
    loop.pass_windows(3)
    loop.seen(
        "it is mended, and all is over", "events --problems", lambda: not _open("drift", "data_fault"), _TICK_PROD
    )
    _TICK_DEV()
    asked = [one["key"] for one in DEV.requests() if one["trigger"] == "drift"]
    if asked or DEV.versions() != before:
        raise Failed(f"a broken source led to a training: dev has versions {DEV.versions()}, requests {asked}")
    loop.seen("nothing was trained or asked for", "registry, requests --env dev", lambda: DEV.versions() == before)


def shift(loop: Loop) -> None:
    """Autumn comes: drift, triage, a request that a person approves, training, gate, staging, and a person for prod."""
    loop.traffic.send(loop.rows.asked(loop.rows.coming, 4))
    loop.pass_windows(3)
    loop.seen("drift is found", "events --problems", lambda: _open("drift"), _TICK_PROD)
    changed = partial(PROD.audit, "triage", cause="changed behaviour")
    loop.seen("triage: changed behaviour", "audit log of prod", changed, _TICK_PROD)
    _write_newer_rows(loop.rows)
    asked = loop.seen("the request is in dev", "requests --env dev", lambda: _waiting("drift"), _TICK_DEV)
    _decide("approve", asked["key"])
    loop.seen(f"{OWNER} approved the training", "requests --env dev", lambda: not _waiting("drift"))
    loop.seen("the gate let version 2 pass", "registry of dev", lambda: SUCCESSOR in DEV.versions(), _TICK_DEV)
    loop.seen("it passed staging's test", "registry of staging", lambda: STAGING.champion() == SUCCESSOR, _TICK_DEV)
    loop.seen("prod waits for a person", "events --problems", lambda: _open("release_waits"), _TICK_DEV)
    approve_release()


def _write_newer_rows(rows: Flights) -> None:
    """Rows of prod stay there: what dev learns from is its own table, which has grown too."""
    part = table().with_suffix(".part")
    rows.with_newer().to_csv(part, index=False)
    part.rename(table())


def _open(*kinds: str) -> dict[str, Any] | None:
    """A problem of prod of one of these kinds that is open."""
    return next((one for one in PROD.problems() if one["kind"] in kinds and one["state"] == "open"), None)


def _waiting(trigger: str) -> dict[str, Any] | None:
    """A request in dev that waits for a person."""
    pending = [one for one in DEV.requests() if one["trigger"] == trigger and "ended" not in one]
    return next((one for one in pending if "approved_by" not in one), None)


def _handed_on() -> dict[str, Any] | None:
    """The request in dev that a message in staging came to, whatever became of it."""
    return next((one for one in DEV.requests() if one["trigger"] == "message"), None)


def _decide(word: str, key: str, *more: str) -> None:
    print(f"(played by the demo: {OWNER}, the owner)")
    command = (".venv/bin/python", "-m", USE_CASE.package, "requests", word, key, "--env", "dev", "--as", OWNER)
    run(*command, *more, cwd=USE_CASE.repo)


def hang(loop: Loop) -> None:
    """A bad challenger: it hangs, the service takes it out by itself, and callers are answered all the time."""
    loop.seen("its live test begins", "audit log of prod", lambda: PROD.audit("live test begins"), _TICK_DEV)
    loop.traffic.versions.clear()
    loop.traffic.pace = TRIED
    loop.seen("it answers its share", "HTTP: model_version", lambda: str(SUCCESSOR) in loop.traffic.versions)
    with _stopped(_challenger()):
        withdrawn = Path(PROD.contract["release_uri"]) / "withdrawn.json"
        loop.seen("it hangs, and the service takes it out", "withdrawn.json", withdrawn.exists)
    loop.traffic.pace = USUAL
    ended = partial(PROD.audit, "live test ends", verdict="withdraw")
    loop.seen("its withdrawal is written down", "audit log of prod", ended, _LOOK_AT_TEST)
    loop.served(FIRST)


def _challenger() -> int:
    """The process that answers as the challenger, by what it reports."""
    folder = Path(PROD.contract["release_uri"]) / "status-challenger"
    return max(int(path.stem) for path in folder.glob("*.json"))


@contextmanager
def _stopped(process: int) -> Iterator[None]:
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def win(loop: Loop) -> None:
    """Tried again, by name: labels prove that it is better, and it becomes champion."""
    again = partial(run, FACTORY, "release", "--to", "prod", "--version", str(SUCCESSOR), allowed=(0, 1))
    begun = len(PROD.audit("live test begins"))
    more = lambda: len(PROD.audit("live test begins")) > begun  # noqa: E731
    loop.seen("a live test begins anew", "audit log of prod", more, partial(again, cwd=USE_CASE.repo))
    loop.traffic.pace = TRIED
    won = partial(PROD.audit, "live test ends", verdict="promote")
    loop.seen("labels prove that it is better", "audit log of prod", won, _LOOK_AT_TEST)
    loop.traffic.pace = USUAL
    loop.seen("it is released", "audit log of prod", lambda: PROD.audit("released", version=SUCCESSOR), _LOOK_AT_TEST)
    loop.served(SUCCESSOR)


def roll_back(loop: Loop) -> None:
    """One command, and the model of before answers."""
    command = partial(run, FACTORY, "rollback", "--env", "prod", allowed=(0, 1), cwd=USE_CASE.repo)
    loop.seen("rolled back", "audit log of prod", lambda: PROD.audit("rolled back", version=FIRST), command)
    loop.served(FIRST)


def through_orchestrator(loop: Loop) -> None:
    """The message that lay in staging from the beginning: only the orchestrator's schedule has ticked there."""
    loop.seen("it ticked in staging", "Dagster's API", STAGING.orchestrated)
    asked = loop.seen("the message was handed on to dev", "requests --env dev", _handed_on, _TICK_DEV)
    if "ended" not in asked:  # the rule itself refuses it once the same data were trained
        _decide("refuse", asked["key"], "--why", "the demo has trained already")


ACTS = (learn_usual_traffic, break_source, shift, hang, win, roll_back, through_orchestrator)
