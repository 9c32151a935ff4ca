"""The prediction log: a line is on disk before its answer leaves; requests that wait together share one fsync."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from aifactory_runtime import files

FILE = "predictions.jsonl"
_LOG = logging.getLogger("aifactory.serving")
_KEY = b',"sequence":'


class NotRecorded(Exception):
    """The disk did not take the lines; what was written of them is cut off again."""


class LogFile:
    """Append-only file of one JSON object a line, shared by the workers of one service.

    Lines come without their closing brace: the file adds `"sequence"`, which grows by one a line whatever the clock
    does. A torn last line was never acknowledged and is cut off by whoever writes next.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = -1
        self._sequence = 0

    def append(self, lines: Sequence[bytes]) -> None:
        """Write `lines` and return when they are on disk; NotRecorded, with the file as before, when they are not."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            self._catch_up()
            content = b"".join(
                line + _KEY + b"%d}\n" % number for number, line in enumerate(lines, start=self._sequence + 1)
            )
            self._write(content)
            self._sequence += len(lines)
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    def _write(self, content: bytes) -> None:
        """All of `content` on disk, or the file as before."""
        try:
            self._size = files.append(self._descriptor, content)
        except OSError as error:
            raise NotRecorded(error.strerror) from None

    def _catch_up(self) -> None:
        """Learn size and sequence when another worker has written, or a killed one has left half a line."""
        if os.fstat(self._descriptor).st_size == self._size:
            return
        self._size = files.cut_torn_line(self._descriptor)
        last = files.last_line(self._descriptor, self._size)
        self._sequence = int(files.parse_json(last)["sequence"]) if last else 0


class Capture:
    """Records lines for coroutines: those that arrive while the disk is busy go together in the next write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = LogFile(path)
        self._waiting: list[tuple[Sequence[bytes], asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._said: str | None = None

    async def record(self, lines: Sequence[bytes]) -> None:
        """Return when `lines` are on disk; NotRecorded when they are not."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((lines, done))
        if self._writer is None:
            self._writer = asyncio.create_task(self._drain())
        await done

    async def close(self) -> None:
        """Wait for what is being written, then let go of the file."""
        if self._writer is not None:
            await self._writer
        self._file.close()

    async def _drain(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            failure: Exception | None = None
            try:
                await asyncio.to_thread(self._file.append, [line for lines, _ in batch for line in lines])
            except Exception as error:  # whatever it was, nobody may be told that it was recorded
                failure = error if isinstance(error, NotRecorded) else NotRecorded(f"damaged: {type(error).__name__}")
            self._tell(failure)
            for _, done in batch:
                if done.done():
                    continue
                if failure is None:
                    done.set_result(None)
                else:
                    done.set_exception(failure)
        self._writer = None

    def _tell(self, failure: Exception | None) -> None:
        """Log why nothing is recorded when that changes; a line a request would fill the disk even more."""
        reason = None if failure is None else str(failure)
        if reason is not None and reason != self._said:
            _LOG.error("%s takes no predictions, callers get 503: %s", self._path, reason)
        self._said = reason
