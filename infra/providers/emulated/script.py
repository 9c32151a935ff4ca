"""Failures that a person or test has asked for, in a file beside the world."""

from __future__ import annotations

import fcntl
import fnmatch
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.providers.protocol.failure import Failure


@dataclass(frozen=True)
class Script:
    """A file with a list of failures.

    Each is an object: `type` and `name`, patterns of the resource's token and name (default: any); `on`, one of create,
    read, update, delete (default create); `times` (default 1); `message`; `made`, whether the cloud did it all the same
    and only the answer was lost; `kill`, whether the plugin dies of it.
    """

    path: Path

    @contextmanager
    def around(self, action: str, urn: str) -> Iterator[None]:
        """Run what is inside, unless a failure of the script comes first or, for one with `made`, afterwards."""
        found = self._take(action, urn) if self.path.exists() else None
        if found is not None and not found.get("made"):
            _fail(found)
        yield
        if found is not None:
            _fail(found)

    def _take(self, action: str, urn: str) -> dict[str, Any] | None:
        """The first failure that fits, counted down; several plugins may ask at once."""
        token, name = urn.split("::")[-2].rpartition("$")[2], urn.rsplit("::", maxsplit=1)[-1]
        with self.path.open("r+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                entries = json.load(file)
                fitting = (entry for entry in entries if _fits(entry, action, token, name))
                found: dict[str, Any] | None = next(fitting, None)
            except (ValueError, AttributeError) as error:
                raise Failure(f"{self.path} is no list of failures: {error}") from None
            if found is not None:
                found["times"] = found.get("times", 1) - 1
                file.seek(0)
                file.truncate()
                json.dump(entries, file, indent=1)
        return found


def _fits(entry: dict[str, Any], action: str, token: str, name: str) -> bool:
    return (
        entry.get("times", 1) > 0
        and entry.get("on", "create") == action
        and fnmatch.fnmatchcase(token, entry.get("type", "*"))
        and fnmatch.fnmatchcase(name, entry.get("name", "*"))
    )


def _fail(entry: dict[str, Any]) -> None:
    if entry.get("kill"):
        os._exit(1)
    raise Failure(str(entry.get("message", "ServiceUnavailable: a scripted failure")))
