"""A run whose cluster went away: the same command goes on after its last whole step, and only for the same rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from aifactory_runtime.config import project
from aifactory_runtime.errors import ClusterLost
from aifactory_runtime.pipeline import data_steps
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline import run as pipeline_run
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from tests.fixtures.usecase_repo import commit, write_customers

pytestmark = pytest.mark.heavy


class Steps:
    """Reads the data, then loses the cluster so often at `prepare`; writes down what ran."""

    def __init__(self, losses: int) -> None:
        self.ran: list[str] = []
        self._losses = losses

    def run(self, context: Context) -> Handoff:
        names = ("ingest", "validate", "prepare")
        steps: dict[str, pipeline_run.Step] = {"ingest": data_steps.ingest}
        steps |= {name: self._step(name) for name in names[1:]}
        self.ran.clear()
        return pipeline_run.run(context, names, run_id=None, kind="experiment", say=lambda _: None, steps=steps)

    def _step(self, name: str) -> pipeline_run.Step:
        def step(_: Context, handoff: Handoff) -> Handoff:
            self.ran.append(name)
            if name == "prepare" and self._losses:
                self._losses -= 1
                raise ClusterLost("the scheduler is gone")
            return replace(handoff, notes=(*handoff.notes, name))

        return step


def _runs(context: Context) -> list[str]:
    return sorted(path.name for path in (context.artifacts / "runs").iterdir())


def test_given_a_lost_cluster_when_run_again_then_the_run_goes_on_after_its_last_whole_step(context: Context) -> None:
    steps = Steps(losses=2)
    for _ in range(2):
        with pytest.raises(ClusterLost):
            steps.run(context)
    (lost,) = _runs(context)
    assert handoffs.load(context.artifacts, lost).lost_at == "prepare"

    done = steps.run(context)
    assert (done.id, steps.ran, done.notes) == (lost, ["prepare"], ("validate", "prepare"))
    assert handoffs.load(context.artifacts, lost).lost_at is None
    assert steps.run(context).id != lost
    assert steps.ran == ["validate", "prepare"]


@pytest.mark.parametrize("changed", ["rows", "settings"])
def test_given_a_lost_cluster_when_rows_or_settings_have_changed_then_a_new_run_begins(
    repo: Path, context: Context, changed: str
) -> None:
    steps = Steps(losses=1)
    with pytest.raises(ClusterLost):
        steps.run(context)
    if changed == "rows":
        write_customers(repo / "data" / "customers.csv", rows=20)
    else:
        (repo / "conf" / "base.yaml").open("a").write("\n")
        commit(repo, "Settings")

    steps.run(Context(project.load(repo)))
    assert steps.ran == ["validate", "prepare"]
    assert len(_runs(context)) == 2
