"""Where a run's partitions are computed: here, where no cluster is named; else there, by the code of its commit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from distributed import Client

from aifactory_runtime.cluster import facts
from aifactory_runtime.cluster.dask_executor import DaskExecutor
from aifactory_runtime.cluster.executor import LocalExecutor
from aifactory_runtime.cluster.facts import Released
from aifactory_runtime.cluster.sparing import FEW
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline import executing
from aifactory_runtime.pipeline.context import Context

pytestmark = pytest.mark.heavy


def _with(context: Context, **keys: Any) -> Context:
    """The same project against an environment that says this too."""
    resolved = context.project.environment
    contract = resolved.contract.model_copy(update={"environment": "dev", **keys})
    return Context(replace(context.project, environment=replace(resolved, contract=contract)))


def _say(client: Client, released: str) -> None:
    client.run(_be, released)


def _be(released: str) -> None:
    os.environ[facts.RELEASED] = released


@pytest.fixture
def there(context: Context, dask_client: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    """A cluster of the repo's commit; its scheduler is in this process."""
    released = Released(context.made_from.commit, context.made_from.lock_sha256).text
    monkeypatch.setenv(facts.RELEASED, released)
    _say(dask_client, released)
    assert dask_client.scheduler is not None
    yield _with(context, cluster_uri=dask_client.scheduler.address)
    _say(dask_client, "")


def test_given_no_cluster_when_asked_then_this_process_computes(context: Context) -> None:
    with executing.of(context) as executor:
        assert isinstance(executor, LocalExecutor)
        assert list(executor.in_order(abs, [-1], what="part")) == [1]


def test_given_a_cluster_when_asked_then_its_workers_compute_and_blocks_inside_have_the_same(there: Context) -> None:
    with executing.kept(there):
        with executing.of(there, always=True) as first:
            assert isinstance(first, DaskExecutor)
            assert list(first.in_order(abs, [-1, -2], what="part")) == [1, 2]
        with executing.of(there, always=True) as second:
            assert second is first
    assert first.client.status == "closed"


def _told(context: Context, engine: str) -> Context:
    """The same, with another `train.engine` in conf."""
    settings = context.settings
    told = settings.model_copy(update={"train": settings.train.model_copy(update={"engine": engine})})
    return Context(replace(context.project, settings=told))


def test_given_an_engine_when_few_or_many_partitions_are_run_then_it_decides_where(there: Context) -> None:
    with executing.of(_told(there, "dask")) as executor:
        assert os.getpid() not in set(executor.in_order(_process, [1], what="part"))
    with executing.of(_told(there, "local")) as executor:
        assert set(executor.in_order(_process, range(2 * FEW), what="part")) == {os.getpid()}


def test_given_few_partitions_when_run_then_no_cluster_is_started_and_that_is_said(
    there: Context, caplog: pytest.LogCaptureFixture
) -> None:
    with executing.of(there) as executor:
        assert list(executor.in_order(_process, range(FEW), what="part")) == [os.getpid()] * FEW
        assert not there.session._executor.started  # type: ignore[union-attr]
    assert "no cluster was started" in caplog.text


def test_given_many_partitions_when_run_then_the_cluster_computes_them_in_order(there: Context) -> None:
    with executing.of(there) as executor:
        assert list(executor.in_order(abs, range(0, -9, -1), what="part")) == list(range(9))
        assert os.getpid() not in set(executor.in_order(_process, iter(range(FEW + 1)), what="part"))


def _process(_: int) -> int:
    return os.getpid()


def test_given_a_cluster_of_another_commit_when_asked_then_it_is_refused(there: Context, dask_client: Client) -> None:
    _say(dask_client, "c" * 40)
    with pytest.raises(FactoryError, match=r"worker \S+ of the cluster .* commit cccccccccccc instead of"):
        executing.of(there, always=True).__enter__()


def test_given_files_that_are_not_committed_when_asked_for_a_cluster_then_they_are_refused(there: Context) -> None:
    there.project.root.joinpath("conf", "base.yaml").open("a").write("\n")
    with pytest.raises(UsageProblem, match="files are not committed, and the cluster of dev"):
        executing.of(there, always=True).__enter__()
