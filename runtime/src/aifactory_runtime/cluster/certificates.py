"""The certificates that both sides of a cluster show each other, named by one file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aifactory_runtime import files
from aifactory_runtime.errors import UsageProblem

if TYPE_CHECKING:
    from distributed.security import Security

_KEYS = ("ca", "cert", "key")
_OTHERS = 0o077


@dataclass(frozen=True)
class Certificates:
    """Files in PEM: who is trusted, who this side is, and its private key."""

    ca: Path
    cert: Path
    key: Path

    def security(self) -> Security:
        """As Dask takes them: TLS only, and each side asks the other for its certificate."""
        from distributed.security import Security

        ours = {
            f"tls_{role}_{part}": str(getattr(self, part))
            for role in ("client", "scheduler", "worker")
            for part in ("cert", "key")
        }
        return Security(tls_ca_file=str(self.ca), require_encryption=True, **ours)


def read(path: Path) -> Certificates:
    """What `path` names: JSON with ca, cert and key, each a file, relative to it or absolute.

    UsageProblem when one is missing, or when others may read the key.
    """
    try:
        said = files.read_json(path)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "no JSON"
        raise UsageProblem(f"{path} cannot be read ({why}): it says where ca, cert and key are, as JSON") from None
    missing = [key for key in _KEYS if not isinstance(said.get(key), str)]
    if missing:
        raise UsageProblem(f"{path} lacks {', '.join(missing)}: write ca, cert and key, each the path of a PEM file")
    found = Certificates(*(path.parent / said[key] for key in _KEYS))
    for key in _KEYS:
        if not (place := getattr(found, key)).is_file():
            raise UsageProblem(f"{path} names {place} as {key}, which is not there")
    if found.key.stat().st_mode & _OTHERS:
        raise UsageProblem(f"{found.key} may be read by others: chmod 600 {found.key}")
    return found
