"""A candidate, a registry's memory and a contract, for the tests of a release without services."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.registry.model_folder import Belongs
from aifactory_runtime.registry.port import CHAMPION, Version
from aifactory_runtime.release import tags
from aifactory_runtime.release.candidate import Candidate
from aifactory_runtime.release.side import Side

BELONGS = Belongs("d" * 40, "c" * 64, "e" * 64, "f" * 64, "classification")


TAGS = {
    tags.COMMIT: BELONGS.commit,
    tags.CODE: BELONGS.code_sha256,
    tags.LOCK: BELONGS.lock_sha256,
    tags.SCHEMA: BELONGS.schema_sha256,
}


def chosen(root: Path, **more: str) -> Candidate:
    """A version of dev; `more` are tags, dots written as double underscores."""
    source = SimpleNamespace(embedded=True, name="dev", project=SimpleNamespace(root=root))
    found = {**TAGS, **{f"aifactory.{key}": value for key, value in more.items()}}
    return Candidate(cast("Side", source), Version(3, "a" * 64, "run", found))


class Known:
    """A registry's memory: versions with a stage and the number before them, and the champion alias."""

    def __init__(self, versions: dict[int, tuple[bool, int | None]], alias: int | None) -> None:
        self._versions = {
            number: Version(
                number,
                f"{number:064x}",
                "run",
                {tags.COMMIT: "d" * 40, tags.STAGE: tags.FAILED if did_fail else tags.TESTED}
                | ({tags.PREVIOUS: str(before)} if before else {}),
            )
            for number, (did_fail, before) in versions.items()
        }
        self.aliases = {} if alias is None else {CHAMPION: alias}

    def version(self, number: int) -> Version:
        return self._versions[number]

    def by_alias(self, alias: str) -> Version | None:
        return self._versions[self.aliases[alias]] if alias in self.aliases else None

    def versions(self) -> list[Version]:
        return [self._versions[number] for number in sorted(self._versions)]


class Served(Known):
    """A registry of versions that became champion in order, each in the place of the one before."""

    def __init__(self, count: int) -> None:
        super().__init__({number: (False, number - 1 or None) for number in range(1, count + 1)}, count)
        for number in range(1, count):
            self.set_tag(number, tags.STAGE, tags.RETIRED)

    def set_tag(self, number: int, key: str, value: str) -> None:
        version = self._versions[number]
        self._versions[number] = replace(version, tags={tags.COMMIT: "d" * 40, **version.tags, key: value})

    def set_alias(self, alias: str, number: int) -> None:
        self.aliases[alias] = number


PROJECT = SimpleNamespace(root=Path("nowhere"), manifest=SimpleNamespace(package="demo_case"))


class Killed(BaseException):
    """What kill -9 leaves is what was written before."""


class Mortal(Served):
    """Dies at the write of that number, once."""

    def __init__(self, count: int, dies_at: int) -> None:
        super().__init__(count)
        self._left: float = dies_at

    def _write(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._left = math.inf
            raise Killed

    def set_tag(self, number: int, key: str, value: str) -> None:
        if hasattr(self, "_left"):
            self._write()
        super().set_tag(number, key, value)

    def set_alias(self, alias: str, number: int) -> None:
        self._write()
        super().set_alias(alias, number)


def contract(environment: str, **more: Any) -> EnvironmentContract:
    places = ("data", "artifact", "capture", "release", "snapshot", "audit", "events", "logs")
    names: dict[str, Any] = {f"{place}_uri": "/nowhere" for place in places}
    for key in ("identity", "tracking_uri", "registry_uri", "experiment", "model_name", "data_source"):
        names[key] = "x"
    return EnvironmentContract(use_case="churn", environment=environment, **{**names, **more})  # type: ignore[arg-type]
