"""Gets a released model into memory, or says why not: bytes, types and code are checked before anything runs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aifactory_runtime.capture.redaction import NOTHING, Redaction
from aifactory_runtime.config.settings import ReadSettings
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry import boosters, model_folder
from aifactory_runtime.registry.model_folder import Belongs
from aifactory_runtime.serving.document import Served
from aifactory_runtime.serving.fetch import Source
from aifactory_runtime.serving.model import ServedModel

_KNOWN_FILES = frozenset(
    {
        "MLmodel",
        "conda.yaml",
        "python_env.yaml",
        "requirements.txt",
        model_folder.ESTIMATOR,
        *boosters.FILES.values(),
        model_folder.SCHEMA,
        model_folder.BELONGS,
    }
)
"""A model folder holds these and nothing else: whatever else lies there, a pickle above all, is refused."""
_KEPT = 5


@dataclass(frozen=True)
class Loader:
    """Loads models for one worker, which runs one state of the code."""

    models: Path
    source: Source
    features: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    code_sha256: str
    commit: str | None
    max_rows: int
    science: Collection[str] = ()
    """Digests by which models may name the science that runs here."""
    trusted: Collection[str] = ()
    """Types that models may hold beside ours: the released code's conf says so, never a model."""
    read: ReadSettings | None = None
    """How the table is written that models here learn from: CSV in a request is read as it."""
    redaction: Callable[[], Redaction] = lambda: NOTHING
    """What is recorded of inputs; asked at each load, as keys are rotated."""

    def load(self, served: Served) -> ServedModel:
        """The model `served` names; FactoryError, in a sentence, when it is missing, changed or does not fit."""
        folder = self._fetched(served)
        belongs = model_folder.read_belongs(folder)
        if not self._is_of(belongs, served):
            raise FactoryError(
                f"version {served.version} was trained with other science (commit {belongs.commit[:12]}) than the code "
                "here: a worker of fitting code takes over; if none does, run release again"
            )
        schema = model_folder.read_schema(folder)
        estimator = model_folder.load_estimator(folder, self.trusted)
        model = ServedModel.make(served, schema, estimator, self.features, self.max_rows, read=self.read)
        model = replace(
            model, commit=self.commit, redaction=self.redaction(), background=model_folder.read_background(folder)
        )
        model.try_out()
        return model

    def _is_of(self, belongs: Belongs, served: Served) -> bool:
        """Whether the model is of the science that runs here; of older models a release knows it from git."""
        known = belongs.science_sha256 or served.science_sha256
        return belongs.code_sha256 == self.code_sha256 or known in self.science

    def prune(self, served: Served) -> None:
        """Remove the oldest copies beyond the last few; never that of `served`."""
        copies = [path for path in self.models.iterdir() if path.name != served.sha256]
        for path in sorted(copies, key=lambda path: path.stat().st_mtime, reverse=True)[_KEPT:]:
            shutil.rmtree(path, ignore_errors=True)

    def _fetched(self, served: Served) -> Path:
        """A copy of the model whose bytes are what was released; a copy that was changed is fetched again."""
        if len(served.sha256) != 64 or not served.sha256.isalnum():  # noqa: PLR2004 - hex digits of a SHA-256
            raise FactoryError("serving.json names no digest: run release again")
        place = self.models / served.sha256
        if place.exists():
            if _fits(place, served.sha256):
                return place
            shutil.rmtree(place)
        temporary = self.models / f".{served.sha256}.{os.getpid()}"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            self.source.fetch(served.uri, temporary)
            _check(temporary, served)
            _move(temporary, place)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return place


def _check(folder: Path, served: Served) -> None:
    """FactoryError unless the folder holds the released bytes and only files that a model has."""
    strange = [path for path in folder.rglob("*") if path.is_dir() or path.name not in _KNOWN_FILES]
    if strange:
        raise FactoryError(
            f"version {served.version} holds {len(strange)} file(s) or folder(s) that no model has, such as "
            f"{strange[0].name}: it is not loaded"
        )
    found = model_folder.digest(folder)
    if found != served.sha256:
        raise FactoryError(
            f"version {served.version} was changed after its release (sha256 {found[:12]}, released "
            f"{served.sha256[:12]}): it is not loaded"
        )


def _fits(folder: Path, sha256: str) -> bool:
    try:
        return model_folder.digest(folder) == sha256
    except FactoryError:
        return False


def _move(temporary: Path, place: Path) -> None:
    """Give the checked copy its name; another worker may have been first, with the same bytes."""
    try:
        temporary.rename(place)
    except OSError:
        if not _fits(place, place.name):
            raise
