"""`python -m <package> monitor`: look at what is due in an environment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from aifactory_runtime.config import options

if TYPE_CHECKING:
    from aifactory_runtime.monitoring.run import Looked

_STATES = ("alarm", "failed", "no data", "no labels", "ok")


@click.command()
@options.environment
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def monitor(environment: str | None, as_json: bool) -> int:
    """Look at each window of predictions that has closed since the last time, and at service, cost and age when due.

    What is found stands in the table `monitors`, as aggregates, and in `events --problems`. Exit code 1 when a monitor
    failed; an alarm is no failure.

    Example: monitor --env prod
    """
    from aifactory_runtime.monitoring import run

    found = options.project_of(environment)
    name, report = found.environment.contract.environment, run.monitor(found, datetime.now(UTC))
    if as_json:
        looked = [_values(one) for one in report.windows]
        click.echo(json.dumps({"environment": name, "windows": looked, "failures": report.failures}))
    else:
        for one in report.windows:
            click.echo("\n".join(_lines(one)))
        if not report.windows:
            click.echo(f"no window of {name} has closed since the last look")
    for line in report.failures:
        click.echo(f"factory: a monitor failed: {line}", err=True)
    return 1 if report.failures else 0


def _values(looked: Looked) -> dict[str, Any]:
    from aifactory_runtime.monitoring import store

    rows = store.as_rows(looked.place, looked.results)
    of_window = ("window", "source", "begins", "ends", "rows", "first_sequence", "model_version", "model_sha256")
    return {key: rows[0][key] for key in of_window} | {
        "results": [{key: value for key, value in row.items() if key not in of_window} for row in rows]
    }


def _lines(looked: Looked) -> Iterator[str]:
    """What to know of a window: how many results of each state, then each alarm."""
    place, states = looked.place, [one.state for one in looked.results]
    counted = ", ".join(f"{states.count(state)} {state}" for state in _STATES if state in states)
    what = f"{place.rows} predictions of version {place.version}" if place.rows else "service, model and cost"
    yield f"{place.name}: {what} until {place.ends}: {counted}"
    for one in looked.results:
        if one.state == "alarm":
            yield f"  {' '.join(filter(None, (one.monitor, one.subject)))}: {one.reason}"
