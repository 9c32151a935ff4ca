"""Training in the pipeline: regressions, searches, trainings that do not converge, and what cannot be trained."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.events import log
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.registry import model_folder
from aifactory_runtime.serving.document import Served
from aifactory_runtime.serving.model import ServedModel
from tests.fixtures.usecase_repo import commit

Pipeline = Callable[..., Handoff]

pytestmark = pytest.mark.slow


def edit(repo: Path, name: str, *changes: tuple[str, str]) -> None:
    path = repo / name
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def settings(repo: Path, train: str, gate: str = "") -> None:
    (repo / "conf" / "base.yaml").write_text(f"train:\n{train}\n" + (f"gate:\n{gate}\n" if gate else ""))


def model(repo: Path, body: str) -> None:
    (repo / "src" / "demo_case" / "model.py").write_text(f"{body}\n")


@pytest.fixture
def regression(repo: Path) -> Path:
    """The customers' incomes, to be learned from the rest."""
    edit(repo, "factory.yaml", ("problem: classification", "problem: regression"))
    edit(
        repo,
        "src/demo_case/schema.py",
        ("        TARGET: pa.Column(int", '        "churned": pa.Column(int'),
        ('TARGET = "churned"', 'TARGET = "income"'),
        (", nullable=True", ""),
    )
    edit(
        repo,
        "src/demo_case/features.py",
        ('"log_income": np.log1p(columns["income"])', '"churned": columns["churned"]'),
    )
    lines = (repo / "data" / "customers.csv").read_text().splitlines()
    (repo / "data" / "customers.csv").write_text("\n".join(line for line in lines if ",," not in line) + "\n")
    settings(repo, "  parameters: {}")
    edit(
        repo, "src/demo_case/model.py", ("import LogisticRegression", "import Ridge"), ("LogisticRegression(", "Ridge(")
    )
    commit(repo, "Learn incomes")
    return repo


@pytest.mark.usefixtures("regression")
def test_given_a_regression_when_run_then_a_version_with_its_figures_and_the_baseline_s(
    pipeline: Pipeline, context: Context
) -> None:
    handoff = pipeline()
    version = context.registry.version(1)
    assert handoff.metrics["rmse"] < handoff.metrics["baseline.rmse"]
    assert {"rmse", "r2", "mae", "median_ae"} <= {name for name in handoff.metrics if "." not in name}
    assert float(version.tags["aifactory.metric.rmse"]) == pytest.approx(handoff.metrics["rmse"], rel=1e-5)
    assert float(version.tags["aifactory.baseline.mae"]) == pytest.approx(handoff.metrics["baseline.mae"], rel=1e-5)
    assert version.tags["aifactory.converged"] == "true"
    folder = Path(context.registry.artifact_address(version))
    assert model_folder.read_belongs(folder).problem == "regression"
    assert model_folder.read_schema(folder).classes == ()
    context.registry.set_alias("champion", 1)
    again = pipeline(again=True)
    assert again.version == 1
    assert again.metrics["champion.rmse"] == handoff.metrics["reference.rmse"]


@pytest.mark.usefixtures("regression")
def test_given_a_regression_when_served_then_answers_are_numbers_without_probabilities(
    pipeline: Pipeline, context: Context
) -> None:
    handoff = pipeline("ingest", "validate", "prepare", "train")
    folder = Path(context.contract.artifact_uri) / "runs" / handoff.id / "model"
    schema, estimator = model_folder.read_schema(folder), model_folder.load_estimator(folder)
    features: Any = context.project.science.features()
    served = ServedModel.make(Served("1", "a", "b", "c", "d"), schema, estimator, features, 10)
    served.try_out()
    row = {"age": 40, "member": True, "region": "east", "churned": 0}
    (answer,) = served.predict(served.reader.predict(json.dumps({"rows": [row]}).encode()))
    assert list(answer) == ["prediction"]
    assert isinstance(answer["prediction"], float)


