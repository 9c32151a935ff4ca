"""Versions of a model on AWS: numbered as model packages, bytes and tags in `models/<n>/`, aliases in one object.

A registration killed anywhere is finished by the next one: first AWS numbers a rejected package, then its bytes go up,
then its record is created, which alone makes it a version, then the package is shown as one that may be approved. Two
that register the same at once go by the lowest number, put the same bytes, and one of them creates the record.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from aifactory_runtime import files
from aifactory_runtime.aws import aliases
from aifactory_runtime.aws.packages import PENDING, REJECTED, Package, Packages
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry import model_folder, same_version, whole
from aifactory_runtime.registry.port import COMMIT, GATE, GATE_PASSED, MODEL_SHA256, Version
from aifactory_runtime.storage import Changed, Denied, Exists, Missing, Store

_LOG = logging.getLogger(__name__)

MODEL, RECORD = "model", "version.json"
"""What lies below the number of a version: a folder with the model, and its record with all tags."""
SHOWN = (COMMIT, GATE, MODEL_SHA256)
"""Tags that people find at the package, too; nothing reads them there."""
_ATTEMPTS, _PAUSE_SECONDS, _READERS = 20, 0.05, 16


@dataclass(frozen=True)
class Record:
    """What `models/<n>/version.json` holds."""

    number: int
    content: str
    model_sha256: str
    run_id: str
    tags: Mapping[str, str]

    def version(self) -> Version:
        """As the registry's port has it."""
        return Version(self.number, self.model_sha256, self.run_id, dict(self.tags))


