"""Who calls the scoring service: digests of tokens in a folder, a file a caller, read again when one changes."""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from aifactory_runtime import files
from aifactory_runtime.contract import names

_Stamp = tuple[tuple[str, int], ...]
"""Name and time of change of every caller's file."""

_SETTLED_NS = 1_000_000_000
"""Two changes may carry the same time on disk: until one is this old, the files are read at every call."""


@dataclass(frozen=True)
class Caller:
    """Who bears a token, and what they may be; whom an earlier factory wrote down without roles is a consumer."""

    login: str
    roles: frozenset[str]


@dataclass(frozen=True)
class _Token:
    """What lets its bearer in."""

    digest: bytes
    end: float
    caller: Caller


@dataclass
class Callers:
    """Bearers of tokens, each let in to the end of its time. A file that cannot be read lets nobody in."""

    folder: Path
    _seen: tuple[_Stamp, list[_Token]] = field(default=((), []), repr=False)

    def who(self, token: str, now: float | None = None) -> Caller | None:
        """The bearer of `token`, None when nobody bears it now; `now` in seconds since 1970, this moment by default."""
        digest = hashlib.sha256(token.encode()).hexdigest().encode()
        moment = time.time() if now is None else now
        found = [one for one in self._known() if hmac.compare_digest(digest, one.digest) and moment < one.end]
        return found[0].caller if found else None

    def admits(self, token: str, now: float | None = None) -> bool:
        """Whether the bearer of `token` may come in."""
        return self.who(token, now) is not None

    def bearers(self, now: float | None = None) -> list[tuple[Caller, float]]:
        """Everybody who is let in now, and until when in seconds since 1970: infinite where there is no end."""
        moment = time.time() if now is None else now
        ends: dict[Caller, float] = {}
        for one in self._known():
            if moment < one.end:
                ends[one.caller] = max(one.end, ends.get(one.caller, 0.0))
        return sorted(ends.items(), key=lambda entry: entry[0].login)

    def _known(self) -> list[_Token]:
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


def _accepted(path: Path) -> list[_Token]:
    """Every token in a caller's file."""
    try:
        found = files.read_json(path)
        roles = found.get("roles", [names.CONSUMER])
        caller = Caller(str(found.get("login", path.stem)), frozenset(map(str, roles)))
        return [_Token(str(one["sha256"]).encode(), _end(one["until"]), caller) for one in found["accepts"]]
    except (OSError, ValueError, LookupError, TypeError):
        return []


def _end(until: str | None) -> float:
    return float("inf") if until is None else datetime.fromisoformat(until).timestamp()
