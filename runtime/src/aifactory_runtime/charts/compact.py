"""Small charts for pages, readable on a phone: figures over time, and bars against a limit.

Shapes carry classes, so that a page gives them its colours, light or dark; without a page they have colours of their
own. The title is not drawn: it stands above the chart on the page.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 340
_HEIGHT = 132
_LEFT, _RIGHT, _TOP, _BOTTOM = 6, 68, 14, 24
_BAR_STEP = 34
_MOST_LETTERS = 30
_Say = Callable[[float], str]


@dataclass(frozen=True)
class Point:
    """A figure at a time; without a value there is a gap."""

    when: str
    value: float | None
    alarm: bool = False


@dataclass(frozen=True)
class Bar:
    """A figure of one thing; `limit` is where its alarm begins, None when it has none."""

    name: str
    value: float
    limit: float | None = None
    alarm: bool = False


def trend(
    title: str, about: str, points: Sequence[Point], say: _Say, limit: float | None = None, *, below: bool = False
) -> str:
    """Figures over time from the left to the right, each as far from the next; `say` writes a figure.

    The axis begins at 0, or at the lowest figure below it. Points with an alarm are squares. The last figure, and the
    limit where there is one, are written beside the line; `below` says on which side of it the alarm is.
    """
    known = [point.value for point in points if point.value is not None]
    low, high = min([0.0, *known]), max([*known, *([limit] if limit is not None else [])], default=1.0)
    high = high if high > low else low + 1.0
    right, bottom = WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    step = (right - _LEFT) / max(len(points) - 1, 1)
    spots = [
        None if point.value is None else (_LEFT + step * place, bottom - (point.value - low) / (high - low) * _rise())
        for place, point in enumerate(points)
    ]
    parts = [f'<line class="rule" stroke="#cccccc" x1="{_LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>']
    last = next((spot for spot in reversed(spots) if spot), None)
    if limit is not None:
        y = bottom - (limit - low) / (high - low) * _rise()
        parts.append(f'<line class="limit" stroke="#b3261e" stroke-dasharray="4 3" {_across(y, right)}/>')
        parts.append(
            _text(_LEFT, y - 4, f"alarm {'below' if below else 'above'} {say(limit)}", "limit-text", colour="#b3261e")
        )
    parts += [
        f'<polyline class="line" fill="none" stroke="#1f5fa8" stroke-width="2" points="{run}"/>' for run in _runs(spots)
    ]
    parts += [_mark(*spot, alarm=point.alarm) for point, spot in zip(points, spots, strict=True) if spot]
    if last and known:
        parts.append(_text(right + 8, last[1] + 4, say(known[-1]), "value", colour="#1a1a1a"))
    if points:
        parts.append(_text(_LEFT, _HEIGHT - 6, points[0].when, "axis", colour="#555555"))
    if len(points) > 1:
        parts.append(_text(right, _HEIGHT - 6, points[-1].when, "axis", colour="#555555", anchor="end"))
    return _document(title, about, _HEIGHT, parts)


def bars(title: str, about: str, found: Sequence[Bar], say: _Say, whole: float = 0.0) -> str:
    """A bar a name, from the top down; a stroke marks the limit of each. Figures below 0 are drawn as 0.

    The longest figure fills the width, or `whole` where that is more.
    """
    most = max([whole, *(value for bar in found for value in (bar.value, bar.limit or 0.0))]) or 1.0
    parts = []
    for place, bar in enumerate(found):
        top, width = _BAR_STEP * place, WIDTH - 2
        length = max(0.0, bar.value) / most * width
        parts.append(_text(0, top + 13, bar.name, "name", colour="#1a1a1a"))
        said = say(bar.value) + (", alarm" if bar.alarm else "")
        parts.append(
            _text(width, top + 13, said, "limit-text" if bar.alarm else "value", colour="#1a1a1a", anchor="end")
        )
        parts.append(f'<rect class="track" fill="#e6e6e6" x="0" y="{top + 18}" width="{width}" height="8"/>')
        kind, colour = ("alarm", "#b3261e") if bar.alarm else ("bar", "#1f5fa8")
        parts.append(f'<rect class="{kind}" fill="{colour}" x="0" y="{top + 18}" width="{length:.1f}" height="8"/>')
        if bar.limit is not None:
            x = bar.limit / most * width
            parts.append(f'<rect class="mark" fill="#1a1a1a" x="{x - 1:.1f}" y="{top + 15}" width="2" height="14"/>')
    return _document(title, about, max(_BAR_STEP * len(found), 1), parts)


def _rise() -> int:
    return _HEIGHT - _BOTTOM - _TOP


def _across(y: float, right: int) -> str:
    return f'x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"'


def _runs(spots: Sequence[tuple[float, float] | None]) -> Iterator[str]:
    """Stretches without a gap, as points of a line."""
    run: list[str] = []
    for spot in [*spots, None]:
        if spot is not None:
            run.append(f"{spot[0]:.1f},{spot[1]:.1f}")
            continue
        if len(run) > 1:
            yield " ".join(run)
        run = []


def _mark(x: float, y: float, *, alarm: bool) -> str:
    if alarm:
        return f'<rect class="alarm" fill="#b3261e" x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"/>'
    return f'<circle class="point" fill="#1f5fa8" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>'


def _text(x: float, y: float, words: str, kind: str, *, colour: str, anchor: str = "start") -> str:
    shown = words if len(words) <= _MOST_LETTERS else words[: _MOST_LETTERS - 1] + "\u2026"
    return f'<text class="{kind}" fill="{colour}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(shown)}</text>'


def _document(title: str, about: str, height: int, parts: Sequence[str]) -> str:
    return "".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
            'font-family="sans-serif" font-size="12">',
            f"<title>{escape(title)}</title><desc>{escape(about)}</desc>",
            *parts,
            "</svg>",
        ]
    )


def number(value: float) -> str:
    """A figure in as many places as people read."""
    if not math.isfinite(value):
        return "-"
    if abs(value) >= 1000:  # noqa: PLR2004
        return f"{value:,.0f}"
    return f"{value:.3g}"


def share(value: float) -> str:
    """A share as percent."""
    return f"{number(100 * value)} %"
