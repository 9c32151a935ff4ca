"""Which model answers a request: a share of all keys by their hash, the same for a key as long as a test lasts."""

from __future__ import annotations

import hashlib

_BYTES = 8
_ALL = 256.0**_BYTES


def is_challengers(key: str, test: str, share: float) -> bool:
    """Whether the challenger answers requests of `key`. The test's id is the salt: each test divides anew."""
    digest = hashlib.sha256(f"{test}\n{key}".encode()).digest()
    return int.from_bytes(digest[:_BYTES]) < share * _ALL


def recorded(key: str, test: str) -> str:
    """The key as it is recorded: equal keys of a test are equal, and nobody reads a name from it."""
    return hashlib.sha256(f"{test}\nrecorded\n{key}".encode()).hexdigest()[:16]
