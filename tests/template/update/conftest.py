"""A template with two releases and a repo of the first, made once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.template.released import ReleasedTemplate, copied, make_released, make_repo


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> ReleasedTemplate:
    """The template with 0.1.0 and 0.2.0; read only."""
    return make_released(tmp_path_factory.mktemp("released") / "factory")


@pytest.fixture(scope="session")
def first(released: ReleasedTemplate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repo of 0.1.0; read only."""
    return make_repo(released, tmp_path_factory.mktemp("first") / "repo")


@pytest.fixture
def repo(first: Path, tmp_path: Path) -> Path:
    """A repo of 0.1.0 that the test may change."""
    return copied(first, tmp_path / "repo")


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Mirrors of templates are the test's own."""
    monkeypatch.setenv("FACTORY_CACHE", str(tmp_path / "cache"))
