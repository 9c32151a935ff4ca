"""Where a repo stands towards its template: how far behind, which of the factory's files were edited, what is wrong."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pathspec

from aifactory.git import last_commit
from aifactory.update import answers as answers_file
from aifactory.update import plan, record, rules, tree, versions
from aifactory.update.answers import AnswersFile
from aifactory.update.plan import Plan
from aifactory.update.rules import Outcome, Step
from aifactory.update.tree import Entry, Tree
from aifactory.update.versions import Way
from aifactory.workshop import scratch
from aifactory_runtime import files
from aifactory_runtime.upgrades import markers

_DAYS_FROM_HOURS = 48
_KEPT_FILES = 4
_UNTOUCHED = "update leaves it as it is"
_ASKS = "conflict: decide it, then factory update --continue"
_WILL = {
    Outcome.MERGE: "update merges your edit with the factory's change",
    Outcome.KEEP_EDITED: "the factory removed it; update keeps yours",
    Outcome.KEEP_DELETED: "the factory changed it; update leaves it deleted",
    Outcome.CLASH: "update asks you, as the factory now has a file of this name",
}
_CHANGES = {Outcome.ADD, Outcome.CHANGE, Outcome.REMOVE, Outcome.MERGE, Outcome.CLASH}


@dataclass(frozen=True)
class Edited:
    """A file of the factory's that the owner edited or deleted."""

    path: str
    since: str
    """Commit and subject of the owner's last change of it."""
    will: str
    """What an update does to it."""


@dataclass(frozen=True)
class Standing:
    """A repo beside the newest release that this tool is for."""

    version: str
    newest: str
    behind: bool
    """Whether an update would change anything, not whether a number differs."""
    conflicts: tuple[str, ...]
    """Files in which the update that is staged waits for a decision."""
    changelog: str
    """What the releases between say to owners."""
    edited: tuple[Edited, ...]
    untrue: tuple[str, ...]
    """Answers that say something else than factory.yaml."""
    known: str
    """Where the knowledge of releases is from, and how old it is."""
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Rendered:
    base: Tree
    theirs: Tree
    moved: Mapping[str, str]


def standing(
    repo: Path, manifest: Mapping[str, Any], variables: Mapping[str, str], *, staged: bool = False
) -> Standing:
    """Where `repo` stands, with `staged` once its staged update is committed; nothing is fetched.

    FactoryError says why that cannot be known.

    The first call for a pair of releases renders both, later ones read what is kept beside git's own files.
    """
    way = versions.find(repo, None, None, variables, fetch=False)
    rendered = _kept(repo, way) or _render(repo, way)
    ours = tree.of_index(repo) if staged else tree.of_commit(repo, "HEAD")
    marked = markers.due(repo)
    steps = {
        step.moved_from or step.path: step for step in rules.plan(rendered.base, ours, rendered.theirs, rendered.moved)
    }
    asks = _conflicts(repo) if staged else ()
    edited = [
        Edited(path, last_commit(repo, path), _ASKS if path in asks else _will(steps.get(path)))
        for path, entry in rendered.base.items()
        if ours.get(path) != entry
    ]
    return Standing(
        way.old_name,
        way.new_name,
        any(step.outcome in _CHANGES for step in steps.values()),
        asks,
        way.changelog,
        tuple(edited),
        _untrue(way.answers, manifest),
        _age(way),
        (*way.notes, *([marked] if marked else [])),
    )


def _conflicts(repo: Path) -> tuple[str, ...]:
    noted = record.noted(repo)
    return tuple(change.path for change in noted[0].conflicts) if noted else ()


def _will(step: Step | None) -> str:
    """What an update does to an edited file."""
    return _WILL.get(step.outcome, _UNTOUCHED) if step else _UNTOUCHED


def keep(repo: Path, way: Way, base: Tree, theirs: Tree, moved: Mapping[str, str]) -> None:
    """Keep what was rendered, for the next status."""
    written = {
        "base": {path: [entry.mode, entry.blob] for path, entry in base.items()},
        "theirs": {path: [entry.mode, entry.blob] for path, entry in theirs.items()},
        "moved": dict(moved),
    }
    files.write(_place(repo, way), json.dumps(written))
    _forget_old(record.folder(repo))


def keep_new(repo: Path, owners: tuple[str, ...], variables: Mapping[str, str]) -> None:
    """Keep what a repo that was just made was rendered as: the factory's files of its first commit."""
    way = versions.find(repo, None, None, variables, fetch=False)
    if way.old != way.new:
        return
    spec = pathspec.GitIgnoreSpec.from_lines(owners)
    entries = tree.of_commit(repo, "HEAD")
    made = {path: entries[path] for path in plan.factorys(entries, spec)}
    keep(repo, way, made, made, {})


def keep_updated(repo: Path, made: Plan) -> None:
    """Keep what an update rendered, as the repo is at its new version now."""
    answers = answers_file.parse(plan.recorded(made.way, made.rendered.answers))
    way = replace(made.way, answers=answers, applied=answers, old=made.way.new)
    keep(repo, way, made.rendered.theirs, made.rendered.theirs, {})


def _kept(repo: Path, way: Way) -> _Rendered | None:
    try:
        found = files.read_json(_place(repo, way))
        base, theirs = ({path: Entry(*entry) for path, entry in found[side].items()} for side in ("base", "theirs"))
        return _Rendered(base, theirs, found["moved"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _render(repo: Path, way: Way) -> _Rendered:
    with scratch("status") as workshop:
        made = plan.render_both(repo, way, workshop)
    keep(repo, way, made.base, made.theirs, made.moved)
    return _Rendered(made.base, made.theirs, made.moved)


def _place(repo: Path, way: Way) -> Path:
    """One file for two commits and their answers, as these decide what is rendered."""
    said = f"{way.old}\n{way.new}\n{way.applied.text}\n{way.answers.text}"
    named = hashlib.sha256(said.encode()).hexdigest()[:16]
    return record.folder(repo) / f"rendered-{named}.json"


def _forget_old(folder: Path) -> None:
    """Remove what was rendered for commits that the repo has left behind: all but the newest few."""
    with suppress(FileNotFoundError):  # another status may remove the same
        kept = sorted(folder.glob("rendered-*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in kept[_KEPT_FILES:]:
            path.unlink(missing_ok=True)


def _untrue(answers: AnswersFile, manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Sentences for answers that the manifest contradicts; files of the factory are rendered from the answers."""
    return tuple(
        f"{key}: {answers_file.FILE} says {value!r}, factory.yaml says {manifest[key]!r}; the factory's files follow "
        f"the first: correct it there, commit, then factory update"
        for key, value in answers.given.items()
        if key in manifest and manifest[key] != value
    )


def _age(way: Way) -> str:
    template = f"the template at {way.source.address}"
    if way.source.fetched is None:
        return f"{template}, as it is now"
    hours = (time.time() - way.source.fetched) / 3600
    return f"{template}, fetched {f'{hours / 24:.0f} days' if hours >= _DAYS_FROM_HOURS else f'{hours:.0f} hours'} ago"
