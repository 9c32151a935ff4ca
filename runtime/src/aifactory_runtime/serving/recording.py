"""Records lines before their answers leave; requests that wait together share one write and one fsync."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from aifactory_runtime.capture.log_file import LogFile, NotRecorded

_LOG = logging.getLogger("aifactory.serving")


class Recorder:
    """Records lines for coroutines: those that arrive while the disk is busy go together in the next write."""

    def __init__(
        self,
        folder: Path,
        *,
        required: bool = True,
        log: Callable[[Path], LogFile] = LogFile,
        what: str = "predictions",
    ) -> None:
        self._folder = folder
        self._required = required
        self._file = log(folder)
        self._what = what
        self._waiting: list[tuple[Sequence[bytes], asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._said: str | None = None

    async def record(self, lines: Sequence[bytes]) -> bool:
        """Return when `lines` are on disk: True. When they are not, NotRecorded if that is required, else False."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((lines, done))
        if self._writer is None:
            self._writer = asyncio.create_task(self._drain())
        try:
            await done
        except NotRecorded:
            if self._required:
                raise
            return False
        return True

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
            become = "callers get 503" if self._required else "they are given without a record"
            _LOG.error("%s takes no %s, %s: %s", self._folder, self._what, become, reason)
        self._said = reason
