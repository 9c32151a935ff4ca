"""Finds and reads `platform.yaml` of the company's factory repo; what is wrong in it is named with file and line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aifactory_runtime.config import yaml_model

if TYPE_CHECKING:
    from infra.platform.settings import PlatformSettings

FILE = "platform.yaml"


def find(folder: Path) -> Path | None:
    """The nearest file at or above `folder`; None without any: then the platform is of this machine."""
    return next((path for one in (folder, *folder.parents) if (path := one / FILE).is_file()), None)


def load(path: Path) -> PlatformSettings:
    """The file at `path`; UsageProblem names file, line and key of the first thing that is wrong."""
    from infra.platform.settings import PlatformSettings

    return yaml_model.load(path, PlatformSettings)


def above(folder: Path) -> PlatformSettings | None:
    """What the nearest file at or above `folder` says; None without any. UsageProblem as `load`."""
    found = find(folder)
    return None if found is None else load(found)
