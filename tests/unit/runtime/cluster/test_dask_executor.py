"""Partitions on real workers: the same results in the same order, few ahead, killed workers, workers out of memory."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import Client, LocalCluster, get_worker

from aifactory_runtime.cluster.dask_executor import AHEAD, MOST_TOGETHER, TASK_SECONDS, DaskExecutor
from aifactory_runtime.cluster.executor import LocalExecutor
from aifactory_runtime.cluster.facts import Released
from aifactory_runtime.errors import FactoryError
from tests.fixtures.cluster import ALLOWED_FAILURES, NO_PAGES, WORKERS

pytestmark = pytest.mark.heavy


def _squared(number: int) -> int:
    return number * number


def _process(_: int) -> int:
    return os.getpid()


def _fails_at_four(number: int) -> int:
    if number == 4:
        raise ValueError("four")
    return number


def _task(_: int) -> str:
    """Which task of Dask it runs in."""
    return str(get_worker().get_current_task())


def _task_of_a_while(number: int) -> str:
    time.sleep(TASK_SECONDS)
    return _task(number)


def _fails_at_300(number: int) -> int:
    if number == 300:
        raise ValueError("of 300")
    return number


def _does_not_fit(number: int) -> None:
    """One line, made of an error that holds a row."""
    try:
        raise ValueError(f"secret of row {number}")
    except ValueError:
        raise FactoryError("age does not fit") from None


def _needs_too_much(_: int) -> None:
    raise MemoryError


def _dies_once(place: str) -> str:
    """The first process that takes the partition dies at it."""
    try:
        Path(place).touch(exist_ok=False)
    except FileExistsError:
        return place
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


def _dies(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_given_many_partitions_when_run_on_workers_then_results_are_those_of_one_process(
    dask_executor: DaskExecutor,
) -> None:
    partitions = range(40)
    there = list(dask_executor.in_order(_squared, partitions, what="part"))
    assert there == list(LocalExecutor().in_order(_squared, partitions, what="part"))
    assert dask_executor.workers == WORKERS


def test_given_many_partitions_when_run_on_workers_then_this_process_computes_none(dask_executor: DaskExecutor) -> None:
    assert os.getpid() not in set(dask_executor.in_order(_process, range(8), what="part"))


def test_given_partitions_without_end_when_run_on_workers_then_few_are_taken_ahead(dask_executor: DaskExecutor) -> None:
    taken = []

    def partitions() -> Iterator[int]:
        number = 0
        while True:
            taken.append(number)
            yield number
            number += 1

    results = dask_executor.in_order(_squared, partitions(), what="part")
    assert [next(results) for _ in range(3)] == [0, 1, 4]
    assert len(taken) <= 3 + AHEAD * WORKERS * MOST_TOGETHER
    results.close()  # type: ignore[attr-defined]


def test_given_partitions_that_take_no_time_when_run_on_workers_then_several_make_a_task(
    dask_executor: DaskExecutor,
) -> None:
    tasks = set(dask_executor.in_order(_task, range(400), what="part"))
    assert 400 / MOST_TOGETHER <= len(tasks) < 100


def test_given_partitions_that_take_long_when_run_on_workers_then_each_is_a_task(dask_executor: DaskExecutor) -> None:
    assert len(set(dask_executor.in_order(_task_of_a_while, range(6), what="part"))) == 6


def test_given_one_of_many_that_fails_when_run_on_workers_then_those_before_it_are_there_and_it_is_named(
    dask_executor: DaskExecutor,
) -> None:
    seen = []
    with pytest.raises(ValueError, match="of 300") as failed:
        for result in dask_executor.in_order(_fails_at_300, range(1, 400), what="part"):
            seen.append(result)
    assert seen == list(range(1, 300))
    assert failed.value.__notes__ == ["at part 300"]


def test_given_a_partition_that_fails_when_run_on_workers_then_the_error_is_as_it_was_and_says_which(
    dask_executor: DaskExecutor,
) -> None:
    with pytest.raises(ValueError, match="four") as failed:
        list(dask_executor.in_order(_fails_at_four, range(1, 9), what="part"))
    assert failed.value.__notes__ == ["at part 4"]


def test_given_a_line_that_was_made_of_an_error_with_a_row_when_it_comes_back_then_the_row_does_not(
    dask_executor: DaskExecutor,
) -> None:
    with pytest.raises(FactoryError, match="age does not fit") as caught:
        list(dask_executor.in_order(_does_not_fit, [7], what="part"))
    held: BaseException | None = caught.value
    while held is not None:
        assert "secret" not in str(held)
        held = held.__context__


def test_given_too_little_memory_when_run_on_workers_then_the_setting_is_named(dask_executor: DaskExecutor) -> None:
    said = r"part 1 does not fit into the memory of a worker.*GiB\): set the memory"
    with pytest.raises(FactoryError, match=said):
        list(dask_executor.in_order(_needs_too_much, [0], what="part"))


def test_given_a_worker_that_is_killed_when_run_then_its_partition_runs_again(
    dask_executor: DaskExecutor, tmp_path: Path
) -> None:
    places = [str(tmp_path / str(number)) for number in range(1)]
    assert list(dask_executor.in_order(_dies_once, places, what="part")) == places


def test_given_a_partition_that_ends_each_worker_when_run_then_it_is_tried_so_often_and_named(
    dask_executor: DaskExecutor,
) -> None:
    said = rf"part 1 took {ALLOWED_FAILURES + 1} workers down.*out of memory.*: set the memory of a worker"
    with pytest.raises(FactoryError, match=said):
        list(dask_executor.in_order(_dies, [0], what="part"))


def test_given_a_worker_of_other_code_when_it_gets_a_partition_then_it_refuses_it(dask_client: Client) -> None:
    executor = DaskExecutor(dask_client, released=Released("c" * 40, "d" * 64))
    with pytest.raises(FactoryError, match=r"a worker .* differs from this run: commit none instead of cccccccccccc"):
        list(executor.in_order(_squared, [1], what="part"))


def test_given_a_scheduler_that_ends_when_results_are_awaited_then_one_line_says_so() -> None:
    with LocalCluster(
        n_workers=1, processes=False, protocol="tcp://", host="127.0.0.1", dashboard_address=NO_PAGES
    ) as cluster:
        client = Client(cluster.scheduler_address, timeout=1, set_as_default=False)
        results = DaskExecutor(client).in_order(_squared, range(100), what="part")
        assert next(results) == 0
    with pytest.raises(FactoryError, match=r"the scheduler at tcp://127\.0\.0\.1:\d+ is gone.*the same command"):
        list(results)
    client.close()
