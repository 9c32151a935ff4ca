"""Figure 8: the pipeline is killed at a random moment; the rerun must give the artefacts of a run nobody killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from aifactory_runtime.audit import log
from aifactory_runtime.config import project
from aifactory_runtime.data import row_hash, tables
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline.context import Context
from tests.faults.trials import Figure, Say, Trial, figure
from tests.fixtures import usecase_repo

_ASKED = "the rerun gives the same artefacts, one registered version"
_TABLES = (tables.RAW, tables.PREPARED, tables.REFERENCE)
_DRAWS = 8
_LATEST = 1.05
"""Share of an undisturbed run's time up to which a kill is drawn."""


def measure(kills: int, seed: int, folder: Path, say: Say) -> Figure:
    """Kill `kills` pipelines, each in a fresh copy of one repo below `folder`."""
    pristine = usecase_repo.make_repo(folder / "pristine")
    undisturbed = _copy(pristine, folder / "undisturbed")
    began = time.monotonic()
    done = usecase_repo.run(undisturbed, "run")
    seconds = time.monotonic() - began
    if done.returncode:
        raise RuntimeError(f"the run that nobody kills fails: {done.stderr}")
    wanted = artefacts(undisturbed)

    def trial(random: Random) -> Trial:
        place = folder / "killed"
        try:
            return _trial(pristine, place, seconds, wanted, random)
        finally:
            shutil.rmtree(place, ignore_errors=True)

    return figure(Figure(8, f"{kills} random kills of the pipeline", _ASKED, seed), [trial] * kills, say)


def _trial(pristine: Path, place: Path, seconds: float, wanted: dict[str, Any], random: Random) -> Trial:
    for _ in range(_DRAWS):
        repo = _copy(pristine, place / f"{random.getrandbits(48):x}")
        after = random.uniform(0.02, _LATEST) * seconds
        began = time.monotonic()
        reached = _kill(repo, after)
        if reached is not None:
            break
        seconds = time.monotonic() - began  # the machine has become faster than it was at the start
    else:
        return Trial("never killed: it always ended first", 0.0, ("no kill",))
    began = time.monotonic()
    done = usecase_repo.run(repo, "run")
    took = time.monotonic() - began
    what = f"killed after {after:.2f} s, behind {reached}"
    if done.returncode:
        return Trial(what, took, (f"the rerun ends with {done.returncode}: {done.stderr.strip()[-300:]}",))
    found = artefacts(repo)
    return Trial(what, took, tuple(differences(found, wanted)))


def _kill(repo: Path, after: float) -> str | None:
    """Kill -9 a run and all it started, `after` seconds from its start: the last step told; None when it had ended."""
    with tempfile.TemporaryFile("w+") as told:
        process = subprocess.Popen(
            usecase_repo.command("run"),
            cwd=repo,
            env=usecase_repo.environment(),
            stdout=subprocess.DEVNULL,
            stderr=told,
            start_new_session=True,
        )
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        if process.wait() != -signal.SIGKILL:
            return None
        told.seek(0)
        steps = [line.split()[0] for line in told.read().splitlines() if line.strip()]
    return steps[-1] if steps else "nothing"


def artefacts(repo: Path, environment: str | None = None) -> dict[str, Any]:
    """What has to be the same after a kill: read from the tables, the registry and the log themselves."""
    context = Context(project.load(repo, environment))
    versions = context.registry.versions()
    finished = [run for run in _handoffs(context) if run.version is not None]
    with tempfile.TemporaryDirectory() as place:
        for version in versions:
            context.registry.download(version, Path(place) / str(version.number))  # checks the bytes against the digest
    chain = log.verify(Path(context.contract.audit_uri))
    read = {name: tables.read(context.tables, name) for name in _TABLES}
    return {
        "registered versions": [version.number for version in versions],
        "model": {version.model_sha256 for version in versions},
        "tables": {name: found.sha256 for name, found in finished[-1].tables.items()} if finished else {},
        "rows": {name: row_hash.digest(frame.columns, [row_hash.hashes(frame)]) for name, frame in read.items()},
        "gate": _verdict(finished[-1].gate) if finished else None,
        "audit log": (chain.lines, chain.problem),
        "unfinished files": unfinished(repo / ".factory"),
    }


def _verdict(gate: Mapping[str, Any] | None) -> dict[str, Any]:
    """Not its report, as what the model takes is measured anew, nor what it could compare, which runs before decide."""
    return {key: (gate or {}).get(key) for key in ("passed", "reasons")}


def differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """What is not as wanted, in words; the rows are digests, so nothing of the data is shown."""
    return [
        f"{key}: {str(found[key])[:200]}, not {str(wanted[key])[:200]}" for key in wanted if found[key] != wanted[key]
    ]


def unfinished(folder: Path) -> list[str]:
    """Half-written things outside the folders of runs, which nobody would clear away."""
    found = [
        path.relative_to(folder) for path in folder.rglob(".*") if path.suffix.lstrip(".").partition("-")[0].isdigit()
    ]
    return sorted(str(path) for path in found if "runs" not in path.parts)


def _handoffs(context: Context) -> Sequence[handoffs.Handoff]:
    runs = sorted(path.parent.name for path in (Path(context.contract.artifact_uri) / "runs").glob("*/handoff.json"))
    return [handoffs.load(context.artifacts, run) for run in runs]


def _copy(pristine: Path, target: Path) -> Path:
    shutil.copytree(pristine, target)
    return target
