"""Chunks made ahead: the same, in order, one at a time ahead, with their error where it belongs."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.data.ahead import ahead


@given(st.lists(st.integers()))
def test_given_any_chunks_when_made_ahead_then_they_are_the_same_in_order(chunks: list[int]) -> None:
    assert list(ahead(chunks)) == chunks


def test_given_a_chunk_in_use_then_one_more_is_made_and_no_further() -> None:
    made: list[int] = []
    second = threading.Event()

    def chunks() -> Iterator[int]:
        for number in range(5):
            made.append(number)
            if number == 1:
                second.set()
            yield number

    found = ahead(chunks())
    assert next(found) == 0
    assert second.wait(10)
    assert made == [0, 1]
    found.close()
    assert made == [0, 1]


def test_given_an_error_in_the_making_then_it_comes_after_the_chunks_before_it() -> None:
    def chunks() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    found = ahead(chunks())
    assert next(found) == 1
    with pytest.raises(ValueError, match="broken"):
        next(found)
