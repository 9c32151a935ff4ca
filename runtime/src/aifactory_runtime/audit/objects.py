"""An audit log in a cloud: one object a line, made once, so that two writers cannot both follow the same line.

Found by its number alone, `<sequence>.json`: the newest is looked for in the list, and a number that is taken is
followed by the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aifactory_runtime import files
from aifactory_runtime.audit import line
from aifactory_runtime.audit.verification import Verification
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    from aifactory_runtime.storage import Store

_DIGITS = 12


def are_at(folder: Path | str) -> bool:
    """Whether the log of this address is made of objects."""
    return isinstance(folder, str) and "://" in folder and not folder.startswith("file://")


def append(address: str, action: str, who: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Add one line and return it once it is stored; others who add at the same time come before or after it."""
    from aifactory_runtime.storage import Exists, open_store

    store = open_store(address)
    last = _newest(store)
    while True:
        entry = line.after(last, action, who, facts)
        try:
            store.create(_key(entry["sequence"]), line.encode(entry))
        except Exists:
            last = _entry(store, _key(entry["sequence"]))
            if last != entry:
                continue
        return entry


def verify(address: str) -> Verification:
    """Walk the chain from its first line: finds a line that was rewritten, removed or moved."""
    from aifactory_runtime.storage import open_store

    store = open_store(address)
    head, count = line.START, 0
    for number, key in enumerate(_keys(store), start=1):
        problem, digest = line.check(store.read(key).content, number, head)
        if problem is None and key != _key(number):
            problem = f"is not in {_key(number)} but in {key}"
        if problem:
            return Verification(count, head, f"line {number} {problem}")
        head, count = digest, number
    return Verification(count, head, None)


def read(address: str) -> list[dict[str, Any]]:
    """Every line, oldest first; FactoryError names a damaged one. No log has no lines."""
    from aifactory_runtime.storage import open_store

    store = open_store(address)
    return [_entry(store, key) for key in _keys(store)]


def _newest(store: Store) -> dict[str, Any] | None:
    known = _keys(store)
    return _entry(store, known[-1]) if known else None


def _keys(store: Store) -> list[str]:
    return [entry.key for entry in store.list() if entry.key.endswith(".json")]


def _entry(store: Store, key: str) -> dict[str, Any]:
    try:
        entry = files.parse_json(store.read(key).content)
    except ValueError:
        entry = {}
    if set(entry) != line.KEYS:
        raise FactoryError(f"{key} of the audit log is damaged: put the version of before back")
    return entry


def _key(sequence: int) -> str:
    return f"{sequence:0{_DIGITS}}.json"
