"""Which addresses of a scheduler may be spoken to: code that is sent there runs there, so both sides must be known."""

from __future__ import annotations

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

LOOPBACK = "127.0.0.1"
_EXAMPLE = "tls://10.0.0.5:8786"


def check(address: str, *, certificates: bool) -> str:
    """Return `address`; ValueError, which says what to write, unless it is TLS with certificates, or loopback.

    Whoever reaches a port of Dask without TLS may run code as its owner.
    """
    scheme, host, port = _parts(address)
    if scheme not in ("tcp", "tls") or not host or port is None:
        raise ValueError(f"{address} is no address of a scheduler: write it like {_EXAMPLE}")
    if scheme == "tls" and not certificates:
        raise ValueError(
            f"{address} asks for certificates: name the file that says where they are "
            "(cluster_tls_file of the environment, --tls of the command)"
        )
    if scheme == "tcp" and not is_loopback(host):
        raise ValueError(
            f"{address} lets in whoever reaches it, and code that is sent there runs there: use tls:// with "
            "certificates on both sides, or a scheduler on this machine's loopback address"
        )
    return address


def check_written(address: str) -> str:
    """Return `address` as a file in git may hold it, whose certificates lie elsewhere; see `check`."""
    return check(address, certificates=True)


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or a number, is this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _parts(address: str) -> tuple[str, str, int | None]:
    """Scheme, host and port; an empty host where it is no address."""
    try:
        found = urlsplit(address)
        return found.scheme, found.hostname or "", found.port
    except ValueError:
        return "", "", None


SchedulerAddress = Annotated[str, AfterValidator(check_written)]
