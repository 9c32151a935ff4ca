"""What two processes of a cluster must have in common, and how a difference is told."""

from __future__ import annotations

import pytest

from aifactory_runtime.cluster import facts
from aifactory_runtime.cluster.facts import Facts, Released


def test_given_the_same_process_when_compared_then_nothing_differs() -> None:
    assert facts.differences(facts.here(), facts.here()) == []


def test_given_a_variable_when_asked_then_a_worker_knows_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    released = Released("a" * 40, "b" * 64)
    monkeypatch.setenv(facts.RELEASED, released.text)
    assert facts.differences(facts.here(released), facts.here()) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Facts((("python", "3.12.1"), ("dask", "1")), "c:l"), ["python 3.12.1 instead of 3.11.9"]),
        (Facts((("python", "3.11.9"),), "c:l"), ["dask none instead of 1"]),
        (Facts((("python", "3.11.9"), ("dask", "1")), "d:l"), ["commit d instead of c"]),
        (Facts((("python", "3.11.9"), ("dask", "1")), "c:m"), ["lock m instead of l"]),
        (Facts((("python", "3.11.9"), ("dask", "1")), ""), ["commit none instead of c", "lock none instead of l"]),
    ],
)
def test_given_another_process_when_compared_then_each_difference_is_named(found: Facts, said: list[str]) -> None:
    assert facts.differences(Facts((("python", "3.11.9"), ("dask", "1")), "c:l"), found) == said


def test_given_a_run_that_names_no_commit_when_compared_then_commits_may_differ() -> None:
    assert facts.differences(Facts((("dask", "1"),), ""), Facts((("dask", "1"),), "c:l")) == []
