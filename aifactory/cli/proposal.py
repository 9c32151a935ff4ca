"""What is proposed for a table, as it is shown: column by column with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from aifactory.cli import output

if TYPE_CHECKING:
    from aifactory.profile import Intake, Proposal, Wishes
    from aifactory.scaffold.science import Science

_SHOWN_COLUMNS = 60


def science(answers: dict[str, str], found: Intake, wishes: Wishes, *, quiet: bool) -> Science:
    """Show what is proposed for the table, and complete `answers` by it; nothing is written."""
    from aifactory.profile import propose
    from aifactory.scaffold.science import Science
    from aifactory.scaffold.science.brief import SECRET
    from aifactory_runtime.contract import names

    target = answers.get("target_column") or found.target
    schema = f"src/{names.package(answers.get('use_case', '<package>'))}/schema.py"
    proposal = propose(found.table, found.source, target, wishes, schema)
    answers |= {
        "data": found.source,
        "target_column": proposal.target.name,
        "problem": proposal.problem.name,
        "science": "generated",
    }
    if not quiet:
        _show(proposal, secret=answers.get("data_classification") in SECRET)
    return Science(found.table, proposal, found.bundled)


def _show(proposal: Proposal, *, secret: bool) -> None:
    """What is proposed, column by column with the reason; what a person should know below."""
    columns = (proposal.target, *proposal.columns)
    rows = [[column.name, _role(column), _missing(column, proposal.rows), column.reason] for column in columns]
    problem = proposal.problem
    title = f"{proposal.rows:,} rows, {len(columns)} columns: "
    title += f"{problem.name} of {proposal.target.name}, judged by {problem.metric}"
    if problem.positive is not None and not secret:
        title += f"; f1 is that of {problem.positive}"
    click.echo(title)
    output.table("", ("column", "used as", "missing", "why"), rows[:_SHOWN_COLUMNS])
    if len(rows) > _SHOWN_COLUMNS:
        click.echo(f"and {len(rows) - _SHOWN_COLUMNS} columns more, in docs/data-report.md")
    for note in proposal.notes:
        click.echo(f"note: {note}")


def _role(column: Any) -> str:
    return column.role if column.used or column.role == "target" else f"ignored: {column.role}"


def _missing(column: Any, rows: int) -> str:
    return f"{column.missing / rows:.1%}" if column.missing else ""
