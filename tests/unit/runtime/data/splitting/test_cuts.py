"""The row at a place in an order over all buckets is found exactly, however few keys each of them tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.data.splitting import cuts, mending


@given(st.integers(0, 2**32), st.integers(1, 400), st.integers(1, 7), st.integers(cuts.FEWEST, 20), st.data())
def test_given_keys_in_buckets_when_a_place_is_asked_for_then_it_is_that_of_the_sorted_keys(
    seed: int, rows: int, buckets: int, most: int, data: st.DataObject
) -> None:
    draw = np.random.default_rng(seed)
    keys = np.column_stack([draw.integers(0, 4, rows), draw.permutation(rows)]).astype(np.uint64)
    where, group = draw.integers(0, buckets, rows), draw.integers(0, 2, rows)
    wanted = [
        (one, data.draw(st.integers(0, int(count) - 1)))
        for one, count in enumerate(np.bincount(group, minlength=2))
        if count
    ]

    def ask(ranges: Sequence[cuts.Range]) -> Iterator[Sequence[cuts.Told]]:
        for bucket in range(buckets):
            own = [keys[(where == bucket) & (group == one.group)] for one in ranges]
            yield [
                cuts.tell((mine[:, 0], mine[:, 1]), one.low, one.high, most)
                for mine, one in zip(own, ranges, strict=True)
            ]

    expected = [sorted(map(tuple, keys[group == one].tolist()))[place] for one, place in wanted]
    assert cuts.find(wanted, ask) == expected


@given(st.floats(0, 1), st.integers(0, 2_000))
def test_given_a_share_when_rows_are_ranked_then_so_many_are_below_it(share: float, rows: int) -> None:
    ranks = (np.arange(rows) + 0.5) / max(rows, 1)
    assert mending.below(share, rows) == int((ranks < share).sum())
