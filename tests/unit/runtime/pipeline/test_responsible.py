"""What a run's gate says beside its metric: groups of people, probabilities, explanations, strange rows, size."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.monitoring import expected
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.registry import model_folder
from tests.fixtures.usecase_repo import write_customers
from tests.unit.runtime.conftest import Pipeline
from tests.unit.runtime.pipeline.edits import data_of, edit
from tests.unit.runtime.pipeline.reports import gate_report

CONF, SCHEMA = "conf/base.yaml", "src/demo_case/schema.py"

pytestmark = pytest.mark.slow


def with_gate(repo: Path, text: str) -> None:
    edit(repo, CONF, "gate:\n", f"gate:\n  {text}\n")


def with_sex(repo: Path, *, told_by_age: bool) -> None:
    """An IGNORED column of the table; with `told_by_age` the old are women, who therefore leave less often."""
    draw = random.Random(3)  # noqa: S311 - made-up data

    def added(lines: list[str]) -> list[str]:
        def sex(line: str) -> str:
            return "F" if (int(line.split(",", maxsplit=1)[0]) > 55 if told_by_age else draw.random() < 0.5) else "M"

        return [f"{lines[0]},sex", *(f"{line},{sex(line)}" for line in lines[1:])]

    write_customers(repo / "data" / "customers.csv", 1_600)
    data_of(repo, added)
    edit(repo, SCHEMA, 'TARGET = "churned"', 'TARGET = "churned"\nIGNORED = ("sex",)')
    edit(repo, SCHEMA, "        TARGET: pa.Column", '        "sex": pa.Column(str),\n        TARGET: pa.Column')


def test_given_a_protected_column_that_is_ignored_when_run_then_it_is_judged_and_reaches_no_model(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    with_sex(repo, told_by_age=True)
    with_gate(repo, "fairness: {columns: [sex], metric: demographic_parity}")

    with pytest.raises(
        FactoryError,
        match=r"refuses the candidate.*fairness: demographic_parity differs by 0\.\d+ between groups of sex, 0.1 at "
        r"most: share that is answered with the class of 1 0\.\d+ for sex = M \(\d+ rows\) and 0\.\d+ for sex = F",
    ):
        pipeline()

    [place] = (Path(context.contract.artifact_uri) / "runs").glob("*/gate.json")
    told = json.loads(place.read_text())
    assert told["fairness"]["columns"] == ["sex"] and told["fairness"]["read_by_the_model"] == []
    assert not told["passed"]
    schema = model_folder.read_schema(place.parent / "model")
    assert "sex" not in {column.name for column in schema.columns}


def test_given_a_protected_column_that_nothing_depends_on_when_run_then_the_model_passes(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    with_sex(repo, told_by_age=False)
    with_gate(repo, "fairness: {columns: [sex, member], metric: accuracy}")
    done = pipeline()
    told = gate_report(context, done.id)["fairness"]
    kept = expected.decode((handoffs.folder(context.artifacts, done.id) / expected.FILE).read_text())
    assert [one.column for one in kept.groups] == ["sex", "member"], "for who watches labelled rows"
    assert {one["column"] for one in told["found"]} == {"sex", "member"}
    assert "the model reads member" in told["notes"] and "the model reads sex" not in told["notes"]
    rows = {
        name: count for one in told["found"] if one["figure"] == "accuracy" for name, (_, count) in one["found"].items()
    }
    assert rows["sex = F"] + rows["sex = M"] == told["rows"] > 200


@pytest.mark.parametrize(
    ("fairness", "said"),
    [
        ("{columns: [colour]}", "gate.fairness.columns: colour is no column of the table; it has .*income.*"),
        ("{columns: [member], metric: mean_error}", "gate.fairness.metric: mean_error is none of a classification"),
    ],
)
def test_given_what_cannot_be_judged_when_run_then_it_is_said_before_training(
    repo: Path, pipeline: Pipeline, context: Context, fairness: str, said: str
) -> None:
    with_gate(repo, f"fairness: {fairness}")
    with pytest.raises(UsageProblem, match=said):
        pipeline()
    assert not list(Path(context.contract.artifact_uri).glob("runs/*/model"))


def test_given_a_run_when_judged_then_every_part_is_in_the_report_and_nothing_is_refused_by_itself(
    pipeline: Pipeline, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    told = gate_report(context, pipeline().id)
    assert told["fairness"]["columns"] == [] and "no protected columns are named" in told["fairness"]["notes"][0]
    assert 0 <= told["calibration"]["error"] < 0.5 and told["calibration"]["rows"] > 50
    assert told["explanations"] == {"agreement": pytest.approx(1.0, abs=0.05), "rows": 10, "least": None, "notes": []}
    assert {"income missing", "income far above", "age far above"} < set(told["stress"]["cases"])
    assert told["stress"]["wrong"] == {}
    weighed = told["footprint"]
    assert weighed["model_bytes"] > 1_000 and weighed["memory_bytes"] >= weighed["model_bytes"]
    assert weighed["latency_ms"] > 0
    assert "stress" not in caplog.text and "explanations" not in caplog.text
    found = {one["principle"]: one["result"] for one in told["principles"]["found"]}
    assert len(found) == 6 and found.pop("Fairness") == "not checked"
    assert set(found.values()) == {"held"}


def test_given_a_run_when_judged_then_its_card_lies_beside_the_report_and_with_its_tracking_run(
    pipeline: Pipeline, context: Context
) -> None:
    run = pipeline()
    folder = context.artifacts / "runs" / run.id
    page, card = (folder / "model_card.html").read_text(), json.loads((folder / "model_card.json").read_text())
    kept = Path(context.registry.artifact_address(context.registry.version(1))).parent
    assert (kept / "model_card.html").read_text() == page
    assert card["passed"] and card["about"]["run"] == run.id and card["about"]["columns"][0] == "age (integer)"
    assert card["principles"] == gate_report(context, run.id)["principles"]
    assert card["figures"]["roc_auc"]["candidate"] == run.metrics["roc_auc"]
    assert "<title>Calibration</title>" in page and "The gate let it pass." in page


def test_given_limits_that_a_model_breaks_when_run_then_each_is_a_reason(repo: Path, pipeline: Pipeline) -> None:
    with_gate(repo, "limits: {stress: refuse, model_bytes: 100, memory_mb: 0.001, calibration_error: 0.0}")
    edit(repo, "src/demo_case/features.py", 'np.log1p(columns["income"])', 'np.log1p(90_000 - columns["income"])')
    with pytest.raises(FactoryError) as refused:
        pipeline()
    said = str(refused.value)
    assert "stress: rows with income far above: no answer (ValueError)" in said
    assert "the model's files have " in said and "the loaded model takes " in said
