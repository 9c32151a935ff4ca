"""The gate on the newest labelled rows: after a shift the successor wins there, and one that is worse is refused."""

from __future__ import annotations

import csv
import json
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from aifactory_runtime.capture.log_file import LogFile
from aifactory_runtime.data import tables
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.events import kinds, record
from aifactory_runtime.labels import line as labels
from aifactory_runtime.labels.line import Line
from aifactory_runtime.labels.rules import stamp
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from tests.fixtures.usecase_repo import commit, write_customers
from tests.unit.runtime.capture import lines
from tests.unit.runtime.conftest import Pipeline
from tests.unit.runtime.pipeline.edits import edit
from tests.unit.runtime.pipeline.reports import gate_report

CONF, FEATURES = "conf/base.yaml", "src/demo_case/features.py"
CAPTURED = 1_200
pytestmark = pytest.mark.slow


def conf(repo: Path, old: str, new: str) -> None:
    edit(repo, CONF, old, new)


def capture(context: Context, repo: Path, *, shifted: bool) -> None:
    """Labelled predictions, one a minute, of customers that leave for the reasons of before, or for the opposite."""
    place = repo.parent / "more.csv"
    write_customers(place, CAPTURED, seed=2)
    with place.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    predicted, labelled = [], []
    for number, row in enumerate(rows):
        moment = lines.START + timedelta(minutes=number)
        identity = lines.prediction_id(number, moment)
        values = json.loads(lines.line(number, number * 60.0) + b"}")
        inputs = {"age": int(row["age"]), "income": float(row["income"]) if row["income"] else None}
        values["inputs"] = {**inputs, "member": row["member"] == "True", "region": row["region"]}
        predicted.append(json.dumps(values).encode()[:-1])
        label = msgspec.Raw(b"%d" % (int(row["churned"]) ^ shifted))
        labelled.append(Line(f"l{number}", stamp(moment), "app", label, prediction_id=identity))
    for log, sent in (
        (LogFile(Path(context.contract.capture_uri)), predicted),
        (labels.log(Path(context.contract.capture_uri)), [labels.encoded(one) for one in labelled]),
    ):
        log.append(sent)
        log.close()


def refused(context: Context, pipeline: Pipeline, *steps: str, run_id: str | None = None) -> tuple[str, dict[str, Any]]:
    """A run that the gate refuses: its id and its report."""
    with pytest.raises(FactoryError, match=r"the gate refuses|nothing is gained by the candidate, the champion stays"):
        pipeline(*steps, run_id=run_id)
    last = max(place.parent.name for place in Path(context.contract.artifact_uri).glob("runs/*/gate.json"))
    return last, gate_report(context, last)


def first_champion(repo: Path, pipeline: Pipeline, context: Context) -> Handoff:
    conf(repo, "data:\n", "data:\n  add_captured: true\n")
    conf(repo, "train:\n", "train:\n  learning_curve: false\n")
    commit(repo, "With captured rows")
    first = pipeline()
    context.registry.set_alias("champion", 1)
    return first


