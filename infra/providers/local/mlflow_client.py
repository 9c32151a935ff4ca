"""Speaks to MLflow's REST interface as its administrator; address and login are read from the home at each call."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from infra.providers.local import files, layout
from infra.providers.local.failure import Unreachable
from infra.providers.protocol.failure import Failure

if TYPE_CHECKING:
    import httpx

_SECONDS = 30.0


class NotThere(Failure):
    """MLflow knows nothing of that name."""


class AlreadyThere(Failure):
    """MLflow has it already."""


@lru_cache(maxsize=4)
def _client(address: str, login: str, password: str) -> httpx.Client:
    """One connection pool per server and login; building one costs more than a call."""
    import httpx

    return httpx.Client(base_url=address, auth=(login, password), timeout=_SECONDS, trust_env=False, verify=False)  # noqa: S501  loopback, plain HTTP


def call(home: str, method: str, path: str, /, **fields: Any) -> dict[str, Any]:
    """One call, `fields` as query of a GET and as JSON body else; the answer's JSON object.

    Raises Unreachable when no server answers, NotThere and AlreadyThere as MLflow says, Failure for other refusals.
    """
    import httpx

    port = files.own_json(layout.ports(home)).get(layout.TRACKING)
    login = files.own_json(layout.admin(home))
    if not port or not login:
        raise Unreachable(f"there is no tracking server in {home} yet: factory up shared")
    client = _client(f"http://{layout.LOOPBACK}:{port}", login["login"], login["password"])
    sent: dict[str, Any] = {"params": fields} if method == "GET" else {"json": fields}
    try:
        answer = client.request(method, f"/api/{path}", **sent)
    except httpx.TransportError:
        raise Unreachable(f"the tracking server does not answer on port {port}: factory start, or factory up") from None
    if answer.is_success:
        return dict(answer.json()) if answer.content.startswith(b"{") else {}
    raise _refusal(answer)


def _refusal(answer: httpx.Response) -> Failure:
    try:
        said = answer.json()
        code, message = said.get("error_code", ""), said.get("message", "")
    except (ValueError, AttributeError):
        code, message = "", answer.text
    if code == "RESOURCE_ALREADY_EXISTS":
        return AlreadyThere(message)
    if code == "RESOURCE_DOES_NOT_EXIST":
        return NotThere(message)
    if answer.status_code in {401, 403}:
        return Failure("the tracking server refuses credentials/admin.json: restore it from a backup of the home")
    first = str(message).strip().partition("\n")[0][:300]
    return Failure(f"the tracking server refuses {answer.request.url.path} ({answer.status_code}): {first}")
