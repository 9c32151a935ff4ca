"""Takes secrets out of text before people see it: those of this home, and what has the form of one."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aifactory.home import Home
from aifactory_runtime import files
from aifactory_runtime.config import network

MASK = "***"
_HEADER = re.compile(r"(?i)\b(authorization\W{1,4}(?:basic|bearer)\s+)[^\s\"',]+")
_KEYS = ("password", "token")
_SHORTEST = 8
"""Shorter values are no secrets of ours, and masking them would eat ordinary words."""


@dataclass(frozen=True)
class Masking:
    """Replaces every secret that it knows."""

    secrets: tuple[str, ...] = ()

    @classmethod
    def of(cls, home: Home) -> Masking:
        """Knows every password, token and the passphrase that lie in `home` now."""
        found = {value for value in _secrets(home) if len(value) >= _SHORTEST}
        return cls(tuple(sorted(found, key=len, reverse=True)))

    def __call__(self, text: str) -> str:
        """`text` without secrets, logins in addresses and authorization headers."""
        for secret in self.secrets:
            text = text.replace(secret, MASK)
        return network.without_logins(_HEADER.sub(rf"\1{MASK}", text))


def _secrets(home: Home) -> Iterator[str]:
    with contextlib.suppress(OSError):
        yield home.passphrase.read_text(encoding="utf-8").strip()
    for path in (*(home.root / "credentials").rglob("*.json"), home.root / "shared" / "mlflow" / "session.json"):
        yield from _values(path)


def _values(path: Path) -> Iterator[str]:
    with contextlib.suppress(OSError, ValueError):
        content = files.read_json(path)
        yield from (str(content[key]) for key in _KEYS if content.get(key))
        yield from (str(one["key"]) for one in content.get("keys", ()) if isinstance(one, dict) and one.get("key"))
