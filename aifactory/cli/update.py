"""`factory update`: a repo follows the template, shown first, finished or undone."""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aifactory.cli import output
from aifactory_runtime.errors import NeedsPerson, UsageProblem

if TYPE_CHECKING:
    from aifactory.update import Plan
    from aifactory.update.record import Change, ChangeSet
    from aifactory.update.summary import FileChange

_PLAIN = frozenset({"ADD", "CHANGE", "REMOVE"})
"""Outcomes that need no word: the owner changed nothing there."""


@click.command()
@click.option("--to", metavar="VERSION", help="The release to go to; the newest that this factory is for by default.")
@click.option("--template", "address", help="The template's address, where it has moved.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option(
    "--verify",
    "checked",
    is_flag=True,
    help="Install the new locks and run make check on the result first; also with --continue.",
)
@click.option("--continue", "go_on", is_flag=True, help="Finish an update after conflicts or an interruption.")
@click.option("--abort", is_flag=True, help="Put everything back as it was before the update.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    *, to: str | None, address: str | None, dry_run: bool, checked: bool, go_on: bool, abort: bool, as_json: bool
) -> None:
    """Bring this repo to a release of the factory, as one change that you look at and commit.

    Your lines stay: where you and the factory changed the same ones, both are left for you to decide (exit code 3). If
    anything is in the way, nothing is changed and one line says what to do.

    Example: factory update --dry-run
    """
    from aifactory import update

    repo = update.top(Path.cwd())
    if go_on or abort:
        if (go_on and abort) or to or address or dry_run or (abort and checked):
            raise UsageProblem("--abort stands alone, --continue takes --verify only: factory update --continue")
        end(repo, go_on=go_on, as_json=as_json, own=[] if abort else _company_hooks(), checked=checked)
        return
    own = _company_hooks()
    plan = update.update(
        repo, to, address, os.environ, output.say, dry_run=dry_run, checked=checked, hooks=[] if dry_run else own
    )
    if as_json:
        output.answer_json(_json(repo, plan, dry_run=dry_run))
    else:
        _say_plan(repo, plan, dry_run=dry_run)
    if plan.change_set.conflicts:
        raise NeedsPerson(_conflicts(plan.change_set, dry_run=dry_run))


def _company_hooks() -> list[Path]:
    """The company's hooks."""
    from aifactory import hooks
    from aifactory.home import Home

    return hooks.found(Home.current().root, hooks.AFTER_UPDATE)


def end(repo: Path, *, go_on: bool, as_json: bool, own: list[Path] | None = None, checked: bool = False) -> None:
    """Finish what is open in the repo, an update or an adoption, or undo it; NeedsPerson while conflicts are left.

    The company's `own` hooks run on what was decided, and with `checked` its checks, before it is taken.
    """
    from aifactory import update

    settled = update.settle(repo)
    if settled:
        _say_settled(*settled, as_json=as_json)
        return
    change_set, open_still = (
        update.go_on(repo, output.say, hooks=own, checked=checked) if go_on else (update.abort(repo, output.say), False)
    )
    if open_still:
        raise NeedsPerson(_conflicts(change_set, dry_run=False))
    _say_end(change_set, aborted=not go_on, as_json=as_json)


def _say_plan(repo: Path, plan: Plan, *, dry_run: bool) -> None:
    from aifactory.update import summary

    if plan.changes_nothing:
        _say_notes(plan)
        click.echo(f"Nothing changes for this repo: {plan.change_set.title}")
        return
    click.echo(_headline(plan.change_set, dry_run=dry_run))
    changes = summary.of(repo, plan.change_set)
    asks = {change.path for change in plan.change_set.conflicts}
    edited = [
        f"{step.path}: {'conflict, for you to decide' if step.path in asks else step.outcome}"
        for step in plan.steps
        if step.outcome.name not in _PLAIN
    ]
    for planned, done, lines in (
        ("Your own files that would change", "Your own files that changed", _own_files(plan, changes)),
        ("Upgrades of them that are due, and would be made", "Upgrades of them that were made", plan.upgrades),
        (
            "Files of the factory that you edited or deleted, and what would become of them",
            "Files of the factory that you edited or deleted, and what became of them",
            edited,
        ),
        ("All files, and what would become of them", "All files, and what became of them", summary.lines(changes)),
    ):
        _say_list(planned if dry_run else done, lines)
    _say_notes(plan)
    if plan.way.changelog:
        click.echo(f"\n{plan.way.changelog}\n")
    if not dry_run and not plan.change_set.conflicts:
        subject = f"Follow the factory {plan.way.new_name}"
        click.echo(f'It is staged. Look at it with git diff --cached, then: git commit -m "{subject}"')


