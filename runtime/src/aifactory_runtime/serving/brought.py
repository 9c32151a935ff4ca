"""A model that a platform puts into a folder of the container, as SageMaker does: served as if it had been released."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from aifactory_runtime.config.project import Project
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry import model_folder
from aifactory_runtime.serving.document import Document, Served, ServingFolder

VERSION, SHA256 = "AIFACTORY_MODEL_VERSION", "AIFACTORY_MODEL_SHA256"
"""Variables by which a release says what it had the platform bring; an answer names the version."""
_BELOW = "model"


class Elsewhere:
    """Records nothing: the platform that brings the model keeps what comes and goes."""

    async def record(self, lines: Sequence[bytes]) -> bool:
        """True, as it is no concern of this process."""
        del lines
        return True


def released(project: Project, folder: Path, variables: Mapping[str, str] = os.environ) -> Project:
    """The project with a release of the model in `folder`, or in its folder `model`; records go nowhere.

    FactoryError when there is none, or when its bytes are others than the release said.
    """
    place = folder / _BELOW if (folder / _BELOW).is_dir() else folder
    if not (place / "MLmodel").is_file():
        raise FactoryError(f"{place} holds no model: the release has to name the version's folder as the model's data")
    sha256 = model_folder.digest(place)
    if variables.get(SHA256, sha256) != sha256:
        raise FactoryError(f"{place} holds other bytes ({sha256[:12]}) than were released ({variables[SHA256][:12]})")
    belongs = model_folder.read_belongs(place)
    root = Path(tempfile.mkdtemp(prefix="aifactory-serving-"))
    served = Served(
        version=variables.get(VERSION, "0"),
        sha256=sha256,
        uri=str(place.absolute()),
        commit=belongs.commit,
        code_sha256=belongs.code_sha256,
        science_sha256=belongs.science_sha256,
    )
    ServingFolder(root).write(Document(1, served))
    contract = project.environment.contract.model_copy(
        update={
            "release_uri": str(root),
            "capture_uri": str(root / "capture"),
            "capture_columns": {},
            "inbox_uri": None,
        }
    )
    return replace(project, environment=replace(project.environment, contract=contract))
