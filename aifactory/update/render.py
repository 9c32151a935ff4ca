"""The template of one commit rendered with a repo's answers, into a folder of our own."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aifactory.scaffold import ownership
from aifactory.update import answers as answers_file
from aifactory.update.answers import AnswersFile
from aifactory_runtime.errors import UsageProblem

_CACHES = ("__pycache__", ".DS_Store", "*.pyc")


@dataclass(frozen=True)
class Rendered:
    """What a template makes of answers."""

    folder: Path
    owners: tuple[str, ...]
    """Patterns of the owner's files, written as git ignores files; the template renders them once."""


def render(template: Path, answers: AnswersFile, into: Path, version: str) -> Rendered:
    """Render the unpacked `template` into the new folder `into`, as an update by copier would with these answers.

    UsageProblem in one line when an answer is not valid for this version, which is called `version`.
    """
    from copier.errors import CopierError

    from aifactory.scaffold.copier_worker import run_copy

    into.mkdir()
    (into / answers_file.FILE).write_text(answers.text, encoding="utf-8")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            worker = run_copy(str(template), into, defaults=True, overwrite=True, quiet=True, exclude=_CACHES)
    except (CopierError, ValueError, TypeError) as error:
        raise UsageProblem(f"{version} cannot be rendered with these answers: {' '.join(str(error).split())}") from None
    final = dict(worker.answers.combined)
    _refuse_changed(answers.given, final, worker.template.questions_data, version)
    return Rendered(into, ownership.patterns(worker.template.skip_if_exists, final))


def _refuse_changed(
    given: Mapping[str, Any], final: Mapping[str, Any], questions: Mapping[str, Any], version: str
) -> None:
    """UsageProblem for an answer that the template put another in the place of: it is not valid in this version."""
    for key, value in given.items():
        if key in questions and final.get(key) != value:
            raise UsageProblem(
                f"the answer {key}: {value!r} in {answers_file.FILE} is not valid in {version}: put a valid one there, "
                f"such as {final.get(key)!r}, and commit it"
            )
