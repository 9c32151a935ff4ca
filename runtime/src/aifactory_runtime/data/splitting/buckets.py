"""What deciding a split asks of its buckets, and buckets in this process; those on disk are in `stored`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

import numpy as np

from aifactory_runtime.data.row_hash import Hashes
from aifactory_runtime.data.splitting.bucket import Bucket
from aifactory_runtime.data.splitting.sides import Sides

R = TypeVar("R")


class Buckets(Protocol):
    """The buckets of one table, in their order. Rules are functions that can be sent to another process."""

    @property
    def count(self) -> int:
        """How many there are."""

    def each(self, rule: Callable[[Bucket], R]) -> Iterator[R]:
        """What a rule that changes nothing says of each."""

    def change(self, rule: Callable[[Bucket], R], number: int) -> R:
        """Let a rule change the sides in one of them; what it says."""

    def change_each(self, rule: Callable[[Bucket], R]) -> list[R]:
        """Let a rule change the sides in each of them; what it says."""

    def by_id(self, name: str, rule: Callable[[Hashes, Sides], R]) -> Iterator[R]:
        """What a rule says of the hashes of a column and the sides; all rows of a value come at once."""


class Held:
    """Buckets in this process."""

    def __init__(self, buckets: Sequence[Bucket]) -> None:
        self._buckets = buckets

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._buckets)

    def each(self, rule: Callable[[Bucket], R]) -> Iterator[R]:
        """See `Buckets`."""
        return map(rule, self._buckets)

    def change(self, rule: Callable[[Bucket], R], number: int) -> R:
        """See `Buckets`."""
        return rule(self._buckets[number])

    def change_each(self, rule: Callable[[Bucket], R]) -> list[R]:
        """See `Buckets`."""
        return [rule(bucket) for bucket in self._buckets]

    def by_id(self, name: str, rule: Callable[[Hashes, Sides], R]) -> Iterator[R]:
        """See `Buckets`."""
        hashed = [bucket.rows.ids[name] for bucket in self._buckets]
        sides = [bucket.sides for bucket in self._buckets]
        one = len(hashed) == 1
        yield rule(hashed[0] if one else np.concatenate(hashed), sides[0] if one else np.concatenate(sides))
