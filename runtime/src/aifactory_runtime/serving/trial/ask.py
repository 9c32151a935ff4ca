"""Asks the challenger over its socket. Whatever becomes of it, the call ends in time with an answer or a reason."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from aifactory_runtime.serving.trial.protocol import MOST_BYTES, Answer

ABSENT, LATE, REFUSED, NONSENSE = "absent", "late", "refused", "nonsense"
FAILURES = (ABSENT, LATE, REFUSED, NONSENSE)
_MOST_IDLE = 16
_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_ANSWER = msgspec.json.Decoder(Answer)
Outputs = list[dict[str, Any]]


class Failed(Exception):
    """The challenger gave no answer; the message is one of `FAILURES`."""


class Asking:
    """Connections to one challenger; one that failed is not used again."""

    def __init__(self, path: Path, sha256: str, classes: Sequence[Any], timeout: float) -> None:
        self._path, self._timeout = path, timeout
        self._begin = b'{"sha256":%s,"rows":' % msgspec.json.encode(sha256)
        self._classes = classes
        self._idle: list[_Connection] = []

    async def ask(self, rows: Sequence[msgspec.Struct]) -> Outputs:
        """Its outputs for `rows`, as many and of the form that the champion's have; Failed says why there are none."""
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._exchange(self._begin + msgspec.json.encode(rows) + b"}\n")
        except TimeoutError:
            raise Failed(LATE) from None
        except OSError:
            raise Failed(ABSENT) from None
        if answer.error is not None:
            raise Failed(answer.error if answer.error in FAILURES else REFUSED)
        if not is_answer(answer.outputs, len(rows), self._classes):
            raise Failed(NONSENSE)
        return answer.outputs or []

    def close(self) -> None:
        """Let go of the connections."""
        while self._idle:
            self._idle.pop()[1].close()

    async def _exchange(self, line: bytes) -> Answer:
        if self._idle:
            with suppress(OSError):  # it was of a challenger that has been started anew since
                return await self._said(line, *self._idle.pop())
            self.close()
        opened = await asyncio.open_unix_connection(str(self._path), limit=MOST_BYTES)
        return await self._said(line, *opened)

    async def _said(self, line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Answer:
        try:
            writer.write(line)
            await writer.drain()
            said = await reader.readline()
            if not said.endswith(b"\n"):
                raise ConnectionError
            answer = _ANSWER.decode(said)
        except (ValueError, msgspec.MsgspecError):  # ValueError: a line without end
            writer.close()
            raise Failed(NONSENSE) from None
        except BaseException:
            writer.close()
            raise
        if len(self._idle) < _MOST_IDLE:
            self._idle.append((reader, writer))
        else:
            writer.close()
        return answer


def is_answer(outputs: Outputs | None, rows: int, classes: Sequence[Any]) -> bool:
    """Whether these are answers to so many rows: known classes with shares that sum to 1, or finite numbers."""
    if outputs is None or len(outputs) != rows:
        return False
    return all(_is_class(output, classes) if classes else _is_number(output) for output in outputs)


def _is_class(output: dict[str, Any], classes: Sequence[Any]) -> bool:
    shares = output.get("probabilities")
    if set(output) != {"prediction", "probabilities"} or output["prediction"] not in classes:
        return False
    if not isinstance(shares, list) or len(shares) != len(classes):
        return False
    return all(_finite(share) and 0 <= share <= 1 for share in shares) and math.isclose(sum(shares), 1, abs_tol=1e-6)


def _is_number(output: dict[str, Any]) -> bool:
    return set(output) == {"prediction"} and _finite(output["prediction"])


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
