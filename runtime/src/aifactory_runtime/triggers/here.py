"""Where a tick is: one project against one environment, its folder of requests, and what there is now."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from aifactory_runtime import files
from aifactory_runtime.config import project as projects
from aifactory_runtime.config.project import Project
from aifactory_runtime.contract import EnvironmentContract, names
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.triggers import code, log, watch
from aifactory_runtime.triggers.request import Fingerprint

_DIGEST_FILE = "data.json"


@dataclass(frozen=True)
class Here:
    """Read once a pass: code and data may change while a tick runs."""

    project: Project

    @property
    def contract(self) -> EnvironmentContract:
        """The environment."""
        return self.project.environment.contract

    @property
    def folder(self) -> Path:
        """Where its requests lie."""
        return log.folder(self.contract)

    @property
    def events(self) -> Path:
        """Where its events lie."""
        return Path(self.contract.events_uri)

    @property
    def inbox(self) -> Path:
        """Where it is asked."""
        return self.folder.parent / "inbox" if self.contract.inbox_uri is None else Path(self.contract.inbox_uri)

    @property
    def trains(self) -> bool:
        """Whether models are trained here."""
        return self.contract.environment in (names.EMBEDDED, "dev", self.contract.train_in)

    @property
    def releases(self) -> bool:
        """Whether candidates of here go on to staging."""
        return self.contract.environment == self.contract.train_in

    @cached_property
    def training_code(self) -> str:
        """Digest of what a model is trained with."""
        return code.training(self.project.root, self.project.manifest.package)

    @cached_property
    def application_code(self) -> str:
        """Digest of what an application relies on."""
        return code.application(self.project.root, self.project.manifest.package)

    @property
    def table(self) -> Path | None:
        """The data source; None when it is an address, whose changes no file of this machine tells."""
        source = self.contract.data_source
        return None if "://" in source else self.project.root / Path(source).expanduser()

    @cached_property
    def data(self) -> str | None:
        """Digest of the data source; None when it is not to be had. Read again only when its files have changed."""
        if self.table is None or not self.table.exists():
            return None
        stamps = watch.look(watch.parts(self.table))
        known = _known(self.folder / _DIGEST_FILE)
        if known.get("stamps") == stamps and isinstance(known.get("sha256"), str):
            return str(known["sha256"])
        from aifactory_runtime.data import source

        try:
            found = source.digest(source.locate(self.project.root, self.contract.data_source))
        except FactoryError:
            return None  # the training says what is wrong with it
        with suppress(FactoryError):
            files.write(self.folder / _DIGEST_FILE, json.dumps({"stamps": stamps, "sha256": found}), mode=0o600)
        return found

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """What would be trained on and with. With labelled rows of live traffic only the pipeline can tell."""
        data = self.project.settings.data
        added = data.add_captured or data.add_captured_from_prod
        return Fingerprint(None if added else self.data, self.training_code)

    def elsewhere(self, environment: str) -> EnvironmentContract:
        """Another environment of this use case; UsageProblem where it is not known here."""
        return projects.load(self.project.root, environment).environment.contract


def _known(path: Path) -> dict[str, object]:
    try:
        return files.read_json(path)
    except (OSError, ValueError):
        return {}
