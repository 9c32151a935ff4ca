"""Draws lines, bars and a grid of numbers as SVG, each with a title, a description, axes and a legend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 560, 380
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 72, 56
_COLOURS = ("#1f5fa8", "#c2571a", "#2f7d4f", "#7a4fa3")
_DARK, _LIGHT, _RULE = "#222222", "#ffffff", "#d9d9d9"
_TICKS = 5
_NAME_WIDTH = 150
_LETTERS = 24
_HALF = 0.5


@dataclass(frozen=True)
class Line:
    """Points that belong together; `x` and `y` have equal lengths."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


def lines(title: str, about: str, found: Sequence[Line], labels: tuple[str, str], *, diagonal: bool = False) -> str:
    """Lines over common axes, `labels` naming them; with `diagonal` also where x and y are equal."""
    xs = [value for line in found for value in line.x]
    ys = [value for line in found for value in line.y]
    if diagonal:
        xs = ys = [*xs, *ys]
    across, up = _Axis(xs, _LEFT, WIDTH - _RIGHT), _Axis(ys, HEIGHT - _BOTTOM, _TOP)
    parts = [*_rules(across, up), *_axis_names(labels)]
    if diagonal:
        ends = (across.low, across.high)
        points = " ".join(f"{across.at(end):.1f},{up.at(end):.1f}" for end in ends)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{_RULE}" stroke-dasharray="5 4"/>')
    for number, line in enumerate(found):
        colour = _COLOURS[number % len(_COLOURS)]
        spots = [(across.at(x), up.at(y)) for x, y in zip(line.x, line.y, strict=True)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in spots]
        parts.append(_text(_LEFT + _NAME_WIDTH * number, _TOP - 12, line.name, fill=colour))
    return _document(title, about, HEIGHT, parts)


def bars(title: str, about: str, names: Sequence[str], values: Sequence[float], label: str) -> str:
    """A bar a name, from the top down; values may be below zero."""
    left, step, first = 190, 22, 52
    height = first + step * len(names) + _BOTTOM
    across = _Axis([0.0, *values], left, WIDTH - _RIGHT - 50)
    parts = []
    for number, (name, value) in enumerate(zip(names, values, strict=True)):
        top = first + step * number
        start, end = sorted((across.at(0.0), across.at(value)))
        parts.append(
            f'<rect x="{start:.1f}" y="{top + 3}" width="{max(end - start, 1):.1f}" height="{step - 6}" '
            f'fill="{_COLOURS[0]}"/>'
        )
        parts.append(_text(left - 8, top + 15, name, anchor="end"))
        parts.append(_text(end + 5, top + 15, f"{value:.3g}"))
    parts.append(_text((left + WIDTH) / 2, height - 18, label, anchor="middle"))
    return _document(title, about, height, parts)


def grid(
    title: str,
    about: str,
    names: tuple[Sequence[str], Sequence[str]],
    counts: Sequence[Sequence[int]],
    *,
    of: tuple[str, str],
) -> str:
    """Counts in cells, darker the larger their share of the row; `names` and `of`: of rows, then of columns."""
    rows, columns = names
    left, top = 150, _TOP + 24
    cell = max(24.0, min(64.0, (WIDTH - left - _RIGHT) / max(len(columns), 1)))
    height = int(top + cell * len(rows) + 24)
    parts = [_text(left, _TOP - 8, of[1]), _text(10, top - 8, of[0])]
    for place, name in enumerate(columns):
        parts.append(_text(left + cell * (place + _HALF), top - 8, name, anchor="middle", most=int(cell // 7)))
    for number, name in enumerate(rows):
        parts.append(_text(left - 8, top + cell * (number + _HALF) + 4, name, anchor="end"))
        total = max(sum(counts[number]), 1)
        for place, count in enumerate(counts[number]):
            share = count / total
            x, y = left + cell * place, top + cell * number
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{cell:.1f}" height="{cell:.1f}" stroke="{_LIGHT}" '
                f'fill="{_COLOURS[0]}" fill-opacity="{0.06 + 0.9 * share:.2f}"/>'
            )
            ink = _LIGHT if share > _HALF else _DARK
            parts.append(_text(x + cell / 2, y + cell / 2 + 4, str(count), anchor="middle", fill=ink))
    return _document(title, about, height, parts)


class _Axis:
    """Numbers as places in the picture, and the round numbers that are written beside it."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        low, high = min(values), max(values)
        if not high > low:
            low, high = low - (abs(low) or 1.0) * _HALF, high + (abs(high) or 1.0) * _HALF
        step = _round_step((high - low) / _TICKS)
        self.low, self.high = math.floor(low / step) * step, math.ceil(high / step) * step
        self.ticks = [self.low + step * number for number in range(round((self.high - self.low) / step) + 1)]
        self._start, self._per = start, (end - start) / (self.high - self.low)

    def at(self, value: float) -> float:
        """Where a number lies, in the picture's units."""
        return self._start + (value - self.low) * self._per


def _round_step(size: float) -> float:
    """1, 2 or 5 times a power of ten, not smaller than `size`."""
    power = 10.0 ** math.floor(math.log10(size))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= size * (1 - 1e-9))


def _rules(across: _Axis, up: _Axis) -> list[str]:
    parts = []
    for tick in up.ticks:
        y = up.at(tick)
        parts.append(f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{_RULE}"/>')
        parts.append(_text(_LEFT - 8, y + 4, f"{tick:.4g}", anchor="end"))
    for tick in across.ticks:
        parts.append(_text(across.at(tick), HEIGHT - _BOTTOM + 18, f"{tick:.4g}", anchor="middle"))
    return parts


def _axis_names(labels: tuple[str, str]) -> list[str]:
    middle = (_TOP + HEIGHT - _BOTTOM) / 2
    across = _text((_LEFT + WIDTH) / 2, HEIGHT - 14, labels[0], anchor="middle", most=60)
    up = _text(0, 0, labels[1], anchor="middle", most=60, turned=f"translate(16 {middle:.0f}) rotate(-90)")
    return [across, up]


def _text(
    x: float, y: float, words: str, *, anchor: str = "start", fill: str = _DARK, most: int = _LETTERS, turned: str = ""
) -> str:
    shown = words if len(words) <= most else words[: max(most - 1, 1)] + "\u2026"
    place = f' transform="{turned}"' if turned else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}"{place}>{escape(shown)}</text>'


def _document(title: str, about: str, height: int, parts: Sequence[str]) -> str:
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
            'role="img" font-family="sans-serif" font-size="12">',
            f"<title>{escape(title)}</title>",
            f"<desc>{escape(about)}</desc>",
            f'<rect width="{WIDTH}" height="{height}" fill="{_LIGHT}"/>',
            f'<text x="10" y="22" font-size="15" fill="{_DARK}">{escape(title)}</text>',
            f'<text x="10" y="38" font-size="11" fill="#555555">{escape(about)}</text>',
            *parts,
            "</svg>\n",
        ]
    )
