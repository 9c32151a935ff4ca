"""Versions over SQLite: one for equal model and data, digests checked, aliases moved and never deleted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry import model_folder
from aifactory_runtime.registry.mlflow import MlflowRegistry


@pytest.mark.heavy
def test_given_equal_model_and_data_when_registered_again_then_the_version_is_the_same(
    registry: MlflowRegistry, model: Path
) -> None:
    first = registry.register(model, {"aifactory.data.raw": "0@a"})
    again = registry.register(model, {"aifactory.data.raw": "0@a"})
    other = registry.register(model, {"aifactory.data.raw": "1@b"})
    assert (first.number, again.number, other.number) == (1, 1, 2)
    assert first.model_sha256 == model_folder.digest(model)
    assert [version.number for version in registry.versions()] == [1, 2]


@pytest.mark.heavy
def test_fault_26_given_files_but_no_version_when_registered_again_then_the_begun_run_is_used(
    registry: MlflowRegistry, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(registry._models, "create_model_version", killed)
        with pytest.raises(KeyboardInterrupt):
            registry.register(model, {})
    begun = registry._run_of(model_folder.digest(model))
    assert registry.register(model, {}).run_id == begun


@pytest.mark.heavy
def test_given_a_version_when_downloaded_then_the_bytes_are_the_same(
    registry: MlflowRegistry, model: Path, tmp_path: Path
) -> None:
    registry.download(registry.register(model, {}), tmp_path / "copy")
    assert model_folder.digest(tmp_path / "copy") == model_folder.digest(model)


@pytest.mark.heavy
@pytest.mark.parametrize("change", ["content", "more", "link"])
def test_fault_30_given_a_changed_artefact_when_downloaded_then_refused_and_no_folder_left(
    registry: MlflowRegistry, model: Path, tmp_path: Path, change: str
) -> None:
    version = registry.register(model, {})
    place = Path(registry.artifact_address(version))
    if change == "content":
        (place / "model.skops").write_bytes(b"\x00\x02")
    elif change == "more":
        (place / "model.pkl").write_bytes(b"\x80\x04.")
    else:
        (place / "link").symlink_to("/etc")
    with pytest.raises(FactoryError):
        registry.download(version, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


@pytest.mark.heavy
def test_fault_29_given_a_deleted_artefact_when_downloaded_then_one_line(
    registry: MlflowRegistry, model: Path, tmp_path: Path
) -> None:
    version = registry.register(model, {})
    shutil.rmtree(registry.artifact_address(version))
    with pytest.raises(FactoryError, match="is missing"):
        registry.download(version, tmp_path / "copy")


@pytest.mark.heavy
def test_given_aliases_when_moved_then_they_point_where_they_were_moved(registry: MlflowRegistry, model: Path) -> None:
    assert registry.by_alias("champion") is None
    registry.register(model, {"aifactory.data.raw": "0@a"})
    registry.register(model, {"aifactory.data.raw": "1@b"})
    registry.set_alias("champion", 1)
    registry.set_alias("champion", 2)
    found = registry.by_alias("champion")
    assert found is not None
    assert found.number == 2
    assert registry.by_alias("challenger") is None


@pytest.mark.heavy
def test_given_a_tag_when_set_then_it_is_read_back(registry: MlflowRegistry, model: Path) -> None:
    number = registry.register(model, {"aifactory.stage": "candidate"}).number
    registry.set_tag(number, "aifactory.stage", "champion")
    assert registry.version(number).tags["aifactory.stage"] == "champion"