class PackagedVersions:
    """The part of `registry.port.Registry` that is about versions, over a group of packages and a store."""

    def __init__(self, model: str, packages: Packages, store: Store, address: str) -> None:
        """`store` is what lies at `address`: `models/` of the environment."""
        self._model, self._packages, self._store, self._address = model, packages, store, address.rstrip("/")

    def register(
        self, folder: Path, tags: Mapping[str, str], run_id: str | None, approved: Callable[[str], str | None]
    ) -> Version:
        """Register the model folder, once: equal model and data give the version that is there.

        `approved` says, of the digest of a model, who approved it here; None where nobody has, or not enough have.
        """
        tags = {**tags, MODEL_SHA256: model_folder.digest(folder)}
        package = self._numbered(tags)
        record = self._record(package.number)
        if record is None or record.content != package.content:
            self._put_bytes(package.number, folder)
            record = Record(package.number, package.content, package.sha256, run_id or "", tags)
            record = self._put_record(record)
        if package.status == REJECTED:
            self._show(package, record, approved)
        return record.version()

    def versions(self) -> Sequence[Version]:
        """All versions, oldest first."""
        packages = self._packages.all()
        with ThreadPoolExecutor(_READERS) as readers:
            records = list(readers.map(lambda package: self._record(package.number), packages))
        return [
            record.version()
            for package, record in zip(packages, records, strict=True)
            if record is not None and record.content == package.content
        ]

    def version(self, number: int) -> Version:
        """One version; FactoryError when there is none of that number."""
        return self._existing(number)[1].version()

    def by_alias(self, alias: str) -> Version | None:
        """The version an alias points at."""
        number = aliases.read(self._store).get(alias)
        return None if number is None else self.version(number)

    def set_alias(self, alias: str, number: int) -> None:
        """Point an alias at a version, which is then one that may be deployed."""
        package, _ = self._existing(number)
        self._packages.approve(package, f"{alias} of {self._model} by a release")
        aliases.point(self._store, alias, number)

    def set_tag(self, number: int, key: str, value: str) -> None:
        """Set one tag of a version."""
        self._existing(number)
        for attempt in range(_ATTEMPTS):
            found = self._store.read(_key(number))
            record = _parse(found.content, number)
            if record.tags.get(key) == value:
                return
            changed = replace(record, tags={**record.tags, key: value})
            try:
                self._store.replace(_key(number), _content(changed), found.version)
            except Changed:
                time.sleep(_PAUSE_SECONDS * attempt)
            else:
                return
        raise FactoryError(f"{key} of version {number} cannot be set: others set tags without end; do this again")

    def approve(self, sha256: str, why: str) -> None:
        """Have all packages of a model shown as approved; those whose bytes are not there yet are left as they are.

        An approver without this right is told so: what counts is what they wrote, and a release shows it later.
        """
        with _shown_later():
            for package in self._packages.all():
                if package.sha256 == sha256 and package.status == PENDING:
                    self._packages.approve(package, why)

    def address(self, number: int) -> str:
        """Where the files of a version lie."""
        return f"{self._address}/{number}/{MODEL}"

    def download(self, version: Version, folder: Path) -> None:
        """Copy the files to `folder` and check them against the version's digest; FactoryError leaves no folder."""
        with whole.copy(folder, version, self._model):
            folder.mkdir(parents=True, exist_ok=True)
            try:
                self._store.download(f"{version.number}/{MODEL}", folder)
            except Missing:
                raise FactoryError(
                    f"{self.address(version.number)} is missing: the registry names it; restore it or register the "
                    "model again"
                ) from None

    def _numbered(self, tags: Mapping[str, str]) -> Package:
        """The package of this content with the lowest number, made when there is none."""
        content = same_version.digest(tags)
        found = self._package_of(content)
        if found is not None:
            return found
        made = self._packages.create(tags[MODEL_SHA256], content)
        return self._package_of(content) or made  # another's, if that came first

    def _package_of(self, content: str) -> Package | None:
        return next((package for package in self._packages.all() if package.content == content), None)

    def _put_bytes(self, number: int, folder: Path) -> None:
        """Upload the model; what a group of before has left under this number goes first."""
        place = f"{number}/{MODEL}/"
        own = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        for entry in list(self._store.list(place)):
            if entry.key.removeprefix(place) not in own:
                self._store.delete(entry.key)
        self._store.upload(folder, place.rstrip("/"))

    def _put_record(self, record: Record) -> Record:
        """Create the record; the one that is there counts if it is of this content, else it is of a group of before."""
        while True:
            try:
                self._store.create(_key(record.number), _content(record))
            except Exists:
                found = self._store.read(_key(record.number))
                known = _parse(found.content, record.number)
                if known.content == record.content:
                    return known
                try:
                    self._store.replace(_key(record.number), _content(record), found.version)
                except Changed:
                    continue
            return record

    def _show(self, package: Package, record: Record, approved: Callable[[str], str | None]) -> None:
        """Show the package as one that people may approve, or have approved; refused by the gate, it stays rejected."""
        gate = record.tags.get(GATE, GATE_PASSED)
        passed = gate == GATE_PASSED
        status, why = (PENDING, "registered") if passed else (REJECTED, f"the gate: {gate}")
        shown = {key: record.tags.get(key, "") for key in SHOWN}
        with _shown_later():
            self._packages.complete(package, self.address(record.number), status, why, shown)
            people = approved(record.model_sha256) if passed else None
            if people is not None:
                self._packages.approve(replace(package, status=status), people)

    def _existing(self, number: int) -> tuple[Package, Record]:
        package = self._packages.one(number)
        record = self._record(number) if package else None
        if package is None or record is None or record.content != package.content:
            raise FactoryError(f"{self._model} has no version {number}")
        return package, record

    def _record(self, number: int) -> Record | None:
        """The record under a number; None where its registration has not come so far."""
        try:
            return _parse(self._store.read(_key(number)).content, number)
        except Missing:
            return None


@contextmanager
def _shown_later() -> Iterator[None]:
    """Without the right to change packages no version and no approval is lost: it is said, and what is shown waits."""
    try:
        yield
    except Denied as denied:
        _LOG.warning("%s; until then SageMaker shows it as it was, and the next release shows it right", denied)


def _key(number: int) -> str:
    return f"{number}/{RECORD}"


def _content(record: Record) -> bytes:
    return json.dumps(asdict(record), indent=2, sort_keys=True).encode()


def _parse(content: bytes, number: int) -> Record:
    try:
        values = files.parse_json(content)
        tags = {str(key): str(value) for key, value in values["tags"].items()}
        return Record(number, str(values["content"]), str(values["model_sha256"]), str(values["run_id"]), tags)
    except (ValueError, LookupError, AttributeError):
        raise FactoryError(f"models/{number}/{RECORD} is damaged: put an earlier version of the object back") from None
