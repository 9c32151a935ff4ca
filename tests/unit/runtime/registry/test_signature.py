"""The signature of a registered model: MLflow puts columns in order by their names, or refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from aifactory_runtime.registry import model_folder, signature
from aifactory_runtime.registry.model_folder import InputSchema
from tests.unit.runtime.registry.test_boosters import LABELS, TWO, VALUES, fitted, write

NAMES = ["a", "b", "c"]
pytestmark = pytest.mark.filterwarnings("ignore:X has feature names:UserWarning")
FLAVOURS = ("sklearn", "xgboost", "lightgbm")
TABLE = pd.DataFrame(VALUES, columns=NAMES)


def model(flavour: str, labels: np.ndarray) -> Any:
    if flavour != "sklearn":
        return fitted(flavour, labels)
    kind = HistGradientBoostingRegressor if labels.dtype.kind == "f" else HistGradientBoostingClassifier
    return kind(max_iter=5, random_state=7).fit(VALUES, labels)


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_given_shuffled_columns_when_mlflow_is_asked_then_it_answers_as_in_order(
    tmp_path: Path, flavour: str, labels: np.ndarray
) -> None:
    write(tmp_path / "model", model(flavour, labels), labels)

    loaded = mlflow.pyfunc.load_model(str(tmp_path / "model"))

    said = loaded.predict(TABLE)
    assert np.array_equal(loaded.predict(TABLE[["c", "a", "b"]]), said)
    assert len(np.unique(said)) > 1
    outputs = loaded.metadata.get_output_schema()
    if outputs.is_tensor_spec():
        assert (said.dtype, said.shape[1:]) == (outputs.inputs[0].type, outputs.inputs[0].shape[1:])
    else:
        assert said.dtype.kind == {"string": "U", "double": "f"}[outputs.input_types()[0].name]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_given_a_missing_column_when_mlflow_is_asked_then_it_refuses_by_name(tmp_path: Path, flavour: str) -> None:
    write(tmp_path / "model", model(flavour, TWO), TWO)

    loaded = mlflow.pyfunc.load_model(str(tmp_path / "model"))

    with pytest.raises(MlflowException, match=r"missing inputs \['b'\]"):
        loaded.predict(TABLE[["a", "c"]])


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_given_a_model_from_before_there_were_signatures_when_loaded_then_it_answers(
    tmp_path: Path, flavour: str
) -> None:
    estimator = model(flavour, TWO)
    write(tmp_path / "model", estimator, TWO)
    described = tmp_path / "model" / "MLmodel"
    head, _, rest = described.read_text(encoding="utf-8").partition("signature:\n")
    described.write_text(head + "".join(line for line in rest.splitlines(True) if not line.startswith(" ")))

    found = model_folder.load_estimator(tmp_path / "model").predict_proba(VALUES)

    assert "outputs" not in described.read_text(encoding="utf-8")
    assert np.allclose(found, estimator.predict_proba(VALUES), atol=1e-7)


@pytest.mark.parametrize("labels", [np.array([0, 1]), np.array([False, True]), np.array([0.5, 1.5])], ids=str)
def test_given_labels_of_a_kind_when_described_then_the_output_is_of_that_kind(labels: np.ndarray) -> None:
    found = signature.of(InputSchema("y", (), ("a",), tuple(labels.tolist())), None).outputs

    assert found.input_types()[0].to_numpy() == labels.dtype
