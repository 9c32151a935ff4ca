"""When a model is the version that is registered already: equal bytes, learned from equal tables. No I/O."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from aifactory_runtime.registry.port import DATA, MODEL_SHA256


def identity(tags: Mapping[str, str]) -> tuple[str | None, ...]:
    """What is equal of two registrations that are one version."""
    return tuple(tags.get(key) for key in (MODEL_SHA256, *DATA))


def digest(tags: Mapping[str, str]) -> str:
    """SHA-256 of the identity, for registries that look a version up by one value."""
    return hashlib.sha256(json.dumps(identity(tags)).encode()).hexdigest()
