"""Figure 5: a person rolls back, and a challenger that goes bad is taken out by the service itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from random import Random

from aifactory_runtime.serving.document import ServingFolder
from aifactory_runtime.serving.document import Trial as LiveTest
from aifactory_runtime.serving.trial.split import is_challengers
from tests.faults.trials import Figure, Say, Trial, figure
from tests.fixtures import load, usecase_repo
from tests.fixtures.load import Load
from tests.unit.runtime.environments import NONSENSE, ROW, TOKEN, Environments, two_versions

_ASKED = "rolled back within 5 s; a bad challenger out within 60 s, 10 % of traffic exposed at most"
_ROLLBACK_SECONDS, _WITHDRAWN_SECONDS = 5.0, 60.0
_START_SECONDS, _AFTER_SECONDS = 90.0, 3.0
_SHARE, _CUSTOMERS, _RATE = 0.1, 1_000, 100.0
_CONTRACT = {
    "approval": "none",
    "approvers": [],
    "trial": "ab",
    "trial_share": _SHARE,
    "trial_period": 60.0,
    "trial_wait": 0.0,
    "trial_longest": 6_000.0,
}
_Spoil = Callable[[Environments, ExitStack], Callable[[], None]]
"""Makes the challenger bad, and returns what has to be done again and again so that it stays so."""


def measure(rollbacks: int, seed: int, folder: Path, say: Say) -> Figure:
    """So many rollbacks as they are typed, then a challenger that hangs, one that talks nonsense, one that dies."""
    found = Figure(5, f"{rollbacks} rollbacks, {len(_SPOILT)} bad challengers", _ASKED, seed)
    with on_trial(folder) as places:
        figure(found, [lambda _: _rolled_back(places)] * rollbacks, say)
        longest = max(trial.seconds for trial in found.trials)
        figure(found, [_withdrawn(places, what, spoil) for what, spoil in _SPOILT.items()], say)
    bad = "; ".join(trial.seen for trial in found.trials[rollbacks:])
    return replace(found, said=f"rolled back in {longest:.1f} s at most; {bad}")


def on_trial(folder: Path) -> AbstractContextManager[Environments]:
    """Two versions, of which the second is tried on a share of prod's requests once it is released there."""
    return two_versions(folder, 0.5, **_CONTRACT)


def _rolled_back(places: Environments) -> Trial:
    """From the command as it is typed, in an interpreter of its own, until callers get the version before."""
    places.workers("staging", 1)
    began = time.monotonic()
    done = usecase_repo.run(places.repo, "rollback", "--env", "staging")
    places.wait("staging", "1")
    seconds = time.monotonic() - began
    places.release("staging", "--version", "2")
    places.wait("staging", "2")
    problems = () if done.returncode == 0 else (done.stderr.strip()[-200:],)
    return Trial("rolled back", seconds, problems, f"back in {seconds:.1f} s", _ROLLBACK_SECONDS)


def _withdrawn(places: Environments, what: str, spoil: _Spoil) -> Callable[[Random], Trial]:
    def trial(_: Random) -> Trial:
        places.run("release", "--to", "prod")  # says that the last test has ended
        places.release("prod", "--version", "2")
        folder = ServingFolder(places.serving("prod"))
        document = folder.read()
        if document is None or document.trial is None:
            return Trial(what, 0.0, ("no live test began",))
        with Load(places.ports["prod"], of_customer, rate=_RATE) as asking, ExitStack() as held:
            _until_answered(asking)
            bad = time.monotonic()
            go_on = spoil(places, held)
            while not folder.was_withdrawn(document.trial.id) and time.monotonic() < bad + 2 * _WITHDRAWN_SECONDS:
                go_on()
                time.sleep(0.02)
            seconds = time.monotonic() - bad
            time.sleep(_AFTER_SECONDS)
        return _judged(what, asking, document.trial, bad, seconds)

    return trial


def _judged(what: str, asking: Load, test: LiveTest, bad: float, seconds: float) -> Trial:
    """Every caller is answered; exposed are those whose turn it was between `bad` and the withdrawal."""
    asked = [one for one in asking.asked if one.began >= bad]
    theirs = [one for one in asked if is_challengers(_customer(one.number), test.id, test.share)]
    exposed = sum(one.began <= bad + seconds for one in theirs)
    problems = load.told(asking.failed())
    if exposed > _SHARE * len(asked):
        problems.append(f"{exposed} of {len(asked)} requests were exposed")
    seen = f"{what}: out after {seconds:.1f} s, {exposed} of {len(asked)} requests exposed"
    return Trial(what, seconds, tuple(problems), seen, _WITHDRAWN_SECONDS)


def of_customer(number: int) -> bytes:
    """Request number so and so, of one of many customers who each stay with one model."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Split-Key": _customer(number)}
    return load.post("/predict", {"rows": [ROW]}, headers)


def _customer(number: int) -> str:
    return f"customer-{number % _CUSTOMERS}"


def _until_answered(asking: Load) -> None:
    """Until the challenger has answered a few."""
    until = time.monotonic() + _START_SECONDS
    while sum(b'"model_version":"2"' in one.said for one in list(asking.asked)) < 5:
        if time.monotonic() > until:
            raise RuntimeError("the challenger never answered")
        time.sleep(0.1)


def _challenger(places: Environments) -> tuple[int, str]:
    """Process id and socket of the challenger's worker."""
    launcher = places.launchers["prod"].pid
    for pid in Path(f"/proc/{launcher}/task/{launcher}/children").read_text(encoding="utf-8").split():
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        if "--challenger" in words:
            return int(pid), words[words.index("--challenger") + 1]
    raise LookupError


def _send(places: Environments, number: signal.Signals) -> None:
    """Send the challenger a signal, if there is one just now."""
    with suppress(LookupError, OSError):
        os.kill(_challenger(places)[0], number)


def _hangs(places: Environments, _: ExitStack) -> Callable[[], None]:
    return lambda: _send(places, signal.SIGSTOP)


def _dies(places: Environments, _: ExitStack) -> Callable[[], None]:
    return lambda: _send(places, signal.SIGKILL)


def _talks(places: Environments, held: ExitStack) -> Callable[[], None]:
    pid, path = _challenger(places)
    os.kill(pid, signal.SIGSTOP)
    fake = held.enter_context(subprocess.Popen([sys.executable, "-c", NONSENSE, path], stdout=subprocess.PIPE))
    held.callback(fake.kill)
    assert fake.stdout is not None
    fake.stdout.readline()
    return lambda: None


_SPOILT: dict[str, _Spoil] = {"hangs": _hangs, "talks nonsense": _talks, "dies again and again": _dies}
