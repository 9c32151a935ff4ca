"""A table of labels is read whole or not at all, said first, and recorded once however often it is added."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandera.pandas as pandera
import pytest
from click.testing import CliRunner

from aifactory_runtime.audit import log
from aifactory_runtime.config import project as projects
from aifactory_runtime.contract.manifest import Labels
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.labels import commands, stored
from tests.unit.runtime.labels.parts import HOUR, contract, label, predict, prediction, send

SCHEMA = pandera.DataFrameSchema(
    {
        "age": pandera.Column(int),
        "customer": pandera.Column(int),
        "churned": pandera.Column(int, pandera.Check.isin([0, 1])),
    }
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repo with five predictions, of customers 100 to 104, the first of them labelled."""
    for number in range(5):
        predict(tmp_path, range(number, number + 1), customer=100 + number)
    send(tmp_path, label("first", 1, HOUR, prediction_id=prediction(0)))
    project = SimpleNamespace(
        root=tmp_path,
        environment=SimpleNamespace(contract=contract(tmp_path)),
        manifest=SimpleNamespace(labels=Labels(key="customer"), problem="classification", kpi_field="profit"),
        science=SimpleNamespace(schema=lambda: SCHEMA, target=lambda: "churned"),
    )
    monkeypatch.setattr(projects, "find_root", lambda _: tmp_path)
    monkeypatch.setattr(projects, "load", lambda *_: project)
    return tmp_path


def run(*arguments: str) -> Any:
    done = CliRunner().invoke(commands.labels, [*arguments, "--json"], catch_exceptions=False)
    found = json.loads(done.output)
    return found | {"states": {state: number for state, number in found["states"].items() if number}}


def test_given_a_table_when_added_by_hand_then_it_is_said_first_and_recorded_once(place: Path) -> None:
    rows = [
        f"{prediction(0)},1,",
        f"{prediction(1)},0,2.5",
        f"{prediction(1)},0,2.5",
        f"{prediction(2)},,",
        f"{prediction(3)},1,",
        f"{prediction(3)},0,",
        f"{'0' * 32},1,",
    ]
    (place / "outcomes.csv").write_text("\n".join(["prediction_id,churned,profit", *rows]) + "\n")
    wanted = {"joined": 2, "doubled": 2, "contradicting": 1, "unknown": 1}

    dry = run("add", "outcomes.csv")
    assert (dry["states"], dry["new"], dry["without_label"], dry["done"]) == (wanted, 4, 1, False)
    assert len(stored.lines(contract(place))) == 1, "nothing is recorded without --yes"

    assert run("add", "outcomes.csv", "--yes")["states"] == wanted
    again = run("add", "outcomes.csv", "--yes")
    assert (again["states"], again["new"]) == ({"doubled": 6}, 0)

    found = stored.lines(contract(place))
    assert [(line.prediction_id, line.text, line.kpi, line.by) for line in found[1:3]] == [
        (prediction(1), "0", 2.5, "ana.churn.dev"),
        (prediction(3), "1", None, "ana.churn.dev"),
    ]
    assert run("status")["states"] == {"joined": 3, "contradicting": 1, "unknown": 1}
    (entry,) = log.read(place / "audit")
    assert (entry["action"], entry["facts"]["labels"]) == ("labels added", 4)


def test_given_a_key_and_a_correction_when_added_then_the_prediction_is_found_and_the_label_replaced(
    place: Path,
) -> None:
    (place / "by_key.jsonl").write_text('{"customer": 103, "label": 1}\n{"customer": 999, "label": 1}\n')
    (place / "corrected.csv").write_text(f"prediction_id,label,replaces\n{prediction(0)},0,first\n")

    assert run("add", "by_key.jsonl", "--yes")["states"] == {"joined": 1, "unknown": 1}
    assert run("add", "corrected.csv", "--yes")["states"] == {"joined": 1}
    assert run("status")["states"] == {"joined": 2, "replaced": 1, "unknown": 1}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("prediction_id,churned\nx,1\ny,2\n", "churned fails isin"),
        ("prediction_id,churned\nx,soon\n", "churned"),
        ("prediction_id,outcome\nx,1\n", "no column churned or label"),
        ("name,churned\nx,1\n", "no column prediction_id or customer"),
    ],
)
def test_given_a_table_that_does_not_fit_when_added_then_nothing_of_it_is(place: Path, content: str, said: str) -> None:
    (place / "wrong.csv").write_text(content)
    with pytest.raises(FactoryError, match=said):
        run("add", "wrong.csv", "--yes")
    assert len(stored.lines(contract(place))) == 1
