"""One worker process of the scoring service: put together, run on a socket, ended by SIGTERM."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from aifactory_runtime.capture import redaction
from aifactory_runtime.config.project import Project
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.contract.recording import treatment
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.labels import line
from aifactory_runtime.serving import server
from aifactory_runtime.serving.app import create_app
from aifactory_runtime.serving.brought import Elsewhere
from aifactory_runtime.serving.callers import Callers
from aifactory_runtime.serving.document import ServingFolder
from aifactory_runtime.serving.feedback import Feedback
from aifactory_runtime.serving.fetch import Source
from aifactory_runtime.serving.loader import Loader
from aifactory_runtime.serving.one_at_a_time import OneAtATime
from aifactory_runtime.serving.recording import Recorder
from aifactory_runtime.serving.retraining import Retraining
from aifactory_runtime.serving.service import Service
from aifactory_runtime.serving.trial import protocol
from aifactory_runtime.serving.trial.follow import LiveTests
from aifactory_runtime.serving.trial.second_worker import SecondWorker
from aifactory_runtime.serving.watcher import Watcher

LAUNCHER = "AIFACTORY_LAUNCHER"
_PR_SET_PDEATHSIG = 1


class Worker:
    """The parts of one worker, wired together; with `elsewhere` others record, and it takes no labels and requests."""

    def __init__(self, project: Project, elsewhere: Elsewhere | None = None) -> None:
        self._project = project
        contract, settings = project.environment.contract, project.settings.serving
        folder = ServingFolder(Path(contract.release_uri))
        recorder = elsewhere or Recorder(Path(contract.capture_uri), required=contract.capture == "required")
        explainer = OneAtATime(settings.explain_seconds)
        self.service = Service(settings.max_body_bytes, recorder, callers_of(contract), explainer=explainer)
        self.service.feedback = None if elsewhere else _feedback(project)
        if self.service.callers is not None and contract.inbox_uri is not None:  # else nobody is known by name
            self.service.retraining = Retraining(Path(contract.inbox_uri))
        tests = LiveTests(self.service, folder, protocol.socket_path(), Path(contract.capture_uri))
        loader = _loader(project, folder)
        self.watcher = Watcher(self.service, loader, folder, settings.poll_seconds, followed=tests.follow)

    def answer(self, listener: socket.socket) -> bool:
        """Answer on `listener` until told to end; blocks. Whether it was Ctrl-C that ended it."""
        app = create_app(self.service, self._project.manifest.title)
        self.watcher.start()
        try:
            return server.run(app, listener, self._project.settings.serving.drain_seconds, self._drain)
        finally:
            self.watcher.withdraw()

    def load_first(self) -> None:
        """Return when a model is loaded. Until then the launcher answers, and this worker takes no connection."""
        while self.service.model is None:
            self.watcher.step()
            if self.service.model is None:
                time.sleep(self._project.settings.serving.poll_seconds)

    def _drain(self) -> None:
        self.service.draining = True
        self.watcher.end()


def second(project: Project) -> SecondWorker:
    """The worker of the challenger that serving.json names, with the code of `project`."""
    root = Path(project.environment.contract.release_uri)
    return SecondWorker(_loader(project, ServingFolder(root)), root, project.settings.serving.poll_seconds)


def prepare() -> None:
    """Log to standard error, in the launcher's form; end when the launcher does."""
    logging.basicConfig(
        stream=sys.stderr, format="%(asctime)s %(name)s: %(message)s", datefmt="%Y-%m-%dT%H:%M:%SZ", level="WARNING"
    )
    logging.Formatter.converter = time.gmtime
    end_with_launcher(os.environ)


def end_with_launcher(variables: Mapping[str, str]) -> None:
    """Have the system send SIGTERM when the process named by AIFACTORY_LAUNCHER ends, however it ends."""
    launcher = variables.get(LAUNCHER)
    if launcher is None:
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(launcher):
        sys.exit(0)


def callers_of(contract: EnvironmentContract) -> Callers | None:
    """Whom the service lets in; None when it asks for no token, FactoryError when nobody says who bears one."""
    if contract.endpoint_callers_uri:
        return Callers(Path(contract.endpoint_callers_uri))
    if contract.endpoint_token_file:
        raise FactoryError(f"{contract.environment} was applied by an older factory: factory up {contract.environment}")
    return None


def _feedback(project: Project) -> Feedback:
    """Labels go where predictions go, and are never acknowledged unless they are recorded; keys alike."""
    contract, key = project.environment.contract, project.manifest.labels.key
    recorder = Recorder(Path(contract.capture_uri), log=line.log, what="labels")
    treated = None if key is None else treatment(contract.capture_columns, key)
    hashed = partial(_hashed, contract) if treated == "hash" else None
    known = None if treated == "drop" else key
    return Feedback(recorder, known, project.settings.serving.max_rows, hashed, project.manifest.kpi_field)


def _hashed(contract: EnvironmentContract, keys: Sequence[str | None]) -> list[tuple[str, ...]]:
    return list(map(redaction.of(contract).every_hash, keys))  # read at each request, as keys are rotated


def _loader(project: Project, folder: ServingFolder) -> Loader:
    from aifactory_runtime.config import credentials
    from aifactory_runtime.pipeline.reproduction import provenance, science

    contract = project.environment.contract
    login = partial(credentials.of, contract, "service")
    return Loader(
        models=folder.models,
        source=Source(contract.tracking_uri, login),
        features=project.science.features(),
        code_sha256=provenance.code_sha256(project.root, project.manifest.package),
        commit=project.root.name if len(project.root.name) == 40 else None,  # noqa: PLR2004 - a snapshot's folder
        science=science.of_folder(project.root, project.manifest.package).digests,
        max_rows=project.settings.serving.max_rows,
        trusted=project.settings.train.trusted_types,
        read=project.settings.data.read,
        redaction=partial(redaction.of, contract),
    )
