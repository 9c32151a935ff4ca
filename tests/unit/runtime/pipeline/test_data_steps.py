"""Data that are refused before training; the champion stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline.context import Context
from tests.unit.runtime.conftest import Pipeline
from tests.unit.runtime.pipeline.edits import data_of

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("content", [None, "", "age,income\n", "not a table at all\n"])
def test_fault_19_given_bad_data_when_run_then_refused_before_training(
    repo: Path, pipeline: Pipeline, context: Context, content: str | None
) -> None:
    path = repo / "data" / "customers.csv"
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(FactoryError):
        pipeline()
    assert context.registry.versions() == []
    assert not (context.tables / "prepared").exists()


def test_fault_19_given_bad_data_after_good_when_run_then_the_champion_is_untouched(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    pipeline()
    context.registry.set_alias("champion", 1)
    data_of(repo, lambda lines: [lines[0], *(line.replace("east", "atlantis") for line in lines[1:])])
    with pytest.raises(FactoryError, match="region fails isin"):
        pipeline()
    champion = context.registry.by_alias("champion")
    assert champion is not None
    assert champion.number == 1
    assert len(context.registry.versions()) == 1


def test_fault_20_given_too_many_duplicates_when_run_then_refused(repo: Path, pipeline: Pipeline) -> None:
    data_of(repo, lambda lines: lines + lines[1:])
    with pytest.raises(FactoryError, match="duplicates"):
        pipeline()


def test_fault_24_given_one_class_when_run_then_nothing_is_registered(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    data_of(repo, lambda lines: [lines[0], *(line[:-1] + "1" for line in lines[1:])])
    with pytest.raises(FactoryError, match="one class"):
        pipeline()
    assert context.registry.versions() == []
