"""Who answers a request in a live test: the stated share of keys, the same for a key, anew in another test."""

from __future__ import annotations

import pytest

from aifactory_runtime.serving.trial.split import is_challengers, recorded

KEYS = [f"customer-{number}" for number in range(20_000)]


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 1.0])
def test_given_a_share_when_many_keys_are_split_then_the_challenger_has_that_share_and_zero_is_none(
    share: float,
) -> None:
    found = sum(is_challengers(key, "test", share) for key in KEYS) / len(KEYS)

    deviation = (share * (1 - share) / len(KEYS)) ** 0.5
    assert abs(found - share) <= 4 * deviation


def test_given_a_key_then_it_stays_with_one_model_and_a_larger_share_takes_nobody_away() -> None:
    ours = {key for key in KEYS[:2_000] if is_challengers(key, "test", 0.1)}

    assert ours == {key for key in KEYS[:2_000] if is_challengers(key, "test", 0.1)}
    assert ours < {key for key in KEYS[:2_000] if is_challengers(key, "test", 0.2)}
    other = {key for key in KEYS[:2_000] if is_challengers(key, "another", 0.1)}
    assert len(ours & other) < len(ours) / 2, "another test divides anew"


def test_given_a_key_when_recorded_then_it_is_told_apart_and_not_read_nor_linked_to_another_test() -> None:
    assert recorded("ana", "test") == recorded("ana", "test")
    assert len({recorded("ana", "test"), recorded("bo", "test"), recorded("ana", "another")}) == 3
    assert "ana" not in recorded("ana", "test")
