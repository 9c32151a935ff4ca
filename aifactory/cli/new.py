"""`factory new`: from a name, or a table, to a working repo."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import click

from aifactory.cli import asking, output, use_case
from aifactory.cli.use_case import Given
from aifactory_runtime.errors import FactoryError, UsageProblem

_TUTORIAL = "sample:breast-cancer"


@click.command()
@click.argument("name", required=False)
@use_case.options
@click.option("--into", type=click.Path(path_type=Path), default=Path(), help="Folder to make the repo in.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(*, name: str | None, given: Given, into: Path, as_json: bool) -> int:
    """Make a use case's repo from the template, with a first commit; with --data, for your table.

    NAME is lower case with hyphens. In a terminal what is missing is asked: the table, the column to predict, and
    without --data the template's questions; in a pipe nothing is.

    Example: factory new churn --data customers.csv --target-column churned --owner ana
    """
    terminal = asking.at_terminal() and not as_json
    ask = terminal and "data" not in given.said
    answers = given.answers(name, "factory new customer-churn", ask=ask)
    if ask and "data" not in answers and (table := asking.table()):
        answers["data"] = table
    from aifactory import hooks, scaffold
    from aifactory.cli import proposal
    from aifactory.home import Home
    from aifactory.update import standing

    own = hooks.found(Home.current().root, hooks.AFTER_NEW)
    template = given.template()
    science = None
    if answers.get("data", _TUTORIAL) != _TUTORIAL:
        scaffold.check(into.absolute(), answers)
        intake = given.intake(answers, quiet=as_json, terminal=terminal)
        science = proposal.science(answers, intake, given.wishes(answers), quiet=as_json)
    elif given.of_columns:
        raise UsageProblem("columns and problem of the tutorial's table are settled: give your own table with --data")
    if not as_json:
        output.say(f"Rendering {template.shown} ...")
    created = scaffold.new(
        into.absolute(), answers, template=template, ask=ask, science=science, hooks=own, say=output.say
    )
    with contextlib.suppress(FactoryError):  # a first status that takes longer is no reason to fail
        standing.keep_new(created.path, created.owners, os.environ)
    if as_json:
        more = {"proposal": science.proposal.as_json()} if science else {}
        made = {key: value for key, value in vars(created).items() if key != "owners"}
        output.answer_json({**made, **more})
        return 0
    click.echo(f"{created.use_case}: {created.files} files in {_short(created.path)}, commit {created.commit[:12]}")
    for note in created.notes:
        click.echo(f"note: {note}")
    click.echo(f"Next: cd {_short(created.path)} && make setup test train")
    return 0


def _short(path: Path) -> str:
    """`path` from here when it is below, else in full."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
