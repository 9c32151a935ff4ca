"""What a model takes and gives, as MLflow notes it: named columns in, so that MLflow orders them or refuses.

Every input is a double: the matrix that features.py makes is float64, a missing value NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

    from aifactory_runtime.registry.boosters import Flavour
    from aifactory_runtime.registry.model_folder import InputSchema

_LABELS = {bool: "boolean", int: "long", float: "double", str: "string"}
_ANSWERS: dict[str, Any] = {"xgboost": np.float32, "lightgbm": np.float64}
"""What MLflow's flavours of the libraries answer: numbers of a regressor, shares of a classifier."""


def of(schema: InputSchema, flavour: Flavour | None) -> ModelSignature:
    """The signature of a model of `schema` in `flavour`, None being scikit-learn's, which answers with labels."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    taken = Schema([ColSpec("double", name) for name in schema.features])
    if flavour is None:
        label = type(schema.classes[0]) if schema.classes else float
        return ModelSignature(taken, Schema([ColSpec(_LABELS[label])]))
    return ModelSignature(taken, Schema([_shares(np.dtype(_ANSWERS[flavour]), len(schema.classes))]))


def _shares(kind: np.dtype[Any], classes: int) -> Any:
    """One number a row of a regressor and of two classes, else one for each class."""
    from mlflow.types import TensorSpec

    return TensorSpec(kind, (-1, classes) if classes > 2 else (-1,))  # noqa: PLR2004 - two classes need one share
