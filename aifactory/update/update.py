"""One update of a repo, from its answers file to the change that is ready to be committed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from aifactory.git import attempt, git, split_nul
from aifactory.update import answers, conflicts, finishing, placing, plan, record, standing, untouched, verify, versions
from aifactory.update.plan import Plan, Say
from aifactory.workshop import scratch
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.upgrades import markers


def prepare(repo: Path, way: versions.Way, say: Say) -> Plan:
    """What the update would do; nothing in the repo is touched."""
    with scratch("update") as workshop:
        made = plan.make(repo, way, workshop, say)
    marked = markers.due(repo)
    return replace(made, notes=(*made.notes, marked)) if marked else made


def update(
    repo: Path,
    to: str | None,
    address: str | None,
    variables: Mapping[str, str],
    say: Say,
    *,
    dry_run: bool = False,
    checked: bool = False,
    hooks: list[Path] | None = None,
) -> Plan:
    """Bring `repo` to release `to`, staged and ready to be committed; with `dry_run` only say what would happen.

    With `checked` the result's own checks run first; they must pass. `hooks` run on the result before it is taken.

    FactoryError or UsageProblem, with the repo untouched, says what is in the way. Where the plan that is returned has
    conflicts, a person decides them.
    """
    with record.held(repo):
        settled = conflicts.settle(repo)
        if settled:
            say(settled[1])
        refuse_open(repo)
        refuse_unready(repo)
        answers.refuse_other_use_case(repo)
        found = prepare(repo, versions.find(repo, to, address, variables), say)
        untouched.refuse_changed(repo, found.change_set)
        found = _tried(repo, found, say, hooks=hooks or [], checked=checked)
        if not dry_run and not found.changes_nothing:
            say(f"Writing {len(found.change_set.changes)} files ...")
            placing.move_in(repo, found.change_set)
            standing.keep_updated(repo, found)
    return found


def _tried(repo: Path, made: Plan, say: Say, *, hooks: list[Path], checked: bool) -> Plan:
    """The plan with what the company's hooks add to it, once the result has passed its own checks."""
    if made.changes_nothing:
        return made
    if made.change_set.conflicts:
        return replace(made, notes=(*made.notes, *_later(hooks, checked=checked)))
    return replace(made, change_set=verify.tried(repo, made.change_set, say, hooks=hooks, checked=checked))


def _later(hooks: list[Path], *, checked: bool) -> Iterator[str]:
    """What waits until conflicts are decided."""
    if hooks:
        yield f"run once you have decided, by factory update --continue: {', '.join(hook.name for hook in hooks)}"
    if checked:
        yield "nothing is verified before you have decided; then: factory update --continue --verify"


def settle(repo: Path) -> tuple[record.ChangeSet, str] | None:
    """Close an update or an adoption that the owner ended with git alone: it, and a sentence that says what HEAD has.

    None when none is open, or when it still waits for `go_on` or `abort`.
    """
    with record.held(repo):
        return conflicts.settle(repo)


def go_on(
    repo: Path, say: Say, *, hooks: list[Path] | None = None, checked: bool = False
) -> tuple[record.ChangeSet, bool]:
    """Finish an interrupted update, or take the owner's decisions; True when conflicts now wait for these.

    `hooks` run on what was decided, and with `checked` its own checks do, before it is taken.
    """
    with record.held(repo):
        change_set = finishing.go_on(repo, say, hooks=hooks or [], checked=checked)
        return change_set, record.noted(repo) is not None


def abort(repo: Path, say: Say = lambda _line: None) -> record.ChangeSet:
    """The repo as it was before the update; `say` gets a line for each edit since then, which is kept as a copy."""
    with record.held(repo):
        return placing.abort(repo, say)


def top(folder: Path) -> Path:
    """The work tree that `folder` is in. UsageProblem when it is in none, or in one without commits."""
    found = attempt(folder, "rev-parse", "--show-toplevel")
    if found.returncode:
        raise UsageProblem(f"{folder} is in no git repo: run this inside one")
    repo = Path(found.stdout.decode().rstrip("\n"))
    if attempt(repo, "rev-parse", "--verify", "--quiet", "HEAD").returncode:
        raise UsageProblem(f"{repo} has no commit yet: commit what is there first, so that it can be told apart")
    between = [place for place in (folder, *folder.parents) if repo in place.parents]
    for place in between:
        if (place / answers.FILE).exists() and not (repo / answers.FILE).exists():
            raise UsageProblem(nested(place, repo))
    return repo


def nested(place: Path, repo: Path) -> str:
    """Why a repo of the factory that lies in a folder of another git repo cannot follow it, and the way out."""
    return f"{place} lies in the git repo {repo}: to follow the factory it needs one of its own, git init in it"


def waiting(repo: Path) -> str | None:
    """What an update or an adoption of this repo waits for; None when nothing is under way."""
    found = record.noted(repo)
    if found is not None:
        change_set, phase = found
        return f"the {change_set.called} {_state(phase)}: factory {change_set.command} --continue, or --abort"
    staged, committed = (attempt(repo, "show", f"{at}:{answers.FILE}") for at in ("", "HEAD"))
    if staged.returncode or staged.stdout == committed.stdout:
        return None
    if committed.returncode:
        return "an adoption is staged: commit it"
    old, new = (answers.parse(one.stdout.decode()).commit.removeprefix("v") for one in (committed, staged))
    return f"an update {f'from {old} ' if old != new else ''}to {new} is staged: commit it"


def interrupted(repo: Path) -> bool:
    """Whether an update or an adoption of this repo is half written."""
    found = record.noted(repo)
    return found is not None and found[1] is record.Phase.MOVING


def refuse_open(repo: Path) -> None:
    """UsageProblem when an update or an adoption of this repo is not finished."""
    found = record.noted(repo)
    if found is not None:
        raise UsageProblem(waiting(repo) or "")


def _state(phase: record.Phase) -> str:
    return "was interrupted" if phase is record.Phase.MOVING else "waits for your decisions"


def refuse_unready(repo: Path) -> None:
    """UsageProblem unless every tracked file is as HEAD has it."""
    changed = split_nul(git(repo, "status", "--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=dirty"))
    if changed:
        raise UsageProblem(f"{changed[0][3:]} has changes that are not committed: commit or stash them first")
    for name in ("MERGE_HEAD", "REBASE_HEAD", "CHERRY_PICK_HEAD"):
        if attempt(repo, "rev-parse", "--verify", "--quiet", name).returncode == 0:
            raise UsageProblem(f"git is in the middle of something ({name}): finish it first")
