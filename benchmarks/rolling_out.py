"""A merge that changes operations only, from dev to prod of this machine, against the same merge with training."""

from __future__ import annotations

import itertools
import json
import shutil
import sys
from pathlib import Path

import pipeline
from measure import CHECKOUT, FACTORY, Row, paired, ratio_row, seconds

sys.path.insert(0, str(CHECKOUT))

from tests.fixtures.usecase_repo import commit

ROWS = 100_000
ROUNDS = 3
_OPERATIONS = "vendor/aifactory-runtime/src/aifactory_runtime/__init__.py"
_SCIENCE = "conf/base.yaml"


def measure(work: Path) -> list[Row]:
    """One row; the environments are destroyed afterwards."""
    folder = work / "rolling-out"
    home = {"FACTORY_HOME": str(folder / "home"), "PATH": f"{FACTORY.parent}:/usr/local/bin:/usr/bin:/bin"}
    destroy = [str(FACTORY), "destroy", "--all", "--yes", "--unprotect", "prod"]
    if (folder / "home" / "state").exists():
        seconds(destroy, work, home)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        repo = _repo(folder, home)
        _roll_out(repo, home)
        merges = itertools.count(1)
        ours, theirs = paired(
            lambda: _merged(repo, home, next(merges), trains=False),
            lambda: _merged(repo, home, next(merges), trains=True),
            ROUNDS,
        )
    finally:
        seconds(destroy, folder, home)
    what = f"a change of operations only, from merge to prod on this machine, {ROWS:,} x 20 rows"
    return [ratio_row(what, "the same merge with training", 0.5, ours, theirs)]


def _repo(folder: Path, home: dict[str, str]) -> Path:
    """A repo as `factory new` makes it of a table, with dev, staging and prod."""
    table = folder / "table.csv"
    pipeline.write_table(table, ROWS)
    told = ["--owner", "ana", "--into", str(folder), "--allow-dirty", "--data", str(table), "--target-column", "y"]
    seconds([str(FACTORY), "new", "rolled-out", *told], folder)
    repo = folder / "rolled-out"
    seconds([str(FACTORY), "up", "--platform"], repo, home)
    seconds(["make", "--no-print-directory", "setup"], repo, home)
    return repo


def _merged(repo: Path, home: dict[str, str], number: int, *, trains: bool) -> float:
    """Seconds from a commit that changes the runtime's copy, and a setting of training if it `trains`, to prod."""
    with (repo / _OPERATIONS).open("a", encoding="utf-8") as file:
        file.write(f"# merge {number}\n")
    if trains:
        settings = repo / _SCIENCE
        text = settings.read_text(encoding="utf-8")
        before = next(line for line in text.splitlines() if line.strip().startswith("learning_rate:"))
        settings.write_text(text.replace(before, f"    learning_rate: 0.1{number:03d}"), encoding="utf-8")
    commit(repo, f"Merge {number}")
    versions = _served(repo, home)
    took = _roll_out(repo, home)
    if (_served(repo, home) != versions) != trains:
        raise RuntimeError(f"merge {number} {'trained nothing' if trains else 'was trained'}")
    return took


def _roll_out(repo: Path, home: dict[str, str]) -> float:
    """Seconds of what a forge runs after a merge."""
    make = ["make", "--no-print-directory"]
    trained = seconds([*make, "train"], repo, {**home, "AIFACTORY_ENV": "dev"})
    return trained + sum(seconds([*make, "release", f"TO={name}"], repo, home) for name in ("staging", "prod"))


def _served(repo: Path, home: dict[str, str]) -> str:
    """The model that prod serves, by its digest."""
    document = Path(home["FACTORY_HOME"]) / "prod" / repo.name / "serving" / "serving.json"
    return str(json.loads(document.read_text(encoding="utf-8"))["champion"]["sha256"])
