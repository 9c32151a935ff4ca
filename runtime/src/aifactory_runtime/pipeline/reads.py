"""Which raw columns `features` reads: it is handed a dictionary that notes every name it is asked for.

What goes over all values reads all. Noting errs on that side only, while trying out whether a changed value changes the
answer would call a column unread whose values did not matter in the rows tried.
"""

from __future__ import annotations

from collections.abc import Collection, ItemsView, Iterator, Mapping, Sequence, ValuesView
from typing import Any

from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.pipeline.arrays import Features

_SHOWN = 10


class Reads:
    """`features`, noting what it reads; `ignored` are columns of the table that it is not given."""

    def __init__(self, features: Features, ignored: Collection[str] = ()) -> None:
        self._features = features
        self._ignored = ignored
        self.names: set[str] = set()
        """Raw columns read so far."""

    def __call__(self, columns: Mapping[str, Any]) -> Mapping[str, Any]:
        """What `features` returns; UsageProblem when it reads a column that is not there."""
        noting = _Noting(columns, self.names)
        try:
            return self._features(noting)
        except KeyError as error:
            if not error.args or error.args[0] not in noting.absent:
                raise
            name = error.args[0]
            why = "lists in IGNORED" if name in self._ignored else "does not declare in SCHEMA"
            raise UsageProblem(
                f"features.py reads {name!r}, which schema.py {why}: take it out of one of the two"
            ) from None


def unread(names: Sequence[str], place: str) -> list[str]:
    """What is said of raw columns that every request must bring for nothing; `place` is the path of schema.py."""
    if not names:
        return []
    return [
        f"features.py does not read {listed(names)}, which every request must bring all the same: list in IGNORED in "
        f"{place} what no model needs"
    ]


def listed(names: Sequence[str]) -> str:
    """Names for a sentence, the first of many."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


class _Noting(dict[str, Any]):
    """A dictionary that notes whose values are looked at. Its own `__iter__` makes Python copy it through `[]`."""

    def __init__(self, columns: Mapping[str, Any], read: set[str]) -> None:
        super().__init__(columns)
        self._read = read
        self.absent: set[Any] = set()
        """Names that were asked for and are not there."""

    def __getitem__(self, name: str) -> Any:
        self._note(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self._note(name)
        return super().get(name, default)

    def pop(self, name: str, *default: Any) -> Any:
        self._note(name)
        return super().pop(name, *default)

    def setdefault(self, name: str, default: Any = None) -> Any:
        self._note(name)
        return super().setdefault(name, default)

    def popitem(self) -> tuple[str, Any]:
        found = super().popitem()
        self._read.add(found[0])
        return found

    def __iter__(self) -> Iterator[str]:
        return super().__iter__()

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        return self._all().values()

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]
        return self._all().items()

    def copy(self) -> dict[str, Any]:
        return dict(self._all())

    def __or__(self, other: Any) -> Any:
        return self._all() | other

    def __ror__(self, other: Any) -> Any:
        return other | self._all()

    def _note(self, name: str) -> None:
        (self._read if name in self else self.absent).add(name)

    def _all(self) -> dict[str, Any]:
        return {name: self[name] for name in self}
