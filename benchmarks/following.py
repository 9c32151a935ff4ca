"""`factory update`, with its checks of loss, against `copier update` of the same repo; `factory status` in a repo."""

from __future__ import annotations

import itertools
import shutil
import statistics
from pathlib import Path

from measure import FACTORY, Row, limit_row, paired, ratio_row, seconds

from tests.fixtures.usecase_repo import commit
from tests.template.released import make_released, make_repo

ROUNDS = 7
_STATUS_SECONDS = 1.0


def measure(work: Path) -> list[Row]:
    """Two rows."""
    folder = work / "following"
    shutil.rmtree(folder, ignore_errors=True)
    repo = make_repo(make_released(folder / "factory"), folder / "first")
    with (repo / "Makefile").open("a", encoding="utf-8") as file:
        file.write("# a line of the owner\n")
    commit(repo, "An edit of the owner")
    copies = (shutil.copytree(repo, folder / str(number), symlinks=True) for number in itertools.count())
    variables = {"FACTORY_HOME": str(folder / "home"), "FACTORY_CACHE": str(folder / "cache")}

    def ours() -> float:
        return seconds([str(FACTORY), "update", "--to", "0.2.0"], next(copies), variables)

    def theirs() -> float:
        copier = str(FACTORY.with_name("copier"))
        return seconds([copier, "update", "--quiet", "--defaults", "--vcs-ref", "v0.2.0"], next(copies))

    ours_median, theirs_median = paired(ours, theirs, ROUNDS)
    status = [seconds([str(FACTORY), "status"], repo, variables) for _ in range(ROUNDS)]
    detail = f"the first, which renders the release, {status[0]:.1f} s"
    return [
        ratio_row("`factory update`, whole process", "`copier update`", 1.0, ours_median, theirs_median),
        limit_row("`factory status` in a repo", _STATUS_SECONDS, "s", statistics.median(status), detail),
    ]
