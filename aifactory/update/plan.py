"""What an update would do to a repo: rendered twice, merged in git's object store, nothing in the work tree touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pathspec

from aifactory.git import last_commit, line
from aifactory.update import answers as answers_file
from aifactory.update import locks, rules, text_merge, tree, upgrades
from aifactory.update.record import Change, ChangeSet
from aifactory.update.render import Rendered, render
from aifactory.update.rules import Outcome, Step
from aifactory.update.tree import Entry, Tree
from aifactory.update.versions import Way
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.pipeline.reproduction import checkout

Say = Callable[[str], None]
"""Takes one line of progress."""


class Renderings(NamedTuple):
    """The factory's files of both versions, which of them moved, and the answers file of the new one."""

    base: Tree
    theirs: Tree
    moved: Mapping[str, str]
    answers: str


@dataclass(frozen=True)
class Plan:
    """An update before it is carried out."""

    way: Way
    change_set: ChangeSet
    steps: tuple[Step, ...]
    rendered: Renderings
    """What both versions make of the repo's answers."""
    notes: tuple[str, ...] = field(default=())
    upgrades: tuple[str, ...] = field(default=())
    """What is due in the owner's files and is made with it, a sentence each."""

    @property
    def owners(self) -> frozenset[str]:
        """Files of the owner's own that change: by an upgrade, a lock, a company's hook."""
        factorys = {answers_file.FILE, *self.rendered.base, *self.rendered.theirs}
        return frozenset(change.path for change in self.change_set.changes if change.before) - factorys

    @property
    def changes_nothing(self) -> bool:
        """Whether the repo is as the new version would render it, but for the number of the version; same address."""
        return not self.way.readdressed and all(change.path == answers_file.FILE for change in self.change_set.changes)


def make(repo: Path, way: Way, workshop: Path, say: Say) -> Plan:
    """The plan for the commit that HEAD of `repo` is; `workshop` is an empty folder for what is rendered."""
    head = line(repo, "rev-parse", "HEAD")
    ours = tree.of_commit(repo, head)
    say(f"Rendering {way.old_name} and {way.new_name} ...")
    rendered = render_both(repo, way, workshop)
    steps = rules.plan(rendered.base, ours, rendered.theirs, rendered.moved)
    for path, other in rules.in_the_way(steps, ours):
        raise UsageProblem(
            f"{other} is yours, and the factory now has {path}: move yours to another place, commit, again"
        )
    labels = ("yours", f"factory {way.old_name}", f"factory {way.new_name}")
    changes = [change for step in steps for change in _changes(repo, step, ours, labels)]
    changes.append(_answers(repo, way, rendered.answers, ours))
    locked, note = _owners_lock(repo, ours, changes, workshop / "locks", way)
    changes += locked
    upgraded = upgrades.apply(repo, _entries(ours, changes), workshop / "new", workshop / "owners")
    changes += [Change(path, ours.get(path), entry) for path, entry in upgraded.changed.items()]
    real = tuple(change for change in changes if change.before != change.after or change.stages)
    notes = (*way.notes, *_news(way, steps), *note, *upgraded.reminders)
    change_set = ChangeSet(head, way.title, real, version=way.new_name)
    return Plan(way, change_set, tuple(steps), rendered, notes, upgraded.due)


def _news(way: Way, steps: Sequence[Step]) -> Iterator[str]:
    """What the owner says otherwise than at the last update, where it counts."""
    if way.readdressed:
        yield f"the template's address was {way.applied.address} and is {way.address} from now on"
    now, then = way.answers.given, way.applied.given
    changed = [key for key in sorted({*now, *then}) if now.get(key) != then.get(key)]
    if changed and steps:
        yield f"answers that you changed since the last update: {', '.join(changed)}"


def _entries(ours: Tree, changes: Iterable[Change]) -> dict[str, Entry]:
    """The files as the update leaves them."""
    changed = {change.path: change.after for change in changes}
    return {path: entry for path, entry in {**ours, **changed}.items() if entry is not None}


