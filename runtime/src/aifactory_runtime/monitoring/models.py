"""What monitors know of a champion: its schema and the profile of its training rows, kept when it is first seen.

The service has the model beside it, but only as long as it serves it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.monitoring import baseline, expected, profile
from aifactory_runtime.monitoring.baseline import Baseline
from aifactory_runtime.monitoring.expected import Expected
from aifactory_runtime.monitoring.profile import ColumnProfile
from aifactory_runtime.monitoring.store import TRAFFIC
from aifactory_runtime.registry import model_folder
from aifactory_runtime.registry.model_folder import InputSchema
from aifactory_runtime.serving.document import ServingFolder


@dataclass(frozen=True)
class Model:
    """One champion; its folder holds what is known of it."""

    folder: Path
    schema: InputSchema
    profile: Mapping[str, ColumnProfile] | None
    """None for a model from before there were profiles."""

    def baseline(self, source: str, size: int) -> Baseline | None:
        """Of its own windows of this kind, once these were enough; FactoryError when the file is damaged."""
        path = self._path(source, size)
        found = _json(path)
        try:
            return None if found is None else baseline.from_values(found)
        except ValueError as error:
            raise FactoryError(f"{path}: {error}: take it away, then it is made again") from None

    @property
    def expected(self) -> Expected | None:
        """What the gate found of it; None for a model from before that was kept. FactoryError when damaged."""
        path = self.folder / expected.FILE
        try:
            return expected.decode(path.read_bytes(), self.schema.classes)
        except FileNotFoundError:
            return None
        except ValueError:
            raise FactoryError(f"{path} is damaged: take it away and release the model again") from None

    def keep(self, source: str, made: Baseline) -> None:
        """Have the baseline of its own windows of this kind for good."""
        text = json.dumps(baseline.to_values(made), allow_nan=False)
        files.write(self._path(source, made.threshold.size), text)

    def _path(self, source: str, size: int) -> Path:
        """Of traffic the name says nothing more, as it was the only kind at first."""
        return self.folder / (f"baseline-{size}.json" if source == TRAFFIC else f"baseline-{source}-{size}.json")


def find(monitoring: Path, serving: Path, sha256: str) -> Model:
    """What is known of a model, copied from the service's copy the first time; FactoryError when there is none."""
    folder = expected.folder(monitoring, sha256)
    served = ServingFolder(serving).models / sha256
    if not (folder / model_folder.SCHEMA).exists():
        if not (served / model_folder.SCHEMA).exists():
            raise FactoryError(
                f"model {sha256[:12]} is not at the service any more: nothing to hold its traffic against"
            )
        files.write(folder / model_folder.SCHEMA, (served / model_folder.SCHEMA).read_bytes())
    return Model(folder, model_folder.read_schema(folder), _profile(folder))


def _profile(folder: Path) -> Mapping[str, ColumnProfile] | None:
    found = model_folder.read_profile(folder)
    try:
        return None if found is None else profile.from_values(found)
    except ValueError as error:
        raise FactoryError(f"{folder / model_folder.SCHEMA}: {error}: train the model again") from None


def _json(path: Path) -> dict[str, Any] | None:
    try:
        return files.read_json(path)
    except FileNotFoundError:
        return None
    except ValueError:
        raise FactoryError(f"{path} is damaged: take it away, then it is made again") from None
