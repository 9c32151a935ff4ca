"""Recorded rows of a live test become the losses of both models on the same row."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from aifactory_runtime.livetest import units
from aifactory_runtime.livetest.rows import Row, requests
from aifactory_runtime.livetest.verdict import Labels, Rules

RULES = Rules(share=0.5, period=100, wait=10, longest=1_000)
ROW = Row(1.0, 2.0, 0, "ana", "champion", "champion", 0, 1)
"""The champion was right, the challenger wrong."""


def test_given_rows_when_either_answers_then_each_loss_is_of_its_own_model() -> None:
    theirs = replace(ROW, asked=2.0, turn="challenger", role="challenger", given=1, other=0)

    made = requests([theirs, ROW], RULES, classes=True)

    assert made.asked.tolist() == [1.0, 2.0], "in order of request"
    assert made.champion_loss.tolist() == [0.0, 0.0] and made.challenger_loss.tolist() == [1.0, 1.0]
    assert made.challenger.tolist() == [False, True]


def test_given_a_turn_that_the_champion_took_over_then_the_split_counts_the_turn_and_the_row_has_no_pair() -> None:
    failed = replace(ROW, turn="challenger", other=None)

    made = requests([failed], RULES, classes=True)

    assert made.challenger.tolist() == [True], "or a failing challenger would look like another split"
    assert units.unpaired_share(made) == 1.0


def test_given_no_label_then_no_loss_is_known() -> None:
    made = requests([replace(ROW, labelled=math.nan, label=None)], RULES, classes=True)

    assert np.isnan(made.champion_loss).all() and np.isnan(made.challenger_loss).all()


def test_given_labels_of_what_was_acted_upon_then_only_the_loss_of_who_answered_counts() -> None:
    rules = replace(RULES, labels=Labels.AFFECTED)
    theirs = replace(ROW, asked=2.0, turn="challenger", role="challenger", given=1, other=0)

    made = requests([ROW, theirs], rules, classes=True)

    assert np.isnan(made.challenger_loss[0]) and made.challenger_loss[1] == 1.0
    assert made.champion_loss[0] == 0.0 and np.isnan(made.champion_loss[1])


def test_given_numbers_then_the_first_period_sets_the_limit_of_errors_and_does_not_count() -> None:
    before = [replace(ROW, asked=float(second), label=10.0, given=8.0, other=9.0) for second in range(50)]
    after = replace(ROW, asked=150.0, labelled=151.0, label=10.0, given=9.0, other=0.0)

    made = requests([*before, after], RULES, classes=False)

    assert made.asked.tolist() == [150.0]
    assert (made.champion_loss[0], made.challenger_loss[0]) == (0.5, 1.0), "an error of 2 or more counts as 1"
