"""Says of a model that it learned from made-up sample rows, wherever its figures are shown."""

from __future__ import annotations

import os
from collections.abc import Mapping

from aifactory_runtime.config.project import Project
from aifactory_runtime.contract.names import SAMPLE
from aifactory_runtime.registry.port import FIGURES

SENTENCE = "made-up rows: says nothing about the model"
TAGS: Mapping[str, str] = {FIGURES: SENTENCE}
"""What runs and versions carry whose figures are of such rows."""


def used(project: Project) -> bool:
    """Whether the environment's table is the repo's sample, and `factory new` made its rows up."""
    given = os.path.normpath(project.root / project.environment.contract.data_source)
    return given == os.path.normpath(project.root / SAMPLE) and project.settings.data.sample == "made-up"
