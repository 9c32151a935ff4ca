"""The files of a use case's repo in a folder: rendered by copier, its science written for the table; no git yet."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aifactory.scaffold import answers as given
from aifactory.scaffold import ownership
from aifactory.scaffold.template import Template
from aifactory_runtime.errors import FactoryError, UsageProblem

if TYPE_CHECKING:
    from aifactory.scaffold.science import Science

_QUESTION = re.compile(r"(?:Validation error for question|Invalid choice for) '(\w+)': (.*)", re.DOTALL)
_REQUIRED = re.compile(r'Question "(\w+)" is required')
_ANSWERS = ".copier-answers.yml"
_ADDRESS = re.compile(r"^_src_path:.*(?:\n[ ].*)*", re.MULTILINE)


@dataclass(frozen=True)
class Rendered:
    """What a folder was rendered from."""

    answers: Mapping[str, Any]
    """As the template completed them."""
    owners: tuple[str, ...]
    """Patterns of the owner's files, written as git ignores files."""


def render(
    folder: Path, answers: Mapping[str, str], *, template: Template, ask: bool = False, science: Science | None = None
) -> Rendered:
    """Make the new `folder` with all files of a repo; with `ask` copier asks for what `answers` leaves open.

    With `science` schema, features, model and what goes with them are written for its table. UsageProblem says which
    answer is wrong.
    """
    made = _rendered(folder, answers, template, ask)
    given.check_approval(made.answers)
    _keep_address(folder / _ANSWERS, template)
    if science is not None:
        from aifactory.scaffold.science import write

        write(folder, science, made.answers)
    return made


def _rendered(folder: Path, answers: Mapping[str, str], template: Template, ask: bool) -> Rendered:
    from copier.errors import CopierError
    from plumbum.commands.processes import ProcessExecutionError

    from aifactory.scaffold.copier_worker import run_copy

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
    return Rendered(final, ownership.patterns(worker.template.skip_if_exists, final))


def _keep_address(answers: Path, template: Template) -> None:
    """Write down where updates come from, when that is not where it was rendered from."""
    if template.published:
        line = f"_src_path: {json.dumps(template.published)}"
        text = answers.read_text(encoding="utf-8")
        answers.write_text(_ADDRESS.sub(lambda _: line, text, count=1), encoding="utf-8")


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