def _owners_lock(
    repo: Path, ours: Tree, changes: Iterable[Change], folder: Path, way: Way
) -> tuple[list[Change], list[str]]:
    """The change of the owner's lock that a change of the factory's makes necessary, and what to say of it."""
    after = _entries(ours, changes)
    if after.get(locks.FACTORYS) == ours.get(locks.FACTORYS) or not after.keys() >= set(locks.NEEDED):
        return [], []
    present = {path: tree.content(repo, after[path].blob) for path in locks.NEEDED}
    wanted = present[locks.WANTED].decode(errors="replace")
    if not locks.asks_for_something(wanted):
        return [], []
    if locks.names_files(wanted):
        checkout.extract(repo, "HEAD", folder)
    for path, text in present.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text)
    resolved = locks.resolve(folder, way.new_name)
    before, note = ours[locks.LOCKED], [resolved.note] if resolved.note else []
    if resolved.locked is None:
        return [], note
    return [Change(locks.LOCKED, before, Entry(before.mode, tree.store(repo, resolved.locked)))], note


def render_both(repo: Path, way: Way, workshop: Path) -> Renderings:
    """Both versions with the repo's answers, rendered in the empty folder `workshop` and held by git in `repo`."""
    old, new = _rendered(way, workshop)
    owners = pathspec.GitIgnoreSpec.from_lines([*old.owners, *new.owners])
    base, theirs = (tree.of_folder(repo, one.folder, factorys(tree.files_of(one.folder), owners)) for one in (old, new))
    answers = (new.folder / answers_file.FILE).read_text(encoding="utf-8")
    return Renderings(base, theirs, tree.moved(repo, base, theirs), answers)


def _rendered(way: Way, workshop: Path) -> tuple[Rendered, Rendered]:
    """The old version with the answers that were applied, and the new one with today's."""
    places = {commit: workshop / f"template-{commit}" for commit in {way.old, way.new}}
    with ThreadPoolExecutor() as pool:  # git works while copier is imported
        unpacked = [pool.submit(way.source.extract, commit, place) for commit, place in places.items()]
        import aifactory.scaffold.copier_worker  # noqa: F401

        for one in unpacked:
            one.result()
    new = render(places[way.new], way.answers, workshop / "new", way.new_name)
    if way.old == way.new and way.applied.given == way.answers.given:
        return new, new
    return render(places[way.old], way.applied, workshop / "old", way.old_name), new


def factorys(paths: Iterable[str], owners: pathspec.GitIgnoreSpec) -> list[str]:
    """Paths of the factory's files, without the answers file, which is made from both sides."""
    return [path for path in paths if path != answers_file.FILE and not owners.match_file(path)]


def _changes(repo: Path, step: Step, ours: Tree, labels: tuple[str, str, str]) -> list[Change]:
    before = ours.get(step.path)
    if step.outcome in {Outcome.KEEP_DELETED, Outcome.KEEP_EDITED}:
        return []
    if step.outcome is Outcome.CLASH:
        return [_clash(repo, step, labels)]
    if step.outcome is not Outcome.MERGE:
        return [Change(step.path, before, step.theirs)]
    merged = text_merge.merge(repo, step, labels)
    if not merged.conflict:
        return [Change(step.path, before, merged.entry)]
    stages = (step.base, step.ours, step.theirs)
    edited = last_commit(repo, step.moved_from or step.path)
    what = "it, too" if merged.entry in {None, step.ours} else "the same lines"
    why = f"the factory's file; you edited it ({edited}), and the factory changed {what}"
    return [Change(step.path, before, merged.entry, stages, why)]


def _clash(repo: Path, step: Step, labels: tuple[str, str, str]) -> Change:
    empty = Entry(tree.FILE, tree.store(repo, b""))
    merged = text_merge.merge(repo, Step(step.path, Outcome.MERGE, empty, step.ours, step.theirs), labels)
    why = f"yours ({last_commit(repo, step.path)}); the factory now has a file of this name"
    after = merged.entry if merged.conflict else step.ours
    return Change(step.path, step.ours, after, (None, step.ours, step.theirs), why)


def _answers(repo: Path, way: Way, rendered: str, ours: Tree) -> Change:
    """The answers file, which is the factory's alone: what it holds are the answers that were rendered."""
    text = recorded(way, rendered)
    before = ours.get(answers_file.FILE)
    return Change(answers_file.FILE, before, Entry(tree.FILE, tree.store(repo, text.encode())))


def recorded(way: Way, rendered: str) -> str:
    """The text of the answers file after the update."""
    commit = way.source.kept_name(way.new)
    return answers_file.recorded(rendered, way.address, commit, again=commit == way.answers.commit)
