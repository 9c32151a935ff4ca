"""The files that hold an identity's login: chosen by identity or role, read only when nobody else can read them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.errors import UsageProblem

_OTHERS = 0o077


@dataclass(frozen=True)
class Credentials:
    """Login of one identity in one environment of one use case."""

    identity: str
    roles: tuple[str, ...]
    login: str
    password: str = field(repr=False)


def read(path: Path) -> Credentials:
    """Credentials in the file at `path`; UsageProblem when it is missing, open to others or broken."""
    try:
        mode = path.stat().st_mode
        loaded = json.loads(path.read_text(encoding="utf-8"))
        credentials = Credentials(loaded["identity"], tuple(loaded["roles"]), loaded["login"], loaded["password"])
    except FileNotFoundError:
        raise UsageProblem(f"{path} is missing: factory up writes it") from None
    except (ValueError, KeyError, TypeError):
        raise UsageProblem(f"{path} is not a credentials file: factory up writes it again") from None
    if mode & _OTHERS:
        raise UsageProblem(f"{path} can be read by others: chmod 600 it, and have its password changed")
    return credentials


def of(contract: EnvironmentContract, who: str | None = None) -> Credentials | None:
    """Credentials of `who` (an identity or a role that one identity holds); None where the environment asks for none.

    Without `who` those of the contract's own identity.
    """
    if contract.credentials_file is None:
        return None
    own = Path(contract.credentials_file)
    if who is None:
        return read(own)
    if "/" in who or who.startswith("."):
        raise UsageProblem(f"{who!r} is not an identity")
    named = own.parent / f"{who}.json"
    if named.exists():
        return read(named)
    everyone = [read(path) for path in sorted(own.parent.glob("*.json"))]
    holders = [credentials for credentials in everyone if who in credentials.roles]
    if len(holders) == 1:
        return holders[0]
    known = ", ".join(credentials.identity for credentials in everyone)
    reason = f"{len(holders)} people hold it, name one" if holders else f"known here: {known or 'nobody'}"
    raise UsageProblem(f"--as {who}: no such identity in {contract.environment} ({reason})")
