"""The split by partition gives each row the side that one process gives it, in whatever numbers it is parted."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from distributed import Client
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.cluster.dask_executor import DaskExecutor
from aifactory_runtime.data.splitting import exchange
from aifactory_runtime.errors import FactoryError
from tests.unit.runtime.data.splitting import parted, random_tables

pytestmark = pytest.mark.heavy
TIMED = 10
"""Of a table that is split by time."""
P = TypeVar("P")
R = TypeVar("R")


class _Killing(DaskExecutor):
    """Kills a worker once, when the sides are cut."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self._calls = 0

    def in_order(self, function: Callable[[P], R], partitions: Iterable[P], *, what: str) -> Iterator[R]:
        self._calls += 1
        for place, found in enumerate(super().in_order(function, partitions, what=what)):
            if self._calls == 3 and place == 1:
                os.kill(next(iter(self.client.run(os.getpid).values())), signal.SIGKILL)
            yield found


@given(st.integers(0, 2**32), st.tuples(st.integers(1, 6), st.integers(1, 9)), st.tuples(st.integers(1, 6), st.just(2)))
def test_given_partitions_and_buckets_in_any_number_when_split_then_rows_and_report_are_those_of_one_process(
    tmp_path_factory: pytest.TempPathFactory, seed: int, numbers: tuple[int, int], otherwise: tuple[int, int]
) -> None:
    one = random_tables.case(seed)
    found = random_tables.at_once(one)
    assert parted.by_partition(one, tmp_path_factory.mktemp("one"), *numbers) == found
    if isinstance(found, str):
        return
    later = random_tables.grown(one, found[0], seed)
    expected = random_tables.at_once(later)
    assert parted.by_partition(later, tmp_path_factory.mktemp("later"), *numbers) == expected
    assert parted.by_partition(later, tmp_path_factory.mktemp("again"), *otherwise) == expected


def test_given_workers_of_which_one_is_killed_when_split_then_rows_and_report_are_those_of_one_process(
    tmp_path: Path, dask_client: Client
) -> None:
    one = random_tables.case(TIMED)
    assert one.roles.time is not None
    found = random_tables.at_once(one)
    assert not isinstance(found, str)
    assert parted.by_partition(one, tmp_path, 3, 4, _Killing(dask_client)) == found


def test_given_a_file_that_is_gone_when_taken_then_one_line_names_it(tmp_path: Path) -> None:
    with pytest.raises(FactoryError, match=r"rows-000000-ends\.npy cannot be read"):
        list(exchange.Exchange(tmp_path, "rows", 2).take(1, 0))
