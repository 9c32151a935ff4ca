"""`factory new`: from a name to a working repo."""

from __future__ import annotations

import dataclasses
import getpass
import os
import sys
from pathlib import Path

import click

from aifactory.cli import output
from aifactory_runtime.errors import UsageProblem


@click.command()
@click.argument("name", required=False)
@click.option("--data", help="The table it learns from; sample:breast-cancer for now.")
@click.option("--target-column", help="The column to predict.")
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
    approvers: tuple[str, ...],
    extra: tuple[str, ...],
    into: Path,
    address: str | None,
    ref: str | None,
    allow_dirty: bool,
    as_json: bool,
    **options: str | None,
) -> int:
    """Make a use case's repo from the template, with a first commit.

    NAME is lower case with hyphens. In a terminal and without --data the template's questions are asked.

    Example: factory new tumour-triage --data sample:breast-cancer --owner ana
    """
    ask = options["data"] is None and sys.stdin.isatty() and sys.stdout.isatty()
    answers = _answers(name, approvers, extra, options, ask)
    from aifactory import scaffold

    template = scaffold.locate(address, ref, os.environ, allow_dirty=allow_dirty)
    if not as_json:
        output.say(f"Rendering {template.shown} ...")
    created = scaffold.new(into.absolute(), answers, template=template, ask=ask)
    if as_json:
        output.answer_json(dataclasses.asdict(created))
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
    answers |= {key: value for key, value in options.items() if value is not None}
    if name is not None:
        answers["use_case"] = name
    if approvers:
        answers["approvers"] = ", ".join(approvers)
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


def _short(path: Path) -> str:
    """`path` from here when it is below, else in full."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
