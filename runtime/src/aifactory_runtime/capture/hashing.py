"""Keyed hashes of values: who has the environment's key can find a value again, who has only the record cannot.

HMAC-SHA256. A hash names the version of the key that it was made with; older versions stay in the file, so that what
was recorded before a rotation is still found. Equal values have equal hashes, whatever their type: 41, 41.0 and "41".
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from aifactory_runtime import files
from aifactory_runtime.contract import EnvironmentContract, names
from aifactory_runtime.errors import UsageProblem

NAME = "hmac-sha256"
"""Every hash begins with it, the version of the key and its digest follow, with colons between them."""
_OTHERS = 0o077
_BYTES = 32
_MISSING = frozenset({"NAType", "NaTType"})
"""What pandas has in the place of a missing value; it is not imported here."""


@dataclass(frozen=True)
class Keys:
    """The keys of one use case in one environment, by version; the newest hashes what is recorded from now on."""

    versions: Mapping[int, bytes] = field(repr=False)

    def hash(self, value: Any) -> str | None:
        """The hash of a value by the newest key; None of a missing one."""
        written = text(value)
        return None if written is None else _hashed(max(self.versions), self.versions[max(self.versions)], written)

    def every(self, value: Any) -> tuple[str, ...]:
        """The hash of a value by every key there was, that of the newest first; none of a missing one."""
        written = text(value)
        if written is None:
            return ()
        newest_first = sorted(self.versions.items(), reverse=True)
        return tuple(_hashed(version, key, written) for version, key in newest_first)

    def hashes(self, value: Any) -> frozenset[str]:
        """The hashes of a value by every key there was: a record may hold any of them. None of a missing one."""
        return frozenset(self.every(value))


def of(contract: EnvironmentContract) -> Keys | None:
    """The keys of an environment; None where it was applied before there were any.

    With nothing provisioned the file is made when it is first needed. UsageProblem as `read` raises it.
    """
    if contract.capture_key_file is None:
        return None
    path = Path(contract.capture_key_file)
    if contract.environment == names.EMBEDDED:
        _make(path)
    return read(path)


def read(path: Path) -> Keys:
    """The keys in a file; UsageProblem when it is missing, open to others or broken."""
    try:
        mode = path.stat().st_mode
        versions = {int(one["version"]): bytes.fromhex(one["key"]) for one in files.read_json(path)["keys"]}
    except FileNotFoundError:
        raise UsageProblem(f"{path} is missing: factory up writes it") from None
    except (ValueError, LookupError, TypeError):
        versions = {}
    if not versions or min(map(len, versions.values())) < _BYTES:
        raise UsageProblem(f"{path} holds no keys for hashes: factory up writes it again")
    if mode & _OTHERS:
        raise UsageProblem(f"{path} can be read by others: chmod 600 it, then factory rotate {names.CAPTURE_KEY}")
    return Keys(versions)


def text(value: Any) -> str | None:
    """A value as it is hashed; None of a missing one. Types that mean the same are written the same."""
    plain = value.item() if type(value).__module__ == "numpy" else value
    if plain is None or type(plain).__name__ in _MISSING or plain != plain:  # noqa: PLR0124 - not a number
        return None
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, float) and plain.is_integer():
        return str(int(plain))
    if isinstance(plain, date) and not isinstance(plain, datetime):
        return f"{plain.isoformat()}T00:00:00"
    return plain.isoformat() if isinstance(plain, datetime) else str(plain)


def version_of(recorded: str) -> int | None:
    """The version of the key that something was hashed with; None of what is no hash."""
    name, _, rest = recorded.partition(":")
    version = rest.partition(":")[0]
    return int(version) if name == NAME and version.isdecimal() else None


def _hashed(version: int, key: bytes, written: str) -> str:
    return f"{NAME}:{version}:{hmac.digest(key, written.encode(), 'sha256').hex()}"


def _make(path: Path) -> None:
    """Write a first key, unless there is a file: of two that do so at once one wins."""
    if path.exists():
        return
    drawn = {"keys": [{"version": 1, "key": secrets.token_hex(_BYTES)}]}
    part = files.write(path.with_name(f"{path.name}.{secrets.token_hex(4)}"), json.dumps(drawn) + "\n", 0o600)
    with suppress(FileExistsError):
        path.hardlink_to(part)
    part.unlink()
