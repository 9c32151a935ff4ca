"""Everything that is on this machine about one version of one environment, from where it was trained on."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from aifactory_runtime import files
from aifactory_runtime.config import project
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.evidence import audit_lines
from aifactory_runtime.evidence.bundle import Gathered, Part, json_part
from aifactory_runtime.gate import verdict
from aifactory_runtime.registry import champion as champions
from aifactory_runtime.registry import model_folder
from aifactory_runtime.registry.port import REPORT_SHA256, Version
from aifactory_runtime.release import certificates, code_history, live_test, tags
from aifactory_runtime.release.candidate import Candidate
from aifactory_runtime.release.side import Side, open_side
from aifactory_runtime.release.staging_test import integration_test

_ROWS = ("background",)
"""What of the input schema holds rows of data, made up or not."""
_CARDS = ("model_card.html", "model_card.json")


Digest = Callable[[bytes], str]


def _of_bytes(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _of_gate(content: bytes) -> str:
    """As the gate does it: of what the report says, however it is written."""
    return verdict.digest(files.parse_json(content))


def gather(root: Path, environment: str, number: int | None) -> Gathered:
    """About version `number` of `environment`, or its champion; FactoryError when there is none."""
    side = open_side(root, environment)
    version = champions.champion(side.registry) if number is None else side.registry.version(number)
    if version is None:
        raise FactoryError(f"{environment} has no champion: name a version with --version")
    return _Gathering(side, version).all()


class _Gathering:
    """One version, its way here, and what was found so far."""

    def __init__(self, side: Side, version: Version) -> None:
        self._side, self._version = side, version
        self._path = list(_path(side, version))
        self._commit = code_history.current(version)
        self._parts: list[Part] = []
        self._missing: dict[str, str] = {}
        self._problems: list[str] = []

    def all(self) -> Gathered:
        """Each kind of evidence in turn; what cannot be had is named."""
        self._parts.append(json_part("release.json", self._release(), "the version as it is registered in each place"))
        self._parts.append(
            json_part("approvals.json", self._approvals(), "who approved it, and who certified the gate")
        )
        self._of_the_run()
        self._of_staging()
        self._had(model_folder.SCHEMA, self._schema)
        self._live_test()
        for place, version in self._path:
            found = audit_lines.found(place.name, place.contract, version)
            self._parts += found.parts
            self._problems += [found.problem] if found.problem else []
            if found.unanchored is not None:
                self._missing[audit_lines.name(place.name, audit_lines.ANCHORED)] = found.unanchored
        return Gathered(self._about(), self._parts, self._missing, self._problems)

    def _about(self) -> dict[str, Any]:
        contract = self._side.contract
        return {
            "use_case": contract.use_case,
            "environment": self._side.name,
            "model": contract.model_name,
            "version": self._version.number,
            "model_sha256": self._version.model_sha256,
            "code_commit": self._commit,
            "trained_from": self._version.tags.get(tags.COMMIT),
            "lock_sha256": self._version.tags.get(tags.LOCK),
            "schema_sha256": self._version.tags.get(tags.SCHEMA),
        }

    def _release(self) -> dict[str, Any]:
        contract = self._side.contract
        asked = {
            key: getattr(contract, key) for key in ("risk", "approval", "certified_gate", "approvers", "validators")
        }
        places = [
            {"environment": place.name, "version": one.number, "run": one.run_id, "tags": dict(one.tags)}
            for place, one in self._path
        ]
        return {"asked": asked | {"train_in": contract.train_in, "trial": contract.trial}, "registered": places}

    def _approvals(self) -> dict[str, Any]:
        contract, registry = self._side.contract, self._side.registry
        given = [
            {"person": person, "login": one.user_id, "time_ms": one.time, "report_sha256": one.report_sha256}
            for person in contract.approvers
            for one in registry.approvals(person)
            if one.model_sha256 == self._version.model_sha256
        ]
        said = self._version.tags.get(tags.APPROVED_BY)
        return {"approved_by": said, "approvals": given, "certificates": certificates.said(contract, registry)}

    def _of_the_run(self) -> None:
        """The gate's report and the model's card, where the run that trained it lies on this machine."""
        trained_in, run = self._version.trained(self._side.name)
        folder = None
        with suppress(FactoryError):
            contract = project.load(self._side.project.root, trained_in).environment.contract
            folder = Path(contract.artifact_uri) / "runs" / run if run else None
        self._file("gate.json", folder, "the gate's report", self._version.tags.get(REPORT_SHA256), _of_gate)
        for name in _CARDS:
            self._file(name, folder, "the model's card")

    def _of_staging(self) -> None:
        name = "integration.json"
        if self._version.tags.get(tags.INTEGRATION) is None:
            self._missing[name] = "it was not tested in staging"
            return
        place = next(((one, version) for one, version in self._path if one.name == "staging"), None)
        if place is None:
            self._missing[name] = "staging is not on its way"
            return
        path = integration_test.report_path(place[0], Candidate(place[0], place[1], self._commit))
        self._file(path.name, path.parent, "the report of staging's test", self._version.tags[tags.INTEGRATION])

    def _live_test(self) -> None:
        record = live_test.of(self._version)
        if record is None:
            self._missing["live_test.json"] = "it was in no live test"
            return
        values = msgspec.to_builtins(record)
        self._parts.append(
            json_part("live_test.json", values, "its last live test: how it was stated and how it ended")
        )

    def _schema(self) -> Part:
        with tempfile.TemporaryDirectory(prefix="aifactory-") as temporary:
            self._side.registry.download(self._version, Path(temporary) / "model")
            found = files.read_json(Path(temporary) / "model" / model_folder.SCHEMA)
        kept = {key: value for key, value in found.items() if key not in _ROWS}
        return json_part(model_folder.SCHEMA, kept, "what the model takes and gives, without its background rows")

    def _file(
        self, name: str, folder: Path | None, what: str, sha256: str | None = None, digest: Digest = _of_bytes
    ) -> None:
        """A file as it is; a report that does not have its digest goes along, and is named."""

        def read() -> Part:
            if folder is None:
                raise FactoryError("the run that trained it is not known here")
            content = (folder / name).read_bytes()
            if sha256 is not None and digest(content) != sha256:
                self._problems.append(f"{name} is not what was registered (sha256 {sha256}): it was changed")
            return Part(name, content, what)

        self._had(name, read)

    def _had(self, name: str, read: Callable[[], Part]) -> None:
        try:
            self._parts.append(read())
        except FileNotFoundError:
            self._missing[name] = "it is not on this machine"
        except (FactoryError, OSError, ValueError) as error:
            self._missing[name] = str(error)


def _path(side: Side, version: Version) -> Iterator[tuple[Side, Version]]:
    """The version here, what it was copied from, and so on back to where it was trained."""
    yield side, version
    name, _, number = version.tags.get(tags.FROM, "").partition("/")
    if not number:
        return
    with suppress(FactoryError):  # an environment that is not known here
        before = open_side(side.project.root, name)
        yield from _path(before, before.registry.version(int(number)))
