"""Make a use case's repo from answers: rendered by copier beside the target, committed, then moved into place."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aifactory.hooks import AFTER_NEW
from aifactory.hooks import run as run_hooks
from aifactory.scaffold import answers as given
from aifactory.scaffold import ownership, place, repository
from aifactory.scaffold.origin import VARIABLE
from aifactory.scaffold.template import Template
from aifactory_runtime import __version__
from aifactory_runtime.errors import FactoryError, UsageProblem

if TYPE_CHECKING:
    from aifactory.scaffold.science import Science

_QUESTION = re.compile(r"(?:Validation error for question|Invalid choice for) '(\w+)': (.*)", re.DOTALL)
_ANSWERS = ".copier-answers.yml"
_ADDRESS = re.compile(r"^_src_path:.*(?:\n[ ].*)*", re.MULTILINE)
_REQUIRED = re.compile(r'Question "(\w+)" is required')


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
        final, owners = _render(built, answers, template, ask)
        given.check_approval(final)
        _keep_address(built / _ANSWERS, template)
        if science is not None:
            from aifactory.scaffold.science import write

            write(built, science, final)
        use_case = str(final["use_case"])
        target = into / use_case
        place.check_free(target)
        run_hooks(hooks, built, {"event": AFTER_NEW, "use_case": use_case}, say)
        first = repository.start(built, str(final["owner"]), f"Start {use_case} from the factory's template")
        files = sum(path.is_file() for path in built.rglob("*") if ".git" not in path.parts)
        place.move(built, target)
    return Created(target, use_case, template.shown, first.commit, files, _notes(template, first.stand_in), owners)


def check(into: Path, answers: Mapping[str, str]) -> None:
    """What can be said before a table is read or a template fetched: see `answers.check` and `place.check_free`."""
    given.check(answers)
    if "use_case" in answers:
        place.check_free(into / answers["use_case"])


def _keep_address(answers: Path, template: Template) -> None:
    """Write down where updates come from, when that is not where it was rendered from."""
    if template.published:
        line = f"_src_path: {json.dumps(template.published)}"
        text = answers.read_text(encoding="utf-8")
        answers.write_text(_ADDRESS.sub(lambda _: line, text, count=1), encoding="utf-8")


def _notes(template: Template, stand_in: str | None) -> tuple[str, ...]:
    notes = []
    if stand_in:
        notes.append(f"git knows no user.name and user.email here, so the first commit is by {stand_in}")
    if template.dirty:
        notes.append("made from uncommitted changes of the template, so it cannot follow its updates: for trying only")
    if template.unreleased:
        notes.append(f"unreleased: made from {__version__}, which is newer than the last release of the factory")
    if template.private:
        notes.append(
            f"its updates come from {template.address}, which only this machine has; if the factory is published, "
            f"name that address in {VARIABLE}"
        )
    return tuple(notes)


def _render(
    folder: Path, answers: Mapping[str, str], template: Template, ask: bool
) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """Render into `folder`; the answers as the template completed them, and patterns of the owner's files.

    UsageProblem in one line for what is wrong.
    """
    from copier import run_copy
    from copier.errors import CopierError
    from plumbum.commands.processes import ProcessExecutionError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            worker = run_copy(
                template.address, folder, data=dict(answers), defaults=not ask, quiet=True, vcs_ref=template.ref
            )
    except KeyboardInterrupt:
        raise KeyboardInterrupt from None
    except ProcessExecutionError as error:
        said = str(error.stderr).strip().splitlines() or ["git said nothing"]
        raise FactoryError(f"{template.shown} cannot be read: {said[-1]}") from None
    except (CopierError, ValueError, TypeError) as error:
        raise UsageProblem(_sentence(error, template)) from None
    asked = [key for key, question in worker.template.questions_data.items() if question.get("when") is not False]
    unknown = sorted(set(answers) - set(asked))
    if unknown:
        raise UsageProblem(f"{unknown[0]}: the template does not ask for it; it asks for {', '.join(asked)}")
    final = dict(worker.answers.combined)
    return final, ownership.patterns(worker.template.skip_if_exists, final)


def _sentence(error: Exception, template: Template) -> str:
    """One line of copier's error: question first, then what would be right."""
    text = str(error)
    if found := _QUESTION.search(text):
        text = f"{found[1]}: {found[2]}"
    elif found := _REQUIRED.search(text):
        text = f"{found[1]}: say it with --{found[1]}, or --answer {found[1]}=..."
    elif text.startswith("Unknown revision"):
        text = f"{template.ref} is not a commit, tag or branch of {template.address}"
    return " ".join(text.split())
