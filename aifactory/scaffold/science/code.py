"""Python source as the formatter leaves it: literals, and nested groups on one line or one item a line."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 120
_LATIN = range(0xC0, 0x180)
_CONFUSING = "\u00d7\u00f7\u0131\u0138\u0149\u017f"
"""Latin characters that a linter takes for others."""


@dataclass(frozen=True)
class Group:
    """Items between brackets, such as `pa.Column(` ... `)`."""

    opening: str
    items: Sequence[Node]
    closing: str


Node = str | Group


def text(value: str) -> str:
    """`value` as a literal: double quotes unless single ones save escapes; what may be mistaken is escaped."""
    quote = "'" if value.count('"') > value.count("'") else '"'
    return quote + "".join(_character(letter, quote) for letter in value) + quote


def literal(value: object) -> str:
    """A label or a number as a literal."""
    return text(value) if isinstance(value, str) else repr(value)


def strings(values: Sequence[str]) -> Group:
    """A tuple of texts."""
    return Group("(", [text(value) for value in values], ",)" if len(values) == 1 else ")")


def assign(name: str, node: Node) -> str:
    """`name = node`, as lines that end with a line break."""
    made = (
        Group(f"{name} = {node.opening}", node.items, node.closing) if isinstance(node, Group) else f"{name} = {node}"
    )
    return "\n".join(lines(made, 0, "")) + "\n"


def lines(node: Node, indent: int, tail: str) -> list[str]:
    """`node` at `indent` spaces, `tail` behind it: on one line when it fits, else one item a line."""
    space = " " * indent
    flat = space + _flat(node) + tail
    if isinstance(node, str) or (_width(flat) <= WIDTH and node.items):
        return [_lined(flat)]
    inner = [line for item in node.items for line in lines(item, indent + 4, ",")]
    return [_lined(space + node.opening), *inner, space + node.closing.lstrip(",") + tail]


def _flat(node: Node) -> str:
    if isinstance(node, str):
        return node
    return node.opening + ", ".join(_flat(item) for item in node.items) + node.closing


def _lined(line: str) -> str:
    return line if _width(line) <= WIDTH else f"{line}  # noqa: E501"


def _width(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)


def _character(letter: str, quote: str) -> str:
    if letter in ("\\", quote):
        return "\\" + letter
    place = ord(letter)
    if " " <= letter <= "~" or (place in _LATIN and letter not in _CONFUSING):
        return letter
    if place <= 0xFF:  # noqa: PLR2004 - two hexadecimal digits
        return f"\\x{place:02x}"
    return f"\\u{place:04x}" if place <= 0xFFFF else f"\\U{place:08x}"  # noqa: PLR2004 - four digits
