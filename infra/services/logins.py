"""What a login may read: the tracking server is asked with the login itself, and its answer is kept for a moment."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

_READS = frozenset({"READ", "USE", "EDIT", "MANAGE"})
_KNOWN_SECONDS = 15.0
"""For so long what a login may read is remembered; the tracking server itself remembers a login for a minute."""
_MOST_KNOWN = 512
_ASK_SECONDS = 10.0
_REFUSED = (401, 403, 404)


class Away(Exception):
    """The tracking server does not answer, so nobody's rights are known."""


@dataclass(frozen=True)
class Rights:
    """What one login may read: names of registered models, all of them for the administrator."""

    models: frozenset[str] = frozenset()
    everything: bool = False

    def model(self, name: str) -> bool:
        """Whether it may read this model."""
        return self.everything or name in self.models or "*" in self.models


class Logins:
    """Asks the tracking server what a login may read, and remembers the answer for a moment; never a password."""

    def __init__(self, tracking: str) -> None:
        self._tracking = tracking
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, tuple[float, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def rights(self, login: str) -> Rights | None:
        """What the login, as the header `Authorization` has it, may read; None when it is none. Away as `_ask`."""
        found = self._asked(login, "/api/3.0/mlflow/users/current/permissions")
        if found is None:
            return None
        granted = [one for one in found.get("permissions", ()) if one.get("permission") in _READS]
        models = {str(one["resource_pattern"]) for one in granted if one.get("resource_type") == "registered_model"}
        return Rights(frozenset(models), found.get("is_admin") is True)

    def reads_runs(self, login: str, experiment: str) -> bool:
        """Whether the login may read the runs of an experiment. Away as `_ask`."""
        query = urllib.parse.urlencode({"experiment_name": experiment})
        return self._asked(login, f"/api/2.0/mlflow/experiments/get-by-name?{query}") is not None

    def _asked(self, login: str, path: str) -> Any:
        key = hmac.digest(self._key, f"{login}\n{path}".encode(), hashlib.sha256)
        with self._lock:
            until, answer = self._known.get(key, (0.0, None))
        if time.monotonic() < until:
            return answer
        answer = self._ask(login, path)
        with self._lock:
            self._known[key] = (time.monotonic() + _KNOWN_SECONDS, answer)
            self._known.move_to_end(key)
            while len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        return answer

    def _ask(self, login: str, path: str) -> Any:
        """The answer's JSON; None when it is refused. Away when there is no answer."""
        request = urllib.request.Request(self._tracking + path, headers={"Authorization": login})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=_ASK_SECONDS) as answer:  # noqa: S310 - loopback
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code in _REFUSED:
                return None
            raise Away from None
        except (OSError, ValueError):
            raise Away from None