def _headline(change_set: ChangeSet, *, dry_run: bool) -> str:
    """From where to where, and whether a person has to decide something first."""
    count = len(change_set.conflicts)
    found = f"{count} conflict{'' if count == 1 else 's'}"
    if dry_run:
        return f"Would go from {change_set.title}{f', with {found} for you to decide' if count else ''}"
    return (
        f"Not finished from {change_set.title}: {found} for you to decide" if count else f"Went from {change_set.title}"
    )


def _own_files(plan: Plan, changes: Iterable[FileChange]) -> list[str]:
    owners = plan.owners
    return [change.line() for change in changes if {change.path, change.moved_from} & owners]


def _say_list(title: str, lines: Iterable[str]) -> None:
    said = [f"  {line}" for line in lines]
    if said:
        click.echo("\n".join(["", f"{title}:", *said]))


def _say_notes(plan: Plan) -> None:
    if plan.notes and not plan.changes_nothing:
        click.echo()
    for note in plan.notes:
        click.echo(f"note: {note}")


def _conflicts(change_set: ChangeSet, *, dry_run: bool) -> str:
    lines = [f"  {change.path}: {change.why}{'' if dry_run else _where(change)}" for change in change_set.conflicts]
    end = "" if dry_run else f"decide, then factory {change_set.command} --continue (or --abort)"
    return "\n".join(
        [f"{len(lines)} {'file needs' if len(lines) == 1 else 'files need'} you:", *lines, *([end] if end else [])]
    )


def _where(change: Change) -> str:
    """Where both versions of a conflict are."""
    if change.marked:
        return "; both versions are in it, between markers"
    return f"; yours is there, for the factory's: git checkout --theirs -- {shlex.quote(change.path)}; then git add it"


def _say_settled(change_set: ChangeSet, told: str, *, as_json: bool) -> None:
    if as_json:
        output.answer_json({"title": change_set.title, "state": "committed", "note": told})
    else:
        click.echo(told)


def _say_end(change_set: ChangeSet, *, aborted: bool, as_json: bool) -> None:
    if as_json:
        output.answer_json({"title": change_set.title, "state": "aborted" if aborted else "staged"})
    elif aborted:
        click.echo(f"The {change_set.called} is undone; the repo is as it was")
    else:
        click.echo(f"The {change_set.called} is staged: look at it with git diff --cached, then commit it")


def _json(repo: Path, plan: Plan, *, dry_run: bool) -> dict[str, Any]:
    from aifactory.update import summary

    owners = plan.owners
    conflicts = {change.path: change.why for change in plan.change_set.conflicts}
    outcomes = {step.path: step.outcome.name.lower() for step in plan.steps} | dict.fromkeys(conflicts, "conflict")
    state = "planned" if dry_run else "conflicts" if plan.change_set.conflicts else "staged"
    return {
        "title": plan.change_set.title,
        "state": "current" if plan.changes_nothing else state,
        "files": [
            {**dataclasses.asdict(change), "outcome": outcomes.get(change.path), "yours": change.path in owners}
            for change in summary.of(repo, plan.change_set)
        ],
        "conflicts": conflicts,
        "changelog": plan.way.changelog,
        "upgrades": list(plan.upgrades),
        "notes": [*plan.notes, *(f"upgraded: {sentence}" for sentence in plan.upgrades)],
    }
