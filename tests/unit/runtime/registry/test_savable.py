"""Estimators of other packages: trusted ones are saved and loaded, others are refused by name, with what to do."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import category_encoders  # type: ignore[import-untyped]
import numpy as np
import pytest
from feature_engine.outliers import Winsorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.registry import model_folder, savable
from tests.unit.runtime.registry.processes import printed
from tests.unit.runtime.registry.test_boosters import KINDS
from tests.unit.runtime.registry.test_model_folder import BELONGS, LABELS, SCHEMA

HASHING = "category_encoders.hashing.HashingEncoder"
WINSORIZER = "feature_engine.outliers.winsorizer.Winsorizer"
VALUES = np.random.default_rng(0).integers(0, 4, size=(200, 3)).astype(float)
STEPS = {
    HASHING: lambda: category_encoders.HashingEncoder(cols=[1], return_df=False, max_process=1),
    WINSORIZER: lambda: Winsorizer(capping_method="iqr", fold=3),
}


def fitted(name: str) -> Any:
    return make_pipeline(STEPS[name](), LogisticRegression()).fit(VALUES, LABELS)


def write(folder: Path, estimator: Any, *trusted: str) -> str:
    return model_folder.write(folder, estimator, SCHEMA, BELONGS, trusted)


@pytest.mark.heavy
@pytest.mark.parametrize("name", STEPS)
def test_given_a_trusted_type_when_written_and_loaded_then_it_answers_the_same(tmp_path: Path, name: str) -> None:
    estimator = fitted(name)
    write(tmp_path / "model", estimator, name)

    loaded = model_folder.load_estimator(tmp_path / "model", (name,))

    assert np.array_equal(loaded.predict_proba(VALUES), estimator.predict_proba(VALUES))
    pinned = (tmp_path / "model" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert name.partition(".")[0] in {line.partition("==")[0].replace("-", "_") for line in pinned}


@pytest.mark.slow
@pytest.mark.parametrize("name", STEPS)
def test_given_equal_trainings_of_two_processes_when_written_then_the_digest_is_equal(
    tmp_path: Path, name: str
) -> None:
    program = (
        "import pathlib, sys; sys.path.insert(0, '.'); from tests.unit.runtime.registry import test_savable as t;"
        "print(t.write(pathlib.Path(sys.argv[1]), t.fitted(sys.argv[2]), sys.argv[2], *sys.argv[3:]))"
    )
    found = {
        printed(program, str(tmp_path / seed), name, *more, hash_seed=seed) for seed, more in (("1", ()), ("2", STEPS))
    }
    assert len(found) == 1


@pytest.mark.parametrize("name", STEPS)
def test_given_a_type_that_nobody_trusted_when_written_then_the_line_for_conf_is_said(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(UsageProblem) as caught:
        write(tmp_path / "model", fitted(name), "sklearn.gaussian_process.kernels.RBF")
    said = str(caught.value)
    assert f"nobody has trusted: {name} (allowed already: scikit-learn's own, sklearn.gaussian_process" in said
    assert f"under train: in conf/base.yaml: trusted_types: [{name}, sklearn.gaussian_process.kernels.RBF]" in said
    assert "\n" not in said


@pytest.mark.parametrize("name", STEPS)
def test_fault_30_given_a_model_that_trusts_itself_when_loaded_without_conf_then_it_is_refused(
    tmp_path: Path, name: str
) -> None:
    write(tmp_path / "model", fitted(name), name)
    assert name in (tmp_path / "model" / "MLmodel").read_text(encoding="utf-8")
    with pytest.raises(FactoryError, match=rf"not allowed \({name}\).*train.trusted_types"):
        model_folder.load_estimator(tmp_path / "model")


@pytest.mark.heavy
@pytest.mark.parametrize("evil", ["subprocess.Popen", "builtins.eval", "os.system"])
def test_fault_30_given_code_that_conf_would_trust_when_loaded_then_it_is_refused_all_the_same(
    tmp_path: Path, evil: str
) -> None:
    write(tmp_path / "model", fitted(WINSORIZER), WINSORIZER)
    path = tmp_path / "model" / model_folder.ESTIMATOR
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    module, _, own = evil.rpartition(".")
    ran = tmp_path / "ran"
    called = {
        "__class__": "str",
        "__module__": "builtins",
        "__loader__": "JsonNode",
        "content": json.dumps(f"touch {ran}"),
    }
    arguments = {"__class__": "tuple", "__module__": "builtins", "__loader__": "TupleNode", "content": [called]}
    tree = json.loads(contents["schema.json"])
    protocol = {key: tree[key] for key in ("protocol", "_skops_version")}
    node = {"__class__": own, "__module__": module, "__loader__": "ConstructorFromReduceNode", "content": arguments}
    contents["schema.json"] = json.dumps({**node, **protocol}).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)

    with pytest.raises(FactoryError, match=rf"{evil} cannot be trusted"):
        model_folder.load_estimator(tmp_path / "model", (WINSORIZER, evil))

    assert not ran.exists()


@pytest.mark.parametrize(
    ("kind", "instead"),
    [
        ("TargetEncoder", "sklearn.preprocessing.TargetEncoder"),
        ("OrdinalEncoder", "sklearn.preprocessing.OrdinalEncoder"),
        ("CountEncoder", "one of scikit-learn's"),
        ("WOEEncoder", "one of scikit-learn's"),
    ],
)
def test_given_a_transformer_that_skops_cannot_write_when_written_then_it_is_named_with_what_to_take(
    tmp_path: Path, kind: str, instead: str
) -> None:
    step = getattr(category_encoders, kind)(cols=[1], return_df=False)
    estimator = make_pipeline(step, LogisticRegression()).fit(VALUES, LABELS)
    name = f"{type(step).__module__}.{kind}"
    with pytest.raises(UsageProblem) as caught:
        write(tmp_path / "model", estimator, name)
    said = str(caught.value)
    assert said.startswith(f"{name} can never be saved: it keeps a pandas.")
    assert f"use {instead}, or do this step in features.py" in said
    assert "\n" not in said


def _plain(values: np.ndarray) -> np.ndarray:
    return values


@pytest.mark.parametrize("function", [_plain, lambda values: values], ids=["named", "lambda"])
def test_given_a_function_of_the_repo_when_written_then_it_is_sent_to_features(tmp_path: Path, function: Any) -> None:
    estimator = make_pipeline(FunctionTransformer(function), LogisticRegression()).fit(VALUES, LABELS)
    with pytest.raises(UsageProblem, match=r"never loaded again.*features.py"):
        write(tmp_path / "model", estimator)


@pytest.mark.parametrize("library", KINDS)
def test_given_a_booster_when_looked_at_then_it_needs_no_trust(library: str) -> None:
    booster = KINDS[library][0](n_estimators=2)
    assert savable.is_ours(booster)
    assert savable.held(booster.fit(VALUES, LABELS), (WINSORIZER,)) == frozenset()


def test_given_estimators_of_scikit_learn_when_looked_at_then_they_need_no_trust() -> None:
    assert savable.held(make_pipeline(FunctionTransformer(np.log1p), LogisticRegression()), ()) == frozenset()
