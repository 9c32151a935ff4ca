"""Figure 11: an update of a repo is killed at random; nothing of the owner is lost, and one command ends it clean."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from aifactory.update import record, tree
from tests.faults.trials import Figure, Say, Trial, figure
from tests.fixtures.usecase_repo import commit, git
from tests.template.released import make_released, make_repo

_ASKED = "no work of the owner lost, refs as before, --continue or --abort ends clean"


@dataclass(frozen=True)
class _Whole:
    """An update that nobody kills: what it leaves, how long it takes, and how long of that it writes."""

    left: dict[str, Any]
    seconds: float
    writing_seconds: float
    """Of files, note and index; half of the kills fall there, as rendering takes nearly all the time."""


def measure(kills: int, seed: int, folder: Path, say: Say) -> Figure:
    """Kill `kills` updates, each in a copy of one repo below `folder` with edits that merge and edits that conflict."""
    released = make_released(folder / "factory")
    repo = make_repo(released, folder / "first")
    _edit(repo)
    before = state(repo)
    whole = _whole(repo, folder / "whole")

    def trial(random: Random) -> Trial:
        return _trial(repo, folder / "trial", before, whole, random)

    return figure(Figure(11, f"{kills} random kills of `factory update`", _ASKED, seed), [trial] * kills, say)


def state(repo: Path) -> dict[str, Any]:
    """All that a person has: files with their modes, what git says, every ref; what ran meanwhile left out."""
    files = {
        path: (str(full.readlink()) if full.is_symlink() else full.read_bytes(), full.lstat().st_mode)
        for path in tree.files_of(repo)
        if not path.startswith(".factory/")
        for full in [repo / path]
    }
    return {"files": files, "status": git(repo, "status", "--porcelain"), "refs": git(repo, "show-ref")}


def _edit(repo: Path) -> None:
    """An edit that merges, one that conflicts, a file that git does not know."""
    for path, old, new in (
        ("Makefile", "List the targets.", "What can be done here."),
        ("docs/extending.md", "# Where", "My note first.\n\n# Where"),
    ):
        text = (repo / path).read_text(encoding="utf-8")
        (repo / path).write_text(text.replace(old, new, 1), encoding="utf-8")
    commit(repo, "Work of the owner")
    (repo / "notes.txt").write_text("in no commit\n")


def _whole(repo: Path, copy: Path) -> _Whole:
    shutil.copytree(repo, copy, symlinks=True)
    began = time.monotonic()
    done = _start(copy, "--to", "0.2.0")
    _wait_until_it_writes(copy, done)
    writes = time.monotonic()
    told = done.communicate()[1]
    ended = time.monotonic()
    if done.returncode != 3:
        raise RuntimeError(f"the update that nobody kills does not end with its conflict: {told}")
    return _Whole(state(copy), ended - began, ended - writes)


def _trial(repo: Path, copy: Path, before: dict[str, Any], whole: _Whole, random: Random) -> Trial:
    while True:
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(repo, copy, symlinks=True)
        process = _start(copy, "--to", "0.2.0")
        if random.random() < 0.5:
            aimed = "while it writes"
            _wait_until_it_writes(copy, process)
            time.sleep(random.uniform(0, whole.writing_seconds))
        else:
            share = random.random()
            aimed = f"at {share:.0%}"
            time.sleep(share * whole.seconds)
        if process.poll() is None:
            break  # else it had ended: drawn again, as nobody was killed
        process.communicate()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    noted = record.noted(copy)
    end = random.choice(["--continue", "--abort"])
    what = f"killed {aimed}, {noted[1] if noted else 'nothing noted'}, then {end}"
    began = time.monotonic()
    ended = _start(copy, end)
    told = ended.communicate()[1]
    took = time.monotonic() - began
    return Trial(
        what, took, tuple(_problems(copy, (before, whole.left), noted is not None, end, (ended.returncode, told)))
    )


def _wait_until_it_writes(repo: Path, process: subprocess.Popen[str]) -> None:
    """Return when the first file is staged, or when the process has ended."""
    while process.poll() is None and not (repo / ".factory" / "update").exists():
        time.sleep(0.002)


def _problems(
    repo: Path, known: tuple[dict[str, Any], dict[str, Any]], noted: bool, end: str, ended: tuple[int, str]
) -> list[str]:
    """What does not hold once the command `end` has ended with a code and what it told."""
    (before, whole), (code, told) = known, ended
    if (repo / ".git" / "index.lock").exists():
        return [f"after {end} git's index is still locked"]
    if not noted:
        return [] if state(repo) == before else ["nothing is written down, and the repo is not as it was"]
    if code != (3 if end == "--continue" else 0):
        return [f"{end} ends with {code}: {told[-200:]}"]
    wanted = before if end == "--abort" else whole
    found = state(repo)
    return [f"after {end} {part} differ" for part in wanted if found[part] != wanted[part]]


def _start(repo: Path, *arguments: str) -> subprocess.Popen[str]:
    """`factory update ...` as the leader of a group, so that git goes with it."""
    command = [sys.executable, "-c", "from aifactory.cli.start import main; main()", "update", *arguments]
    variables = {**os.environ, "FACTORY_CACHE": str(repo.parent / "cache"), "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        command, cwd=repo, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, process_group=0
    )
