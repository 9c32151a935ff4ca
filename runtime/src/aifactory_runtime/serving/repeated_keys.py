"""Keys that stand twice in one object of JSON: decoders take the last one in silence, so that a value is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


class Repeated(ValueError):
    """An object has a key twice; the message is that key."""


def refuse(body: bytes, keys: int, inside: Callable[[], int] = int) -> None:
    """Raise Repeated when an object of `body`, valid JSON of which `keys` were decoded, has a key twice.

    Each key has a colon, so there is none twice when there are no more colons than keys. Names and texts may hold some,
    too: `inside` counts those of what was decoded, at least none, and is asked only then. It says nothing of a body
    with escapes, where a colon may be written otherwise. What is still unclear is read again.
    """
    more = body.count(b":") - keys
    if more > 0 and (b"\\" in body or more > inside()):
        json.loads(body, object_pairs_hook=_unlike, parse_int=str, parse_float=str)


def count(decoded: Any) -> int:
    """The keys of decoded rows: of the object, of those in it, and of those in its lists."""
    if not isinstance(decoded, dict):
        return 0
    below = [one for value in decoded.values() for one in (value if isinstance(value, list) else [value])]
    return len(decoded) + sum(len(one) for one in below if isinstance(one, dict))


def _unlike(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _value in pairs]
    if len(set(names)) < len(names):
        raise Repeated(next(name for name in names if names.count(name) > 1))
