"""Takes up the live test that serving.json names, and drops it when it is over or was withdrawn by any worker."""

from __future__ import annotations

import logging
import threading
from functools import partial
from pathlib import Path

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.serving.document import Document, ServingFolder, Trial, Withdrawn
from aifactory_runtime.serving.service import Service
from aifactory_runtime.serving.trial.ask import Asking
from aifactory_runtime.serving.trial.running import LiveTest
from aifactory_runtime.serving.trial.scores_log import ScoresLog

_LOG = logging.getLogger("aifactory.serving")


class LiveTests:
    """The live test of one worker, looked for whenever serving.json or withdrawn.json changes."""

    def __init__(self, service: Service, folder: ServingFolder, socket: Path | None, capture: Path) -> None:
        self._service, self._folder, self._socket = service, folder, socket
        self._log = ScoresLog(capture)

    def follow(self, document: Document | None) -> None:
        """Have the service run the test that is to run now, or none."""
        wanted = self._wanted(document)
        running = self._service.live_test
        if (running.trial.id if running else None) == (wanted.trial.id if wanted else None):
            return
        if running is not None:
            running.end()
        self._service.live_test = wanted
        _LOG.warning("live test: %s", f"{wanted.trial.kind} {wanted.trial.id}" if wanted else "none")

    def _wanted(self, document: Document | None) -> LiveTest | None:
        model = self._service.model
        if document is None or self._socket is None or model is None or model.served != document.champion:
            return None
        trial, challenger = document.trial, document.challenger
        if trial is None or challenger is None or self._folder.was_withdrawn(trial.id):
            return None
        asking = Asking(self._socket, challenger.sha256, model.schema.classes, trial.timeout)
        withdraw = partial(self._withdraw, trial)
        return LiveTest(trial, challenger, asking, self._log, self._service.metrics, withdraw=withdraw)

    def _withdraw(self, trial: Trial, why: str) -> None:
        """No request goes to the challenger from here on; the file says so to all workers and to the next release.

        While the service stops, the challenger may be gone first: that is no fault of it.
        """
        if self._service.draining:
            return
        self._service.live_test = None
        _LOG.error("live test %s: the challenger is withdrawn: %s", trial.id, why)
        threading.Thread(target=self._write, args=(trial, why), daemon=True).start()

    def _write(self, trial: Trial, why: str) -> None:
        try:
            self._folder.withdraw_challenger(Withdrawn.now(trial.id, why))
        except FactoryError as error:
            _LOG.error("the withdrawal: %s", error)
