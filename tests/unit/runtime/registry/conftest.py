"""A registry over SQLite, and a model that it can hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.registry.mlflow import MlflowRegistry, connect


@pytest.fixture
def registry(context: Context) -> MlflowRegistry:
    return connect(context.contract, None)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The registry looks at bytes only, so any two files make a model here."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "MLmodel").write_text("flavors: {}\n")
    (folder / "model.skops").write_bytes(b"\x00\x01")
    return folder
