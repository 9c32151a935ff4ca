"""A model from elsewhere goes through the same gate, a pickle is refused; a run made once more gives the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from feature_engine.outliers import Winsorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from aifactory_runtime.config import layout, project
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.pipeline.reproduction.reproduce import reproduce
from aifactory_runtime.pipeline.run import STEPS, run
from aifactory_runtime.pipeline.training import adopt, training_data
from tests.fixtures.usecase_repo import bring_runtime, commit, git

pytestmark = pytest.mark.slow

Pipeline = Callable[..., Handoff]
FEATURES = ["age", "member", "region=east", "region=north", "region=south", "region=west"]


def imported(context: Context, folder: Path) -> Handoff:
    steps = {**STEPS, "train": adopt.step(folder)}
    return run(context, tuple(STEPS), run_id=None, kind="experiment", say=lambda _: None, steps=steps)


@pytest.fixture
def plain(repo: Path) -> Path:
    """The repo without the feature that may be missing, so that any estimator takes its rows."""
    path = repo / "src" / "demo_case" / "features.py"
    path.write_text(path.read_text().replace('"log_income": np.log1p(columns["income"]),', ""))
    commit(repo, "Leave incomes out")
    return repo


@pytest.fixture
def rows(plain: Path, context: Context, pipeline: Pipeline) -> training_data.Rows:
    _ = plain
    return training_data.load(context, pipeline("ingest", "validate", "prepare")).train


def save(folder: Path, library: str, values: Any, labels: Any, **how: Any) -> Path:
    import mlflow.lightgbm
    import mlflow.sklearn
    import mlflow.xgboost

    pins = {"pip_requirements": ["scikit-learn"]}
    if library == "sklearn":
        mlflow.sklearn.save_model(LogisticRegression().fit(values, labels), str(folder), **pins, **how)
    elif library == "xgboost":
        import xgboost

        model = xgboost.XGBClassifier(n_estimators=20, max_depth=2).fit(values, labels)
        mlflow.xgboost.save_model(model, str(folder), **pins, **how)
    else:
        import lightgbm

        model = lightgbm.LGBMClassifier(n_estimators=20, verbosity=-1).fit(values, labels)
        mlflow.lightgbm.save_model(model.booster_, str(folder), **pins, **how)
    return folder


@pytest.mark.parametrize("library", ["sklearn", "xgboost", "lightgbm"])
def test_given_a_model_from_elsewhere_when_imported_then_it_is_registered_by_the_same_gate(
    tmp_path: Path, context: Context, rows: training_data.Rows, library: str
) -> None:
    how = {"sklearn": {"serialization_format": "skops"}, "xgboost": {"model_format": "json"}}.get(library, {})
    folder = save(tmp_path / "model", library, rows.values, rows.labels, **how)
    handoff = imported(context, folder)
    version = context.registry.version(1)
    assert handoff.gate is not None
    assert handoff.gate["passed"]
    assert handoff.metrics["roc_auc"] > handoff.metrics["baseline.roc_auc"]
    assert version.tags["aifactory.imported"] == handoff.imported
    assert version.tags["aifactory.stage"] == "candidate"
    assert imported(context, folder).version == 1


@pytest.mark.parametrize("named", [False, True])
def test_given_a_step_of_another_package_when_imported_then_it_must_have_learned_without_names(
    tmp_path: Path, plain: Path, rows: training_data.Rows, named: bool
) -> None:
    import mlflow.sklearn

    values = pd.DataFrame(rows.values, columns=FEATURES) if named else rows.values
    capped = FEATURES[0] if named else "x0"
    fitted = make_pipeline(Winsorizer(variables=capped), LogisticRegression()).fit(values, rows.labels)
    folder, trusted = tmp_path / "model", "feature_engine.outliers.winsorizer.Winsorizer"
    how = {"serialization_format": "skops", "skops_trusted_types": [trusted]}
    mlflow.sklearn.save_model(fitted, str(folder), pip_requirements=["scikit-learn"], **how)
    with pytest.raises(FactoryError, match=rf"not allowed \({trusted}\)"):
        imported(Context(project.load(plain)), folder)

    conf = plain / "conf" / "base.yaml"
    conf.write_text(conf.read_text().replace("train:\n", f"train:\n  trusted_types: [{trusted}]\n"))
    if not named:
        assert imported(Context(project.load(plain)), folder).version == 1
        return
    with pytest.raises(FactoryError, match="Winsorizer learned from a table with names"):
        imported(Context(project.load(plain)), folder)


def test_given_an_imported_version_when_the_pipeline_runs_then_it_trains_one_of_its_own(
    tmp_path: Path, context: Context, rows: training_data.Rows, pipeline: Pipeline
) -> None:
    folder = save(tmp_path / "model", "lightgbm", rows.values, rows.labels)
    brought = imported(context, folder)
    own = pipeline(again=False)
    assert own.imported is None
    assert own.model_sha256 != brought.model_sha256
    with pytest.raises(FactoryError, match="imported a model"):
        reproduce(context, brought.id, print)


def test_given_a_model_worse_than_chance_when_imported_then_the_gate_refuses(
    tmp_path: Path, context: Context, rows: training_data.Rows
) -> None:
    folder = save(tmp_path / "model", "sklearn", rows.values, 1 - rows.labels, serialization_format="skops")
    with pytest.raises(FactoryError, match="the gate refuses"):
        imported(context, folder)
    assert context.registry.versions() == []


def test_fault_30_given_a_pickle_when_imported_then_refused_unread_with_what_to_do(
    tmp_path: Path, context: Context, rows: training_data.Rows
) -> None:
    folder = save(tmp_path / "model", "sklearn", rows.values, rows.labels, serialization_format="skops")
    text = (folder / "MLmodel").read_text()
    (folder / "MLmodel").write_text(text.replace("model.skops", "model.pkl").replace("format: skops", "format: pickle"))
    (folder / "model.skops").rename(folder / "model.pkl")
    with pytest.raises(FactoryError, match=r'save_model\(model, folder, serialization_format="skops"\)'):
        imported(context, folder)


def test_given_a_model_of_other_features_when_imported_then_the_difference_is_named(
    tmp_path: Path, context: Context, rows: training_data.Rows
) -> None:
    import pandas as pd

    few = save(tmp_path / "few", "sklearn", rows.values[:, :3], rows.labels, serialization_format="skops")
    with pytest.raises(FactoryError, match=r"takes 3 features, features\.py gives 6"):
        imported(context, few)
    frame = pd.DataFrame(rows.values, columns=["member", "age", *FEATURES[2:]])
    swapped = save(tmp_path / "swapped", "sklearn", frame, rows.labels, serialization_format="skops")
    with pytest.raises(FactoryError, match=r"first that differs is member \(age here\)"):
        imported(context, swapped)
    named = pd.DataFrame(rows.values, columns=FEATURES)
    assert imported(
        context, save(tmp_path / "named", "lightgbm", named.set_axis(FEATURES, axis=1), rows.labels)
    ).version


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_given_a_feature_with_a_space_when_a_model_of_it_is_imported_then_its_library_may_write_it_otherwise(
    tmp_path: Path, plain: Path, context: Context, pipeline: Pipeline, library: str
) -> None:
    import pandas as pd

    path = plain / "src" / "demo_case" / "features.py"
    path.write_text(path.read_text().replace('"age":', '"age in years":'))
    commit(plain, "Name the unit")
    rows = training_data.load(context, pipeline("ingest", "validate", "prepare")).train
    frame = pd.DataFrame(rows.values, columns=["age in years", *FEATURES[1:]])
    assert imported(context, save(tmp_path / "model", library, frame, rows.labels)).version == 1


def test_given_a_model_of_other_classes_when_imported_then_both_are_named(
    tmp_path: Path, context: Context, rows: training_data.Rows
) -> None:
    folder = save(
        tmp_path / "model",
        "sklearn",
        rows.values,
        np.where(rows.labels == 1, "yes", "no"),
        serialization_format="skops",
    )
    with pytest.raises(FactoryError, match=r"\['no', 'yes'\].*\[0, 1\]"):
        imported(context, folder)


@pytest.mark.parametrize("content", [None, "", "flavors: {prophet: {data: x}}", "[", "flavors: {sklearn: {}}"])
def test_given_a_folder_that_is_no_model_when_imported_then_one_line(tmp_path: Path, content: str | None) -> None:
    (tmp_path / "model").mkdir()
    if content is not None:
        (tmp_path / "model" / "MLmodel").write_text(content)
    with pytest.raises(UsageProblem, match="MLmodel"):
        adopt.step(tmp_path / "model")


@pytest.fixture
def vendored(repo: Path, request: pytest.FixtureRequest) -> Path:
    """The repo with the runtime in it, as a real one has it or had it: a checkout of a commit runs by itself."""
    bring_runtime(repo, getattr(request, "param", layout.CODE[-1]))
    commit(repo, "Bring the runtime")
    return repo


@pytest.mark.parametrize("vendored", layout.CODE, indirect=True)
def test_given_a_run_when_code_data_and_runtime_have_moved_on_then_it_is_reproduced_from_its_own(
    vendored: Path, pipeline: Pipeline, context: Context
) -> None:
    handoff = pipeline()
    bring_runtime(vendored)
    model = vendored / "src" / "demo_case" / "model.py"
    model.write_text(model.read_text().replace("SimpleImputer()", 'SimpleImputer(strategy="median")'))
    data = vendored / "data" / "customers.csv"
    data.write_text("\n".join(data.read_text().splitlines()[:-50]) + "\n")
    commit(vendored, "Move on")
    assert pipeline().model_sha256 != handoff.model_sha256
    runs = sorted((context.artifacts / "runs").iterdir())
    found = reproduce(context, handoff.id, print)
    assert found.same
    assert found.differs == ()
    assert found.same_lock
    assert found.commit != git(vendored, "rev-parse", "HEAD")
    assert reproduce(context, handoff.mlflow_run or "", print).same
    assert sorted((context.artifacts / "runs").iterdir()) == runs


def test_given_a_run_that_comes_out_otherwise_when_reproduced_then_the_file_that_differs_is_named(
    vendored: Path, pipeline: Pipeline, context: Context
) -> None:
    model = vendored / "src" / "demo_case" / "model.py"
    model.write_text(
        "import os\nfrom sklearn.ensemble import HistGradientBoostingClassifier\n\n\n"
        "def make_model(C):\n    return HistGradientBoostingClassifier(max_iter=5 + os.getpid() % 50)\n"
    )
    commit(vendored, "Depend on the process")
    handoff = pipeline("ingest", "validate", "prepare", "train")
    found = next(one for one in (reproduce(context, handoff.id, print) for _ in range(3)) if not one.same)
    assert {"model.skops"} <= set(found.differs) <= {"model.skops", "input_schema.json"}, (
        "the profile holds its answers"
    )


@pytest.mark.parametrize("vendored", [layout.SCIENCE], indirect=True)
def test_given_a_run_of_an_older_runtime_when_reproduced_then_its_process_is_called_by_the_name_it_has_there(
    vendored: Path, pipeline: Pipeline, context: Context
) -> None:
    parts = vendored / layout.SCIENCE / "aifactory_runtime" / "pipeline"
    (parts / "reproduction" / "reproduce_process.py").rename(parts / "retrain.py")
    commit(vendored, "As it was called before")
    before = pipeline("ingest", "validate", "prepare", "train")
    (parts / "retrain.py").unlink()
    commit(vendored, "Before there was any")
    without = pipeline("ingest", "validate", "prepare", "train")

    assert reproduce(context, before.id, print).same
    with pytest.raises(FactoryError, match="its runtime is older than reproduce"):
        reproduce(context, without.id, print)


def test_given_a_run_of_a_dirty_tree_when_reproduced_then_refused(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    model = repo / "src" / "demo_case" / "model.py"
    model.write_text(model.read_text() + "\n")
    handoff = pipeline("ingest", "validate", "prepare", "train")
    with pytest.raises(FactoryError, match="no commit holds"):
        reproduce(context, handoff.id, print)
    with pytest.raises(UsageProblem, match="there is no run"):
        reproduce(context, "20200101-000000-abcdef", print)
