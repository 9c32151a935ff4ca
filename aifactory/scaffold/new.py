"""Make a use case's repo from answers: rendered beside the target, committed, then moved into place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aifactory.hooks import AFTER_NEW
from aifactory.hooks import run as run_hooks
from aifactory.scaffold import answers as given
from aifactory.scaffold import place, repository
from aifactory.scaffold.render import render
from aifactory.scaffold.template import Template

if TYPE_CHECKING:
    from aifactory.scaffold.science import Science


@dataclass(frozen=True)
class Created:
    """A new repo, and what its maker should know."""

    path: Path
    use_case: str
    template: str
    commit: str
    files: int
    notes: tuple[str, ...]
    owners: tuple[str, ...]
    """Patterns of the owner's files, written as git ignores files."""


def new(
    into: Path,
    answers: Mapping[str, str],
    *,
    template: Template,
    ask: bool = False,
    science: Science | None = None,
    hooks: Sequence[Path] = (),
    say: Callable[[str], None] = lambda _line: None,
) -> Created:
    """Make `into/<use case>`; with `ask` copier asks for what `answers` leaves open, else defaults are taken.

    With `science` schema, features, model and what goes with them are written for its table. `hooks` run on the repo
    before its first commit.

    UsageProblem says which answer is wrong, or that the folder is not free; whatever happens, the folder is complete or
    absent.
    """
    check(into, answers)
    with place.making(into) as workshop:
        built = workshop / "repo"
        made = render(built, answers, template=template, ask=ask, science=science)
        use_case = str(made.answers["use_case"])
        target = into / use_case
        place.check_free(target)
        run_hooks(hooks, built, {"event": AFTER_NEW, "use_case": use_case}, say)
        first = repository.start(built, str(made.answers["owner"]), f"Start {use_case} from the factory's template")
        files = sum(path.is_file() for path in built.rglob("*") if ".git" not in path.parts)
        place.move(built, target)
    return Created(
        target,
        use_case,
        template.shown,
        first.commit,
        files,
        (*_notes(template, first.stand_in), *given.platform_notes(made.answers)),
        made.owners,
    )


def check(into: Path, answers: Mapping[str, str]) -> None:
    """What can be said before a table is read or a template fetched: see `answers.check` and `place.check_free`."""
    given.check(answers)
    if "use_case" in answers:
        place.check_free(into / answers["use_case"])


def _notes(template: Template, stand_in: str | None) -> tuple[str, ...]:
    if stand_in is None:
        return template.notes
    return (f"git knows no user.name and user.email here, so the first commit is by {stand_in}", *template.notes)
