"""Aliases of a registry in one object, which is replaced only while nobody else has replaced it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.storage import Changed, Exists, Missing, Store

KEY = "aliases.json"
_ATTEMPTS, _PAUSE_SECONDS = 20, 0.05


def read(store: Store) -> Mapping[str, int]:
    """Number of the version that each alias points at; FactoryError when the object is damaged."""
    return _read(store)[0]


def point(store: Store, alias: str, number: int) -> None:
    """Point an alias at a version, whatever others do to other aliases meanwhile; of two for one, the last one counts.

    FactoryError when the object is replaced so often by others that this cannot be written.
    """
    for attempt in range(_ATTEMPTS):
        known, version = _read(store)
        if known.get(alias) == number:
            return
        content = json.dumps({**known, alias: number}, indent=2, sort_keys=True).encode()
        try:
            if version is None:
                store.create(KEY, content)
            else:
                store.replace(KEY, content, version)
        except (Exists, Changed):
            time.sleep(_PAUSE_SECONDS * attempt)
        else:
            return
    raise FactoryError(f"{alias} cannot be moved to version {number}: others move aliases without end; do this again")


def _read(store: Store) -> tuple[dict[str, int], str | None]:
    """Aliases, and what the store calls this state of the object; None when there is no object."""
    try:
        found = store.read(KEY)
    except Missing:
        return {}, None
    try:
        return {str(alias): int(number) for alias, number in files.parse_json(found.content).items()}, found.version
    except (ValueError, TypeError):
        raise FactoryError(f"{KEY} of the registry is damaged: put an earlier version of the object back") from None
