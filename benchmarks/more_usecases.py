"""Ten more use cases on a machine that runs the platform: seconds, memory and processes of each, released in dev."""

from __future__ import annotations

import shutil
from pathlib import Path
from statistics import median

from demo_runs import service_memory
from measure import FACTORY, Row, limit_row, seconds

from aifactory_runtime.config import layout

OF_EACH = 5
UP_LIMIT = 20.0
MEMORY_LIMITS = {"online": 150.0, "batch": 0.0}
"""Pattern to MB that one use case may take."""


def measure(work: Path) -> list[Row]:
    """Two rows a pattern; everything is destroyed afterwards."""
    folder = work / "more"
    home = {"FACTORY_HOME": str(folder / "home")}
    if (folder / "home" / "state").exists():
        seconds([str(FACTORY), "destroy", "--all", "--yes", "--unprotect", "prod"], work, home)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        seconds([str(FACTORY), "up", "dev"], folder, home)
        return [row for pattern in MEMORY_LIMITS for row in _measured(folder, home, pattern)]
    finally:
        seconds([str(FACTORY), "destroy", "--all", "--yes", "--unprotect", "prod"], folder, home)


def _measured(folder: Path, home: dict[str, str], pattern: str) -> list[Row]:
    """`factory up` of use cases of one pattern, and what they take once their models are released."""
    repos = [_repo(folder, f"more-{pattern}-{number}", pattern) for number in range(OF_EACH)]
    ups = [seconds([str(FACTORY), "up", "dev"], repo, home) for repo in repos]
    for repo in repos:
        train = [".venv/bin/python", "-m", repo.name.replace("-", "_"), "run"]
        seconds(train, repo, {**home, "AIFACTORY_ENV": "dev", "PYTHONPATH": layout.python_path(repo)})
        seconds([str(FACTORY), "release", "--to", "dev"], repo, home)
    programs = list((folder / "home" / "services" / "conf.d").glob(f"more-{pattern}-*"))
    taken = [service_memory(folder / "home" / "dev" / repo.name) for repo in repos]
    memory, processes = (median(one) for one in zip(*taken, strict=True))
    detail = f"{len(programs) // OF_EACH} services each, of {processes:g} processes"
    what = f"one more {pattern} use case in an environment"
    return [
        limit_row(f"`factory up` of {what}", UP_LIMIT, "s", median(ups), f"of {OF_EACH}; slowest {max(ups):.1f} s"),
        limit_row(f"memory of {what} (PSS), model released", MEMORY_LIMITS[pattern], "MB", memory, detail),
    ]


def _repo(folder: Path, name: str, pattern: str) -> Path:
    """A repo of the sample table; all share one environment, as their locks are equal."""
    seconds([str(FACTORY), "new", name, "--owner", "ana", "--into", str(folder), "--allow-dirty"], folder)
    repo, shared = folder / name, folder / "environment"
    manifest = repo / "factory.yaml"
    text = manifest.read_text(encoding="utf-8").replace("scoring: online", f"scoring: {pattern}")
    manifest.write_text(text, encoding="utf-8")
    person = ["-c", "user.name=Ana", "-c", "user.email=ana@example.com"]
    seconds(["git", *person, "commit", "--quiet", "--all", "--allow-empty", "--message", f"Score {pattern}"], repo)
    if not shared.exists():
        seconds(["make", "--no-print-directory", "setup"], repo)
        (repo / ".venv").rename(shared)
    (repo / ".venv").symlink_to(shared)
    return repo
