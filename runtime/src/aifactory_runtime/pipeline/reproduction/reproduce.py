"""Makes the model of an earlier run once more, from its commit, its data versions and its lock, and compares."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from aifactory_runtime.config import environment, layout
from aifactory_runtime.data import removals
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline import run_folder
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.pipeline.reproduction import checkout, provenance
from aifactory_runtime.pipeline.training import training_data
from aifactory_runtime.registry.port import RELEASED_WITH

_ENVIRONMENTS = "envs"
_PROCESSES = (
    "aifactory_runtime.pipeline.reproduction.reproduce_process",
    "aifactory_runtime.pipeline.retrain",  # its name in runtimes of before, which a commit may hold
)
Say = Callable[[str], None]


@dataclass(frozen=True)
class Reproduced:
    """What came of it; `differs` names the files of the model folder whose bytes are not those of the run."""

    run: str
    commit: str
    """Commit that trained the model, and trained it again."""
    served_with: str | None
    """Commit of the code that its version is served with here; None where it never was."""
    model_sha256: str
    again_sha256: str
    same_lock: bool
    differs: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether both models have equal bytes."""
        return self.model_sha256 == self.again_sha256


def reproduce(context: Context, name: str, say: Say) -> Reproduced:
    """Retrain the run `name`, an id of the pipeline or of MLflow, in a folder that is gone afterwards.

    Nothing of the environment changes. FactoryError when the run's commit, code or data are not to be had.
    """
    handoff = _find(context, name)
    with tempfile.TemporaryDirectory(prefix="aifactory-reproduce-") as temporary:
        root = Path(temporary) / handoff.commit
        say(f"commit {handoff.commit[:12]}, data {', '.join(f'{k} {v.tag[:15]}' for k, v in handoff.tables.items())}")
        if not checkout.extract(context.project.root, handoff.commit, root):
            raise FactoryError(f"commit {handoff.commit[:12]} is not in this repo: git fetch, then run this again")
        if provenance.code_sha256(root, context.project.manifest.package) != handoff.code_sha256:
            raise FactoryError(f"the code of commit {handoff.commit[:12]} is not what the run was made with")
        python, same_lock = _interpreter(context, handoff)
        if not same_lock:
            say(f"the run's lock is not this environment's, and {_missing(context, handoff)}: trained with this one")
        place = Path(temporary) / "model"
        again = _retrained(context, handoff, root, place, python)
        original = training_data.place(context, handoff)
        differs = _differences(original, place) if original.is_dir() else ()
    served_with = _served_with(context, handoff)
    return Reproduced(handoff.id, handoff.commit, served_with, handoff.model_sha256 or "", again, same_lock, differs)


def _find(context: Context, name: str) -> Handoff:
    """The run, by its id or by that of its tracking run; FactoryError when it cannot be made again."""
    handoff = _by_tracking_run(context, name) or handoffs.find(context.artifacts, context.tables, name)
    if handoff.model_sha256 is None:
        raise UsageProblem(f"run {handoff.id} trained no model: there is nothing to reproduce")
    if handoff.imported is not None:
        raise FactoryError(
            f"run {handoff.id} imported a model that was trained elsewhere: it cannot be trained again here"
        )
    if handoff.dirty:
        raise FactoryError(f"run {handoff.id} was made from files that no commit holds: it cannot be made again")
    return handoff


def _served_with(context: Context, handoff: Handoff) -> str | None:
    """The last commit of code that the run's version was released with in this environment."""
    if handoff.version is None:
        return None
    with suppress(FactoryError):  # the model was made again, whatever became of its version
        released = context.registry.version(handoff.version).tags.get(RELEASED_WITH, "").split()
        return released[-1] if released else None
    return None


def _by_tracking_run(context: Context, name: str) -> Handoff | None:
    for run in run_folder.ids(context.artifacts):
        try:
            found = handoffs.load(context.artifacts, run)
        except UsageProblem:
            continue
        if found.mlflow_run == name:
            return found
    return None


def _interpreter(context: Context, handoff: Handoff) -> tuple[str, bool]:
    """An interpreter whose environment is made from the run's lock, else this one and False."""
    if provenance.lock_sha256(context.project.root) == handoff.lock_sha256:
        return sys.executable, True
    released = Path(context.contract.snapshot_uri) / _ENVIRONMENTS / handoff.lock_sha256 / "bin" / "python"
    return (str(released), True) if released.exists() else (sys.executable, False)


def _missing(context: Context, handoff: Handoff) -> str:
    removal = removals.find(context.tables, removals.ENVIRONMENT, handoff.lock_sha256)
    return f"the environment of it {removal.when}" if removal else "no environment of it is here"


def _retrained(context: Context, handoff: Handoff, root: Path, place: Path, python: str) -> str:
    """Digest of the model that the commit's own code makes, in a process of its own."""
    file = place.with_name("environment.json")
    file.write_text(context.contract.model_dump_json(), encoding="utf-8")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(environment.PREFIX)}
    paths = [layout.python_path(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    variables = {**kept, environment.FILE: str(file), "PYTHONPATH": os.pathsep.join(paths)}
    for module in _PROCESSES:
        done = subprocess.run(
            [python, "-m", module, str(place)],
            cwd=root,
            env=variables,
            input=json.dumps(asdict(handoff)),
            capture_output=True,
            text=True,
            check=False,
        )
        if not done.returncode:
            return done.stdout.strip().splitlines()[-1]
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        if not re.search(r"No module named '?aifactory_runtime", last):
            raise FactoryError(f"run {handoff.id} cannot be made again: {last}")
    raise FactoryError(f"run {handoff.id} cannot be made again: its runtime is older than reproduce")


def _differences(original: Path, again: Path) -> tuple[str, ...]:
    """Names of files that are in one folder only or whose bytes differ."""
    found = {path.name: path.read_bytes() for path in original.iterdir() if path.is_file()}
    made = {path.name: path.read_bytes() for path in again.iterdir() if path.is_file()}
    return tuple(sorted(name for name in {**found, **made} if found.get(name) != made.get(name)))
