"""A use case's repo as the runtime sees it: root, manifest, settings, and the science, loaded when it is needed."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from aifactory_runtime.config import environment, layout, yaml_model
from aifactory_runtime.config.settings import Settings
from aifactory_runtime.contract import Manifest, names
from aifactory_runtime.contract.kpi import Says
from aifactory_runtime.errors import FactoryError, UsageProblem

MANIFEST = "factory.yaml"
_REQUIRED = object()


class _Kept(importlib.abc.InspectLoader):
    """A module whose text is in memory."""

    def __init__(self, source: str) -> None:
        self._source = source

    def get_source(self, fullname: str) -> str:  # noqa: ARG002 - there is one
        """Its text."""
        return self._source


@dataclass(frozen=True)
class Science:
    """What the user wrote. `schema` imports pandas and is therefore loaded on its own, never when serving."""

    package: str

    def schema(self) -> Any:
        """`SCHEMA` of `<package>.schema`: a pandera DataFrameSchema of the raw table, target included."""
        return self._get("schema", "SCHEMA")

    def target(self) -> str:
        """`TARGET` of `<package>.schema`: name of the column to learn."""
        return str(self._get("schema", "TARGET"))

    def ignored(self) -> tuple[str, ...]:
        """`IGNORED` of `<package>.schema`: columns of the raw table that no model sees; none when it is not there."""
        return tuple(str(name) for name in self._get("schema", "IGNORED", ()))

    def time(self) -> str | None:
        """`TIME` of `<package>.schema`: the column that orders the rows in time; None when it is not there."""
        found = self._get("schema", "TIME", None)
        return None if found is None else str(found)

    def features(self) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
        """`features` of `<package>.features`: columns in, columns the model sees out; each row on its own."""
        found: Callable[[Mapping[str, Any]], Mapping[str, Any]] = self._get("features", "features")
        return found

    def model(self) -> Callable[..., Any]:
        """`make_model` of `<package>.model`: keyword settings in, an unfitted estimator out."""
        found: Callable[..., Any] = self._get("model", "make_model")
        return found

    def kpi(self, source: str | None = None) -> Says:
        """`kpi` of `<package>.kpi`: inputs, output and label of a row to a number; NaN where a row has none.

        `source` is a text of that module which was kept, taken in the place of what the repo holds now. What is called
        raises FactoryError in a line, which repeats no value of a row, for anything else.
        """
        if source is None:
            if importlib.util.find_spec(f"{self.package}.kpi") is None:
                raise self.without_kpi()
            found = self._get("kpi", "kpi")
        else:
            found = getattr(self._kept("kpi", source), "kpi", None)
            if found is None:
                raise FactoryError(f"{self.place('kpi')} has no kpi: docs/extending.md says what the pipeline calls")
        remedy = "mend it" if source is None else "it was kept when the live test began: livetest stop, then mend it"

        def said(row: Mapping[str, Any], output: Mapping[str, Any], label: Any) -> float:
            try:
                return float(found(row, output, label))
            except Exception as error:
                why = f"{self.place('kpi')} fails on a row with {type(error).__name__}: {remedy}"
                raise FactoryError(why) from None

        return said

    def without_kpi(self) -> UsageProblem:
        """What to say where kpi.py is to work out a KPI and is not there."""
        return UsageProblem(
            f"factory.yaml names a kpi without a field, and {self.place('kpi')} is not there: write it with "
            "kpi(row, output, label), or name the field that labels bring"
        )

    def _kept(self, module: str, source: str) -> ModuleType:
        """A module of the science from a text of it; what it imports is the repo's of now."""
        spec = importlib.util.spec_from_loader(f"{self.package}._kept_{module}", _Kept(source))
        assert spec is not None  # noqa: S101 - there is a loader
        made = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = made  # dataclasses look their module up
        try:
            _Kept(source).exec_module(made)
        except (Exception, SystemExit) as error:
            raise FactoryError(
                f"{self.place(module)}, as it was kept when the live test began, cannot be imported: {error}: bring "
                "back what it imports, or livetest stop"
            ) from None
        return made

    def place(self, module: str) -> str:
        """Path of one of its modules, below the repo's root."""
        return f"{layout.SCIENCE}/{self.package}/{module}.py"

    def _get(self, module: str, name: str, default: Any = _REQUIRED) -> Any:
        full = f"{self.package}.{module}"
        try:
            found = getattr(importlib.import_module(full), name, default)
        except SystemExit:  # else the command would end with that code: 0, as if all were done
            raise FactoryError(f"{full} ends Python while it is imported: take its exit() out") from None
        except ModuleNotFoundError as error:
            raise UsageProblem(self._missing(full, error)) from None
        if found is _REQUIRED:
            raise UsageProblem(f"{full} has no {name}: docs/extending.md says what the pipeline calls")
        return found

    def _missing(self, module: str, error: ModuleNotFoundError) -> str:
        """What a module of the science imports in vain, and where it would come from."""
        name = str(error.name)
        if name.partition(".")[0] == self.package:
            return f"{name} is not there: git checkout src/ restores it, or take it out of what {module} imports"
        if name.partition(".")[0] in sys.modules or not str(error).startswith("No module named"):
            return f"{module} cannot be imported: {error}"
        return (
            f"{module} needs {name}, which is not installed: write its package into requirements/science.in, then "
            "make lock setup"
        )


@dataclass(frozen=True)
class Project:
    """One use case's repo against one environment."""

    root: Path
    manifest: Manifest
    settings: Settings
    environment: environment.Resolved
    science: Science

    def settings_origin(self, section: str, key: str) -> str:
        """File under conf/ that sets `section.key`, or `default`."""
        return Settings.origin(self.root / "conf", self.environment.contract.environment, section, key)


def find_root(start: Path) -> Path:
    """Nearest folder at or above `start` that holds a manifest; UsageProblem when there is none."""
    for folder in (start, *start.parents):
        if (folder / MANIFEST).is_file():
            return folder
    raise UsageProblem(f"no {MANIFEST} here or above: run this inside a use case's repo, or make one with factory new")


def load(root: Path, environment_name: str | None = None, *, anywhere: bool = False) -> Project:
    """The project at `root` against the environment that `config.environment.resolve` chooses.

    UsageProblem for one in a cloud, whose addresses most commands would take for folders, unless it may be `anywhere`.
    """
    manifest = yaml_model.load(root / MANIFEST, Manifest)
    resolved = environment.resolve(root, manifest, environment=environment_name)
    if not anywhere and (target := resolved.contract.target) != names.LOCAL:
        raise UsageProblem(
            f"{resolved.contract.environment} is on {target}, where this command does nothing yet: docs/{target}.md of "
            "the factory says what is there; without an environment it runs on this machine"
        )
    settings = Settings.load(root / "conf", resolved.contract.environment)
    return Project(root, manifest, settings, resolved, Science(manifest.package))
