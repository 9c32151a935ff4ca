"""Heads of an audit log as objects `anchors/<sequence>.json` beside it, where the log's writers may not write."""

from __future__ import annotations

import json
from collections.abc import Sequence

from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry.port import Head
from aifactory_runtime.storage import Exists, Store

FOLDER = "anchors"
_END = ".json"


def address(audit_uri: str) -> str:
    """Where the heads of a log lie: beside it, in the bucket that keeps what is written."""
    return f"{audit_uri.rstrip('/').rpartition('/')[0]}/{FOLDER}"


def read(store: Store) -> Sequence[Head]:
    """All heads, oldest first, each with the time by the store's clock."""
    found = []
    for entry in store.list():
        number = entry.key.removesuffix(_END)
        if number.isdigit():
            values = _parse(store.read(entry.key).content, entry.key)
            found.append(Head(int(number), values, entry.modified))
    return sorted(found, key=lambda head: head.sequence)


def write(store: Store, head: Head) -> None:
    """Write a head, once; FactoryError when another digest of the same line is there already."""
    key = f"{head.sequence:010d}{_END}"
    try:
        store.create(key, json.dumps({"sha256": head.sha256}).encode())
    except Exists:
        if _parse(store.read(key).content, key) != head.sha256:
            raise FactoryError(
                f"line {head.sequence} of the audit log is not what was anchored: it was changed, see audit"
            ) from None


def _parse(content: bytes, key: str) -> str:
    try:
        return str(files.parse_json(content)["sha256"])
    except (ValueError, LookupError):
        raise FactoryError(f"{FOLDER}/{key} is damaged: put an earlier version of the object back") from None