@pytest.mark.parametrize("library", ["xgboost.XGB", "lightgbm.LGBM"])
@pytest.mark.parametrize("problem", ["Classifier", "Regressor"])
def test_given_a_boosting_library_when_run_twice_then_a_version_and_the_same_digest(
    request: pytest.FixtureRequest, repo: Path, pipeline: Pipeline, library: str, problem: str
) -> None:
    if problem == "Regressor":
        request.getfixturevalue("regression")
    module, _, prefix = library.partition(".")
    model(repo, f"from {module} import {prefix}{problem} as make_model")
    settings(repo, "  parameters: {n_estimators: 30, max_depth: 2, learning_rate: 0.1}\n  early_stopping_rounds: 3")
    commit(repo, "Boost")
    first, second = pipeline(), pipeline()
    assert (first.version, second.version) == (1, 1)
    assert first.model_sha256 == second.model_sha256


SEARCH = """  parameters: {C: 0.0001}
  search:
    budget_trials: 4
    parameters: {C: [0.01, 0.1, 1.0, 10.0], fit_intercept: [true, false]}
  max_gap: 0.5"""


def test_given_a_search_when_run_then_trials_are_child_runs_and_the_best_is_the_model(
    repo: Path, pipeline: Pipeline, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    settings(repo, SEARCH)
    commit(repo, "Search")
    with caplog.at_level(logging.WARNING, "aifactory.train"):
        handoff = pipeline()
    runs = context.registry._runs.search_runs(["1"], "", 1)  # type: ignore[attr-defined]
    trials = {run.info.run_name: run for run in runs if "mlflow.parentRunId" in run.data.tags}
    assert sorted(trials) == ["trial 0", "trial 1", "trial 2", "trial 3"]
    assert {run.data.tags["mlflow.parentRunId"] for run in trials.values()} == {handoff.mlflow_run}
    assert {run.info.status for run in trials.values()} == {"FINISHED"}
    assert trials["trial 0"].data.params == {"C": "0.0001"}
    best = max(trials.values(), key=lambda run: run.data.metrics["validation.roc_auc"])
    assert {key: str(value) for key, value in handoff.parameters.items()} == best.data.params
    assert handoff.metrics["validation.roc_auc"] == best.data.metrics["validation.roc_auc"]
    assert "gap.roc_auc" in handoff.metrics
    assert "search: 4 trials" in caplog.text
    assert pipeline().model_sha256 == handoff.model_sha256


def test_given_a_trial_that_cannot_be_fitted_when_searched_then_it_is_marked_and_the_others_go_on(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    settings(repo, "  search: {budget_trials: 3, parameters: {solver: [no-such-solver, liblinear]}}")
    commit(repo, "Search")
    handoff = pipeline("ingest", "validate", "prepare", "train")
    runs = context.registry._runs.search_runs(["1"], "", 1)  # type: ignore[attr-defined]
    assert handoff.mlflow_run is not None
    assert sorted(run.info.status for run in runs) == ["FAILED", "FINISHED", "FINISHED", "RUNNING"]


def test_given_a_gap_beyond_the_allowed_when_judged_then_the_gate_refuses(repo: Path, pipeline: Pipeline) -> None:
    model(repo, "from sklearn.tree import DecisionTreeClassifier as make_model")
    settings(repo, "  max_gap: 0.001")
    commit(repo, "Learn by heart")
    with pytest.raises(FactoryError, match="better on training rows than on validation rows"):
        pipeline()


ONE_STEP = "  parameters: {max_iter: 1}"


def test_given_a_training_that_does_not_converge_when_reported_then_run_event_and_version_say_so(
    repo: Path, pipeline: Pipeline, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    settings(repo, ONE_STEP)
    commit(repo, "Hurry")
    with caplog.at_level(logging.WARNING, "aifactory.train"):
        pipeline()
    assert "did not converge" in caplog.text
    assert context.registry.version(1).tags["aifactory.converged"] == "false"
    (run,) = context.registry._runs.search_runs(["1"], "", 1)  # type: ignore[attr-defined]
    assert run.data.tags["aifactory.converged"] == "false"
    (event,) = log.read(Path(context.contract.events_uri)).events
    assert (event.key, event.state, event.facts["refused"]) == ("not_converged", "open", False)


def test_given_a_training_that_does_not_converge_when_refused_then_nothing_is_registered(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    settings(repo, f"{ONE_STEP}\n  not_converged: refuse")
    commit(repo, "Hurry")
    with pytest.raises(FactoryError, match="did not converge"):
        pipeline()
    (run,) = context.registry._runs.search_runs(["1"], "", 1)  # type: ignore[attr-defined]
    assert (run.info.status, run.data.tags["aifactory.converged"]) == ("FAILED", "false")
    assert context.registry.versions() == []


def test_given_a_loss_that_is_no_number_when_trained_then_refused_whatever_the_settings(
    regression: Path, pipeline: Pipeline, context: Context
) -> None:
    model(regression, "from sklearn.neural_network import MLPRegressor as make_model")
    settings(regression, "  parameters: {solver: sgd, learning_rate_init: 1.0e+6}")
    commit(regression, "Leap")
    with pytest.raises(FactoryError, match="did not converge"):
        pipeline()
    (event,) = log.read(Path(context.contract.events_uri)).events
    assert (event.key, event.facts["refused"]) == ("not_converged", True)
    (run,) = context.registry._runs.search_runs(["1"], "", 1)  # type: ignore[attr-defined]
    assert (run.info.status, run.data.tags["aifactory.converged"]) == ("FAILED", "false")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("from sklearn.svm import LinearSVC as make_model", "gives no probabilities"),
        ("from sklearn.linear_model import LogisticRegression as make_model", "SimpleImputer"),
    ],
)
def test_fault_23_given_an_estimator_that_does_not_suit_when_trained_then_one_line_says_what_would(
    repo: Path, pipeline: Pipeline, body: str, said: str
) -> None:
    model(repo, body)
    settings(repo, "  parameters: {}")
    with pytest.raises(FactoryError, match=said):
        pipeline()


def test_given_a_metric_of_another_problem_when_run_then_named_before_training(repo: Path, pipeline: Pipeline) -> None:
    settings(repo, "  parameters: {}", "  metric: rmse")
    with pytest.raises(UsageProblem, match=r"gate\.metric"):
        pipeline()


def test_given_a_text_to_learn_when_the_problem_is_a_regression_then_one_line(
    regression: Path, pipeline: Pipeline
) -> None:
    edit(regression, "src/demo_case/schema.py", ('TARGET = "income"', 'TARGET = "region"'))
    edit(regression, "src/demo_case/features.py", ('"region": columns["region"],', ""))
    with pytest.raises(FactoryError, match="holds no numbers"):
        pipeline()


def test_fault_24_given_one_number_only_when_the_problem_is_a_regression_then_nothing_is_registered(
    regression: Path, pipeline: Pipeline, context: Context
) -> None:
    path = regression / "data" / "customers.csv"
    lines = [line.split(",") for line in path.read_text().splitlines()]
    path.write_text(
        "\n".join(",".join([line[0], "5.0" if number else line[1], *line[2:]]) for number, line in enumerate(lines))
    )
    settings(regression, "  parameters: {}\ndata:\n  max_duplicate_share: 1.0")
    with pytest.raises(FactoryError, match="income"):
        pipeline()
    assert context.registry.versions() == []


def test_given_a_positive_class_when_judged_then_f1_is_that_of_it_and_one_that_is_none_is_refused(
    repo: Path, pipeline: Pipeline
) -> None:
    found = {}
    for positive in (0, 1):
        settings(repo, "  parameters: {C: 1.0}", f"  positive_class: {positive}")
        found[positive] = pipeline("ingest", "validate", "prepare", "train", "evaluate").metrics
    settings(repo, "  parameters: {C: 1.0}", "  positive_class: left")
    with pytest.raises(UsageProblem, match=r"gate\.positive_class is no class of churned"):
        pipeline("ingest", "validate", "prepare", "train")

    zero, one = found[0], found[1]
    assert zero["roc_auc"] == one["roc_auc"]
    for place in ("", "training.", "validation.", "reference."):
        assert zero[f"{place}f1"] != one[f"{place}f1"]
    assert min(zero["baseline.f1"], one["baseline.f1"]) == 0 < max(zero["baseline.f1"], one["baseline.f1"])
