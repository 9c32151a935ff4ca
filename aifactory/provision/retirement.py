"""Stops a use case in an environment and keeps all it made: models, tables, audit log, access; and takes that back."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from aifactory.home import Home
from aifactory.provision import anchored, exclusive, stacks
from aifactory_runtime import files
from aifactory_runtime.audit import log
from aifactory_runtime.contract import names
from aifactory_runtime.errors import FactoryError, UsageProblem

_MOST_CHARACTERS = 300


@dataclass(frozen=True)
class Retirement:
    """Why a use case was stopped, since when (UTC date) and by whose account."""

    reason: str
    since: str
    by: str

    def sentence(self) -> str:
        """For people."""
        return f"retired since {self.since} by {self.by}: {self.reason}"


def of(home: Home, use_case: str, environment: str) -> Retirement | None:
    """The retirement of a use case in an environment; None while it is in use."""
    path = home.retired(use_case, environment)
    try:
        return Retirement(**files.read_json(path))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        raise FactoryError(f"{path} is damaged: remove it, then factory retire again or factory up") from None


def retire(home: Home, use_case: str, environments: Sequence[str], reason: str) -> None:
    """Record that the use case is stopped; the next `up` takes its service away. Again is no change.

    Refused as `check` says, and with FactoryError while one of the environments is being changed; then nothing is
    recorded.
    """
    reason = check(home, use_case, environments, reason)
    with _held(home, use_case, environments):
        for environment in environments:
            if of(home, use_case, environment) is None:
                retirement = Retirement(reason, f"{datetime.now(UTC):%Y-%m-%d}", getpass.getuser())
                _audit(home, use_case, environment, "retired", retirement)
                _write(home, use_case, environment, retirement)


def check(home: Home, use_case: str, environments: Sequence[str], reason: str) -> str:
    """The reason in one line. UsageProblem for an empty or long one, FactoryError where nothing is provisioned."""
    reason = " ".join(reason.split())
    if not reason or len(reason) > _MOST_CHARACTERS:
        raise UsageProblem(f"say in 1 to {_MOST_CHARACTERS} characters why: --reason 'replaced by churn-2'")
    known = stacks.known(home)
    for environment in environments:
        if names.stack(use_case, environment) not in known:
            raise FactoryError(f"{use_case} is not provisioned in {environment}: there is nothing to retire")
    return reason


def revive(home: Home, use_case: str, environments: Sequence[str]) -> None:
    """Take a retirement back; the next `up` starts the service again, with the champion it had.

    FactoryError while one of the environments is being changed; then nothing is taken back.
    """
    retired = [environment for environment in environments if of(home, use_case, environment) is not None]
    with _held(home, use_case, retired):
        for environment in retired:
            retirement = of(home, use_case, environment)
            if retirement is not None:
                _audit(home, use_case, environment, "revived", retirement)
                home.retired(use_case, environment).unlink()


@contextmanager
def _held(home: Home, use_case: str, environments: Sequence[str]) -> Iterator[None]:
    """Hold the locks of the use case's stacks: who works on one of them has read whether it is retired."""
    with ExitStack() as held:
        for stack in (names.stack(use_case, environment) for environment in environments):
            held.enter_context(exclusive.hold(home.lock(stack), stack))
        yield


def forget(home: Home, stack: str) -> None:
    """Remove the record of a stack that was destroyed."""
    use_case, _, environment = stack.rpartition(".")
    home.retired(use_case, environment).unlink(missing_ok=True)


def _audit(home: Home, use_case: str, environment: str, action: str, retirement: Retirement) -> None:
    folder = home.root / environment / use_case / "audit"
    known = anchored.head(home.root, names.stack(use_case, environment))
    facts = {"reason": retirement.reason, "since": retirement.since, "anchored": known}
    log.append(folder, action, getpass.getuser(), facts)


def _write(home: Home, use_case: str, environment: str, retirement: Retirement) -> None:
    path = home.retired(use_case, environment)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    files.write(path, json.dumps(asdict(retirement), indent=2) + "\n", 0o600)
