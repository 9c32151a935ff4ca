"""One adoption: rendered beside the repo, planned, agreed to, then staged in one move that a kill cannot tear."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aifactory import update
from aifactory.adopt import notes, rules, texts
from aifactory.adopt.rules import ASIDE, LINTER, Rules
from aifactory.adopt.table import Source
from aifactory.git import line
from aifactory.hooks import AFTER_NEW
from aifactory.hooks import run as run_hooks
from aifactory.scaffold import Template
from aifactory.scaffold import answers as given
from aifactory.scaffold.render import render
from aifactory.update import placing, record, result, tree, untouched
from aifactory.update.record import Change, ChangeSet
from aifactory.update.tree import FILE, Entry, Tree
from aifactory.workshop import scratch

if TYPE_CHECKING:
    from aifactory.scaffold.science import Science

Say = Callable[[str], None]


@dataclass(frozen=True)
class Adoption:
    """An adoption before it is carried out."""

    use_case: str
    template: str
    rules: Rules
    change_set: ChangeSet
    notes: tuple[str, ...]


def check(repo: Path, answers: Mapping[str, str]) -> None:
    """What can be said before a table is read: UsageProblem names what keeps `repo` from being adopted."""
    given.check(answers)
    update.refuse_open(repo)
    update.refuse_unready(repo)
    rules.refuse(tree.of_commit(repo, "HEAD"), answers["use_case"])


def adopt(
    repo: Path,
    answers: Mapping[str, str],
    *,
    template: Template,
    science: Science,
    source: Source,
    agree: Callable[[Adoption], None],
    dry_run: bool = False,
    hooks: Sequence[Path] = (),
    say: Say = lambda _line: None,
) -> Adoption:
    """Stage an adoption of `repo` after `agree` has seen it, which raises when it does not; `dry_run` stops there.

    `hooks` run on the result before it is taken. FactoryError or UsageProblem, with the repo untouched, says what is in
    the way.
    """
    with record.held(repo):
        check(repo, answers)
        say(f"Rendering {template.shown} ...")
        with scratch("adopt") as workshop:
            folder = workshop / "repo"
            made = render(folder, answers, template=template, science=science)
            found = _planned(repo, folder, made.answers, template, source)
        untouched.refuse_changed(repo, found.change_set)
        agree(found)
        if not dry_run:
            change_set = _with_hooks(repo, found, hooks, say)
            say(f"Writing {len(change_set.changes)} files ...")
            placing.move_in(repo, change_set)
    return found


def _planned(repo: Path, folder: Path, answers: Mapping[str, Any], template: Template, source: Source) -> Adoption:
    """The plan for what was rendered into `folder`."""
    head = line(repo, "rev-parse", "HEAD")
    ours = tree.of_commit(repo, head)
    rendered = tree.of_folder(repo, folder, tree.files_of(folder))
    ruled = rules.plan(ours, rendered, source.path)
    use_case = str(answers["use_case"])
    change_set = ChangeSet(head, f"as {use_case}", _changes(repo, ours, rendered, ruled), "adopt")
    own = [source.note] if source.note else []
    said = (*own, *notes.found(repo, ours, ruled, answers), *template.notes)
    return Adoption(use_case, template.shown, ruled, change_set, said)


def _changes(repo: Path, ours: Tree, rendered: Tree, ruled: Rules) -> tuple[Change, ...]:
    """What the rules mean path by path."""
    after: dict[str, Entry | None] = dict.fromkeys(ruled.aside)
    after |= {f"{ASIDE}/{path}": ours[path] for path in ruled.aside}
    after |= {path: rendered[path] for path in ruled.added if path != LINTER}
    for path in ruled.joined:
        both = [tree.content(repo, entry.blob) for entry in (ours[path], rendered[path])]
        after[path] = Entry(FILE, tree.store(repo, texts.joined(*both)))
    if LINTER in ruled.added:
        after[LINTER] = Entry(FILE, tree.store(repo, texts.linter(ruled.unlinted).encode()))
    return tuple(Change(path, ours.get(path), entry) for path, entry in sorted(after.items()))


def _with_hooks(repo: Path, found: Adoption, hooks: Sequence[Path], say: Say) -> ChangeSet:
    """The move with what the company's hooks for new repos add to it."""
    if not hooks:
        return found.change_set
    with result.checked_out(repo, found.change_set) as place:
        run_hooks(hooks, place, {"event": AFTER_NEW, "use_case": found.use_case}, say)
        return result.taken_over(repo, found.change_set, place)
