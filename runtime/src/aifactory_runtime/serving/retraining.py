"""`POST /retrain`: a caller who may asks for a new training. The service adds a file to its inbox, and does no more."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from aifactory_runtime.capture.log_file import NotRecorded
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.serving.feedback import Denied
from aifactory_runtime.serving.request_decoding import Refused
from aifactory_runtime.triggers import inbox

if TYPE_CHECKING:
    from aifactory_runtime.serving.callers import Caller

MOST_WORDS = 500


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    why: Annotated[str, Meta(min_length=1, max_length=MOST_WORDS)]


_DECODER = msgspec.json.Decoder(_Body)


@dataclass(frozen=True)
class Retraining:
    """Where requests go."""

    folder: Path

    def ask(self, body: bytes, caller: Caller) -> bytes:
        """Write the request down and return its name, as JSON. Refused, Denied, NotRecorded."""
        if caller.roles.isdisjoint(inbox.MAY):
            raise Denied(f"a training is asked for by {', '.join(inbox.MAY)}; {caller.login} is none of them")
        try:
            why = _DECODER.decode(body).why
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Refused(f'/retrain takes {{"why": text of 1 to {MOST_WORDS} characters}}') from None
        name = f"post-{uuid.uuid4().hex}"
        try:
            inbox.put(self.folder, f"{name}.json", json.dumps({"id": name, "login": caller.login, "why": why}))
        except FactoryError as error:
            raise NotRecorded(str(error)) from None
        return msgspec.json.encode({"message": name})
