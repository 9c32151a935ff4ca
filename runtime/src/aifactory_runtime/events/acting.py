"""`python -m <package> events ack | silence | close`: what a person does about a problem is an event, too."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aifactory_runtime.config import options
from aifactory_runtime.events.event import ACKNOWLEDGED, CLOSED, SILENCED, Event

if TYPE_CHECKING:
    from aifactory_runtime.contract import EnvironmentContract
    from aifactory_runtime.events.problems import Problem
    from aifactory_runtime.events.record import Record

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_note = click.option("--note", default=None, help="What others should know.")
_caught = click.option("--caught-by", default=None, help="What would have caught it earlier: a test, a monitor.")
_DAY = len("2027-01-31")


@click.command()
@click.argument("key")
@options.environment
@options.person
@_note
@_caught
@_json
def ack(
    key: str, *, environment: str | None, person: str | None, note: str | None, caught_by: str | None, as_json: bool
) -> None:
    """Acknowledge a problem: somebody takes care of it. With --caught-by also one that is over.

    Example: events ack gate_refused --env dev --note "the March file is short"
    """
    contract, problem = _wanted(key, environment, may_be_over=caught_by is not None)
    _act(contract, problem, ACKNOWLEDGED, person, {"note": note, "caught_by": caught_by}, as_json=as_json)


@click.command()
@click.argument("key")
@click.option("--until", required=True, help="A day, which is counted, or a minute as 2027-01-31T12:00. UTC.")
@options.environment
@options.person
@_note
@_json
def silence(
    key: str, *, until: str, environment: str | None, person: str | None, note: str | None, as_json: bool
) -> None:
    """Tell nobody of a problem until a day. It goes on being counted, and is told of afterwards if it is still there.

    Example: events silence quota_near:disk --until 2027-01-31 --env prod
    """
    end = _end(until, datetime.now(UTC))
    contract, problem = _wanted(key, environment, may_be_over=True)
    _act(contract, problem, SILENCED, person, {"note": note}, until=end, as_json=as_json)


@click.command()
@click.argument("key")
@options.environment
@options.person
@_note
@_caught
@_json
def close(
    key: str, *, environment: str | None, person: str | None, note: str | None, caught_by: str | None, as_json: bool
) -> None:
    """Close a problem that nothing looks at any more. Others close by themselves; what is still there opens again.

    Example: events close not_converged --env dev --caught-by "a test of the scaling"
    """
    contract, problem = _wanted(key, environment, may_be_over=False)
    _act(contract, problem, CLOSED, person, {"note": note, "caught_by": caught_by}, as_json=as_json)


def _wanted(key: str, environment: str | None, *, may_be_over: bool) -> tuple[EnvironmentContract, Problem]:
    """The problem that is meant; UsageProblem where there is none to act on."""
    from aifactory_runtime.errors import UsageProblem

    contract, now = options.contract_of(environment), datetime.now(UTC)
    there = _read(contract).problems.by_key
    if key not in there:
        known = ", ".join(sorted(there)) or "none"
        raise UsageProblem(f"{contract.environment} has no problem {key!r}; there are: {known}")
    ended = there[key].ended(now)
    if ended is not None and not may_be_over:
        raise UsageProblem(
            f"{key} is over since {ended:%Y-%m-%d %H:%M}: ack --caught-by adds what would have caught it"
        )
    return contract, there[key]


def _act(
    contract: EnvironmentContract,
    problem: Problem,
    state: str,
    person: str | None,
    facts: dict[str, str | None],
    *,
    as_json: bool,
    until: datetime | None = None,
) -> None:
    """Record it, and say how the problem stands now."""
    from aifactory_runtime.config import credentials
    from aifactory_runtime.events import log, told

    now, said = datetime.now(UTC), {name: value for name, value in facts.items() if value}
    event = Event(now, problem.kind, problem.key, state, said, by=credentials.login_of(contract, person), until=until)
    log.append(Path(contract.events_uri), event)
    after = _read(contract).problems.by_key[problem.key]
    click.echo(json.dumps(told.values(after, now)) if as_json else told.sentence(after, now))


def _read(contract: EnvironmentContract) -> Record:
    from aifactory_runtime.events import record

    return record.read(Path(contract.events_uri))


def _end(text: str, now: datetime) -> datetime:
    """When a silence ends; UsageProblem for what is no day, or over already."""
    from aifactory_runtime.errors import UsageProblem

    whole_day = len(text) == _DAY
    try:
        end = datetime.strptime(text, "%Y-%m-%d" if whole_day else "%Y-%m-%dT%H:%M").replace(tzinfo=UTC)
        end += timedelta(days=1 if whole_day else 0)
    except (ValueError, OverflowError):
        raise UsageProblem(f"--until {text!r} is no day: write it as 2027-01-31 or 2027-01-31T12:00") from None
    if end <= now:
        raise UsageProblem(f"--until {text} is over already: name a later day")
    return end
