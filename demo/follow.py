"""`make demo-update`: a repo of the first release, with a model in prod, follows the factory to the newest one.

`python -m demo.follow up|down FOLDER`. The factory is cloned, so that releases have their tags; all else are commands
that a person would type. The model that predicts after the update is the one that did before it.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from aifactory import releases
from aifactory_runtime import __version__
from demo.demo import (
    CHECKOUT,
    FACTORY,
    OWNER,
    PLACE,
    Demo,
    Failed,
    UseCase,
    asked,
    contract,
    down,
    in_repo,
    main,
    run,
)
from demo.owner import EDITS

USE_CASE = UseCase("breast-cancer", "diagnosis", ())


def factory_repo() -> Path:
    """The clone of the factory that the repo follows."""
    return PLACE.folder / "factory"


def by_copier() -> Path:
    """The copy of the repo that follows by plain copier."""
    return PLACE.folder / "breast-cancer-by-copier"


def git(folder: Path, *arguments: str) -> str:
    """What git prints, as a person of the demo."""
    who = ("-c", "user.name=Ana", "-c", "user.email=ana@localhost")
    done = subprocess.run(["git", "-C", str(folder), *who, *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"git {' '.join(arguments)} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def clone_factory() -> str:
    """A clone of this checkout with the tags of its releases; what is committed is the newest, if there is but one."""
    git(CHECKOUT, "clone", "--quiet", "--no-tags", str(CHECKOUT), str(factory_repo()))
    known = releases.read((factory_repo() / releases.FILE).read_text(encoding="utf-8"))
    for one in known:
        git(factory_repo(), "tag", "--force", one.tag, one.commit)
    if releases.is_release(__version__) or len(known) > 1:
        return known[-1].version
    coming = __version__.removesuffix(".dev0")
    made = releases.Release(coming, git(factory_repo(), "rev-parse", "HEAD"), known[-1].date)
    git(factory_repo(), "tag", made.tag)
    (factory_repo() / releases.FILE).write_text(releases.write((*known, made)), encoding="utf-8")
    git(factory_repo(), "commit", "--quiet", "--all", "--message", f"Note release {coming}")
    return coming


def start() -> None:
    """A repo of the first release, its environments, a model in prod."""
    told = ("--owner", OWNER, "--template", str(factory_repo()), "--ref", "v0.1.0")
    run(FACTORY, "new", USE_CASE.name, *told, cwd=PLACE.folder)
    edit()
    run(FACTORY, "up", "--platform", cwd=USE_CASE.repo)
    run("make", "--no-print-directory", "setup", cwd=USE_CASE.repo)
    in_repo(USE_CASE, "run", environment_name="dev")
    release()


def release() -> None:
    """From dev over staging, with its test, to prod."""
    for environment in ("dev", "staging", "prod"):
        run(FACTORY, "release", "--to", environment, cwd=USE_CASE.repo)


def edit() -> None:
    """An edit in every place of the owner's, committed, and a copy of the repo for plain copier."""
    for one in EDITS:
        one.make(USE_CASE.repo)
    run("make", "--no-print-directory", "lock", cwd=USE_CASE.repo)
    _commit(USE_CASE.repo, "Use every place of the owner's")
    git(PLACE.folder, "clone", "--quiet", str(USE_CASE.repo), str(by_copier()))


def update(version: str) -> None:
    """Shown, then done once the result's own checks pass."""
    run(FACTORY, "status", cwd=USE_CASE.repo)
    run(FACTORY, "update", "--to", version, "--dry-run", cwd=USE_CASE.repo)
    run(FACTORY, "update", "--to", version, "--verify", cwd=USE_CASE.repo)
    _commit(USE_CASE.repo, f"Follow the factory {version}")
    _check_edits(USE_CASE.repo)


def update_by_copier(version: str) -> None:
    """The same by plain copier, whose users call the upgrade themselves."""
    copier = str(Path(FACTORY).with_name("copier"))
    run(copier, "update", "--quiet", "--defaults", "--vcs-ref", f"v{version}", cwd=by_copier())
    run("make", "--no-print-directory", "upgrade", cwd=by_copier())
    _commit(by_copier(), f"Follow the factory {version}")
    _check_edits(by_copier())
    run("make", "--no-print-directory", "check", cwd=by_copier())


def roll_out() -> None:
    """The new code with the model of before."""
    run("make", "--no-print-directory", "setup", cwd=USE_CASE.repo)
    in_repo(USE_CASE, "run", environment_name="dev")
    release()


def trace(*predictions: str) -> None:
    """From each back to model, run, commits and data."""
    for one in predictions:
        run(FACTORY, "trace", one, "--env", "prod", cwd=USE_CASE.repo)


def _commit(repo: Path, subject: str) -> None:
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message", subject)


def _check_edits(repo: Path) -> None:
    lost = [f"{one.place} ({one.path})" for one in EDITS if not one.kept(repo)]
    if lost:
        raise Failed(f"{repo} has lost what its owner wrote: {', '.join(lost)}")
    run("make", "--no-print-directory", "hello", "ci-own", cwd=repo)


def served() -> tuple[str, str]:
    """Version of the model in prod, and the commit of its code."""
    folder = Path(str(contract(USE_CASE, "prod")["release_uri"]))
    said = json.loads((folder / "serving.json").read_text(encoding="utf-8"))
    return str(said["champion"]["version"]), str(said["champion"]["commit"])


def up() -> None:
    """The whole demo."""
    demo = Demo()
    PLACE.folder.mkdir(parents=True, exist_ok=True)
    if factory_repo().exists():
        raise Failed(f"{PLACE.folder} holds an earlier run: make demo-update-down, then again")
    print(f"Every command below runs with FACTORY_HOME={PLACE.home}, so that yours stays untouched.")
    version = clone_factory()
    demo.step("A repo of release 0.1.0, its owner's own files in it, trained and released to prod", start)
    before, prediction = served(), asked(USE_CASE)
    demo.step(f"factory update brings {version}", lambda: update(version))
    demo.step("The new code is rolled out; no model is trained", roll_out)
    after = served()
    if after[0] != before[0] or after[1] == before[1]:
        raise Failed(f"prod had {before} and has {after}: the model should stay and the code be another")
    demo.step(
        "A prediction of before the update is traced, and one of after it", lambda: trace(prediction, asked(USE_CASE))
    )
    demo.step("The same update by plain copier", lambda: update_by_copier(version))
    print(f"\nprod served version {before[0]} of commit {before[1][:12]}, and serves {after[0]} with {after[1][:12]}.")
    for title, seconds in demo.seconds:
        print(f"{seconds:7.1f}  {title}")
    print("Stop and remove everything: make demo-update-down")


def remove() -> None:
    """What `up` made."""
    down(factory_repo(), by_copier())


GO_ON = {
    "up": "run make demo-update-down, then make demo-update, which begins anew",
    "down": "run make demo-update-down again to go on from there",
}

if __name__ == "__main__":
    main("follow.py up|down FOLDER", {"up": up, "down": remove}, GO_ON)
