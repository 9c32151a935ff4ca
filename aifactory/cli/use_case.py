"""The options of `factory new` and `factory adopt` about use case, table and template, and what is made of them."""

from __future__ import annotations

import functools
import getpass
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aifactory.cli import asking, output
from aifactory_runtime.errors import UsageProblem

if TYPE_CHECKING:
    from aifactory.profile import Intake, Wishes
    from aifactory.scaffold import Template

PLATFORM = "FACTORY_PLATFORM"
"""Variable with the address of the company's platform."""
_OPTIONS = (
    click.option(
        "--data",
        metavar="FILE_OR_ADDRESS",
        help="The table it learns from: CSV, JSON lines, Parquet, Delta, or a sample.",
    ),
    click.option("--target-column", help="The column to predict."),
    click.option(
        "--problem", type=click.Choice(["classification", "regression"]), help="When it is not what is proposed."
    ),
    click.option(
        "--id-column", "id_columns", multiple=True, help="A column that only tells rows apart; repeat for more."
    ),
    click.option("--time-column", help="The column that orders the rows: the newest test the model."),
    click.option("--ignore-column", "ignored", multiple=True, help="A column that no model may see; repeat for more."),
    click.option(
        "--encoding", help="How the letters of a text table are written, when that is not found: shift_jis, koi8-r."
    ),
    click.option("--scoring", type=click.Choice(["online", "batch", "both"]), help="How predictions are asked for."),
    click.option(
        "--train-in", type=click.Choice(["dev", "prod"]), help="Where models move from, or only code moves to."
    ),
    click.option("--target", help="What its environments run on: local, this machine, or aws."),
    click.option(
        "--platform",
        help=f"Where the company's platform in that cloud wrote its outputs, as s3://bucket; else {PLATFORM} says it.",
    ),
    click.option("--title", help="What people call it."),
    click.option("--owner", help="Login of its owner; yours by default."),
    click.option("--team", help="The owner's team."),
    click.option(
        "--approver", "approvers", multiple=True, help="Login of who approves releases to prod; repeat for more."
    ),
    click.option("--profile", help="quick, standard or regulated: the defaults of risk, approval and classification."),
    click.option(
        "--answer", "extra", multiple=True, metavar="KEY=VALUE", help="Any answer of the template; repeatable."
    ),
    click.option("--template", "address", help="Git address of the template, when it is not this tool's own."),
    click.option("--ref", help="Release (0.2.0), commit, tag or branch of the template."),
    click.option("--allow-dirty", is_flag=True, help="Take uncommitted changes of the template along."),
)
_ANSWERS = (
    "data",
    "target_column",
    "problem",
    "scoring",
    "train_in",
    "target",
    "platform",
    "title",
    "owner",
    "team",
    "profile",
)
"""Options that are answers of the template, by their names."""
_OTHERS = ("id_columns", "time_column", "ignored", "encoding", "approvers", "extra", "address", "ref", "allow_dirty")


@dataclass(frozen=True)
class Given:
    """What was said by these options."""

    said: dict[str, str]
    id_columns: tuple[str, ...]
    time_column: str | None
    ignored: tuple[str, ...]
    encoding: str | None
    approvers: tuple[str, ...]
    extra: tuple[str, ...]
    address: str | None
    ref: str | None
    allow_dirty: bool

    @property
    def anything(self) -> bool:
        """Whether any of these options was used."""
        return any(vars(self).values())

    @property
    def of_columns(self) -> bool:
        """Whether something was said of the table's columns, the one to predict left out."""
        return bool(self.id_columns or self.ignored or self.time_column or self.encoding or "problem" in self.said)

    def answers(self, name: str | None, example: str, *, ask: bool = False) -> dict[str, str]:
        """Answers of all options together; an owner is guessed from the account when nobody is asked.

        UsageProblem, with the `example` of a command, when no name is there.
        """
        from aifactory.scaffold import answers as given

        answers = given.parse(self.extra)
        said = self.said | ({} if name is None else {"use_case": name})
        if self.approvers:
            said["approvers"] = ", ".join(self.approvers)
        for key, value in said.items():
            if answers.setdefault(key, value) != value:
                raise UsageProblem(f"{key} is said twice, with --answer {key}=... and otherwise: keep one")
        if any(not login.strip() for login in self.approvers):
            raise UsageProblem("--approver is empty: name a person, or leave it out")
        if answers.get("target", "local") != "local" and os.environ.get(PLATFORM):
            answers.setdefault("platform", os.environ[PLATFORM])
        if ask:
            return answers
        if "use_case" not in answers:
            raise UsageProblem(f"a name is missing: {example}")
        if "owner" not in answers:
            answers["owner"] = _guessed_owner()
        return answers

    def template(self) -> Template:
        """The template to take."""
        from aifactory import scaffold

        return scaffold.locate(self.address, self.ref, os.environ, allow_dirty=self.allow_dirty)

    def wishes(self, answers: dict[str, str]) -> Wishes:
        """What the person wants of the columns."""
        from aifactory.profile import Wishes

        return Wishes(answers.get("problem"), self.id_columns, self.time_column, self.ignored)

    def intake(self, answers: dict[str, str], *, quiet: bool, terminal: bool) -> Intake:
        """The table, read; in a terminal the column to predict is asked when neither person nor sample says it."""
        from aifactory.profile import candidates, take_in

        if not quiet:
            output.say(f"Reading {answers['data']} ...")
        found = take_in(answers["data"], Path.cwd(), self.encoding)
        if terminal and not answers.get("target_column") and found.target is None:
            columns = [column.name for column in found.table.columns]
            answers["target_column"] = asking.target(columns, candidates(found.table))
        return found


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; they reach the command together, as `given`."""

    @functools.wraps(command)
    def called(**named: Any) -> Any:
        said = {key: named.pop(key) for key in _ANSWERS}
        others = {key: named.pop(key) for key in _OTHERS}
        return command(given=Given({key: value for key, value in said.items() if value is not None}, **others), **named)

    for option in reversed(_OPTIONS):
        called = option(called)
    return called


def _guessed_owner() -> str:
    from aifactory.scaffold import answers as given

    owner = given.guess_owner(getpass.getuser())
    if owner is None:
        raise UsageProblem("who owns it? Say --owner ana.lopez")
    return owner
