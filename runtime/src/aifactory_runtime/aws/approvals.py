"""Approvals and certificates as objects, each below a prefix that only the role of its approver may write.

`approvals/<person>/<digest>.json` is an approval, `approvals/<person>/certificates/<count>.json` a certificate. What
proves who wrote one is where it lies; who was logged in then is kept in it, and compared all the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from aifactory_runtime import files
from aifactory_runtime.aws import errors
from aifactory_runtime.aws.session import Session
from aifactory_runtime.contract import names
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry.port import Approval, Certificate
from aifactory_runtime.storage import Exists, Store, answers

FOLDER, CERTIFICATES = "approvals", "certificates"
_END = ".json"
_MODEL, _REPORT, _GATE, _CALLER = "model_sha256", "report_sha256", "gate_sha256", "caller"


def address(registry_uri: str) -> str:
    """Where approvals lie: beside the models, so that rights on one are none on the other."""
    return f"{registry_uri.rstrip('/').rpartition('/')[0]}/{FOLDER}"


class ApprovalObjects:
    """The part of `registry.port.Registry` that is about approvals and certificates."""

    def __init__(self, session: Session, store: Store) -> None:
        """`store` is what lies at `address`."""
        self._session, self._store = session, store

    def record_approval(self, person: str, model_sha256: str, report_sha256: str) -> None:
        """Write an approval where only `person` can; the same one twice is one."""
        digest = hashlib.sha256(f"{model_sha256} {report_sha256}".encode()).hexdigest()
        values = {_MODEL: model_sha256, _REPORT: report_sha256}
        try:
            self._store.create(f"{person}/{digest}{_END}", self._content(values))
        except Exists:
            return

    def approvals(self, person: str) -> Sequence[Approval]:
        """What `person` approved, newest first; empty when there is nothing."""
        found = [
            Approval(person, values[_MODEL], values[_REPORT], self._who(person, values), _milliseconds(at))
            for values, at in self._objects(f"{person}/")
            if _MODEL in values and _REPORT in values
        ]
        return sorted(found, key=lambda one: one.time, reverse=True)

    def record_certificate(self, person: str, gate_sha256: str | None) -> None:
        """Write a certificate of the gate, or None that it is withdrawn, where only `person` can."""
        count = max(self._counts(person), default=0)
        while True:
            count += 1
            try:
                self._store.create(_certificate(person, count), self._content({_GATE: gate_sha256}))
            except Exists:
                continue
            return

    def certificate(self, person: str) -> Certificate | None:
        """What `person` said last of the gate; None when they never did."""
        count = max(self._counts(person), default=None)
        if count is None:
            return None
        values = _parse(self._store.read(_certificate(person, count)).content, _certificate(person, count))
        return Certificate(person, values.get(_GATE), self._who(person, values))

    def _content(self, values: Mapping[str, str | None]) -> bytes:
        return json.dumps({**values, _CALLER: self._session.identity.arn}, indent=2).encode()

    def _who(self, person: str, values: Mapping[str, Any]) -> str:
        """The person's login where a session of this account that is named for the person wrote it, else who did."""
        contract, arn = self._session.contract, str(values.get(_CALLER, ""))
        account, role, session = errors.session_of(arn)
        if role and session == person and account == self._session.identity.account:
            return names.login(person, contract.use_case, contract.environment)
        return answers.short(arn)

    def _counts(self, person: str) -> Iterator[int]:
        place = f"{person}/{CERTIFICATES}/"
        for entry in self._store.list(place):
            number = entry.key.removeprefix(place).removesuffix(_END)
            if number.isdigit():
                yield int(number)

    def _objects(self, place: str) -> Iterator[tuple[dict[str, Any], datetime]]:
        """Content of what lies right below a place, with the time by the store's clock."""
        for entry in self._store.list(place):
            name = entry.key.removeprefix(place)
            if "/" not in name and name.endswith(_END):
                yield _parse(self._store.read(entry.key).content, entry.key), entry.modified


def _certificate(person: str, count: int) -> str:
    return f"{person}/{CERTIFICATES}/{count:010d}{_END}"


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000)


def _parse(content: bytes, key: str) -> dict[str, Any]:
    try:
        return files.parse_json(content)
    except ValueError:
        raise FactoryError(f"{FOLDER}/{key} is damaged: put an earlier version of the object back") from None
