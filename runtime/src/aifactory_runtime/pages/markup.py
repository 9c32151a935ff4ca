"""Makes HTML: all text is escaped here, and nowhere else; what is markup already is of the type Markup."""

from __future__ import annotations

from html import escape

_EMPTY = frozenset({"link", "meta", "br", "hr"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(element: str, /, *children: str | None, **attributes: str | None) -> Markup:
    """An element; children and values of attributes are escaped, None is left out.

    `class_` becomes `class`, `aria_label` becomes `aria-label`.
    """
    given = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None}
    said = "".join(f' {key}="{escape(value)}"' for key, value in given.items())
    start = f"<{element}{said}>"
    return Markup(start if element in _EMPTY else f"{start}{joined(*children)}</{element}>")


def joined(*children: str | None) -> Markup:
    """Elements and texts, one after another."""
    return Markup("".join(one if isinstance(one, Markup) else escape(one) for one in children if one is not None))
