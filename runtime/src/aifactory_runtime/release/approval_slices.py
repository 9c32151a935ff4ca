"""The slices of the gate's report, as an approver reads them: the worst first, those of too few rows as such."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aifactory_runtime import files

_SHOWN = 5


@dataclass(frozen=True)
class SliceFigures:
    """One slice: its rows, and the gate's metric of candidate, champion and baseline; None where there is none."""

    name: str
    rows: int
    candidate: float | None
    champion: float | None
    baseline: float | None
    few: bool
    worse: bool
    """Whether the candidate is worse beyond the noise, by more than the margin where the settings name one."""


@dataclass(frozen=True)
class SliceSummary:
    """What is known of all slices, the worst first; the champion is the one of the time of training."""

    metric: str
    rows: str
    """What rows the figures are of: the test rows, or the frozen reference."""
    against: str
    found: tuple[SliceFigures, ...]
    notes: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """As people read it."""
        judged = [one for one in self.found if one.candidate is not None]
        few = [one for one in self.found if one.few]
        if judged:
            shown = f"the {_SHOWN} worst of {len(judged)}" if len(judged) > _SHOWN else "the worst first"
            yield f"slices of {self.rows}, {self.metric} beside the {self.against}'s, {shown}:"
        for one in judged[:_SHOWN]:
            yield f"  {one.name}: {self._figures(one)}, {one.rows:,} rows{self._worse(one)}"
        if few:
            names = ", ".join(f"{one.name} ({one.rows})" for one in few[:_SHOWN])
            more = f" and {len(few) - _SHOWN} more" if len(few) > _SHOWN else ""
            yield f"slices of too few rows to judge: {names}{more}"
        yield from self.notes

    def _worse(self, one: SliceFigures) -> str:
        return f": worse than the {self.against}, and no chance" if one.worse else ""

    @staticmethod
    def _figures(one: SliceFigures) -> str:
        others = [("champion", one.champion), ("baseline", one.baseline)]
        beside = "; ".join(f"{name} {figure:.4g}" for name, figure in others if figure is not None)
        return f"{one.candidate:.4g} ({beside or 'nothing to compare'})"


def of_reports(reports: Sequence[Path], name: str) -> SliceSummary | None:
    """The slices that the report of this file name holds; None when it is not there, or older than slices."""
    for place in reports:
        if place.name == name:
            with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
                return _of(files.read_json(place)["slices"])
    return None


def _of(told: Mapping[str, Any]) -> SliceSummary:
    names = SliceFigures.__dataclass_fields__
    found = tuple(SliceFigures(**{name: one[name] for name in names}) for one in told["found"])
    return SliceSummary(told["metric"], told["rows"], told["against"], found, tuple(told["notes"]))
