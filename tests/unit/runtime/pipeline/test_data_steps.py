"""Data that are refused before training; the champion stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aifactory_runtime.data import tables
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline.context import Context
from tests.unit.runtime.conftest import Pipeline
from tests.unit.runtime.pipeline.edits import data_of, edit

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


def test_fault_20_given_too_many_copies_when_run_then_refused_and_without_an_id_they_count(
    repo: Path, pipeline: Pipeline, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    data_of(repo, lambda lines: lines + lines[1:])
    run = pipeline("ingest", "validate", "prepare")
    assert tables.count(context.tables, "prepared", run.tables["prepared"].version) == 800
    assert "note: 400 rows equal another one; no key says that they are copies, so all count" in caplog.text
    data_of(repo, lambda lines: ["id," + lines[0], *(f"{place % 400},{one}" for place, one in enumerate(lines[1:]))])
    edit(repo, "src/demo_case/schema.py", 'TARGET = "churned"', 'TARGET = "churned"\nIGNORED = ("id",)')
    edit(repo, "src/demo_case/schema.py", '"age": pa', '"id": pa.Column(int),\n        "age": pa')
    with pytest.raises(FactoryError, match=r"400 of 800 rows are copies \(equal in every column, id among them\)"):
        pipeline("ingest", "validate")


def test_given_a_run_that_left_equal_rows_out_when_run_again_then_it_is_said_once(
    repo: Path, pipeline: Pipeline, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    data_of(repo, lambda lines: lines + lines[1:])
    first = pipeline("ingest", "validate", "prepare")
    assert "earlier runs" not in caplog.text
    place = Path(context.contract.artifact_uri) / "runs" / first.id / "validation.json"
    report = json.loads(place.read_text())
    report["duplicates"] = report.pop("equal_rows")
    place.write_text(json.dumps(report))
    pipeline("ingest", "validate", "prepare")
    pipeline("ingest", "validate", "prepare")
    assert caplog.text.count("note: earlier runs took 400 rows that equal another one for copies") == 1
    assert "python -m demo_case run --new-reference" in caplog.text


def test_given_a_column_that_nearly_tells_the_target_when_validated_then_it_is_named_with_the_way_out(
    repo: Path, pipeline: Pipeline, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    first = pipeline("ingest", "validate")
    assert not first.notes
    data_of(repo, lambda lines: [f"fee,{lines[0]}", *(f"{50 * int(line[-1])},{line}" for line in lines[1:])])
    edit(repo, "src/demo_case/schema.py", '"age": pa', '"fee": pa.Column(int),\n        "age": pa')
    run = pipeline("ingest", "validate")
    (note,) = run.notes
    assert note.startswith(
        "fee alone nearly tells churned: roc_auc 1.0000 (a guess without any column has 0.5, a perfect one 1). "
    )
    assert note.endswith(
        "list it in IGNORED in src/demo_case/schema.py, take it out of features.py, then factory sample"
    )
    assert f"note: {note}" in caplog.text
    report = json.loads((context.artifacts / "runs" / run.id / "validation.json").read_text())
    assert report["tell_the_target_alone"] == {"fee": {"roc_auc": 1.0, "without": 0.5}}
    edit(repo, "src/demo_case/schema.py", 'TARGET = "churned"', 'TARGET = "churned"\nIGNORED = ("fee",)')
    assert not pipeline("ingest", "validate").notes


def test_fault_24_given_one_class_when_run_then_nothing_is_registered(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    data_of(repo, lambda lines: [lines[0], *(line[:-1] + "1" for line in lines[1:])])
    with pytest.raises(FactoryError, match="one class"):
        pipeline()
    assert context.registry.versions() == []
