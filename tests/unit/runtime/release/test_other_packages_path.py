"""A model with other numeric packages, in real environments: compared by the pipeline, then released as code is."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata

import pytest

from aifactory_runtime.pipeline.reproduction import provenance
from aifactory_runtime.registry.port import CHAMPION, SAME_ANSWERS
from aifactory_runtime.release.side import open_side
from tests.fixtures import warm_process
from tests.fixtures.usecase_repo import commit
from tests.unit.runtime.environments import Environments

pytestmark = pytest.mark.slow

NUMPY = metadata.version("numpy")


def lock(places: Environments, numpy: str) -> str:
    """Commit the factory's lock with this numpy; the environment of that lock is the one of the tests."""
    (places.repo / "requirements" / "factory.txt").write_text(f"click==8.5.1\nnumpy=={numpy}\n")
    environment = places.home / "snapshots" / "envs" / provenance.lock_sha256(places.repo)
    warm_process.SHARED.interpreter(environment)
    return commit(places.repo, f"numpy {numpy}")


def served(places: Environments, name: str) -> tuple[str, str]:
    """Version and commit of code that serving.json names."""
    document = open_side(places.repo, name).serving.known()
    assert document is not None and document.champion is not None
    return document.champion.version, document.champion.commit


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environments]:
    made = Environments(tmp_path_factory.mktemp("factory"))
    made.start("staging", "prod")
    try:
        lock(made, "2.0.0")
        made.train()
        made.release("staging")
        made.approve()
        made.release("prod")
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def other_numpy(places: Environments) -> str:
    return lock(places, NUMPY)


@pytest.mark.usefixtures("other_numpy")
def test_given_packages_that_nobody_compared_when_released_then_refused_with_what_to_do(places: Environments) -> None:
    done = places.run("release", "--to", "staging")

    assert done.returncode == 1
    assert f"numpy 2.0.0 is {NUMPY} now: run the pipeline, which compares its answers" in done.stderr


@pytest.mark.usefixtures("other_numpy")
def test_given_other_packages_when_run_then_the_answers_agree_and_nothing_is_trained(places: Environments) -> None:
    done = places.run("run", environment="dev")

    assert done.returncode == 0, done.stderr
    assert f"version 1 stays, though numpy 2.0.0 is {NUMPY} now: its predictions on " in done.stderr
    assert done.stdout.startswith("same science, settings and data as version 1: nothing to train (")
    assert len(open_side(places.repo, "dev").registry.versions()) == 1


def test_given_answers_that_agree_when_released_then_the_same_version_goes_to_prod_with_the_new_code(
    places: Environments, other_numpy: str
) -> None:
    places.release("staging")
    assert places.run("release", "--to", "prod").returncode == 3, "tested with other packages, so approved again"
    places.approve()
    places.release("prod")

    assert [served(places, name) for name in ("dev", "staging", "prod")] == [("1", other_numpy)] * 3
    for name in ("staging", "prod"):
        assert places.predict(name)[0] == 200
        champion = open_side(places.repo, name).registry.by_alias(CHAMPION)
        assert champion is not None and champion.tags[SAME_ANSWERS]


def test_given_both_packages_when_rolled_back_then_the_code_before_serves_the_same_version(
    places: Environments, other_numpy: str
) -> None:
    done = places.run("rollback", "--env", "prod")

    assert done.returncode == 0, done.stderr
    version, code = served(places, "prod")
    assert version == "1" and code != other_numpy and places.predict("prod")[0] == 200
