"""Of the labels of one prediction the first one counts; what becomes of each other one has a name."""

from __future__ import annotations

import random

import pytest

from aifactory_runtime.capture import prediction_ids
from aifactory_runtime.labels import rules
from aifactory_runtime.labels.line import key_text
from aifactory_runtime.labels.rules import Calls
from tests.unit.runtime.capture.lines import prediction_id
from tests.unit.runtime.labels.parts import at, label


@pytest.mark.parametrize(
    ("sent", "states"),
    [
        ([("a", 1, None)], ["joined"]),
        ([("a", 1, None), ("b", 1, None)], ["joined", "doubled"]),
        ([("a", 1, None), ("b", 0, None), ("c", 1, None)], ["joined", "contradicting", "doubled"]),
        ([("a", 1, None), ("b", 0, "a")], ["replaced", "joined"]),
        ([("a", 1, None), ("b", 0, "a"), ("c", 1, "a")], ["replaced", "joined", "unknown"]),
        ([("a", 1, None), ("b", 0, "a"), ("c", 1, "b")], ["replaced", "replaced", "joined"]),
        ([("a", 1, "x")], ["unknown"]),
        ([("a", 1, "x"), ("b", 0, None)], ["unknown", "joined"]),
    ],
)
def test_given_labels_of_a_prediction_when_settled_then_the_first_counts_until_another_names_it(
    sent: list[tuple[str, int, str | None]], states: list[str]
) -> None:
    lines = [label(name, value, 0, prediction_id="p", replaces=replaces) for name, value, replaces in sent]
    assert [state for _, state in rules.settle(lines)] == states


def test_given_any_labels_when_settled_then_each_is_counted_once_and_later_ones_move_nothing_unasked() -> None:
    draw = random.Random(3)  # noqa: S311 - nothing secret
    for _ in range(300):
        sent = [
            label(str(number), draw.randint(0, 1), 0, prediction_id="p", replaces=draw.choice([None, None, "0", "1"]))
            for number in range(draw.randint(1, 6))
        ]
        settled = rules.settle(sent)
        assert [line for line, _ in settled] == sent
        assert sum(state == "joined" for _, state in settled) == any(line.replaces is None for line in sent)
        kept = rules.settle([*sent, label("z", 1, 0, prediction_id="p")])
        assert kept[:-1] == settled, "a label that names none takes no other's place"


def test_given_a_kpi_that_differs_when_settled_then_it_contradicts() -> None:
    same = [label("a", 1, 0, kpi=2.0), label("b", 1, 0, kpi=2.0), label("c", 1, 0)]
    assert [state for _, state in rules.settle(same)] == ["joined", "doubled", "contradicting"]


def test_given_a_key_when_looked_up_then_the_newest_prediction_before_the_outcome_was_seen_is_meant() -> None:
    calls: Calls = {"17": [(at(0), "first"), (at(100), "second")]}
    for seen, meant in ((at(-1), None), (at(0), "first"), (at(99), "first"), (at(100), "second")):
        assert rules.meant(label("a", 1, 1_000, key="17", at=seen), calls) == meant
    assert rules.meant(label("a", 1, 50, key="17", at=at(1_000)), calls) == "first", "none is seen before it is sent"
    assert rules.meant(label("a", 1, 50, key="18"), calls) is None


def test_given_an_absent_prediction_when_its_id_is_older_than_all_that_are_kept_then_it_was_removed() -> None:
    made = prediction_ids.made_at(prediction_id(1))
    assert made is not None
    kept = rules.stamp(made)
    older = prediction_id(1).replace(prediction_id(1)[:8], "01900000")
    assert rules.absent(older, kept) == "removed"
    assert rules.absent(older, None) == "unknown"
    for identity in (None, prediction_id(1), "0" * 32, "ffffffff-ffff-7000-a000-000000000000", "x"):
        assert rules.absent(identity, kept) == "unknown"


def test_given_values_of_a_key_when_compared_then_a_whole_number_is_one_key_however_it_came() -> None:
    assert {key_text(17), key_text(17.0), key_text("17")} == {"17"}
    assert [key_text(value) for value in (None, True, 1.5, "", [1])] == [None] * 5
