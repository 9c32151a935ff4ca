"""From the registry's record to what answers: serving.json and the link to the code follow the champion alias."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.monitoring import expected
from aifactory_runtime.pipeline.snapshots import snapshot
from aifactory_runtime.registry.port import EXPECTED, Version
from aifactory_runtime.release import code_history, recorded_inputs, tags
from aifactory_runtime.release.side import Side
from aifactory_runtime.serving.document import Document, Served

WAIT_SECONDS = 90.0
"""How long a service may take to load a model: a first start compiles the environment's modules."""
_LOOK_SECONDS = 0.2
_LOG = logging.getLogger("aifactory.release")


def is_active(side: Side, version: Version) -> bool:
    """Whether serving.json names the version and the link leads to the code that belongs to it."""
    document = side.serving.known()
    if document is None or document.champion != served(side, version):
        return False
    if side.embedded:
        return True
    current = side.serving.current
    return current.is_symlink() and current.readlink() == side.snapshots.of(code_history.current(version))


def prepare(side: Side, version: Version) -> None:
    """Have the version's code and environment there, before an alias names it; FactoryError when they cannot be had."""
    if not side.embedded:
        prepare_code(side, version, code_history.current(version))


def prepare_code(side: Side, version: Version, commit: str) -> None:
    """Have the code of `commit` and its environment there; FactoryError when they cannot be had."""
    side.snapshots.extract(side.project.root, commit)
    side.snapshots.prepare(commit, code_history.lock(side, version, commit))


def activate(side: Side, version: Version) -> None:
    """Let code and serving.json follow; the workers do the rest."""
    prepare(side, version)
    if not side.embedded:
        tree = side.snapshots.of(code_history.current(version))
        _tell_unredacted(side, tree)
        snapshot.activate(side.serving.current, tree)
    if text := version.tags.get(EXPECTED):
        expected.keep(Path(side.contract.artifact_uri) / expected.FOLDER, version.model_sha256, text)
    side.serving.write(Document(sequence=side.serving.next_sequence(), champion=served(side, version)))
    side.serving.challenger.unlink(missing_ok=True)


def _tell_unredacted(side: Side, tree: Path) -> None:
    """A way back must stay open, so older code is let in; but nobody is to learn later what it recorded."""
    if rules := recorded_inputs.unredacted(side.contract, tree):
        side.audit("inputs recorded as they came", {"commit": tree.name, "rules": rules})
        _LOG.warning("%s", recorded_inputs.sentence(side.contract, tree.name, rules))


def deactivate(side: Side) -> None:
    """Serve nothing: there was nothing before what is taken back."""
    side.serving.write(Document(sequence=side.serving.next_sequence(), champion=None))
    side.serving.current.unlink(missing_ok=True)
    side.serving.challenger.unlink(missing_ok=True)


def served(side: Side, version: Version, commit: str | None = None) -> Served:
    """The version as serving.json names it, with the code of `commit`, else with that which it is served with."""
    commit = commit or code_history.current(version)
    return Served(
        version=str(version.number),
        sha256=version.model_sha256,
        uri=side.registry.artifact_address(version),
        commit=commit,
        code_sha256=code_history.code(side, version, commit),
        science_sha256=version.tags.get(tags.SCIENCE),
    )


def wait_until_served(side: Side, version: Version, seconds: float = WAIT_SECONDS) -> None:
    """Return when every worker that takes requests reports the version; FactoryError, with its reason, when none does.

    In the embedded default nothing needs to run: `serve` reads the document when it starts. A batch reads the registry.
    """
    if side.embedded or not side.contract.serves:
        return
    until = time.monotonic() + seconds
    reason = "no worker reports; see factory status"
    while time.monotonic() < until:
        workers = side.serving.statuses()
        ready = [status for status in workers if status.ready and status.champion is not None]
        if ready and all(
            status.champion and status.champion.sha256 == version.model_sha256 and _runs(status.commit, version)
            for status in ready
        ):
            return
        reason = next((status.reason for status in workers if status.reason), reason)
        time.sleep(_LOOK_SECONDS)
    raise FactoryError(
        f"version {version.number} is champion in {side.name}, but its service does not serve it after {seconds:g} s: "
        f"{reason}. Mend that and run release again, or run rollback --env {side.name}"
    )


def wait_until_withdrawn(side: Side, seconds: float = WAIT_SECONDS) -> None:
    """Return when no worker answers with a model any more; FactoryError when one still does."""
    until = time.monotonic() + seconds
    while any(status.champion for status in side.serving.statuses()):
        if time.monotonic() > until:
            raise FactoryError(
                f"{side.name} has no champion, but its service still answers after {seconds:g} s: see factory status"
            )
        time.sleep(_LOOK_SECONDS)


def _runs(commit: str | None, version: Version) -> bool:
    return commit is None or commit == code_history.current(version)
