"""The newest labelled rows: better has to be no chance, worse is refused, and what cannot be judged is said."""

from __future__ import annotations

import numpy as np
import pytest

from aifactory_runtime.config.settings import GateSettings, WindowSettings
from aifactory_runtime.gate import labelled_window, paired
from aifactory_runtime.gate.chance import Answers
from aifactory_runtime.gate.labelled_window import Rows, Window
from aifactory_runtime.pipeline import scores

ROWS = Rows("captured labels of prod", 500, "2026-11-01", "2026-11-27")
LABELS = np.random.default_rng(0).integers(0, 2, 500)
STRICT, LOOSE = WindowSettings(), WindowSettings(must_be="not_worse")


def right_in(share: float, seed: int = 1) -> Answers:
    """A model that is right in this share of the rows."""
    right = np.random.default_rng(seed).random(len(LABELS)) < share
    chance = np.where(np.where(right, LABELS, 1 - LABELS) == 1, 0.9, 0.1)
    return Answers((chance > 0.5).astype(int), np.stack([1 - chance, chance], axis=1), (0, 1))


def score(labels: np.ndarray, said: Answers) -> float | None:
    return scores.of_answers(labels, said.judged, said.classes).get("accuracy")


def window(candidate: Answers, champion: Answers | None, units: np.ndarray | None = None) -> Window:
    return labelled_window.of("accuracy", ROWS, LABELS, candidate, champion=champion, score=score, units=units)


@pytest.mark.parametrize(
    ("candidate", "champion", "verdict", "strict", "loose"),
    [
        (0.9, 0.8, "better", True, True),
        (0.8, 0.9, "worse", False, False),
        (0.9, 0.9, "level", False, True),
    ],
)
def test_given_two_models_when_judged_then_better_passes_worse_does_not_and_alike_as_the_settings_say(
    candidate: float, champion: float, verdict: str, strict: bool, loose: bool
) -> None:
    found = window(right_in(candidate), right_in(champion, 2))

    assert found.verdict == verdict
    assert (found.objection(STRICT) is None, found.objection(LOOSE) is None) == (strict, loose)
    assert found.candidate is not None and found.champion is not None
    for figure in (found.candidate, found.champion):
        assert f"{figure:.6g}" in found.sentence
    assert "the newest 500 rows of captured labels of prod, 2026-11-01 to 2026-11-27" in found.sentence
    reasons = [one for one in (found.objection(STRICT),) if one]
    assert found.gains_nothing(reasons, STRICT) is (verdict == "level")
    assert not found.gains_nothing([*reasons, "no better than chance"], STRICT), "then something is wrong"
    part = found.evidence(STRICT)
    assert (part.name, part.report["verdict"], part.report["rows"]) == ("window", verdict, 500)
    assert bool(part.objections) is not strict
    assert found.metrics()["window.champion.accuracy"] == found.champion
    assert "must_be: not_worse" in (found.objection(STRICT) or "must_be: not_worse") or verdict == "worse"


def test_given_the_same_answers_when_judged_then_they_are_alike_whatever_chance_says() -> None:
    assert (window(right_in(0.9), right_in(0.9)).verdict, window(right_in(0.9), right_in(0.9)).p) == ("level", 1.0)


@pytest.mark.heavy
def test_given_models_that_are_alike_when_judged_then_one_in_twenty_is_called_better() -> None:
    blocks = paired.blocks(np.arange(500))
    found = [window(right_in(0.9, 2 * n), right_in(0.9, 2 * n + 1), blocks).verdict for n in range(80)]
    assert found.count("better") <= 10 and found.count("worse") <= 4


def test_given_a_gain_in_one_block_alone_when_judged_then_it_is_chance() -> None:
    champion, better = right_in(0.9), right_in(0.9)
    shares = better.judged.copy()
    shares[:100] = np.stack([1 - LABELS[:100], LABELS[:100]], axis=1)
    found = window(Answers(shares.argmax(axis=1), shares, (0, 1)), champion, np.repeat(np.arange(5), 100))
    assert found.candidate > found.champion and found.verdict == "level"  # type: ignore[operator]


def test_given_rows_without_a_figure_when_judged_then_it_is_said_and_nothing_is_refused() -> None:
    found = labelled_window.of("accuracy", ROWS, LABELS, right_in(0.9), champion=right_in(0.8), score=lambda *_: None)
    assert (found.verdict, found.objection(STRICT)) == ("not judged", None)
    assert found.sentence.startswith("no labelled window: accuracy cannot be computed on the newest 500 rows")


def test_given_no_champion_when_judged_then_the_figure_is_told() -> None:
    found = window(right_in(0.9), None)
    assert (found.verdict, found.objection(STRICT), set(found.metrics())) == ("no champion", None, {"window.accuracy"})


def test_given_few_rows_or_groups_when_asked_then_why_they_are_too_few() -> None:
    assert labelled_window.too_few(99, STRICT) == (
        "99 rows that no model learned from, fewer than gate.window.least_rows (100)"
    )
    assert labelled_window.too_few(500, STRICT, np.arange(500) % 29) == "rows of 29 groups, fewer than 30"
    assert labelled_window.too_few(500, STRICT, np.arange(500) % 30) is None


def test_given_a_margin_of_its_own_when_better_then_it_is_the_gates() -> None:
    gate = GateSettings(window=WindowSettings(max_loss_on_reference=0.3))
    assert Window("better").settings(gate).max_loss_to_champion == 0.3
    assert Window("level").settings(gate).max_loss_to_champion == 0.01
    assert Window("better").settings(GateSettings()).max_loss_to_champion == 0.01
