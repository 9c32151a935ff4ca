"""Snapshots of released code: whole or absent, shared where equal, switched in one step."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

from aifactory_runtime.config import layout
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline.snapshots import snapshot
from aifactory_runtime.pipeline.snapshots.snapshot import Snapshots
from tests.fixtures import usecase_repo

LOCK = "a" * 64


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return usecase_repo.make_repo(tmp_path_factory.mktemp("repo") / "repo", rows=3)


@pytest.fixture
def snapshots(tmp_path: Path) -> Snapshots:
    return Snapshots(tmp_path / "snapshots", "demo-case")


def _head(repo: Path) -> str:
    return usecase_repo.git(repo, "rev-parse", "HEAD")


def test_given_a_commit_when_extracted_then_its_files_are_there_and_no_others(repo: Path, snapshots: Snapshots) -> None:
    (repo / "not-committed.txt").write_text("mine")

    place = snapshots.extract(repo, _head(repo))

    assert (place / "factory.yaml").read_bytes() == (repo / "factory.yaml").read_bytes()
    assert not (place / "not-committed.txt").exists() and not (place / ".git").exists()


@pytest.mark.heavy
@pytest.mark.parametrize("place", layout.CODE)
def test_given_a_repo_with_its_runtime_when_extracted_then_services_that_know_only_src_find_it(
    tmp_path: Path, snapshots: Snapshots, place: str
) -> None:
    repo = usecase_repo.make_repo(tmp_path / "with-runtime", rows=3)
    usecase_repo.bring_runtime(repo, place)
    commit = usecase_repo.commit(repo, "Bring the runtime")

    made = snapshots.extract(repo, commit)

    assert (made / layout.SCIENCE / "aifactory_runtime" / "__init__.py").is_file()
    assert layout.runtime_folder(made) == made / place / "aifactory_runtime"


def test_given_a_commit_that_is_not_in_the_repo_when_extracted_then_a_sentence_and_nothing_left(
    repo: Path, snapshots: Snapshots
) -> None:
    with pytest.raises(FactoryError, match="is not in this repo"):
        snapshots.extract(repo, "0" * 40)

    assert not snapshots.root.exists()


def test_given_an_environment_of_the_lock_when_prepared_then_it_is_shared(repo: Path, snapshots: Snapshots) -> None:
    python = snapshots.root / snapshot.ENVIRONMENTS / LOCK / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("")
    commit = _head(repo)
    snapshots.extract(repo, commit)
    before = snapshots.is_made(commit)

    snapshots.prepare(commit, LOCK)

    assert not before and snapshots.is_made(commit)
    assert (snapshots.of(commit) / ".venv").readlink() == python.parents[1]


def test_given_a_lock_without_hashes_when_prepared_then_refused_and_nothing_half_built_stays(
    repo: Path, snapshots: Snapshots
) -> None:
    commit = _head(repo)
    snapshots.extract(repo, commit)

    with pytest.raises(FactoryError, match="cannot be built"):
        snapshots.prepare(commit, LOCK)

    assert list((snapshots.root / snapshot.ENVIRONMENTS).iterdir()) == []
    assert not snapshots.is_made(commit)


def test_given_an_environment_whose_python_is_gone_when_prepared_then_it_is_built_again(
    repo: Path, snapshots: Snapshots
) -> None:
    commit = _head(repo)
    (snapshots.extract(repo, commit) / "requirements" / "factory.txt").write_text("")
    environments = snapshots.root / snapshot.ENVIRONMENTS
    (environments / LOCK / "bin").mkdir(parents=True)
    (environments / LOCK / "bin" / "python").symlink_to("/nowhere/python3.11")

    snapshots.prepare(commit, LOCK)

    assert snapshots.is_made(commit)
    assert [path.name for path in environments.iterdir()] == [LOCK]


def test_given_no_uv_when_prepared_then_a_sentence(
    repo: Path, snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    snapshots.extract(repo, _head(repo))

    with pytest.raises(FactoryError, match="uv is needed"):
        snapshots.prepare(_head(repo), LOCK)


def test_given_a_link_when_switched_then_a_reader_always_finds_one_of_the_two(tmp_path: Path) -> None:
    targets = [tmp_path / "one", tmp_path / "two"]
    current = tmp_path / "serving" / "current"
    for number in range(20):
        snapshot.activate(current, targets[number % 2])
        assert current.readlink() == targets[number % 2]
    assert [path.name for path in current.parent.iterdir()] == ["current"]
