"""Units of a live test: in order of request, one a key, after their time; blocks use each label once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.livetest import units
from tests.unit.runtime.livetest.requests import requests


@pytest.mark.parametrize(
    ("now", "closed"), [(0.0, 0), (10.0, 0), (12.9, 0), (13.0, 1), (22.9, 1), (23.0, 2), (-5.0, 0)]
)
def test_given_a_time_when_periods_of_10_with_3_for_labels_are_counted_then_only_what_cannot_change(
    now: float, closed: int
) -> None:
    assert units.closed_periods(now, 10, 3) == closed


def test_given_labels_early_late_and_missing_when_counted_then_only_those_within_the_wait() -> None:
    made = requests(asked=[1, 2, 3, 4, 12], labelled=[2, 9, np.nan, 4, 12])
    assert units.counted(made, 10, 3).asked.tolist() == [1, 4]


def test_given_a_key_twice_when_counted_then_its_first_labelled_request_counts() -> None:
    made = requests(asked=[1, 2, 3, 4], labelled=[np.nan, 2, 3, 4], keys=["a", "a", "a", "b"])
    assert units.counted(made, 10, 3).asked.tolist() == [2, 4]


def test_given_labels_that_come_later_when_counted_again_then_a_closed_period_is_the_same() -> None:
    early = requests(asked=[1, 2, 3], labelled=[2, np.nan, 3])
    later = requests(asked=[1, 2, 3, 11], labelled=[2, 90, 3, 11])
    assert units.counted(early, 10, 3).asked.tolist() == units.counted(later, 10, 3).asked.tolist()


def test_given_rows_that_one_model_did_not_score_when_paired_then_they_drop_out_and_are_told() -> None:
    made = requests(champion=[1, 0, np.nan, 1], challenger=[0, 0, 1, np.nan])
    assert units.paired(made).tolist() == [1, 0]
    assert units.unpaired_share(made) == 0.5
    assert units.unpaired_share(requests(champion=[], challenger=[])) == 0


def test_given_a_share_of_a_quarter_when_blocked_then_each_challenger_label_meets_the_three_nearest() -> None:
    answered = [False, False, True, False, False, False, True, False]
    champion = [0, 1, np.nan, 1, 1, 0, np.nan, 0]
    challenger = [np.nan, np.nan, 1, np.nan, np.nan, np.nan, 0, np.nan]
    made = requests(champion=champion, challenger=challenger, answered=answered)

    assert units.blocks(made, 0.25).tolist() == pytest.approx([2 / 3 - 1, 1 / 3 - 0])


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 1)), max_size=80), st.sampled_from([0.1, 0.25, 0.5]))
def test_given_any_order_of_arms_when_blocked_then_no_label_is_used_twice(
    rows: list[tuple[bool, int]], share: float
) -> None:
    answered = [arm for arm, _ in rows]
    made = requests(
        champion=[np.nan if arm else float(loss) for arm, loss in rows],
        challenger=[float(loss) if arm else np.nan for arm, loss in rows],
        answered=answered,
    )
    found = units.blocks(made, share)
    beside = round((1 - share) / share)

    assert len(found) <= min(sum(answered), (len(rows) - sum(answered)) // beside)
    assert (np.abs(found) <= 1).all()
    # Each challenger label is in one block, from the first on, so what is left are means of champion labels.
    used = (found + made.challenger_loss[made.challenger][: len(found)]) * beside
    assert np.allclose(used, used.round())
    assert used.sum() <= np.nansum(made.champion_loss) + 1e-9
