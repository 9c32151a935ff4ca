"""Other versions of numeric packages: a model that answers alike stays, and only one that does not is trained again."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.reproduction import parity
from aifactory_runtime.registry.port import NUMERIC, SAME_ANSWERS
from tests.fixtures.usecase_repo import commit
from tests.unit.runtime.conftest import Pipeline

SCIPY, NUMPY = metadata.version("scipy"), metadata.version("numpy")


def lock(repo: Path, scipy: str, more: str = "click==8.5.1") -> None:
    """The factory's lock, with this version of SciPy."""
    (repo / "requirements" / "factory.txt").write_text(f"{more}\nnumpy=={NUMPY}\nscipy=={scipy}\n")
    commit(repo, f"SciPy {scipy}, {more}")


def answers(context: Context, run: str) -> Path:
    return Path(context.contract.artifact_uri) / "runs" / run / "answers.json"


@pytest.mark.slow
def test_given_another_version_of_a_numeric_package_when_run_then_equal_answers_keep_the_model(
    repo: Path, pipeline: Pipeline, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    lock(repo, "1.0.0")
    first = pipeline()
    rows = len(json.loads(answers(context, first.id).read_text())["predictions"])
    lock(repo, SCIPY)

    assert pipeline(again=False) == first
    said = f"version 1 stays, though scipy 1.0.0 is {SCIPY} now: its predictions on {rows} reference rows agree"
    assert rows > 50 and caplog.text.count(said) == 1
    (version,) = context.registry.versions()
    assert version.tags[NUMERIC] == f"numpy=={NUMPY} scipy==1.0.0" and version.tags[SAME_ANSWERS]

    lock(repo, SCIPY, "click==8.5.2")
    assert pipeline(again=False) == first
    assert caplog.text.count("version 1 stays") == 1, "what is known is not asked again"


def another_answer(place: Path) -> None:
    said = json.loads(place.read_text())
    said["probabilities"][2][0] += 0.25
    said["probabilities"][6][1] -= 1e-6
    said["probabilities"][9][1] -= 1e-12
    place.write_text(json.dumps(said))


def of_another_model(place: Path) -> None:
    place.write_text(json.dumps({**json.loads(place.read_text()), "model_sha256": "0" * 64}))


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [
        (another_answer, SCIPY, "predictions differ: row 3 by 0.25, row 7 by 1e-06"),
        (Path.unlink, SCIPY, "what it answered when it was trained is not to be had here"),
        (of_another_model, SCIPY, "what it answered when it was trained is not to be had here"),
        (None, "1.0.1", f"scipy {SCIPY} is installed and 1.0.1 locked, so nothing can be compared: make setup"),
    ],
)
def test_given_other_answers_or_none_to_compare_when_run_with_other_packages_then_it_trains_and_says_why(
    repo: Path,
    pipeline: Pipeline,
    context: Context,
    caplog: pytest.LogCaptureFixture,
    case: tuple[Callable[[Path], Any] | None, str, str],
) -> None:
    change, scipy, said = case
    lock(repo, "1.0.0")
    first = pipeline()
    if change is not None:
        change(answers(context, first.id))
    lock(repo, scipy)

    second = pipeline(again=False)

    assert second.version == 2 and second.id != first.id
    assert f"version 1 is not taken for the same (scipy 1.0.0 is {scipy} now): " in caplog.text and said in caplog.text
    assert SAME_ANSWERS not in context.registry.version(1).tags


@pytest.mark.slow
def test_given_a_model_that_does_not_run_with_the_new_package_when_run_then_it_trains(
    repo: Path, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def trips(*_: Any) -> None:
        raise AttributeError("_impl")

    lock(repo, "1.0.0")
    pipeline()
    lock(repo, SCIPY)
    monkeypatch.setattr(parity, "_asked", trips)

    assert pipeline(again=False).version == 2
    assert "it does not run any more (AttributeError)" in caplog.text


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ([1.0, 2.0], [1.0, 2.0 + 1e-12], None),
        ([1.0, 2.0, 3.0], [1.5, 2.0, 3.25], "2 of 3 predictions differ: row 1 by 0.5, row 3 by 0.25"),
        ([1.0, 2.0], [1.0], "it answered 2 rows, now 1"),
        (list(range(9)), [-1] * 9, "9 of 9 predictions differ, the largest: row 1 by 1"),
    ],
)
def test_given_answers_of_two_days_when_compared_then_rows_that_differ_are_named(
    was: list[float], now: list[float], said: str | None
) -> None:
    found = parity.held_against(
        {"predictions": was, "probabilities": None}, {"predictions": now, "probabilities": None}
    )
    assert found.rows == len(now)
    assert found.reason == said or (said is not None and str(found.reason).startswith(said))
