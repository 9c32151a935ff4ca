"""The file that holds an identity's login: chosen by identity, read only when nobody else can read it."""

from __future__ import annotations

import getpass
from dataclasses import dataclass, field
from pathlib import Path

from aifactory_runtime import files
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.errors import UsageProblem

_OTHERS = 0o077


@dataclass(frozen=True)
class Credentials:
    """Login of one identity in one environment of one use case."""

    identity: str
    login: str
    password: str = field(repr=False)
    roles: tuple[str, ...] = ()
    """Personas of a person; none in files of earlier releases."""


def read(path: Path) -> Credentials:
    """Credentials in the file at `path`; UsageProblem when it is missing, open to others or broken."""
    try:
        mode = path.stat().st_mode
        loaded = files.read_json(path)
        credentials = Credentials(
            loaded["identity"], loaded["login"], loaded["password"], tuple(loaded.get("roles") or ())
        )
    except FileNotFoundError:
        raise UsageProblem(f"{path} is missing: factory up writes it") from None
    except (ValueError, KeyError):
        raise UsageProblem(f"{path} is not a credentials file: factory up writes it again") from None
    if mode & _OTHERS:
        raise UsageProblem(f"{path} can be read by others: chmod 600 it, and have its password changed")
    return credentials


def of(contract: EnvironmentContract, who: str | None = None) -> Credentials | None:
    """Credentials of the identity `who`; None where the environment asks for none.

    Without `who` those of the contract's own identity. UsageProblem as `read` raises it.
    """
    if contract.credentials_file is None:
        return None
    own = Path(contract.credentials_file)
    if who is None:
        return read(own)
    if "/" in who or who.startswith("."):
        raise UsageProblem(f"{who!r} is not an identity")
    return read(own.parent / f"{who}.json")


def login_of(contract: EnvironmentContract, who: str | None = None) -> str:
    """The login that acts, from the file that only this person can read; see `acting` for where there is none."""
    return acting(contract, of(contract, who))


def acting(contract: EnvironmentContract, login: Credentials | None) -> str:
    """Who acts: a login, on AWS whoever is logged in there, with nothing provisioned the account on this machine."""
    if login is not None:
        return login.login
    if contract.target == "aws":
        from aifactory_runtime.aws.session import Session

        return Session(contract).identity.name
    return getpass.getuser()
