"""Estimators trained by partition on two real workers, against one process: figures, seeds, early stop, kills."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier, XGBRegressor

from aifactory_runtime.cluster.dask_executor import DaskExecutor
from aifactory_runtime.cluster.executor import Executor, LocalExecutor
from aifactory_runtime.config.settings import TrainSettings
from aifactory_runtime.data import split
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.gate.metrics import Metric
from aifactory_runtime.pipeline import scores
from aifactory_runtime.pipeline.training import boosters, by_partition, ranks
from aifactory_runtime.registry import boosters as saved
from tests.unit.runtime.pipeline.training import parted_rows

if TYPE_CHECKING:
    from distributed import Client

pytestmark = pytest.mark.slow

FEW = {"n_estimators": 150, "max_depth": 5, "learning_rate": 0.15, "n_jobs": 1}
QUIET = {**boosters.steady(LGBMClassifier()), "random_state": 7, **FEW}
Tables = dict[str, tuple[Path, int]]


@pytest.fixture(scope="module")
def tables_(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    with pytest.MonkeyPatch.context() as patch:
        folders = {kind: tmp_path_factory.mktemp(kind) for kind in parted_rows.CLASSES}
        return {kind: (folder, parted_rows.make_table(folder, kind, patch)) for kind, folder in folders.items()}


def trained(
    table: tuple[Path, int], kind: str, estimator: Any, executor: Executor | None, rounds: int | None = None
) -> tuple[Any, dict[str, float]]:
    """A fitted clone, in one process without an executor; its figures on the test rows."""
    made = clone(estimator)
    data = parted_rows.data(*table, kind, executor)
    if "early_stopping_rounds" in made.get_params() and rounds:
        made.set_params(early_stopping_rounds=rounds)
    if data.parted is None:
        boosters.fit(made, data.train, data.validation, data.schema.classes, rounds)
    else:
        settings = TrainSettings(early_stopping_rounds=rounds)
        metric: Metric = "roc_auc" if data.schema.classes else "rmse"
        made = by_partition.fit(made, data, data.parted, settings, metric)
    test = parted_rows.whole(*table, split.TEST, kind)
    return made, scores.of(made, test.values, test.labels, data.schema.classes)


BOOSTERS = [
    ("two", XGBClassifier(random_state=7, **FEW)),
    ("three", XGBClassifier(random_state=7, **FEW)),
    ("number", XGBRegressor(random_state=7, **FEW)),
    ("two", LGBMClassifier(**QUIET)),
    ("three", LGBMClassifier(**QUIET)),
    ("number", LGBMRegressor(**QUIET)),
]


@pytest.mark.parametrize(("kind", "estimator"), BOOSTERS)
def test_given_two_workers_when_a_booster_is_trained_then_as_good_as_one_process_and_alike_each_time(
    tables_: Tables, dask_executor: DaskExecutor, tmp_path: Path, kind: str, estimator: Any
) -> None:
    metric = "r2" if kind == "number" else "roc_auc"
    _, alone = trained(tables_[kind], kind, estimator, None)
    one, spread = trained(tables_[kind], kind, estimator, dask_executor)
    assert spread[metric] == pytest.approx(alone[metric], rel=0.005)
    other, again = trained(tables_[kind], kind, estimator, dask_executor)
    assert again == spread
    assert written(one, tmp_path / "one") == written(other, tmp_path / "other")
    loaded = saved.load(str(saved.flavour(one)), place(one, tmp_path / "one"), parted_rows.CLASSES[kind])  # type: ignore[arg-type]
    test = parted_rows.whole(*tables_[kind], split.TEST, kind)
    assert scores.of(loaded, test.values, test.labels, parted_rows.CLASSES[kind]) == pytest.approx(spread, rel=1e-6)


def place(estimator: Any, folder: Path) -> Path:
    return folder / saved.FILES[saved.flavour(estimator)]  # type: ignore[index]


def written(estimator: Any, folder: Path) -> bytes:
    """The model file, in which no address of a worker is."""
    from mlflow.models import infer_signature

    sample = np.zeros((3, len(parted_rows.FEATURES)))
    saved.save(saved.flavour(estimator), estimator, folder, infer_signature(sample))  # type: ignore[arg-type]
    content = place(estimator, folder).read_bytes()
    assert b"127.0.0.1" not in content
    return content


@pytest.mark.parametrize(
    "estimator",
    [XGBClassifier(random_state=7, **{**FEW, "n_estimators": 400}), LGBMClassifier(**QUIET | {"n_estimators": 400})],
)
def test_given_rounds_when_validation_gains_nothing_then_two_workers_stop_as_one_process_does(
    tables_: Tables, dask_executor: DaskExecutor, estimator: Any
) -> None:
    alone, figures = trained(tables_["two"], "two", estimator, None, rounds=5)
    spread, others = trained(tables_["two"], "two", estimator, dask_executor, rounds=5)
    assert 5 < best(spread) < 200
    assert best(spread) == pytest.approx(best(alone), rel=0.6)
    assert others["roc_auc"] == pytest.approx(figures["roc_auc"], rel=0.005)


def best(estimator: Any) -> int:
    return int(getattr(estimator, "best_iteration_", None) or estimator.best_iteration)


def test_given_a_pipeline_when_it_ends_in_a_booster_then_its_steps_are_fitted_over_all_rows(
    tables_: Tables, dask_executor: DaskExecutor
) -> None:
    estimator = make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), XGBClassifier(random_state=7, **FEW))
    made, figures = trained(tables_["two"], "two", estimator, dask_executor)
    values = parted_rows.whole(*tables_["two"], split.TRAIN, "two").values
    assert made[0].statistics_.tolist() == np.nanmedian(values, axis=0).tolist()
    assert made[1].n_samples_seen_ == len(values)
    assert figures["roc_auc"] > 0.9


@pytest.mark.parametrize(
    ("kind", "estimator"),
    [
        ("two", make_pipeline(SimpleImputer(), StandardScaler(), SGDClassifier(loss="log_loss", random_state=7))),
        ("three", make_pipeline(SimpleImputer(), GaussianNB())),
        ("number", make_pipeline(SimpleImputer(), StandardScaler(), SGDRegressor(random_state=7))),
    ],
)
def test_given_partial_fit_when_trained_on_two_workers_then_the_same_as_by_partition_in_one_process(
    tables_: Tables, dask_executor: DaskExecutor, kind: str, estimator: Any
) -> None:
    _, alone = trained(tables_[kind], kind, estimator, None)
    here, local = trained(tables_[kind], kind, estimator, LocalExecutor())
    there, spread = trained(tables_[kind], kind, estimator, dask_executor)
    assert spread == local
    metric = "roc_auc" if "roc_auc" in alone else "r2"
    assert spread[metric] == pytest.approx(alone[metric], rel=0.02)
    if hasattr(here[-1], "coef_"):
        np.testing.assert_array_equal(here[-1].coef_, there[-1].coef_)


def test_given_early_stopping_when_an_epoch_gains_nothing_then_the_best_epoch_is_kept(tables_: Tables) -> None:
    rate = {"learning_rate": "constant", "eta0": 0.5, "early_stopping": True}
    estimator = make_pipeline(SimpleImputer(), SGDClassifier(loss="log_loss", random_state=7, **rate))
    stopped, figures = trained(tables_["two"], "two", estimator, LocalExecutor(), rounds=1)
    _, all_epochs = trained(tables_["two"], "two", estimator, LocalExecutor())
    validation = parted_rows.whole(*tables_["two"], split.VALIDATION, "two")
    best_of_it = scores.of(stopped, validation.values, validation.labels, ("no", "yes"))["roc_auc"]
    assert best_of_it >= 0.75
    assert figures["roc_auc"] >= all_epochs["roc_auc"] - 0.05
    assert stopped[-1].t_ < 5 * parted_rows.ROWS[split.TRAIN]


@pytest.mark.long
@pytest.mark.parametrize("estimator", [XGBClassifier(random_state=7, **FEW), LGBMClassifier(**QUIET)])
def test_given_a_worker_killed_within_a_fit_when_it_goes_on_then_the_fit_begins_again_and_ends_alike(
    tables_: Tables, dask_executor: DaskExecutor, estimator: Any, caplog: pytest.LogCaptureFixture
) -> None:
    long = clone(estimator).set_params(n_estimators=600, learning_rate=0.01)
    _, expected = trained(tables_["two"], "two", long, dask_executor)
    killer = threading.Thread(target=kill_one, args=(dask_executor.client,))
    killer.start()
    _, found = trained(tables_["two"], "two", long, dask_executor)
    killer.join()
    assert "the fit begins again (2 of 3)" in caplog.text
    assert found == pytest.approx(expected, rel=0.005)


def kill_one(client: Client) -> None:
    """Once a rank is at work."""
    while not any(client.processing().values()):
        time.sleep(0.01)
    time.sleep(0.2)
    pid = next(iter(client.run(os.getpid).values()))
    os.kill(pid, 9)


@pytest.mark.long
def test_given_workers_that_are_lost_each_time_when_fitted_then_it_ends_after_three(
    dask_executor: DaskExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        pytest.raises(FactoryError, match=r"lost in each of 2 fits.*data\.max_train_rows"),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(ranks, "FITS", 2)
        ranks.run(dask_executor, _die, lambda found: [rank.place for rank in found], private=False)
    assert "the fit begins again (2 of 2)" in caplog.text


def _die(place: int) -> None:
    if place == 0:
        os._exit(1)
    time.sleep(60)


@pytest.mark.long
def test_given_an_error_in_a_rank_when_run_then_it_is_raised_and_nothing_is_tried_again(
    dask_executor: DaskExecutor,
) -> None:
    with pytest.raises(ValueError, match="of rank 0"):
        ranks.run(dask_executor, _fail, lambda found: [rank.place for rank in found], private=False)


def _fail(place: int) -> None:
    if place == 0:
        raise ValueError("of rank 0")


def test_given_workers_elsewhere_when_the_network_is_not_declared_private_then_refused() -> None:
    away = [ranks.Rank(0, "tls://10.0.0.7:40000", "10.0.0.7", 1)]
    ranks._check_private(away, private=True)
    with pytest.raises(UsageProblem, match=r"without TLS, here to 10\.0\.0\.7.*private"):
        ranks._check_private(away, private=False)
