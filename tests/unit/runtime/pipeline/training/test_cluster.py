"""Training on Dask: a real scheduler and real workers, started and ended by the command; what is said without it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.pipeline.training import cluster
from tests.fixtures.usecase_repo import commit, run

_FOREST = '''"""A forest; says where its trees would be grown."""

import os

import joblib
from sklearn.ensemble import RandomForestClassifier


def make_model():
    """Trees that joblib spreads."""
    workers = set(joblib.Parallel()(joblib.delayed(os.getpid)() for _ in range(16)))
    with open("workers.txt", "a", encoding="utf-8") as stream:
        stream.write(f"{len(workers)} {os.getpid() in workers}\\n")
    return RandomForestClassifier(n_estimators=20, max_depth=4, min_samples_leaf=20)
'''


def test_given_no_dask_when_asked_for_then_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageProblem, match=r"make setup.*factory-dask\.txt"), cluster._here():
        pass


@pytest.mark.slow
def test_given_dask_in_conf_when_run_then_its_workers_grow_an_equal_forest_and_end_with_the_command(repo: Path) -> None:
    (repo / "src" / "demo_case" / "model.py").write_text(_FOREST)
    features = repo / "src" / "demo_case" / "features.py"
    features.write_text(features.read_text().replace('np.log1p(columns["income"])', 'np.nan_to_num(columns["income"])'))
    conf = repo / "conf" / "base.yaml"
    conf.write_text(conf.read_text().replace("  parameters:\n    C: 1.0\n", ""))
    (repo / ".gitignore").write_text("workers.txt\n.factory/\n")
    commit(repo, "A forest")
    figures = []
    for engine in ("local", "dask"):
        (repo / "conf" / "embedded.yaml").write_text(f"train: {{engine: {engine}, learning_curve: false}}\n")
        done = run(repo, "run", "--again", "--json")
        assert done.returncode == 0, done.stderr
        assert ("Dask workers" in done.stderr) == (engine == "dask")
        figures.append(json.loads(done.stdout)["metrics"])
    cores = len(os.sched_getaffinity(0))
    asked = "1 True"  # before rows are read, whether it can be trained by partition
    assert (repo / "workers.txt").read_text().splitlines() == ["1 True", asked, f"{cores} False"]
    # A forest adds up what its trees say in the order in which its threads end: equal but for the last bits.
    assert figures[0] == pytest.approx(figures[1], rel=1e-12)
