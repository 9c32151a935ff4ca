"""All upgrade steps in their order; `factory update`, `python -m <package> upgrade` and `make check` go through here.

Standard library only: the tool runs this with its own interpreter, on the files that FILES names and no others.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from aifactory_runtime.upgrades import codeowners, project_file, schema_address

FILES = ("factory.yaml", "conf/*.yaml", "pyproject.toml", "CODEOWNERS", ".github/CODEOWNERS")
"""Patterns of the owner's files that steps may read and write."""
_STEPS: tuple[ModuleType, ...] = (schema_address, project_file)
"""Each has `due(repo)`, a sentence or None, and `apply(repo)`, after which it is not due."""
_REMINDERS: tuple[ModuleType, ...] = (codeowners,)
"""Each has `due(repo)` only: what a person has to decide."""


@dataclass(frozen=True)
class Upgrades:
    """What is due in a repo, a sentence each."""

    due: tuple[str, ...]
    """What `apply` does."""
    reminders: tuple[str, ...]
    """What is left to the owner."""


def look(repo: Path) -> Upgrades:
    """What is due in `repo`; changes nothing."""
    return Upgrades(_sentences(_STEPS, repo), _sentences(_REMINDERS, repo))


def apply(repo: Path) -> Upgrades:
    """Carry out the steps that are due; what they were, and what is left to the owner."""
    done = []
    for step in _STEPS:
        sentence = step.due(repo)
        if sentence is not None:
            step.apply(repo)
            done.append(sentence)
    return Upgrades(tuple(done), _sentences(_REMINDERS, repo))


def _sentences(steps: tuple[ModuleType, ...], repo: Path) -> tuple[str, ...]:
    found = (step.due(repo) for step in steps)
    return tuple(sentence for sentence in found if sentence is not None)
