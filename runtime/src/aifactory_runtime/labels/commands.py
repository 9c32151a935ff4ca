"""`python -m <package> labels`: how many labels there are and what became of them; adds those of a table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aifactory_runtime.config import options

if TYPE_CHECKING:
    from aifactory_runtime.labels.rules import State

MEANING: Mapping[State, str] = {
    "joined": "counts",
    "early": "waits until labels.wait is over",
    "doubled": "says again what another one says",
    "contradicting": "says otherwise, and does not count: a correction names the label that it replaces",
    "replaced": "was corrected by another one",
    "unknown": "is of no prediction, or of no label, that is there",
    "removed": "is of a prediction that was removed, or from before the oldest that is kept",
}
"""What to say of a label in each state."""


@click.group()
def labels() -> None:
    """Say what came true of predictions, and see which labels count.

    Example: labels add outcomes.csv --env prod
    """


@labels.command()
@click.argument("table")
@options.environment
@click.option("--yes", is_flag=True, help="Add them; without, it is only said what they are.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def add(table: str, environment: str | None, yes: bool, as_json: bool) -> None:
    """Add the labels of TABLE, a file or an address in any format that is read here.

    Its columns: the target's name or `label`; `prediction_id`, or the column that labels.key of factory.yaml names;
    and, where there, `time` (when the outcome was seen), `kpi` (or as kpi.field of factory.yaml calls it), and
    `replaces` (the id of the label that it corrects).
    Rows that say again what is recorded are left out, so the same table may be added twice.

    Example: labels add outcomes.csv --env prod --yes
    """
    from aifactory_runtime.audit import log
    from aifactory_runtime.labels import overview
    from aifactory_runtime.labels import table as tables

    project = options.project_of(environment)
    contract = project.environment.contract
    planned = tables.plan(project, table)
    counts = overview.count(planned.states)
    if yes and planned.lines:
        there = {str(state): number for state, number in counts.items() if number}
        facts = {"table": Path(table).name, "labels": len(planned.lines), **there}
        tables.add(project, planned)
        log.append(Path(contract.audit_uri), "labels added", planned.lines[0].by, facts)
    if as_json:
        said = {"environment": contract.environment, "rows": planned.rows, "without_label": planned.without}
        click.echo(json.dumps({**said, "states": counts, "new": len(planned.lines), "done": yes}))
        return
    click.echo(f"{planned.rows} labels of {table} for {contract.environment}:")
    _say(counts)
    if planned.without:
        click.echo(f"{planned.without} rows have no label: left out")
    new = f"{len(planned.lines)} are not recorded yet"
    if yes:
        click.echo(f"{len(planned.lines)} added")
    else:
        click.echo(f"{new}: say --yes to add them" if planned.lines else new)


@labels.command()
@options.environment
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(environment: str | None, as_json: bool) -> None:
    """Count all labels of an environment by what became of them.

    Example: labels status --env prod
    """
    from aifactory_runtime.labels import overview, stored

    project = options.project_of(environment)
    contract = project.environment.contract
    lines = stored.lines(contract)
    states = overview.states(contract, project.manifest.labels, lines)
    counts, lost = overview.count(states), overview.beyond_rotation(contract, project.manifest.labels, lines, states)
    if as_json:
        click.echo(json.dumps({"environment": contract.environment, "states": counts, "key_not_comparable": lost}))
        return
    click.echo(f"{sum(counts.values())} labels of {contract.environment}:")
    _say(counts)
    for form, number in lost.items():
        click.echo(
            f"{number:,} of the unknown ones cannot be compared with predictions whose {project.manifest.labels.key} "
            f"is recorded {form}: add their table again (labels add), or name predictions by id"
        )


def _say(counts: Mapping[State, int]) -> None:
    for state, number in counts.items():
        if number:
            click.echo(f"  {number:>9,} {state:<14} {MEANING[state]}")
