"""For notebooks: a model is scored by the figure that the gate judges by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.model_selection import cross_val_score

from aifactory_runtime import explore
from aifactory_runtime.errors import UsageProblem

DRAW = np.random.default_rng(7)
VALUES = DRAW.normal(size=(200, 2))
LABELS = (VALUES[:, 0] + DRAW.normal(0, 0.7, 200) > 0.5).astype(int)


@pytest.fixture
def conf(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that changes the settings of the repo in which we are."""
    monkeypatch.chdir(repo)
    return repo / "conf" / "embedded.yaml"


def test_given_no_chosen_metric_when_scored_then_it_is_the_gates_first(conf: Path) -> None:
    conf.write_text("gate: {}\n", encoding="utf-8")
    fitted = LogisticRegression().fit(VALUES, LABELS)

    assert explore.metric() == "roc_auc"
    assert explore.score(fitted, VALUES, LABELS) == pytest.approx(
        roc_auc_score(LABELS, fitted.predict_proba(VALUES)[:, 1])
    )


@pytest.mark.heavy
@pytest.mark.parametrize("positive", [0, 1])
def test_given_f1_of_one_class_in_conf_when_cross_validated_then_each_part_has_that_figure(
    conf: Path, positive: int
) -> None:
    conf.write_text(f"gate: {{metric: f1, positive_class: {positive}}}\n", encoding="utf-8")

    found = cross_val_score(LogisticRegression(), VALUES, LABELS, scoring=explore.score)

    fitted = LogisticRegression().fit(VALUES, LABELS)
    expected = f1_score(LABELS, fitted.predict(VALUES), pos_label=positive)
    assert explore.metric() == "f1" and len(found) == 5
    assert explore.score(fitted, VALUES, LABELS) == pytest.approx(expected)
    assert cross_val_score(LogisticRegression(), VALUES, LABELS, scoring="accuracy").tolist() != found.tolist()


def test_given_rows_of_one_class_when_scored_then_it_says_that_they_do_not_suffice(conf: Path) -> None:
    conf.write_text("gate: {metric: roc_auc}\n", encoding="utf-8")
    fitted = DummyClassifier().fit(VALUES, LABELS)

    with pytest.raises(UsageProblem, match="roc_auc cannot be computed on these 5 rows"):
        explore.score(fitted, VALUES[:5], np.zeros(5, dtype=int))


def test_given_a_column_whose_outliers_are_capped_when_seen_then_as_the_model_sees_it_in_any_part(conf: Path) -> None:
    conf.write_text("data: {columns: {income: {outliers: cap}}}\n", encoding="utf-8")
    with (conf.parents[1] / "data" / "customers.csv").open("a", encoding="utf-8") as stream:
        stream.write("40,80000000,True,east,1\n")
    table = explore.table()
    middle, spread = table["income"].mean(), table["income"].std(ddof=0)

    seen = explore.seen(table)

    assert table["income"].max() == 80_000_000
    assert seen["log_income"].max() == pytest.approx(np.log1p(middle + 6 * spread), rel=1e-4)
    assert explore.seen(table.tail(1))["log_income"].tolist() == [seen["log_income"].max()]
    assert seen["log_income"][:-1].to_list() == pytest.approx(np.log1p(table["income"][:-1].to_list()), nan_ok=True)
