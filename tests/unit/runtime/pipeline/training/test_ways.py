"""Where a fit is done, and which estimators can be trained by partition; others are refused with what would work."""

from __future__ import annotations

from typing import Any

import pytest
from lightgbm import LGBMClassifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer, StandardScaler
from xgboost import XGBClassifier

from aifactory_runtime.cluster.choice import Size
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.pipeline import memory
from aifactory_runtime.pipeline.training import ways

GIB = 2**30
TWO = Size(2, 2 * GIB)
LARGE = (14_000_000, 19)


@pytest.fixture(autouse=True)
def _small_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 2 * GIB)


@pytest.mark.parametrize(
    ("estimator", "way"),
    [
        (XGBClassifier(), "xgboost"),
        (LGBMClassifier(), "lightgbm"),
        (make_pipeline(StandardScaler(), SGDClassifier()), "partial_fit"),
        (make_pipeline(StandardScaler(), XGBClassifier()), "xgboost"),
    ],
)
def test_given_an_estimator_that_can_when_asked_then_its_way_and_no_refusal(estimator: Any, way: str) -> None:
    assert ways.of(estimator) == way
    assert ways.refusal(estimator) is None


@pytest.mark.parametrize(
    ("estimator", "why"),
    [
        (RandomForestClassifier(), "RandomForestClassifier cannot .* xgboost's or lightgbm's.*SGDClassifier"),
        (CalibratedClassifierCV(SGDClassifier()), "CalibratedClassifierCV cannot"),
        (make_pipeline(StandardScaler(), LogisticRegression()), "LogisticRegression cannot"),
        (make_pipeline(QuantileTransformer(), SGDClassifier()), "QuantileTransformer cannot .* RobustScaler"),
        (XGBClassifier(booster="gblinear"), "hist"),
        (XGBClassifier(tree_method="exact"), "hist"),
        (LGBMClassifier(class_weight="balanced"), "dictionary"),
    ],
)
def test_given_an_estimator_that_cannot_when_the_rows_fit_nowhere_else_then_refused_before_they_are_read(
    estimator: Any, why: str
) -> None:
    for engine in ("auto", "dask"):
        with pytest.raises(UsageProblem, match=rf"14000000 rows.*{why}.*data\.max_train_rows"):
            ways.chosen(engine, estimator, LARGE, TWO)
    assert ways.chosen("dask", estimator, (1_000, 19), TWO).where == "process"


def test_given_many_rows_when_chosen_then_the_cluster_if_they_fit_there() -> None:
    assert ways.chosen("auto", XGBClassifier(), LARGE, TWO).where == "cluster"
    assert ways.chosen("auto", make_pipeline(StandardScaler(), SGDClassifier()), LARGE, TWO).where == "cluster"
    assert ways.chosen("auto", XGBClassifier(), (7_000, 19), TWO).where == "process"
    with pytest.raises(UsageProblem, match="add workers, or memory to each"):
        ways.chosen("auto", LGBMClassifier(), (140_000_000, 19), TWO)
