"""Carries out a plan: the record first, then what it names. Killed anywhere, the next tidying finds the rest."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from aifactory_runtime import files
from aifactory_runtime.capture.moving import DAY
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.data import removals, tables, upkeep
from aifactory_runtime.data.removals import CODE, ENVIRONMENT, EVENTS, OTHER_SCORES, RUN, Removal
from aifactory_runtime.monitoring import exclusive, expected, packing
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.retention import known
from aifactory_runtime.retention.rules import Plan, Run
from aifactory_runtime.storage.place import Place

_ASIDE = ".gone-"


def remove(contract: EnvironmentContract, plan: Plan, runs: Iterable[Run], who: str, now: datetime) -> None:
    """Remove what the plan names. FactoryError, and nothing is gone, when that cannot be written down."""
    data, artifacts = Path(contract.data_uri), Path(contract.artifact_uri)
    names = {one.kind: one.names for one in plan.removals}
    removals.note(data, [_also_tracked(one, runs) for one in plan.removals], who, now)
    for run in names.get(RUN, ()):
        _remove_folder(handoffs.folder(artifacts, run), artifacts / f"{_ASIDE}{run}")
    _sweep(artifacts)
    for table, stay in plan.stay.items():
        upkeep.vacuum(data, table, stay)
    for table in known.BY_DAY:
        _remove_rows(data, table, DAY, names.get(table, ()))
    if names.get(tables.MONITORS):
        with exclusive.waited(artifacts / expected.FOLDER):
            packing.remove(data, names[tables.MONITORS])
    _remove_rows(data, tables.SCORED, "prediction_id", names.get(tables.SCORED, ()))
    for kind, folder in ((EVENTS, contract.events_uri), (OTHER_SCORES, contract.capture_uri)):
        for name in names.get(kind, ()):
            (Path(folder) / name).unlink(missing_ok=True)
    _remove_code(contract, names.get(CODE, ()), names.get(ENVIRONMENT, ()))


def _also_tracked(removal: Removal, runs: Iterable[Run]) -> Removal:
    """A run is asked for by the id of the tracking server, too."""
    if removal.kind != RUN:
        return removal
    tracked = (run.tracking for run in runs if run.id in removal.names and run.tracking)
    return Removal(RUN, (*removal.names, *tracked), removal.rule)


def _remove_folder(folder: Path, aside: Path) -> None:
    """From one moment to the next: no reader finds half of it."""
    with suppress(FileNotFoundError):
        folder.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """What somebody who was killed had moved aside."""
    for name in files.names(folder):
        if name.startswith(_ASIDE):
            shutil.rmtree(folder / name, ignore_errors=True)


def _remove_rows(data: Place, table: str, column: str, names: Collection[str]) -> None:
    """Files whose rows all begin, in this column, with one of `names`; and what was taken out and is still there."""
    found = upkeep.files(data, table, column) if names else []
    gone = [
        one.path for one in found if any(one.least.startswith(name) and one.most.startswith(name) for name in names)
    ]
    upkeep.remove_files(data, table, gone)


def _remove_code(contract: EnvironmentContract, commits: Collection[str], environments: Collection[str]) -> None:
    """Let go of released code, and remove what nobody else holds on to; then the environments that nothing leads to."""
    claims = known.claims(contract)
    claims.drop(commits)
    for commit in claims.surplus(known.in_use(contract)):
        claims.remove(commit)
    for digest in environments:
        claims.remove_environment(digest)
    claims.sweep()
