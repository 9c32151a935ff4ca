"""A model that was copied from a registry is what was registered, or there is no copy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry import model_folder
from aifactory_runtime.registry.port import Version


@contextmanager
def copy(folder: Path, version: Version, model: str) -> Iterator[None]:
    """The block copies the version of `model` to `folder`; FactoryError, and no folder, unless its digest is right."""
    try:
        yield
        if model_folder.digest(folder) != version.model_sha256:
            raise FactoryError(
                f"version {version.number} of {model} is not what was registered (sha256 differs): do not use it, "
                "register the model again"
            )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
