"""One model with one commit of code after another, in real environments: nothing is trained, each is a release."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from aifactory_runtime.audit import log
from aifactory_runtime.config import layout
from aifactory_runtime.release.side import open_side
from aifactory_runtime.release.staging_test import same_answers
from tests.fixtures.usecase_repo import bring_runtime, commit, git
from tests.unit.runtime.environments import Environments

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environments]:
    made = Environments(tmp_path_factory.mktemp("factory"))
    made.start("staging")
    try:
        made.train()
        made.release("staging")
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def trained_from(places: Environments) -> str:
    return git(places.repo, "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def first_answer(places: Environments) -> list[float]:
    return answer(places)


@pytest.fixture(scope="module")
def readme(places: Environments, trained_from: str, first_answer: list[float]) -> str:
    """A commit after the release that changes a README only."""
    assert trained_from and first_answer
    (places.repo / "README.md").write_text("Customers who leave.\n")
    return commit(places.repo, "Readme")


def answer(places: Environments) -> list[float]:
    status, said = places.predict("staging")
    assert status == 200 and said["model_version"] == "1"
    found: list[float] = said["probabilities"]
    return found


def served(places: Environments, name: str = "staging") -> tuple[str, str]:
    """Version and commit of code that serving.json names."""
    document = open_side(places.repo, name).serving.known()
    assert document is not None and document.champion is not None
    return document.champion.version, document.champion.commit


def versions(places: Environments) -> int:
    return len(open_side(places.repo, "dev").registry.versions())


@pytest.mark.usefixtures("readme")
def test_given_a_readme_when_run_then_nothing_is_trained(places: Environments) -> None:
    done = places.run("run", environment="dev")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("same science, settings and data as version 1: nothing to train (")
    assert len(done.stdout.splitlines()) == 1 and versions(places) == 1


def test_given_a_readme_when_released_then_its_commit_serves_the_same_model(
    places: Environments, readme: str, first_answer: list[float]
) -> None:
    done = places.run("release", "--to", "staging")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("version 1 is served in staging") and readme[:12] in done.stdout
    assert served(places) == served(places, "dev") == ("1", readme)
    assert answer(places) == first_answer
    assert places.serving("staging").joinpath("current").readlink().name == readme
    again = places.run("release", "--to", "staging")
    assert again.stdout.startswith("version 1 was served already")


def test_given_a_prediction_when_traced_then_both_commits_are_told(
    places: Environments, readme: str, trained_from: str
) -> None:
    _, said = places.predict("staging")

    found = json.loads(places.run("trace", said["prediction_ids"][0], "--env", "staging", "--json").stdout)

    assert (found["commit"], found["code_commit"]) == (trained_from, readme)
    lines = [
        line["facts"] for line in log.read(places.home / "staging/demo-case/audit") if line["action"] == "released"
    ]
    assert [(line["commit"], line["code_commit"]) for line in lines] == [
        (trained_from, trained_from),
        (trained_from, readme),
    ]


def test_given_two_commits_of_code_when_rolled_back_then_the_one_before_serves_and_release_does_not_undo_it(
    places: Environments, readme: str, trained_from: str, first_answer: list[float]
) -> None:
    done = places.run("rollback", "--env", "staging")
    assert done.returncode == 0 and trained_from[:12] in done.stdout, done.stderr
    assert served(places) == ("1", trained_from) and answer(places) == first_answer

    refused = places.run("release", "--to", "staging")
    assert refused.returncode == 1 and "it was rolled back" in refused.stderr
    named = places.run("release", "--to", "staging", "--version", "1")
    assert named.returncode == 0, named.stderr
    assert served(places) == ("1", readme)


def test_given_what_staging_tested_when_released_to_prod_then_the_code_is_the_one_that_was_tested(
    places: Environments, readme: str
) -> None:
    (places.repo / "README.md").write_text("Not released yet.\n")
    later = commit(places.repo, "Another")
    places.start("prod")
    assert places.run("release", "--to", "prod").returncode == 3
    places.approve()
    places.release("prod")

    assert served(places, "prod") == ("1", readme) != ("1", later)


def test_given_code_of_the_same_science_that_does_not_run_when_released_then_the_code_before_is_put_back(
    places: Environments, readme: str, first_answer: list[float]
) -> None:
    consumer = places.repo / "conf" / "consumer.yaml"
    consumer.write_text("predictions:\n  values: [9]\n")
    broken = commit(places.repo, "A consumer that relies on what is never said")

    done = places.run("release", "--to", "staging")

    assert done.returncode == 1 and "fails the integration test" in done.stderr, done.stderr
    assert served(places) == ("1", readme) and answer(places) == first_answer
    again = places.run("release", "--to", "staging")
    assert again.returncode == 1 and "to test it again: --version 1" in again.stderr
    assert broken[:12] and served(places, "dev") == ("1", readme)
    git(places.repo, "rm", "-q", "conf/consumer.yaml")
    commit(places.repo, "No such consumer")


def test_given_a_runtime_that_changes_answers_when_released_then_staging_refuses_it_and_the_code_before_serves(
    places: Environments, readme: str, first_answer: list[float]
) -> None:
    bring_runtime(places.repo)
    (answers,) = (places.repo / layout.VENDOR).rglob("registry/answers.py")
    right = answers.read_text()
    swapped = "np.asarray(estimator.predict_proba(values))[:, ::-1]"
    answers.write_text(right.replace("np.asarray(estimator.predict_proba(values))", swapped))
    assert answers.read_text() != right
    commit(places.repo, "A runtime that swaps the classes")
    assert places.run("run", environment="dev").stdout.startswith("same science, settings and data as version 1")

    done = places.run("release", "--to", "staging")

    assert done.returncode == 1, done.stdout
    assert f"{same_answers.NAME}: " in done.stderr and "predictions differ" in done.stderr
    assert "train again with run --again" in done.stderr
    assert served(places) == ("1", readme) and answer(places) == first_answer
    git(places.repo, "rm", "-rq", layout.VENDOR)
    commit(places.repo, "The runtime as it was")


def test_given_new_code_that_answers_alike_when_the_report_is_read_then_it_says_on_how_many_rows(
    places: Environments, readme: str
) -> None:
    (report,) = places.home.rglob(f"{readme}/integration.json")
    found = {check["name"]: check for check in json.loads(report.read_text())["checks"]}
    assert found[same_answers.NAME]["passed"] and "rows, code of" in found[same_answers.NAME]["found"]


def test_given_other_features_when_released_untrained_then_refused_and_when_trained_then_a_new_version(
    places: Environments,
) -> None:
    features = places.repo / "src" / "demo_case" / "features.py"
    features.write_text(features.read_text().replace("np.log1p", "np.sqrt"))
    commit(places.repo, "Another scale")

    refused = places.run("release", "--to", "staging")
    assert refused.returncode == 1 and "trained with other science" in refused.stderr
    assert "--version 1, with the code of its own commit" in refused.stderr

    places.train()
    assert versions(places) == 2
    places.release("staging")
    assert served(places) == ("2", git(places.repo, "rev-parse", "HEAD"))
    assert places.run("rollback", "--env", "staging").returncode == 0
    assert served(places)[0] == "1"
