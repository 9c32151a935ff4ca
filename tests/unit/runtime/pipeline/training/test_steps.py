"""Imputers and scalers by partition know what scikit-learn's own fit knows, and others are refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import PCA, IncrementalPCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, PolynomialFeatures, RobustScaler, StandardScaler

from aifactory_runtime.cluster.executor import LocalExecutor
from aifactory_runtime.data import split
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.pipeline.training import steps
from tests.unit.runtime.pipeline.training import parted_rows

SEVERAL = [
    [SimpleImputer(), StandardScaler()],
    [SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()],
    [SimpleImputer(strategy="most_frequent", add_indicator=True), MaxAbsScaler()],
    [SimpleImputer(strategy="constant", fill_value=-3.0), MinMaxScaler(feature_range=(-1, 1))],
    [RobustScaler(), SimpleImputer(), PolynomialFeatures(2), StandardScaler(with_std=False)],
    [StandardScaler(with_mean=False), SimpleImputer()],
    ["passthrough", MinMaxScaler()],
]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    folder = tmp_path_factory.mktemp("tables")
    with pytest.MonkeyPatch.context() as patch:
        return folder, parted_rows.make_table(folder, "two", patch)


def piped(several: list[Any]) -> Pipeline:
    return Pipeline([(str(place), step) for place, step in enumerate([*several, SGDClassifier()])])


@pytest.mark.parametrize("several", SEVERAL)
def test_given_steps_when_fitted_by_partition_then_they_do_what_scikit_learns_do(
    table: tuple[Path, int], several: list[Any]
) -> None:
    from sklearn.base import clone

    ours, theirs = clone(piped(several)), clone(piped(several))
    rows = parted_rows.parted(*table, split.TRAIN, "two", LocalExecutor())
    assert len(rows.partitions) == 5
    behind = steps.fit(steps.of(ours)[0], rows)
    values = parted_rows.whole(*table, split.TRAIN, "two").values
    expected = theirs[:-1].fit(values).transform(values)
    found = np.concatenate([behind.how.of(one)[0] for one in rows.partitions])
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ours[:-1].transform(values), expected, rtol=1e-9, atol=1e-12)


def test_given_a_step_that_learns_batch_by_batch_when_fitted_then_it_does(table: tuple[Path, int]) -> None:
    made = piped([SimpleImputer(), IncrementalPCA(2)])
    rows = parted_rows.parted(*table, split.TRAIN, "two", LocalExecutor())
    behind = steps.fit(steps.of(made)[0], rows)
    assert made[1].n_samples_seen_ == rows.rows
    assert behind.how.of(rows.partitions[0])[0].shape == (1024, 2)


@pytest.mark.parametrize("step", [PCA(2), make_pipeline(StandardScaler())])
def test_given_a_step_that_needs_all_rows_when_asked_then_refused_with_what_would_do(step: Any) -> None:
    assert f"{type(step).__name__} cannot be fitted by partition" in str(steps.refusal(step))
    assert "StandardScaler" in str(steps.refusal(step))


@pytest.mark.parametrize(
    "step", [SimpleImputer(missing_values=-1.0), SimpleImputer(strategy=max), RobustScaler(unit_variance=True)]
)
def test_given_a_setting_that_needs_all_rows_when_fitted_then_refused(table: tuple[Path, int], step: Any) -> None:
    rows = parted_rows.parted(*table, split.TRAIN, "two", LocalExecutor())
    with pytest.raises(UsageProblem, match="cannot be fitted by partition"):
        steps.fit([("it", step)], rows)
