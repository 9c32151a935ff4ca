"""A message to a webhook by HTTPS. Its address is secret: it stands in no error, and no redirect carries it on."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from aifactory_runtime.contract.channels import WebhookChannel
from aifactory_runtime.notify import forms, secret
from aifactory_runtime.notify.message import Message
from aifactory_runtime.notify.undelivered import Undelivered, because

TIMEOUT_SECONDS = 10
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_NOT_THIS_MESSAGE = frozenset({400, 413, 422})
_FORMS = {"json": forms.plain, "slack": forms.slack, "teams": forms.teams}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected message would arrive as a question without content, and look delivered."""

    def redirect_request(self, *_: Any) -> None:
        """Nowhere: the answer stays the redirect that it is."""


def send(channel: WebhookChannel, message: Message) -> None:
    """Deliver it; Undelivered when that is not known to have worked."""
    request = urllib.request.Request(  # noqa: S310 - checked by _address
        _address(secret.read(channel.address_file), channel.address_file),
        json.dumps(_FORMS[channel.form](message)).encode(),
        {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": message.id},
        method="POST",
    )
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT_SECONDS):
            return
    except urllib.error.HTTPError as error:
        error.close()
        raise Undelivered(f"answered {error.code}", refused=error.code in _NOT_THIS_MESSAGE) from None
    except urllib.error.URLError as error:
        raise Undelivered(because(error.reason if isinstance(error.reason, BaseException) else error)) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Undelivered(because(error)) from None


def _address(text: str, place: str) -> str:
    """An address that may be used; Undelivered, which does not repeat it, for another one."""
    try:
        parts = urlsplit(text)
        usable = bool(parts.hostname) and " " not in text and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise Undelivered(f"{place} holds no address: write it as https://...")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise Undelivered(f"{place} holds an address that is not https://, which others could read on its way")
    return text
