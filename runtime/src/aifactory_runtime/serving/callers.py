"""Whom the scoring service lets in: digests of tokens in a folder, a file a caller, read again when one changes."""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from aifactory_runtime import files

_Stamp = tuple[tuple[str, int], ...]
"""Name and time of change of every caller's file."""

_SETTLED_NS = 1_000_000_000
"""Two changes may carry the same time on disk: until one is this old, the files are read at every call."""


@dataclass
class Callers:
    """Bearers of tokens, each let in to the end of its time. A file that cannot be read lets nobody in."""

    folder: Path
    _seen: tuple[_Stamp, list[tuple[bytes, float]]] = field(default=((), []), repr=False)

    def admits(self, token: str, now: float | None = None) -> bool:
        """Whether the bearer of `token` may come in; `now` in seconds since 1970, this moment by default."""
        digest = hashlib.sha256(token.encode()).hexdigest().encode()
        moment = time.time() if now is None else now
        return any(hmac.compare_digest(digest, known) and moment < end for known, end in self._known())

    def _known(self) -> list[tuple[bytes, float]]:
        stamp = self._stamp()
        newest = max((changed for _, changed in stamp), default=0)
        if stamp != self._seen[0] or time.time_ns() - newest < _SETTLED_NS:
            self._seen = (stamp, [one for name, _ in stamp for one in _accepted(self.folder / name)])
        return self._seen[1]

    def _stamp(self) -> _Stamp:
        try:
            with os.scandir(self.folder) as found:
                stamps = [(file.name, file.stat().st_mtime_ns) for file in found if file.name.endswith(".json")]
        except OSError:
            return ()
        return tuple(sorted(stamps))


def _accepted(path: Path) -> list[tuple[bytes, float]]:
    """Digest and end of every token in a caller's file."""
    try:
        entries = files.read_json(path)["accepts"]
        return [(str(entry["sha256"]).encode(), _end(entry["until"])) for entry in entries]
    except (OSError, ValueError, LookupError, TypeError):
        return []


def _end(until: str | None) -> float:
    return float("inf") if until is None else datetime.fromisoformat(until).timestamp()
