"""What people do about the live test that runs: give it more time, or stop it. By a login that may, and audited."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from aifactory_runtime.config import credentials
from aifactory_runtime.contract import EnvironmentContract, names, trial
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.livetest.look import Standing
from aifactory_runtime.registry.port import Version
from aifactory_runtime.release import exclusive, live_test
from aifactory_runtime.release.live_test import Record
from aifactory_runtime.release.side import Side, open_side

MAY = (names.DATA_SCIENTIST, "ml-engineer", "operator", names.MODEL_VALIDATOR, names.APPROVER)
"""Roles of an environment that may."""


def extend(root: Path, environment: str, person: str | None, by: str, why: str) -> Standing:
    """Let the test run so much longer, as `7d`, before the champion stays without a proof.

    Share, period, wait and guards stay as they were stated, so what was seen of it so far counts as before.
    """
    try:
        seconds = trial.seconds(by)
    except ValueError as error:
        raise UsageProblem(f"--by: {error}") from None
    if seconds <= 0:
        raise UsageProblem(f"--by {by} is no time: write 12h or 7d")
    with _running(root, environment, person) as (side, version, record):
        longer = live_test.extend(side, version, record, seconds, why)
        said = f"may last {longer.longest / 86_400:g} days from {longer.began[:16]}"
        return Standing(side.name, longer.id, version.number, "extended", said)


def stop(root: Path, environment: str, person: str | None, why: str) -> Standing:
    """Take the challenger out because a person says so; the champion stays."""
    with _running(root, environment, person) as (side, version, record):
        ended = live_test.end(side, version, record, "withdraw", why, by_person=True)
        return Standing(side.name, None, version.number, ended.verdict or "", why)


@contextmanager
def _running(root: Path, environment: str, person: str | None) -> Iterator[tuple[Side, Version, Record]]:
    """The test that runs, with the login of who acts for the audit log; FactoryError when none does.

    The registry is written as release: people only read it in staging and prod.
    """
    side = open_side(root, environment)
    side = replace(side, who=_who(side.contract, person))
    with exclusive.held(side.contract):
        found = live_test.settle(side)
        if found is None:
            raise FactoryError(f"no live test runs in {environment}: there is none to extend or stop")
        yield side, *found


def _who(contract: EnvironmentContract, person: str | None) -> str:
    """The login that acts, from the file that only this person can read; UsageProblem unless they may."""
    login = credentials.of(contract, person)
    if login is not None and not set(login.roles) & set(MAY):
        raise UsageProblem(f"{login.identity} may not decide over live tests; who may: {', '.join(MAY)}")
    return login.login if login else credentials.login_of(contract)
