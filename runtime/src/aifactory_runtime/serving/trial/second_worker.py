"""The challenger's worker: its own code and model behind a socket that only the worker that answers speaks to."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from aifactory_runtime.serving.document import CHALLENGERS_REPORTS, ServingFolder
from aifactory_runtime.serving.loader import Loader
from aifactory_runtime.serving.model import ServedModel
from aifactory_runtime.serving.request_decoding import Refused
from aifactory_runtime.serving.service import NOTHING_RELEASED, outputs_of
from aifactory_runtime.serving.trial.ask import ABSENT, REFUSED
from aifactory_runtime.serving.trial.protocol import MOST_BYTES, Answer, Question
from aifactory_runtime.serving.watcher import Watcher

_QUESTION = msgspec.json.Decoder(Question)


@dataclass
class Second:
    """What answers: the challenger's model, once it is loaded."""

    model: ServedModel | None = None
    reason: str | None = NOTHING_RELEASED
    sequence: int = 0

    @property
    def not_ready(self) -> str | None:
        """Why it cannot answer; None when it can."""
        return self.reason if self.model is None else None

    async def answer(self, line: bytes) -> Answer:
        """The model's outputs for the rows of a question, without columns that it does not know."""
        question, model = _QUESTION.decode(line), self.model
        if model is None or model.served.sha256 != question.sha256:
            return Answer(error=ABSENT)
        known = {column.name for column in model.schema.columns}
        rows = [{name: value for name, value in row.items() if name in known} for row in question.rows]
        try:
            read = model.reader.predict(msgspec.json.encode({"rows": rows}))
            return Answer(await outputs_of(model, read))
        except Refused:
            return Answer(error=REFUSED)


class SecondWorker:
    """Follows what serving.json names as challenger, and answers on a socket of its own."""

    def __init__(self, loader: Loader, root: Path, poll_seconds: float) -> None:
        self.second = Second()
        self._poll_seconds = poll_seconds
        folder = ServingFolder(root, CHALLENGERS_REPORTS)
        self.watcher = Watcher(self.second, loader, folder, poll_seconds, role="challenger")

    def run(self, path: Path) -> None:
        """Load the model, then answer on `path` until SIGTERM."""
        signal.signal(signal.SIGTERM, lambda *_: _leave())
        try:
            while self.second.model is None:
                self.watcher.step()
                if self.second.model is None:
                    time.sleep(self._poll_seconds)
            self.watcher.start()
            asyncio.run(self._listen(path))
        except SystemExit:
            self.watcher.withdraw()
            raise

    async def _listen(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._converse, path, limit=MOST_BYTES)
        path.chmod(0o600)
        async with server:
            await server.serve_forever()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer questions one after another; one that cannot be read ends the conversation."""
        try:
            while line := await reader.readline():
                writer.write(msgspec.json.encode(await self.second.answer(line)) + b"\n")
                await writer.drain()
        except (ValueError, OSError):
            pass
        finally:
            writer.close()


def _leave() -> None:
    """What is being scored belongs to callers who get the champion's answer, or to nobody: nothing is drained."""
    raise SystemExit(0)
