"""XGBoost and LightGBM models: equal trainings equal digests, the same answers when loaded, nothing else is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
import xgboost

from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline.training import boosters as fitting
from aifactory_runtime.pipeline.training.training_data import Rows
from aifactory_runtime.registry import answers, boosters, model_folder
from aifactory_runtime.registry.model_folder import Belongs, Column, InputSchema
from tests.unit.runtime.registry.processes import printed

DRAW = np.random.default_rng(0)
VALUES = DRAW.normal(size=(300, 3))
VALUES[::17, 1] = np.nan
TWO = np.where(VALUES[:, 0] > 0, "yes", "no")
THREE = np.where(VALUES[:, 0] > 0.5, "c", np.where(VALUES[:, 2] > 0, "b", "a"))
NUMBERS = VALUES[:, 0] * 3 + DRAW.normal(size=300)
BELONGS = Belongs("c" * 40, "code", "lock", "schema", "classification")
KINDS = {
    "xgboost": (xgboost.XGBClassifier, xgboost.XGBRegressor),
    "lightgbm": (lightgbm.LGBMClassifier, lightgbm.LGBMRegressor),
}
LABELS = {"two": TWO, "three": THREE, "numbers": NUMBERS}


def classes_of(labels: np.ndarray) -> tuple[str, ...]:
    return () if labels.dtype.kind == "f" else tuple(np.unique(labels).tolist())


def fitted(library: str, labels: np.ndarray, rounds: int | None = None, **parameters: Any) -> Any:
    estimator = KINDS[library][labels.dtype.kind == "f"](n_estimators=8, random_state=7, **parameters)
    estimator.set_params(**fitting.steady(estimator))
    if rounds is not None and library == "xgboost":
        estimator.set_params(early_stopping_rounds=rounds)
    train, validation = Rows(VALUES[:200], labels[:200]), Rows(VALUES[200:], labels[200:])
    fitting.fit(estimator, train, validation, classes_of(labels), rounds)
    return estimator


def write(folder: Path, estimator: Any, labels: np.ndarray) -> str:
    columns = tuple(Column(name, "number", True) for name in "abc")
    return model_folder.write(
        folder, estimator, InputSchema("y", columns, ("a", "b", "c"), classes_of(labels)), BELONGS
    )


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("library", KINDS)
def test_given_a_booster_when_written_and_loaded_then_it_answers_the_same(
    tmp_path: Path, library: str, labels: np.ndarray
) -> None:
    estimator = fitted(library, labels)
    write(tmp_path / "model", estimator, labels)
    loaded = model_folder.load_estimator(tmp_path / "model")
    before, shares = answers.of(estimator, VALUES, classes_of(labels))
    after, loaded_shares = answers.of(loaded, VALUES, classes_of(labels))
    assert loaded.n_features_in_ == 3
    assert np.allclose(before, after, rtol=1e-6) if shares is None else np.array_equal(before, after)
    assert shares is None or (loaded_shares is not None and np.allclose(shares, loaded_shares, atol=1e-7))
    assert shares is not None or np.corrcoef(after, labels)[0, 1] > 0.5


@pytest.mark.parametrize("library", KINDS)
def test_given_equal_trainings_with_other_threads_when_written_then_the_digest_is_equal(
    tmp_path: Path, library: str
) -> None:
    digests = {write(tmp_path / str(threads), fitted(library, TWO, n_jobs=threads), TWO) for threads in (1, 2)}
    assert len(digests) == 1
    assert write(tmp_path / "other", fitted(library, TWO, learning_rate=0.01), TWO) not in digests


@pytest.mark.slow
@pytest.mark.parametrize("library", KINDS)
def test_given_equal_trainings_when_written_by_two_processes_then_the_digest_is_equal(
    tmp_path: Path, library: str
) -> None:
    program = (
        "import pathlib, sys; sys.path.insert(0, '.');"
        "from tests.unit.runtime.registry import test_boosters as t;"
        "print(t.write(pathlib.Path(sys.argv[1]), t.fitted(sys.argv[2], t.TWO), t.TWO))"
    )
    found = [printed(program, str(tmp_path / seed), library, hash_seed=seed) for seed in ("1", "2", "3")]
    assert len(set(found)) == 1


@pytest.mark.parametrize("library", KINDS)
def test_given_early_stopping_when_written_then_only_the_trees_up_to_the_best_round_are_kept(
    tmp_path: Path, library: str
) -> None:
    noise = np.where(np.random.default_rng(1).random(300) > 0.5, "yes", "no")
    estimator = fitted(library, noise, rounds=2, learning_rate=1.0)
    write(tmp_path / "model", estimator, noise)
    loaded = model_folder.load_estimator(tmp_path / "model")
    assert np.allclose(loaded.predict_proba(VALUES), estimator.predict_proba(VALUES), atol=1e-7)
    whole = fitted(library, noise, learning_rate=1.0)
    assert not np.allclose(loaded.predict_proba(VALUES), whole.predict_proba(VALUES), atol=1e-7)


@pytest.mark.parametrize("library", KINDS)
def test_given_a_class_in_validation_only_when_stopped_early_then_its_rows_are_left_out(library: str) -> None:
    labels = TWO.astype(object)
    labels[250] = "rare"
    stops: dict[str, Any] = {"early_stopping_rounds": 2} if library == "xgboost" else {}
    estimator: Any = KINDS[library][0](n_estimators=4, **stops)
    train, validation = Rows(VALUES[:200], labels[:200].astype(str)), Rows(VALUES[200:], labels[200:].astype(str))
    fitting.fit(estimator, train, validation, ("no", "yes"), 2)
    assert estimator.predict_proba(VALUES).shape == (300, 2)


@pytest.mark.parametrize("library", KINDS)
@pytest.mark.parametrize("content", [None, b"", b"not a model", b"{}", b"tree\n", b"\x80\x04\x95pickle"])
def test_fault_29_given_a_missing_or_broken_booster_when_loaded_then_one_line(
    tmp_path: Path, library: str, content: bytes | None
) -> None:
    path = tmp_path / boosters.FILES[library]  # type: ignore[index]
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FactoryError, match=r"missing|is not a|not allowed") as caught:
        boosters.load(library, path, ("no", "yes"))  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("library", KINDS)
def test_fault_30_given_an_objective_that_is_not_listed_when_loaded_then_refused(tmp_path: Path, library: str) -> None:
    write(tmp_path / "model", fitted(library, TWO), TWO)
    path = tmp_path / "model" / boosters.FILES[library]  # type: ignore[index]
    text = path.read_text()
    own = "binary:logistic" if library == "xgboost" else "objective=binary "
    assert own in text
    path.write_text(text.replace(own, "rank:pairwise" if library == "xgboost" else "objective=lambdarank "))
    with pytest.raises(FactoryError, match="not allowed"):
        model_folder.load_estimator(tmp_path / "model")


def test_fault_30_given_a_cut_off_model_when_loaded_then_one_line(tmp_path: Path) -> None:
    write(tmp_path / "model", fitted("xgboost", TWO), TWO)
    path = tmp_path / "model" / "model.json"
    whole = json.loads(path.read_text())
    del whole["learner"]["gradient_booster"]["model"]
    path.write_text(json.dumps(whole))
    with pytest.raises(FactoryError, match="is not a xgboost model"):
        model_folder.load_estimator(tmp_path / "model")


def test_fault_30_given_a_regressor_under_a_classifier_s_schema_when_loaded_then_refused(tmp_path: Path) -> None:
    write(tmp_path / "model", fitted("xgboost", NUMBERS), TWO)
    with pytest.raises(FactoryError, match="not allowed"):
        model_folder.load_estimator(tmp_path / "model")


def test_given_an_objective_of_one_s_own_when_written_then_refused(tmp_path: Path) -> None:
    def objective(labels: Any, predicted: Any) -> tuple[Any, Any]:
        return predicted - labels, np.ones_like(labels)

    estimator = lightgbm.LGBMRegressor(n_estimators=2, objective=objective, verbosity=-1).fit(VALUES, NUMBERS)
    with pytest.raises(UsageProblem, match="never loaded again"):
        write(tmp_path / "model", estimator, NUMBERS)


@pytest.mark.slow
def test_given_a_booster_when_served_then_only_its_own_library_is_imported(tmp_path: Path) -> None:
    write(tmp_path / "model", fitted("lightgbm", TWO), TWO)
    program = (
        "import sys, pathlib; from aifactory_runtime.serving import lean; lean.block_unused();"
        "from aifactory_runtime.registry import model_folder as m; import numpy as np;"
        "e = m.load_estimator(pathlib.Path(sys.argv[1])); e.predict_proba(np.zeros((1, 3)));"
        "print([n for n in ('mlflow', 'pandas', 'skops', 'xgboost', 'pyarrow') if n in sys.modules])"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "model")]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == "[]"