def test_given_labels_from_after_a_shift_when_trained_again_then_the_successor_wins_on_them(
    repo: Path, pipeline: Pipeline, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    first = first_champion(repo, pipeline, context)
    assert gate_report(context, first.id)["window"]["why"].startswith("every test row is in the reference")
    capture(context, repo, shifted=True)

    run, report = refused(context, pipeline)

    told = report["window"]
    assert (told["verdict"], told["source"]) == ("better", "captured labels of embedded")
    assert told["candidate"] > 0.7 and told["champion"] < 0.3 and told["p"] < 0.01
    assert 200 < told["rows"] < 300, "the test rows among the captured ones"
    assert told["begins"].startswith("2026-11-2") and told["ends"].startswith("2026-11-27 19:")
    (reason,) = report["reasons"]
    assert "worse than the champion's" in reason and "on the reference" in reason
    assert "it is better on the newest labelled rows" in reason and "gate.window.max_loss_on_reference" in reason

    conf(repo, "gate:\n", "gate:\n  window: {max_loss_on_reference: 1.0}\n")
    done = pipeline("evaluate", "register", run_id=run)

    version = context.registry.version(done.version or 0)
    sentence = version.tags["aifactory.window"]
    assert "is better than the champion's" in sentence and f"note: {sentence}" in caplog.text
    assert version.tags["aifactory.window.champion.roc_auc"] == f"{told['champion']:.6g}"
    assert version.tags["aifactory.captured"] == f"embedded@{CAPTURED}"
    prepared = done.tables["prepared"].version
    assert tables.count(context.tables, "prepared", prepared, ("split", "train")) > 0.6 * (400 + CAPTURED)


def test_given_a_successor_that_is_worse_or_alike_on_the_newest_labels_then_it_is_refused_by_that(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    conf(repo, "max_loss_to_champion: 0.01", "max_loss_to_champion: 0.9")
    first_champion(repo, pipeline, context)
    capture(context, repo, shifted=False)
    before = (repo / FEATURES).read_text()
    edit(repo, FEATURES, '"log_income": np.log1p(columns["income"]),', "")
    edit(repo, FEATURES, '"age": columns["age"],', "")

    _, report = refused(context, pipeline)

    assert report["window"]["verdict"] == "worse" and report["window"]["candidate"] < report["window"]["champion"]
    (reason,) = report["reasons"]
    assert "the newest" in reason and "is worse than the champion's" in reason

    (repo / FEATURES).write_text(before)
    events = Path(context.contract.events_uri)
    (known,) = (one for one in record.read(events).events if one.key == kinds.GATE_REFUSED)
    run, report = refused(context, pipeline)
    assert [one for one in record.read(events).events if one.key == kinds.GATE_REFUSED] == [known], "no problem"
    assert handoffs.load(context.artifacts, run).gains_nothing
    assert report["window"]["verdict"] == "level"
    assert "no different, beyond chance, from the champion's" in report["reasons"][0]

    conf(repo, "gate:\n", "gate:\n  window: {must_be: not_worse}\n")
    gate = pipeline("evaluate", run_id=run).gate
    assert gate is not None and gate["passed"]
    conf(repo, "data:\n", "data:\n  group: region\n")
    pipeline("evaluate", run_id=run)
    assert gate_report(context, run)["window"]["why"] == "rows of 4 groups, fewer than 30"


def write_days(repo: Path, days: int, slopes: tuple[float, ...]) -> None:
    """A regression of rows by hour, each part of them with a slope of its own."""
    draw = random.Random(3)  # noqa: S311 - made-up data
    moments = np.datetime64("2026-01-01T00:00") + np.arange(days * len(slopes)) * np.timedelta64(1, "h")
    with (repo / "data" / "customers.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["day", "customer", "x", "y"])
        for number, moment in enumerate(moments):
            x = draw.gauss(0, 1)
            slope = slopes[number // days]
            writer.writerow([f"{moment}:00", f"c{number % 50}", round(x, 6), round(slope * x + draw.gauss(0, 0.1), 6)])


REGRESSION = {
    "schema.py": """
import pandera.pandas as pa
TARGET, TIME, IGNORED = "y", "day", ("day", "customer")
SCHEMA = pa.DataFrameSchema(
    {"day": pa.Column("datetime64[us]"), "customer": pa.Column(str), "x": pa.Column(float), "y": pa.Column(float)}
)
""",
    "features.py": "def features(columns):\n    return {'x': columns['x']}\n",
    "model.py": """
from sklearn.linear_model import LinearRegression
def make_model(**parameters):
    return LinearRegression()
""",
}


def test_given_a_table_in_time_of_groups_when_it_grows_then_the_newest_rows_that_nobody_learned_judge(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    for name, text in REGRESSION.items():
        (repo / "src" / "demo_case" / name).write_text(text)
    edit(repo, "factory.yaml", "problem: classification", "problem: regression")
    conf(repo, "metric: roc_auc", "metric: rmse\n  window: {max_loss_on_reference: 1000}")
    conf(repo, "data:\n", "data:\n  group: customer\n")
    conf(repo, "    C: 1.0", "    seed: 1")
    conf(repo, "train:\n", "train:\n  learning_curve: false\n")
    write_days(repo, 600, (1.0,))
    pipeline()
    context.registry.set_alias("champion", 1)

    write_days(repo, 600, (1.0, 0.2, 0.2))
    second = pipeline()

    told = gate_report(context, second.id)["window"]
    assert (told["verdict"], told["source"], told["rows"]) == ("better", "the table by day", 240)
    assert told["ends"] == "2026-03-16 23:00" and told["candidate"] < told["champion"]
    prepared = tables.read(context.tables, "prepared", second.tables["prepared"].version)
    learned = prepared[prepared["split"].isin(["train", "validation"])]
    assert str(learned["day"].max()) < told["begins"], "no row of the window is learned from"
    reference = tables.read(context.tables, "reference", second.tables["reference"].version)
    assert str(reference["day"].max()) < told["begins"], "nor of the reference"

    context.registry.set_alias("champion", second.version or 0)
    conf(repo, "data:\n", "data:\n  test_share: 0.4\n")
    _, report = refused(context, pipeline)
    assert report["window"]["rows"] == 240, "what the champion learned from does not judge it"
    assert report["window"]["verdict"] in {"level", "worse"}
