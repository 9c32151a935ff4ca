"""Slices of a run: kept with it, an objection where the settings say so, and none the wiser for how rows are read."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aifactory_runtime.config import project
from aifactory_runtime.data import tables
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.monitoring import expected
from aifactory_runtime.pipeline.context import Context
from tests.fixtures.usecase_repo import write_customers
from tests.unit.runtime.conftest import Pipeline
from tests.unit.runtime.pipeline.edits import edit
from tests.unit.runtime.pipeline.reports import gate_report

KPI = """def kpi(row, output, label):
    assert 18 <= row["age"] and row["region"] and len(output["probabilities"]) == 2
    return float(output["prediction"] == label)
"""
CONF, FEATURES = "conf/base.yaml", "src/demo_case/features.py"

pytestmark = pytest.mark.slow


def with_slices(repo: Path, text: str) -> None:
    edit(repo, CONF, "gate:\n", f"gate:\n  slices: {text}\n")


def kept(context: Context, number: int, name: str) -> str:
    """A file of the run of a version."""
    return (Path(context.registry.artifact_address(context.registry.version(number))).parent / name).read_text()


def counted(found: list[dict[str, Any]], column: str) -> int:
    return sum(one["rows"] for one in found if one["column"] == column)


def test_given_no_settings_when_run_then_categories_are_cut_and_kept_where_people_look(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    write_customers(repo / "data" / "customers.csv", 1_600)
    edit(repo, "factory.yaml", "\nenvironments:", "\nkpi: {name: hits}\nenvironments:")
    (repo / "src" / "demo_case" / "kpi.py").write_text(KPI)
    first = pipeline()

    told = gate_report(context, first.id)["slices"]
    assert (told["rows"], told["against"], told["metric"]) == ("the test rows", "baseline", "roc_auc")
    assert {one["column"] for one in told["found"]} == {"member", "region"}
    version = first.tables["prepared"].version
    test = tables.count(context.tables, "prepared", version, ("split", "test"))
    assert counted(told["found"], "region") == test
    lines = list(csv.DictReader(io.StringIO(kept(context, 1, "slices.csv"))))
    assert sorted(line["slice"] for line in lines) == sorted(one["name"] for one in told["found"])
    assert "<title>Slices</title>" in kept(context, 1, "pictures/slices.svg")
    noted = expected.decode(context.registry.version(1).tags["aifactory.expected"])
    assert noted.whole is not None and noted.whole.value == pytest.approx(first.metrics["roc_auc"])
    assert noted.kpi is not None and noted.kpi.value == pytest.approx(first.metrics["accuracy"])
    by_name = {name: one for part in noted.slices for name, one in zip(part.cut.names, part.figures, strict=True)}
    for one in told["found"]:
        figure = by_name[one["name"]]
        assert figure is None if one["few"] else figure is not None and figure.rows == one["rows"] and figure.error > 0

    context.registry.set_alias("champion", 1)
    second = pipeline()
    told = gate_report(context, second.id)["slices"]
    assert (told["rows"], told["against"]) == ("the frozen reference", "champion")
    reference = first.tables["reference"].version
    assert counted(told["found"], "region") == tables.count(context.tables, "reference", reference)
    for one in told["found"]:
        assert one["candidate"] == one["champion"] and one["p"] is None and not one["worse"], "the same model"


def test_given_named_columns_when_run_then_numbers_are_cut_at_quartiles_and_ignored_ones_count_too(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    with_slices(repo, "{columns: [income, region]}")
    edit(repo, "src/demo_case/schema.py", 'TARGET = "churned"', 'TARGET = "churned"\nIGNORED = ("region",)')
    edit(repo, FEATURES, '"region": columns["region"],', "")

    found = gate_report(context, pipeline().id)["slices"]["found"]

    assert Counter(one["column"] for one in found)["income"] in {4, 5}
    assert counted(found, "income") == counted(found, "region") > 0


def test_given_categories_of_too_few_rows_when_nobody_names_them_then_it_is_said_and_they_are_not_cut(
    pipeline: Pipeline, context: Context
) -> None:
    told = gate_report(context, pipeline().id)["slices"]
    assert {one["column"] for one in told["found"]} == {"member"}
    assert told["notes"] == ["no slices of region: fewer than two of them have 30 rows"]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("[colour]", r"gate.slices.columns: colour is no column of the table; it has .*income.*"),
        ("[churned]", r"gate.slices.columns: churned is the target; name columns"),
    ],
)
def test_given_a_column_that_cannot_be_cut_when_run_then_it_is_said_before_training(
    repo: Path, pipeline: Pipeline, context: Context, columns: str, said: str
) -> None:
    with_slices(repo, f"{{columns: {columns}}}")
    with pytest.raises(UsageProblem, match=said):
        pipeline()
    assert not list(Path(context.contract.artifact_uri).glob("runs/*/model"))


def worse_in_one_region(repo: Path) -> None:
    """The champion is as it was; the candidate is told neither age nor income of customers in the north."""
    edit(
        repo,
        FEATURES,
        '"log_income": np.log1p(columns["income"]),',
        '"log_income": np.where(columns["region"] == "north", np.nan, np.log1p(columns["income"])),',
    )
    edit(
        repo,
        FEATURES,
        '"age": columns["age"],',
        '"age": np.where(columns["region"] == "north", np.nan, columns["age"]),',
    )


def test_given_a_candidate_that_is_worse_in_one_slice_when_a_margin_is_set_then_the_gate_refuses_it(
    repo: Path, pipeline: Pipeline, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    write_customers(repo / "data" / "customers.csv", 1_600)
    edit(repo, CONF, "max_loss_to_champion: 0.01", "max_loss_to_champion: 0.9")
    pipeline()
    context.registry.set_alias("champion", 1)
    worse_in_one_region(repo)
    shown = pipeline()
    assert "note: slice region = north: roc_auc " in caplog.text
    [worst, *others] = gate_report(context, shown.id)["slices"]["found"]
    assert (worst["name"], worst["worse"]) == ("region = north", True)
    assert not any(one["worse"] for one in others if one["column"] == "region")

    with_slices(repo, "{margin: 0.02}")
    with pytest.raises(
        FactoryError, match=r"refuses the candidate.* slice region = north: .*more than 0.02 worse than the champion's"
    ):
        pipeline()


def test_given_other_chunks_when_evaluated_again_then_the_slices_are_the_same(
    repo: Path, pipeline: Pipeline, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_slices(repo, "{columns: [income, region, age]}")
    first = pipeline()
    expected = gate_report(context, first.id)["slices"]
    monkeypatch.setattr("aifactory_runtime.pipeline.cutting._CHUNK_ROWS", 7)

    again = pipeline("evaluate", run_id=first.id)

    assert gate_report(context, again.id)["slices"] == expected


def test_given_a_frozen_reference_without_a_named_column_when_judged_then_it_is_said_and_the_others_count(
    repo: Path, pipeline: Pipeline, context: Context, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline()
    context.registry.set_alias("champion", 1)
    with_slices(repo, "{columns: [income, region]}")
    from aifactory_runtime.pipeline import cutting

    whole = cutting.Table

    def older(*found: Any, **how: Any) -> Any:
        table = whole(*found, **how)
        del table.types["income"]
        return table

    monkeypatch.setattr(cutting, "Table", older)
    told = gate_report(context, pipeline().id)["slices"]
    assert {one["column"] for one in told["found"]} == {"region"}
    assert "note: no slices of income: the frozen reference does not have it" in caplog.text
    assert told["notes"][0].endswith("run --new-reference makes one that does")


def test_given_a_run_of_before_there_were_slices_when_registered_then_it_goes_on(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    from aifactory_runtime.pipeline import handoff as handoffs
    from aifactory_runtime.pipeline import model_steps

    steps = pipeline("ingest", "validate", "prepare", "train", "evaluate")
    old = gate_report(context, steps.id)
    del old["slices"]
    (Path(context.contract.artifact_uri) / "runs" / steps.id / "gate.json").write_text(json.dumps(old))
    today = Context(project.load(repo))
    found = model_steps.register(today, replace(handoffs.load(context.artifacts, steps.id)))
    assert found.version == 1
