"""The table `monitors` in order: windows of before are packed, a file a day, and days go when somebody says so.

The last windows of each kind keep files of their own, as `append_stream` wrote them: who asks for the newest ones reads
these alone, and they never go.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from aifactory_runtime.data import parts, table_place, upkeep
from aifactory_runtime.data.parts import Stored
from aifactory_runtime.data.tables import MONITORS
from aifactory_runtime.monitoring import store
from aifactory_runtime.storage.place import Place

_LOOKED = "looked"
_DAY = len("2026-01-31")


def waiting(data: Place) -> int:
    """How many windows could be packed."""
    return len(_surplus(_stored(data)))


def pack(data: Place) -> int:
    """Make one file of each day of all windows but the last ones; how many windows these were.

    What an earlier packing left on the disk, for those who were reading it, goes now. Under the monitors' lock.
    """
    upkeep.vacuum(data, MONITORS, ())
    surplus = _surplus(_stored(data))
    looked = _looked(data) if surplus else {}
    groups: dict[str, list[Stored]] = {}
    for file in surplus:
        groups.setdefault(looked[file.path][0], []).append(file)
    upkeep.pack(data, MONITORS, groups.values())
    return len(surplus)


def days(data: Place) -> frozenset[date]:
    """Days on which windows were looked at that are packed."""
    return frozenset(date.fromisoformat(most) for _, most in _packed(data).values())


def remove(data: Place, names: Collection[str]) -> None:
    """Take the packed windows of these days out of the table. Under the monitors' lock."""
    upkeep.remove_files(data, MONITORS, [path for path, (_, most) in _packed(data).items() if most in names])


def _stored(data: Place) -> list[Stored]:
    table = table_place.opened(data, MONITORS)
    return [] if table is None else parts.stored(table)


def _surplus(stored: Collection[Stored]) -> list[Stored]:
    """Files of one window each, but for the last ones of each kind."""
    kinds: dict[str, list[Stored]] = {}
    for file in stored:
        if store.BY in file.only:
            kinds.setdefault(store.source_of(str(file.only[store.BY])), []).append(file)
    return [file for files in kinds.values() for file in files[: -store.APART]]


def _packed(data: Place) -> dict[str, tuple[str, str]]:
    """Files of many windows, with their first and their last day."""
    many = {file.path for file in _stored(data) if store.BY not in file.only}
    return {path: found for path, found in _looked(data).items() if path in many} if many else {}


def _looked(data: Place) -> dict[str, tuple[str, str]]:
    """The first and the last day of what each file holds."""
    return {file.path: (file.least[:_DAY], file.most[:_DAY]) for file in upkeep.files(data, MONITORS, _LOOKED)}
