"""What every registry keeps to, over the embedded SQLite and over AWS: the same tests for both."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory_runtime.contract import EnvironmentContract, names
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry import champion, model_folder
from aifactory_runtime.registry.connect import connect
from aifactory_runtime.registry.port import CHALLENGER, CHAMPION, GATE, PREVIOUS, STAGE, TRAINING_RUN, Registry
from aifactory_runtime.storage import open_store
from tests.clouds.fixtures import account
from tests.fixtures import mlflow_database

FIRST, SECOND = {"aifactory.data.raw": "0@a"}, {"aifactory.data.raw": "1@b"}


@pytest.fixture(params=["local", "aws"])
def contract_of(request: pytest.FixtureRequest, tmp_path: Path) -> EnvironmentContract:
    """Prod's of `churn` on each target."""
    if request.param == "aws":
        request.getfixturevalue("mlflow_app")
        found: EnvironmentContract = request.getfixturevalue("contract")
        return found
    mlflow_database.put(tmp_path / "mlflow.db")
    address = f"sqlite:///{tmp_path / 'mlflow.db'}"
    places = {"tracking_uri": address, "registry_uri": address, "artifact_uri": str(tmp_path / "artifacts")}
    return account.contract(target="local", **places)


@pytest.fixture
def registry(contract_of: EnvironmentContract) -> Registry:
    return connect(contract_of, None)


def test_given_a_run_when_filled_and_ended_then_nothing_is_refused(registry: Registry) -> None:
    parent = registry.start_run("pipeline", {"aifactory.commit": "c" * 40})
    run = registry.start_run("fit", {"aifactory.figures": "made-up rows"}, parent)
    registry.log(run, {"depth": 3}, {"auc": 0.5}, {"kind": "a tag"})
    registry.log_data(run, "raw", "0@a", {"age": "int64"}, {"version": 0})
    registry.judge_by("auc", lower_is_better=False)
    registry.finish_run(run)
    registry.finish_run(parent, failed=True)
    assert run != parent


def test_given_a_parameter_when_changed_then_one_line_refuses_it(registry: Registry) -> None:
    run = registry.start_run("fit", {})
    registry.log(run, {"depth": 3})
    with pytest.raises(FactoryError) as refused:
        registry.log(run, {"depth": 4})
    assert "\n" not in str(refused.value)


def test_given_a_small_file_when_kept_with_a_run_then_it_lies_among_the_files_of_the_run(
    registry: Registry, contract_of: EnvironmentContract
) -> None:
    run = registry.start_run("fit", {})

    registry.log_file(run, "report.json", b'{"passed": true}')

    local = contract_of.target == names.LOCAL
    kept = open_store(contract_of.artifact_uri if local else f"s3://{account.RUNS_BUCKET}")
    (key,) = (entry.key for entry in kept.list() if run in entry.key and entry.key.endswith("/report.json"))
    assert kept.read(key).content == b'{"passed": true}'


def test_given_no_model_yet_when_asked_then_there_are_no_versions(registry: Registry) -> None:
    assert list(registry.versions()) == []
    assert registry.by_alias(CHAMPION) is None
    with pytest.raises(FactoryError):
        registry.version(1)


def test_given_equal_model_and_data_when_registered_again_then_the_version_is_the_same(
    registry: Registry, model: Path
) -> None:
    run = registry.start_run("fit", {})
    first = registry.register(model, FIRST, run)
    again = registry.register(model, {**FIRST, "aifactory.more": "x"}, run)
    other = registry.register(model, SECOND, run)
    assert (first.number, again.number, other.number) == (1, 1, 2)
    assert first.model_sha256 == model_folder.digest(model)
    assert again == first == registry.version(1)
    assert first.run_id == run
    assert [version.number for version in registry.versions()] == [1, 2]


def test_given_a_version_when_downloaded_then_the_bytes_are_the_same(
    registry: Registry, model: Path, tmp_path: Path
) -> None:
    registry.download(registry.register(model, {}), tmp_path / "copy")
    assert model_folder.digest(tmp_path / "copy") == model_folder.digest(model)


def test_given_tags_when_set_then_they_are_read_back_with_those_of_the_registration(
    registry: Registry, model: Path
) -> None:
    long = "é, \n" * 1_000
    number = registry.register(model, {STAGE: "candidate", GATE: "passed", "aifactory.expected": long}).number
    registry.set_tag(number, STAGE, "champion")
    tags = registry.version(number).tags
    assert (tags[STAGE], tags[GATE], tags["aifactory.expected"]) == ("champion", "passed", long)
    with pytest.raises(FactoryError):
        registry.set_tag(7, STAGE, "champion")


def test_given_aliases_when_moved_then_they_point_where_they_were_moved(registry: Registry, model: Path) -> None:
    registry.register(model, FIRST)
    registry.register(model, SECOND)
    registry.set_alias(CHAMPION, 1)
    registry.set_alias(CHAMPION, 2)
    found = registry.by_alias(CHAMPION)
    assert found is not None
    assert found.number == 2
    assert registry.by_alias(CHALLENGER) is None
    with pytest.raises(FactoryError):
        registry.set_alias(CHAMPION, 3)


def test_given_a_failed_champion_when_asked_for_then_the_one_before_it_counts(registry: Registry, model: Path) -> None:
    for number, tags in enumerate((FIRST, SECOND), 1):
        registry.register(model, tags)
        registry.set_alias(CHAMPION, number)
    registry.set_tag(2, PREVIOUS, "1")
    registry.set_tag(2, STAGE, "failed")
    found = champion.champion(registry)
    assert found is not None
    assert found.number == 1


def test_given_a_copy_of_another_environment_when_registered_then_it_says_where_it_was_trained(
    registry: Registry, model: Path
) -> None:
    version = registry.register(model, {TRAINING_RUN: "dev/run-1"})
    assert version.trained("prod")[0] == "dev"


def test_given_approvals_when_read_then_newest_first_and_of_that_person_alone(registry: Registry) -> None:
    assert list(registry.approvals("kim.meyer")) == []
    registry.record_approval("kim.meyer", "a" * 64, "b" * 64)
    registry.record_approval("kim", "d" * 64, "b" * 64)
    (found,) = registry.approvals("kim.meyer")
    assert (found.person, found.model_sha256, found.report_sha256) == ("kim.meyer", "a" * 64, "b" * 64)
    assert found.user_id
    assert found.time > 1_600_000_000_000


def test_given_certificates_between_approvals_when_read_then_the_last_word_of_that_person(registry: Registry) -> None:
    assert registry.certificate("vera") is None
    registry.record_certificate("vera", "a" * 64)
    registry.record_certificate("otto", "c" * 64)
    registry.record_approval("vera", "a" * 64, "b" * 64)
    first = registry.certificate("vera")
    for number in range(10):
        registry.record_certificate("vera", f"{number}" * 64)
    registry.record_certificate("vera", None)
    last = registry.certificate("vera")

    assert first is not None and (first.person, first.gate_sha256) == ("vera", "a" * 64)
    assert last is not None and last.gate_sha256 is None
    assert len(registry.approvals("vera")) == 1, "a certificate is no approval"


def test_given_nothing_anchored_when_asked_then_there_are_no_heads(registry: Registry) -> None:
    assert not registry.anchored()
