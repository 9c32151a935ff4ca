"""A repo that release 0.1.0 made, with the runtime in src/, and its next commit, with today's in vendor/: both served.

Staging has today's launcher and prod that of 0.1.0, as `factory up` left it there. Tests run in the order of this file.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from aifactory_runtime.config import layout
from aifactory_runtime.contract import derived
from aifactory_runtime.contract.trial import Trial
from tests.fixtures import earlier_release
from tests.fixtures.usecase_repo import bring_runtime, commit, git
from tests.unit.runtime.environments import LAUNCHER, Environments

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is needed of release 0.1.0: the runtime, the services, and the small repo as it was then."""
    place = tmp_path_factory.mktemp("earlier")
    return earlier_release.extract(place, "runtime/src", "infra/services", "tests/fixtures/usecase")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, earlier: Path) -> Iterator[Environments]:
    made = Environments(
        tmp_path_factory.mktemp("factory"), template=earlier / "tests/fixtures/usecase", approval="none", approvers=[]
    )
    bring_runtime(made.repo, layout.SCIENCE, earlier / "runtime/src")
    commit(made.repo, "Bring the runtime")
    without_runtime(made)
    made.start("staging")
    made.start("prod", launcher=earlier / "infra/services" / LAUNCHER.name)
    try:
        yield made
    finally:
        made.stop()


def without_runtime(places: Environments) -> None:
    """Let released code have the packages of these tests, and no runtime but its own."""
    (environment,) = (places.home / "snapshots" / "envs").iterdir()
    shutil.rmtree(environment)
    venv.create(environment, symlinks=True)
    (packages,) = environment.glob("lib/*/site-packages")
    (packages / "packages.pth").write_text(sysconfig.get_path("purelib"))
    tried = subprocess.run(
        [environment / "bin/python", "-c", "import numpy, aifactory_runtime"], check=False, capture_output=True
    )
    assert b"No module named 'aifactory_runtime'" in tried.stderr


def run(places: Environments, *arguments: str, environment: str | None = None) -> str:
    """Standard output of a command of the repo, by the runtime that the repo has."""
    path = layout.python_path(places.repo)
    done = places.run(*arguments, environment=environment, PYTHONPATH=path)
    assert done.returncode == 0, done.stderr
    return done.stdout


def release(places: Environments) -> None:
    """Train, and release to staging and prod."""
    run(places, "run", environment="dev")
    for target in ("staging", "prod"):
        run(places, "release", "--to", target)


def served_by(places: Environments, name: str) -> str:
    """Where the process that answers in an environment has its runtime, seen from its snapshot."""
    worker = Path("/proc") / str(places.worker(name))
    folder = (worker / "cwd").readlink()
    variables = dict(one.split("=", 1) for one in (worker / "environ").read_text().split("\0") if "=" in one)
    code = "import aifactory_runtime; print(aifactory_runtime.__path__[0])"
    done = subprocess.run(
        [folder / ".venv/bin/python", "-c", code], env=variables, check=True, capture_output=True, text=True
    )
    return Path(done.stdout.strip()).resolve().relative_to(folder.resolve()).as_posix()


def test_given_a_commit_with_the_runtime_in_src_when_released_then_both_launchers_serve_it(
    places: Environments,
) -> None:
    release(places)

    for name in ("staging", "prod"):
        places.wait(name, "1")
        assert served_by(places, name) == "src/aifactory_runtime"


def test_given_a_commit_that_moves_the_runtime_when_released_then_both_launchers_serve_it(
    places: Environments,
) -> None:
    bring_runtime(places.repo)
    places.change_settings(0.5)

    release(places)

    for name in ("staging", "prod"):
        places.wait(name, "2")
        assert served_by(places, name) == f"{layout.VENDOR}/src/aifactory_runtime"


def test_given_a_rollback_to_before_the_move_then_that_commit_answers_and_is_traced_and_reproduced(
    places: Environments,
) -> None:
    """The environment is applied with a live test by now, of which that commit knows nothing."""
    contract = json.loads((places.repo / ".factory" / "prod.json").read_text())
    stated = Trial(kind="ab", share=0.2, period=60.0)
    places.write("prod", {**contract, "live_test": "direct", **derived.of_trial(stated)})
    run(places, "rollback", "--env", "prod")

    places.wait("prod", "1")
    assert served_by(places, "prod") == "src/aifactory_runtime"
    _, answer = places.predict("prod")
    traced = json.loads(run(places, "trace", answer["prediction_ids"][0], "--env", "prod", "--json"))
    assert (traced["version"], traced["commit"]) == ("1", git(places.repo, "rev-parse", "HEAD~1"))
    again = run(places, "reproduce", traced["training_run"].removeprefix("dev/"), "--json", environment="dev")
    assert json.loads(again)["same"] is True
    places.write("prod", contract)


def test_given_a_repo_after_the_move_when_the_newer_is_released_again_then_it_answers(places: Environments) -> None:
    run(places, "release", "--to", "prod", "--version", "2")

    places.wait("prod", "2")
    assert served_by(places, "prod") == f"{layout.VENDOR}/src/aifactory_runtime"
