"""The files that an adoption writes itself: ruff.toml, and lists that hold the owner's lines and the factory's."""

from __future__ import annotations

import re
from collections.abc import Iterable

from aifactory.adopt.rules import ASIDE

_ODD = re.compile(r"[^\w ./@+,=~-]")
"""Characters that mean something in a pattern, or cannot be written down: one of any kind stands for each."""


def linter(unlinted: Iterable[str]) -> str:
    """The text of ruff.toml."""
    lines = "".join(f'  "{_pattern(path)}",\n' for path in unlinted)
    return (
        "# Yours: updates never touch it. Ruff reads it first; the rules are in pyproject.toml.\n"
        'extend = "pyproject.toml"\n'
        "# What was here before the factory: neither linted nor formatted. Take a file out when you want it linted.\n"
        f"extend-exclude = [\n{lines}]\n"
    )


def joined(own: bytes, factorys: bytes) -> bytes:
    """The owner's lines, then the factory's, which therefore win."""
    end = b"" if own.endswith(b"\n") or not own else b"\n"
    return b"# Yours, from before the factory.\n" + own + end + b"\n" + factorys


def _pattern(path: str) -> str:
    """A path as ruff takes it for that path alone: without a slash it would be any file of that name."""
    plain = _ODD.sub("?", path)
    return plain if "/" in plain or plain == ASIDE else f"./{plain}"
