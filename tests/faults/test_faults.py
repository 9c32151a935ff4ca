"""The fault figures in short, and how their results are kept; `make faults` runs them in full."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from tests.faults import concurrent_runs, killed_partitions, killed_updates, killed_ups, pipeline_kills, run
from tests.faults.trials import Figure, Trial, figure

SEED = 7


@pytest.mark.slow
def test_fault_26_given_a_pipeline_killed_at_random_when_run_again_then_the_artefacts_are_the_same(
    tmp_path: Path,
) -> None:
    found = pipeline_kills.measure(1, SEED, tmp_path, print)

    assert [trial.problems for trial in found.trials] == [()]


@pytest.mark.slow
def test_fault_27_given_two_pipelines_at_once_when_run_then_one_leaves_and_nothing_is_damaged(tmp_path: Path) -> None:
    found = concurrent_runs.measure(1, SEED, tmp_path, print)

    assert [trial.problems for trial in found.trials] == [()]


@pytest.mark.slow
@pytest.mark.long  # kills at chosen moments are in tests/infra/test_provisioning.py
def test_fault_41_given_ups_killed_at_random_when_run_again_then_they_converge_without_orphans(tmp_path: Path) -> None:
    found = killed_ups.measure(1, SEED, tmp_path, print)

    assert [trial.problems for trial in found.trials] == [()]


@pytest.mark.slow
@pytest.mark.long  # a kill is in tests/e2e/test_cluster.py, too
def test_given_a_worker_killed_at_random_when_trained_and_scored_then_nothing_differs(tmp_path: Path) -> None:
    found = killed_partitions.measure(1, SEED, tmp_path, print)

    assert [trial.problems for trial in found.trials] == [()]


@pytest.mark.slow
def test_fault_16_given_updates_killed_at_random_when_ended_by_one_command_then_nothing_is_lost(tmp_path: Path) -> None:
    found = killed_updates.measure(3, SEED, tmp_path, print)

    assert [trial.problems for trial in found.trials] == [()] * 3
    assert all(trial.seconds > 0 for trial in found.trials), "what is shown is measured"


def test_given_the_same_seed_when_drawn_twice_then_the_trials_are_the_same() -> None:
    def draw(random: Random) -> Trial:
        return Trial(f"{random.random()}", 0.0)

    first, second = (figure(Figure(8, "kills", "all hold", SEED), [draw] * 3, print) for _ in range(2))

    assert first == second
    assert len({trial.what for trial in first.trials}) == 3


def test_given_a_limit_when_a_trial_takes_longer_then_it_is_not_counted_as_held() -> None:
    said: list[str] = []
    kinds = [lambda _: Trial("quick", 5.0), lambda _: Trial("slow", 5.1), lambda _: Trial("broken", 1.0, ("rows",))]

    found = figure(Figure(9, "pairs", "within 5 s", SEED, 5.0), kinds, said.append)

    assert (found.held, found.reached) == (1, False)
    assert ["took 5.1 s" in line for line in said] == [False, True, False]


def test_given_trials_with_limits_and_words_of_their_own_then_each_is_held_to_its_own_and_the_words_are_shown() -> None:
    fast, late = Trial("a", 4.0, seen="0 failed", limit_seconds=5.0), Trial("b", 6.0, limit_seconds=5.0)
    found = Figure(5, "rollbacks", "within 5 s", SEED, trials=[fast, late, Trial("c", 60.0, seen="none exposed")])

    assert (found.held, found.seen) == (2, "0 failed; none exposed")
    assert Figure(5, "rollbacks", "within 5 s", SEED, trials=[late]).seen == "median 6.0 s, longest 6.0 s"
    assert replace(found, said="all in all").seen == "all in all"


def test_given_a_figure_with_a_problem_when_kept_then_the_page_says_missed_and_its_prose_stays() -> None:
    found = Figure(8, "2 kills", "all hold", SEED, None, [Trial("a", 1.0), Trial("b", 3.0, ("rows differ",))])
    page = f"# Reliability\n\nbefore\n\n{run.BEGIN}\nyesterday\n{run.END}\n\nafter\n"

    written = run.with_table(page, {"8": run.record(found)})

    assert "| 8 | 2 kills | all hold | 1 of 2 **missed** | median 2.0 s, longest 3.0 s | 7 |" in written
    assert written.startswith("# Reliability\n\nbefore\n\n") and written.endswith("\n\nafter\n")
    assert "yesterday" not in written
    assert run.with_table(written, {"8": run.record(found)}) == written
