"""What of a prediction's inputs is recorded: by the rules of its environment, before anything reaches the disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aifactory_runtime.capture import hashing
from aifactory_runtime.capture.hashing import Keys
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.contract.recording import Treatment, treatment
from aifactory_runtime.errors import UsageProblem

Redacted = Mapping[str, Treatment]
"""Columns of a record that are not as they came, and what became of them: drop or hash."""
NO_KEY = "there is no key to hash with: factory up"


@dataclass(frozen=True)
class Redaction:
    """The rules of an environment; `keys` where a value may have to be hashed."""

    rules: Mapping[str, Treatment]
    keys: Keys | None = None

    def redacted(self, columns: Sequence[str]) -> dict[str, Treatment]:
        """Those of `columns` that are not recorded as they came."""
        found = {name: treatment(self.rules, name) for name in columns}
        return {name: one for name, one in found.items() if one != "keep"}

    def hash(self, values: Sequence[Any]) -> list[str | None]:
        """The hash of each value; a missing one stays missing."""
        if self.keys is None:
            raise UsageProblem(NO_KEY)
        return [self.keys.hash(value) for value in values]

    def every_hash(self, value: Any) -> tuple[str, ...]:
        """The hashes of a value by all keys there were, the newest first: what finds records from before a rotation."""
        if self.keys is None:
            raise UsageProblem(NO_KEY)
        return self.keys.every(value)


NOTHING = Redaction({})
"""Everything is recorded as it came."""


def of(contract: EnvironmentContract) -> Redaction:
    """The rules of an environment, with its keys when a column is hashed; UsageProblem when those cannot be read."""
    rules = contract.capture_columns
    if "hash" not in rules.values():
        return Redaction(rules)
    keys = hashing.of(contract)
    if keys is None:
        raise UsageProblem(
            f"{contract.environment} hashes columns of what it records and has no key for it: factory up "
            f"{contract.environment}"
        )
    return Redaction(rules, keys)
