"""Partitions one after the other in this process: order, nothing taken before it is needed, the place of an error."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from aifactory_runtime.cluster.executor import LocalExecutor
from aifactory_runtime.errors import FactoryError


def _double(number: int) -> int:
    if number == 3:
        raise ValueError("three")
    return 2 * number


def test_given_partitions_without_end_when_run_here_then_each_is_taken_when_its_result_is_asked_for() -> None:
    taken = []

    def partitions() -> Iterator[int]:
        number = 10
        while True:
            taken.append(number)
            yield number
            number += 1

    results = LocalExecutor().in_order(_double, partitions(), what="part")

    assert [next(results), next(results)] == [20, 22]
    assert taken == [10, 11]


def test_given_a_partition_that_fails_when_run_here_then_the_error_is_as_it_was_and_says_which() -> None:
    with pytest.raises(ValueError, match="three") as failed:
        list(LocalExecutor().in_order(_double, [1, 3], what="part"))
    assert failed.value.__notes__ == ["at part 2"]


def test_given_an_error_that_names_its_place_when_run_here_then_nothing_is_added() -> None:
    def fail(_: int) -> None:
        raise FactoryError("data.csv, row 7: no number")

    with pytest.raises(FactoryError) as failed:
        list(LocalExecutor().in_order(fail, [1], what="part"))
    assert not hasattr(failed.value, "__notes__")
