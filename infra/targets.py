"""Finds what builds an environment by the name of its target; a module of a target is imported when it is meant."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from aifactory_runtime.contract import names

if TYPE_CHECKING:
    import pulumi

    from aifactory_runtime.contract import Manifest


class Target(Protocol):
    """What the two programs call: module `target` of a target's components."""

    def shared(self, config: pulumi.Config) -> None:
        """What the use cases of all environments share."""

    def ground(self, config: pulumi.Config, environment: str) -> None:
        """What the use cases of one environment share."""

    def use_case(self, config: pulumi.Config, manifest: Manifest, environment: str) -> None:
        """One use case in one environment, with every field of its environment contract exported.

        RunError says what a setting or the manifest may not ask.
        """


class Offer(Protocol):
    """What may be asked of a target, and what that costs: module `offer` of its components, without the engine."""

    def plugins(self, providers: Path) -> Mapping[str, Path]:
        """Name of each provider plugin that comes with the tool to its folder below `providers`."""

    def service_month(self, size: str) -> float:
        """What a month of a scoring service of this size is charged at."""

    def storage_month(self, disk_gb: float) -> float:
        """What a month of so many gigabytes is charged at."""

    def compute(self, hours: float) -> float:
        """What so many hours of a pipeline are charged at."""


def target(name: str) -> Target:
    """The programs of a target; ValueError when there is none of this name."""
    return cast("Target", _module(name, "target"))


def offer(name: str) -> Offer:
    """What a target has to give; ValueError when there is none of this name."""
    return cast("Offer", _module(name, "offer"))


def _module(name: str, part: str) -> object:
    if name not in names.TARGETS:
        raise ValueError(f"target: {name} is none of {', '.join(names.TARGETS)}")
    return importlib.import_module(f"infra.components.{name}.{part}")
