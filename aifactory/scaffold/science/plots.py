"""Draws the target, gaps and numbers of a table as SVG: counts in bins, never a row."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory.profile import Column, Table
from aifactory.profile.column import to_numbers
from aifactory.scaffold.science.brief import Brief

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FOLDER = "data-report"
_MOST_BARS = 30
_MOST_NUMBERS = 24
_ACROSS = 4
_BINS = 30
_COLOUR = "#3b6ea5"
_NAME_LENGTH = 32


def draw(brief: Brief, table: Table, docs: Path) -> list[tuple[str, str]]:
    """Write the plots below `docs`; title and path from there of each."""
    import matplotlib as mpl

    (docs / _FOLDER).mkdir(parents=True, exist_ok=True)
    made = []
    # A fixed salt and no date: equal tables give equal files.
    with mpl.rc_context({"svg.hashsalt": "aifactory", "text.parse_math": False}):
        for title, name, figure in (
            ("Target", "target.svg", _target(brief, table)),
            ("Missing values", "missing.svg", _missing(brief)),
            ("Numbers", "numbers.svg", _numbers(brief, table)),
        ):
            if figure is not None:
                figure.savefig(docs / _FOLDER / name, format="svg", metadata={"Date": None})
                made.append((title, f"{_FOLDER}/{name}"))
    return made


def _target(brief: Brief, table: Table) -> Figure:
    if brief.regression:
        figure, (axes,) = _grid(1)
        _histogram(axes, _values(table, brief.proposal.target), brief.proposal.target.name)
        return figure
    found = sorted(brief.proposal.problem.classes, key=lambda one: -one[1])[:_MOST_BARS]
    names = [str(label) if brief.labels else f"class {n}" for n, (label, _) in enumerate(found, start=1)]
    return _bars(names, [count for _, count in found], "rows")


def _missing(brief: Brief) -> Figure | None:
    found = sorted((c for c in brief.proposal.columns if c.missing), key=lambda c: -c.missing)[:_MOST_BARS]
    if not found:
        return None
    shares = [100 * column.missing / brief.proposal.rows for column in found]
    return _bars([column.name for column in found], shares, "missing, in % of the rows")


def _numbers(brief: Brief, table: Table) -> Figure | None:
    found = [c for c in brief.proposal.used if c.kind in {"number", "integer"}][:_MOST_NUMBERS]
    if not found:
        return None
    figure, axes = _grid(len(found))
    for place, column in zip(axes, found, strict=False):
        _histogram(place, _values(table, column), column.name)
    return figure


def _values(table: Table, column: Column) -> Any:
    return to_numbers(table.values(column.name, column.kind), column.kind)


def _histogram(axes: Any, values: Any, name: str) -> None:
    """Between the first and the last hundredth, so that no single row shows."""
    kept = values[np.isfinite(values)]
    low, high = np.quantile(kept, [0.01, 0.99]) if len(kept) else (0.0, 1.0)
    axes.hist(kept, bins=_BINS, range=(low, high) if high > low else (low - 0.5, low + 0.5), color=_COLOUR)
    axes.set_title(_short(name), fontsize=9)
    axes.tick_params(labelsize=7)
    axes.set_yticks([])


def _bars(names: list[str], sizes: list[float] | list[int], label: str) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 0.8 + 0.3 * len(names)), layout="constrained")
    axes = figure.subplots()
    axes.barh(range(len(names)), sizes, color=_COLOUR)
    axes.set_yticks(range(len(names)), [_short(name) for name in names], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel(label, fontsize=8)
    return figure


def _grid(count: int) -> tuple[Figure, list[Any]]:
    from matplotlib.figure import Figure

    across = min(count, _ACROSS)
    down = -(-count // across)
    figure = Figure(figsize=(2.6 * across + 0.4, 1.9 * down + 0.3), layout="constrained")
    axes = list(np.atleast_1d(figure.subplots(down, across)).flat)
    for empty in axes[count:]:
        empty.set_axis_off()
    return figure, axes[:count]


def _short(name: str) -> str:
    """Printable and short enough for a title; a font lacks many letters and would warn."""
    plain = "".join(letter if letter.isascii() or "\u00c0" <= letter < "\u0180" else "?" for letter in name)
    return plain if len(plain) <= _NAME_LENGTH else plain[: _NAME_LENGTH - 3] + "..."
