"""The split by partition gives each row the side that one process gives it, in whatever numbers it is parted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.data.splitting import exchange
from aifactory_runtime.errors import FactoryError
from tests.unit.runtime.data.splitting import parted, random_tables

pytestmark = pytest.mark.heavy


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


def test_given_a_file_that_is_gone_when_taken_then_one_line_names_it(tmp_path: Path) -> None:
    with pytest.raises(FactoryError, match=r"rows-000000-ends\.npy cannot be read"):
        list(exchange.Exchange(tmp_path, "rows", 2).take(1, 0))
