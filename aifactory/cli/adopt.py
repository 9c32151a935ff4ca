"""`factory adopt`: a repo made by hand is brought in, after its plan was seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aifactory.cli import asking, output, use_case
from aifactory.cli import update as update_command
from aifactory.cli.use_case import Given
from aifactory_runtime.errors import FactoryError, UsageProblem

if TYPE_CHECKING:
    from aifactory.adopt import Adoption

_EXAMPLE = "factory adopt churn --data data/customers.csv --target-column churned"
_SHOWN_FILES = 8


@click.command()
@click.argument("name", required=False)
@use_case.options
@click.option("--dry-run", is_flag=True, help="Show the plan, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--continue", "go_on", is_flag=True, help="Finish an adoption that was interrupted.")
@click.option("--abort", is_flag=True, help="Put everything back as it was before the adoption.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan, and what was done, as JSON.")
def command(
    *, name: str | None, given: Given, dry_run: bool, yes: bool, go_on: bool, abort: bool, as_json: bool
) -> None:
    """Bring in this repo, which was made by hand: what it lacks is added, and nothing of it is lost.

    NAME is that of the folder by default. The plan is shown first: files that are added, and files of yours that are
    moved to before-factory/, as their place is taken or the factory's tools would read them. All is staged as one
    change that you look at and commit.

    Example: factory adopt churn --data data/customers.csv --target-column churned
    """
    from aifactory import update

    repo = update.top(Path.cwd())
    if go_on or abort:
        if (go_on and abort) or name or given.anything or dry_run or yes:
            raise UsageProblem("--continue and --abort stand alone: factory adopt --continue")
        update_command.end(repo, go_on=go_on, as_json=as_json)
        return
    _adopt(repo, name, given, dry_run=dry_run, yes=yes, as_json=as_json)


def _adopt(repo: Path, name: str | None, given: Given, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    from aifactory import adopt, hooks, update
    from aifactory.cli import proposal
    from aifactory.home import Home

    terminal = asking.at_terminal() and not as_json
    named = any(pair.startswith("use_case=") for pair in given.extra)
    answers = given.answers(name if name or named else _folder_name(repo), _EXAMPLE)
    if "data" not in answers:
        raise UsageProblem(f"a table is missing, which the use case learns from: {_EXAMPLE}")
    own = hooks.found(Home.current().root, hooks.AFTER_NEW)
    settled = update.settle(repo)
    if settled:
        output.say(settled[1])
    adopt.check(repo, answers)
    template = given.template()
    intake = given.intake(answers, quiet=as_json, terminal=terminal)
    source = adopt.source(repo, intake.source)
    science = proposal.science(answers, replace(intake, source=source.text), given.wishes(answers), quiet=as_json)

    def agree(plan: Adoption) -> None:
        if not as_json:
            _show(plan)
        if not dry_run and not yes:
            _ask(terminal=terminal)

    done = adopt.adopt(
        repo, answers, template=template, science=science, source=source, agree=agree, dry_run=dry_run,
        hooks=own, say=output.say,
    )  # fmt: skip
    if as_json:
        output.answer_json(_json(done, dry_run=dry_run) | {"proposal": science.proposal.as_json()})
    elif not dry_run:
        click.echo(f'It is staged. Look at it with git diff --cached, then: git commit -m "Adopt {done.use_case}"')
        click.echo("Next: make setup check train")


def _folder_name(repo: Path) -> str:
    """The folder's name; UsageProblem when it cannot be the use case's."""
    from aifactory_runtime.contract import names

    try:
        return names.check_new_use_case(repo.name)
    except ValueError as error:
        raise UsageProblem(f"the folder's name cannot be the use case's ({error}); say one: {_EXAMPLE}") from None


def _ask(*, terminal: bool) -> None:
    """Let the person decide; UsageProblem where nobody can answer."""
    if not terminal:
        raise UsageProblem("nothing was changed: say --yes to carry the plan out, or --dry-run to see it only")
    if not click.confirm("Carry it out?"):
        raise FactoryError("nothing was changed")


def _show(plan: Adoption) -> None:
    """The plan, shortest first: what is added by folder, what is set aside by reason, what to know."""
    rules = plan.rules
    click.echo(f"Adopt this repo as {plan.use_case}: {len(rules.added)} files are added, by folder:")
    click.echo(f"  {', '.join(_folders(rules.added))}")
    if rules.aside:
        click.echo(f"{len(rules.aside)} files of yours are moved to before-factory/, with their history:")
    for why in sorted(set(rules.aside.values())):
        paths = [path for path, reason in rules.aside.items() if reason == why]
        shown = paths if len(paths) <= _SHOWN_FILES else _folders(paths)
        click.echo(f"  as {why}: {', '.join(shown)}")
    click.echo("Every other file stays where it is.")
    for note in plan.notes:
        click.echo(f"note: {note}")


def _folders(paths: Iterable[str]) -> list[str]:
    """Paths as people take them in at a glance: files of the top by name, others counted by their folder."""
    counted = Counter(f"{path.partition('/')[0]}/" if "/" in path else path for path in paths)
    return [f"{name} {count}" if name.endswith("/") else name for name, count in sorted(counted.items())]


def _json(plan: Adoption, *, dry_run: bool) -> dict[str, Any]:
    return {
        "use_case": plan.use_case,
        "template": plan.template,
        "state": "planned" if dry_run else "staged",
        "added": list(plan.rules.added),
        "set_aside": {path: f"before-factory/{path}" for path in plan.rules.aside},
        "why_set_aside": dict(plan.rules.aside),
        "left_out": dict(plan.rules.left_out),
        "not_linted": list(plan.rules.unlinted),
        "notes": list(plan.notes),
    }
