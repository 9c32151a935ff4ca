"""What the worker that answers and the challenger's say to each other over their socket: one line of JSON each way."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

SOCKET = "AIFACTORY_CHALLENGER"
"""Variable by which the launcher says where the challenger listens."""
MOST_BYTES = 64 << 20
"""The longest line: rows of a request, which is bounded before, or their answers."""


class Question(msgspec.Struct):
    """Rows to score, and by which model: another one than is loaded does not answer."""

    sha256: str
    rows: list[dict[str, Any]]


class Answer(msgspec.Struct, omit_defaults=True):
    """An output for each row as the prediction log has it, or why there is none: one of `ask.FAILURES`."""

    outputs: list[dict[str, Any]] | None = None
    error: str | None = None


def socket_path() -> Path | None:
    """Where the challenger listens; None where no launcher runs, so that there is none."""
    found = os.environ.get(SOCKET)
    return Path(found) if found else None
