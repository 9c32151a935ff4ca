"""Follows serving.json: loads what it names beside the model that answers, swaps, and reports what came of it."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.serving import lean
from aifactory_runtime.serving.document import Document, Loaded, ServingFolder, Status
from aifactory_runtime.serving.loader import Loader
from aifactory_runtime.serving.model import ServedModel
from aifactory_runtime.serving.service import NOTHING_RELEASED

_LOG = logging.getLogger("aifactory.serving")
_MAX_WAIT_SECONDS = 30.0
_DOUBLINGS = 10
"""After so many failures the wait is long enough; without an end the power would be more than a float holds."""


class Holder(Protocol):
    """What holds the model that a watcher swaps."""

    model: ServedModel | None
    reason: str | None
    sequence: int

    @property
    def not_ready(self) -> str | None:
        """Why it cannot answer; None when it can."""


def _nothing(_document: Document | None) -> None:
    """Nobody else follows the document."""


class Watcher:
    """The thread that swaps the model. A model that is refused changes nothing but the reason that is reported."""

    def __init__(
        self,
        service: Holder,
        loader: Loader,
        folder: ServingFolder,
        poll_seconds: float,
        *,
        role: Literal["champion", "challenger"] = "champion",
        followed: Callable[[Document | None], None] = _nothing,
    ) -> None:
        self._service = service
        self._loader = loader
        self._folder = folder
        self._poll_seconds = poll_seconds
        self._role = role
        self._followed = followed
        self._seen: tuple[tuple[int, int] | None, ...] | None = None
        self._failures = 0
        self._again_at = 0.0
        self._reported: Status | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Begin to follow, in a thread."""
        self._folder.forget_the_dead()
        self._thread.start()

    def end(self) -> None:
        """Report that this worker drains, and follow no more."""
        self._ending.set()
        self._report()

    def withdraw(self) -> None:
        """Take the report away: this worker is gone."""
        self._ending.set()
        self._thread.join(timeout=self._poll_seconds + 1)
        self._folder.withdraw(os.getpid())

    def step(self) -> None:
        """Look once, and take over what is new; what failed is tried again, less and less often."""
        stamp = self._stamp()
        if stamp == self._seen and not (self._failures and time.monotonic() >= self._again_at):
            return
        if stamp != self._seen:
            self._failures = 0
        self._seen = stamp
        try:
            document = self._folder.read()
            if document is not None:
                self._follow(document)
            self._followed(document)
            self._service.reason = None if self._service.model else NOTHING_RELEASED
            self._failures = 0
        except FactoryError as error:
            self._failed(str(error))
        except Exception as error:  # a broken model must not end the thread that would load the next one
            self._failed(f"the model cannot be loaded ({type(error).__name__})")
        self._report()

    def _run(self) -> None:
        while not self._ending.is_set():
            self.step()
            self._ending.wait(self._poll_seconds)

    def _follow(self, document: Document) -> None:
        served = document.champion if self._role == "champion" else document.challenger
        current = self._service.model
        if served is None and current is not None:
            self._service.model = None
            _LOG.warning("version %s was taken back and nothing took its place", current.served.version)
        if served is not None and (current is None or current.served != served):
            if current is None and self._service.reason == NOTHING_RELEASED:
                self._service.reason = f"loading version {served.version}"
                self._report()
            started = time.monotonic()
            self._service.model = self._loader.load(served)
            del current
            lean.settle()
            self._loader.prune(served)
            _LOG.warning("serves version %s, loaded in %.1f s", served.version, time.monotonic() - started)
        self._service.sequence = document.sequence

    def _failed(self, reason: str) -> None:
        self._failures += 1
        wait = min(_MAX_WAIT_SECONDS, self._poll_seconds * 2.0 ** min(self._failures, _DOUBLINGS))
        self._again_at = time.monotonic() + wait
        if reason != self._service.reason:
            kept = self._service.model
            _LOG.error("%s; %s", reason, f"version {kept.served.version} goes on" if kept else "nothing is served")
        self._service.reason = reason

    def _report(self) -> None:
        service = self._service
        champion = Loaded(service.model.served.version, service.model.served.sha256) if service.model else None
        ready, reason = service.not_ready is None, service.not_ready or service.reason
        status = Status(os.getpid(), service.sequence, champion, ready, reason, self._loader.commit)
        if status == self._reported:
            return
        try:
            self._folder.report(status)
            self._reported = status
        except FactoryError as error:
            _LOG.error("the status: %s", error)

    def _stamp(self) -> tuple[tuple[int, int] | None, ...]:
        return tuple(map(_stamp_of, (self._folder.path, self._folder.withdrawal)))


def _stamp_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_ino
