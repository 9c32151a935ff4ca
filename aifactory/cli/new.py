"""`factory new`: from a name, or a table, to a working repo."""

from __future__ import annotations

import contextlib
import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aifactory.cli import asking, output
from aifactory_runtime.errors import FactoryError, UsageProblem

if TYPE_CHECKING:
    from aifactory.profile import Intake, Proposal, Wishes
    from aifactory.scaffold.science import Science

_TUTORIAL = "sample:breast-cancer"
_SHOWN_COLUMNS = 60


@click.command()
@click.argument("name", required=False)
@click.option(
    "--data", metavar="FILE_OR_ADDRESS", help="The table it learns from: CSV, JSON lines, Parquet, Delta, or a sample."
)
@click.option("--target-column", help="The column to predict.")
@click.option("--problem", type=click.Choice(["classification", "regression"]), help="When it is not what is proposed.")
@click.option("--id-column", "id_columns", multiple=True, help="A column that only tells rows apart; repeat for more.")
@click.option("--time-column", help="The column that orders the rows: the newest test the model.")
@click.option("--ignore-column", "ignored", multiple=True, help="A column that no model may see; repeat for more.")
@click.option(
    "--encoding", help="How the letters of a text table are written, when that is not found: shift_jis, koi8-r."
)
@click.option("--scoring", type=click.Choice(["online", "batch", "both"]), help="How predictions are asked for.")
@click.option("--train-in", type=click.Choice(["dev", "prod"]), help="Where models move from, or only code moves to.")
@click.option("--title", help="What people call it.")
@click.option("--owner", help="Login of its owner; yours by default.")
@click.option("--team", help="The owner's team.")
@click.option("--approver", "approvers", multiple=True, help="Login of who approves releases to prod; repeat for more.")
@click.option("--profile", help="quick, standard or regulated: the defaults of risk, approval and classification.")
@click.option("--answer", "extra", multiple=True, metavar="KEY=VALUE", help="Any answer of the template; repeatable.")
@click.option("--into", type=click.Path(path_type=Path), default=Path(), help="Folder to make the repo in.")
@click.option("--template", "address", help="Git address of the template, when it is not this tool's own.")
@click.option("--ref", help="Commit, tag or branch of the template.")
@click.option("--allow-dirty", is_flag=True, help="Take uncommitted changes of the template along.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    *,
    name: str | None,
    id_columns: tuple[str, ...],
    ignored: tuple[str, ...],
    approvers: tuple[str, ...],
    extra: tuple[str, ...],
    into: Path,
    address: str | None,
    ref: str | None,
    allow_dirty: bool,
    as_json: bool,
    **options: str | None,
) -> int:
    """Make a use case's repo from the template, with a first commit; with --data, for your table.

    NAME is lower case with hyphens. In a terminal what is missing is asked: the table, the column to predict, and
    without --data the template's questions; in a pipe nothing is.

    Example: factory new churn --data customers.csv --target-column churned --owner ana
    """
    time_column, encoding = options.pop("time_column"), options.pop("encoding")
    terminal = asking.at_terminal() and not as_json
    ask = terminal and options["data"] is None
    answers = _answers(name, approvers, extra, options, ask)
    if ask and "data" not in answers and (table := asking.table()):
        answers["data"] = table
    from aifactory import hooks, scaffold
    from aifactory.home import Home
    from aifactory.profile import Wishes
    from aifactory.update import standing

    own = hooks.found(Home.current().root, hooks.AFTER_NEW)
    template = scaffold.locate(address, ref, os.environ, allow_dirty=allow_dirty)
    science = None
    if answers.get("data", _TUTORIAL) != _TUTORIAL:
        scaffold.check(into.absolute(), answers)
        intake = _intake(answers, encoding, as_json, terminal)
        wishes = Wishes(answers.get("problem"), id_columns, time_column, ignored)
        science = _science(answers, intake, wishes, as_json)
    elif id_columns or ignored or time_column or encoding or options["problem"]:
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


def _answers(
    name: str | None, approvers: tuple[str, ...], extra: tuple[str, ...], options: dict[str, str | None], ask: bool
) -> dict[str, str]:
    """Answers of all options together; an owner is guessed from the account when nobody is asked."""
    from aifactory.scaffold import answers as given

    answers = given.parse(extra)
    said = {key: value for key, value in {**options, "use_case": name}.items() if value is not None}
    if approvers:
        said["approvers"] = ", ".join(approvers)
    for key, value in said.items():
        if answers.setdefault(key, value) != value:
            raise UsageProblem(f"{key} is said twice, with --answer {key}=... and otherwise: keep one")
    if any(not login.strip() for login in approvers):
        raise UsageProblem("--approver is empty: name a person, or leave it out")
    if ask:
        return answers
    if "use_case" not in answers:
        raise UsageProblem("a name is missing: factory new customer-churn")
    if "owner" not in answers:
        owner = given.guess_owner(getpass.getuser())
        if owner is None:
            raise UsageProblem("who owns it? Say --owner ana.lopez")
        answers["owner"] = owner
    return answers


def _intake(answers: dict[str, str], encoding: str | None, quiet: bool, terminal: bool) -> Intake:
    """The table, read; in a terminal the column to predict is asked when neither the person nor a sample says it."""
    from aifactory.profile import candidates, take_in

    if not quiet:
        output.say(f"Reading {answers['data']} ...")
    found = take_in(answers["data"], Path.cwd(), encoding)
    if terminal and not answers.get("target_column") and found.target is None:
        columns = [column.name for column in found.table.columns]
        answers["target_column"] = asking.target(columns, candidates(found.table))
    return found


def _science(answers: dict[str, str], found: Intake, wishes: Wishes, quiet: bool) -> Science:
    """Show what is proposed for the table, and complete `answers` by it; nothing is written."""
    from aifactory.profile import propose
    from aifactory.scaffold.science import Science
    from aifactory.scaffold.science.brief import SECRET

    target = answers.get("target_column") or found.target
    proposal = propose(found.table, found.source, target, wishes)
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
    title = f"{proposal.rows:,} rows: {problem.name} of {proposal.target.name}, judged by {problem.metric}"
    if problem.positive is not None and not secret:
        title += f"; f1 is that of {problem.positive}"
    output.table(title, ("column", "used as", "missing", "why"), rows[:_SHOWN_COLUMNS])
    if len(rows) > _SHOWN_COLUMNS:
        click.echo(f"and {len(rows) - _SHOWN_COLUMNS} columns more, in docs/data-report.md")
    for note in proposal.notes:
        click.echo(f"note: {note}")


def _role(column: Any) -> str:
    return column.role if column.used or column.role == "target" else f"ignored: {column.role}"


def _missing(column: Any, rows: int) -> str:
    return f"{column.missing / rows:.1%}" if column.missing else ""


def _short(path: Path) -> str:
    """`path` from here when it is below, else in full."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
