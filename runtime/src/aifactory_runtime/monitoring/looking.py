"""What monitors look at beside predictions: the service's counters, the audit log, quotas. All reading is here."""

from __future__ import annotations

import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aifactory_runtime import files
from aifactory_runtime.audit import log
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.monitoring import counts
from aifactory_runtime.monitoring.counts import Counts
from aifactory_runtime.serving.document import ServingFolder

if TYPE_CHECKING:
    from aifactory_runtime.contract import EnvironmentContract

_TIMEOUT_SECONDS = 5.0
_REFUSED = (401, 403)


class Down(FactoryError):
    """The service does not answer."""


def counters(contract: EnvironmentContract) -> Counts | None:
    """What the service has counted; None where there is no service. Down, FactoryError when they cannot be had."""
    if contract.endpoint_url is None or not contract.serves:
        return None
    request = urllib.request.Request(f"{contract.endpoint_url.rstrip('/')}/metrics")  # noqa: S310 - the contract's
    if contract.endpoint_token_file is not None:
        request.add_header("Authorization", f"Bearer {_token(Path(contract.endpoint_token_file))}")
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            text = answer.read().decode()
    except urllib.error.HTTPError as error:
        if error.code in _REFUSED:
            raise FactoryError("the service does not let the token in that the environment names: factory up") from None
        raise Down(f"the service answers {error.code} to /metrics") from None
    except OSError as error:
        raise Down(f"the service does not answer ({getattr(error, 'reason', None) or type(error).__name__})") from None
    try:
        return counts.parse(text)
    except (ValueError, KeyError, IndexError):
        raise FactoryError("what the service says under /metrics cannot be read: release with this runtime") from None


def champion(contract: EnvironmentContract) -> str | None:
    """Digest of the model that is to be served; None before the first release. FactoryError when damaged."""
    document = ServingFolder(Path(contract.release_uri)).read()
    return None if document is None or document.champion is None else document.champion.sha256


def since(contract: EnvironmentContract, sha256: str) -> datetime | None:
    """When the audit log first names a model: where it was trained that it was registered, else that it came here."""
    for line in log.read(Path(contract.audit_uri)):
        if sha256 in line["facts"].values():
            return moment(str(line["time"]))
    return None


def moment(text: str) -> datetime | None:
    """A time as our logs write it; None for what is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _token(path: Path) -> str:
    try:
        return str(files.read_json(path)["token"])
    except (OSError, KeyError, ValueError):
        raise FactoryError(f"{path} holds no token: factory up writes it") from None
