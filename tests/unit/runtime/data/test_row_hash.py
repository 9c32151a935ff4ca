"""Hashes of rows: whole numbers beyond 2^53 are told apart, all others have the hash that they always had."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.data import row_hash

WHOLE = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, 2**53, 2**53 + 1, -(2**53) - 1, -(2**63), 2**63 - 1])


@pytest.mark.parametrize("kind", ["int64", "Int64"])
@given(st.lists(WHOLE, min_size=1, max_size=30))
def test_given_whole_numbers_then_equal_ones_and_only_those_have_equal_hashes(kind: str, values: list[int]) -> None:
    hashed = row_hash.hashes(pd.DataFrame({"n": pd.Series(values, dtype=kind)}))
    assert len(set(hashed.tolist())) == len(set(values))


def test_given_unsigned_and_missing_ones_then_they_are_told_apart_too() -> None:
    assert len(set(row_hash.hashes(pd.DataFrame({"n": np.array([2**63, 2**63 + 1], dtype=np.uint64)})).tolist())) == 2
    gaps = pd.DataFrame({"n": pd.array([2**60, None, 2**60 + 1], dtype="Int64")})
    assert len(set(row_hash.hashes(gaps).tolist())) == 3


@given(st.lists(st.integers(-(2**53), 2**53), min_size=1, max_size=30))
def test_given_numbers_up_to_2_53_then_their_hash_is_that_of_the_float_so_that_no_split_changes(
    values: list[int],
) -> None:
    whole, decimal = pd.DataFrame({"n": np.array(values)}), pd.DataFrame({"n": np.array(values, dtype=float)})
    assert np.array_equal(row_hash.hashes(whole), row_hash.hashes(decimal))
