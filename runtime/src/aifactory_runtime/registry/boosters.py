"""XGBoost's and LightGBM's own files: written from an estimator, checked before they are loaded, asked for answers.

Both formats hold trees and numbers, no code. Names of objectives and boosters are checked against a list of ours: of
any other nobody knows what the numbers mean.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np

from aifactory_runtime.errors import FactoryError, UsageProblem

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

Array = np.ndarray[Any, Any]
Flavour = Literal["xgboost", "lightgbm"]
FILES: dict[Flavour, str] = {"xgboost": "model.json", "lightgbm": "model.lgb"}

_CLASSES = frozenset({"binary:logistic", "multi:softprob"})
_NUMBERS = frozenset(
    {
        *("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:squaredlogerror", "reg:gamma"),
        *("reg:tweedie", "reg:quantileerror", "count:poisson"),
    }
)
_TREES = frozenset({"gbtree", "dart", "gblinear"})
_LIGHT_CLASSES = frozenset({"binary", "multiclass", "multiclassova"})
_LIGHT_NUMBERS = frozenset(
    {"regression", "regression_l1", "huber", "fair", "poisson", "quantile", "mape", "gamma", "tweedie"}
)
_THREADS_IN_TEXT = re.compile(r"^\[num_threads: -?\d+\]\n", re.MULTILINE)
_TYPES_IN_ANY_ORDER = re.compile(r"^    skops_trusted_types:\n(?:    - .*\n)+", re.MULTILINE)
"""MLflow notes a set of types, in the order of the day, also for a booster, which has none."""
_HEAD = 65_536
_FEW_ROWS = 1_000
"""So few rows are scored faster by one thread than by several."""


def flavour(estimator: Any) -> Flavour | None:
    """The library an estimator is of, None for scikit-learn's and all others."""
    for kind in type(estimator).__mro__:
        library = kind.__module__.partition(".")[0]
        if library in FILES:
            return library
    return None


class Booster:
    """A loaded booster: `predict` and `predict_proba` over float64 of shape (rows, features), missing values NaN."""

    def __init__(self, ask: Callable[[Array], Array], features: int, classes: Sequence[Any]) -> None:
        self._ask = ask
        self.n_features_in_ = features
        if classes:
            self.classes_ = list(classes)

    def predict(self, values: Array) -> Array:
        """Numbers of shape (rows,), of a regressor."""
        return np.asarray(self._ask(values), dtype=np.float64)

    def predict_proba(self, values: Array) -> Array:
        """Shares of shape (rows, classes), of a classifier."""
        found = np.asarray(self._ask(values), dtype=np.float64)
        return found if found.ndim > 1 else np.column_stack([1.0 - found, found])


def save(kind: Flavour, estimator: Any, folder: Path, signature: ModelSignature) -> None:
    """Write `estimator` as MLflow's flavour of its library; UsageProblem when it could not be loaded again."""
    import mlflow.exceptions

    try:
        (_save_xgboost if kind == "xgboost" else _save_lightgbm)(estimator, folder, signature)
    except mlflow.exceptions.MlflowException as error:
        raise UsageProblem(f"the {kind} model cannot be written: {error.message.partition(chr(10))[0]}") from None
    try:
        check(kind, folder / FILES[kind])
    except FactoryError as error:
        raise UsageProblem(f"the estimator is never loaded again: {error}") from None


def load(kind: Flavour, path: Path, classes: Sequence[Any]) -> Booster:
    """The booster in the file at `path`, checked first; FactoryError when it is refused, broken or of other classes."""
    check(kind, path, regressor=not classes)
    with _of_library(kind, path):
        if kind == "xgboost":
            return of_xgboost(read_xgboost(path), classes)
        return of_lightgbm(read_lightgbm(path), classes)


@contextmanager
def _of_library(kind: Flavour, path: Path) -> Iterator[None]:
    """What a library says of a file that is none of its own, in one line."""
    try:
        yield
    except FactoryError:
        raise
    except ModuleNotFoundError:
        raise FactoryError(f"the model is one of {kind}, which is not installed: pip install {kind}") from None
    except Exception as error:  # a tampered file fails in any way it likes
        raise FactoryError(f"{path} is not a {kind} model ({type(error).__name__}): register the model again") from None


def check(kind: Flavour, path: Path, regressor: bool | None = None) -> None:
    """FactoryError unless the file is of the format, and its objective and booster are on the list."""
    try:
        found = _named_in_json(path) if kind == "xgboost" else _named_in_text(path)
    except FileNotFoundError:
        raise FactoryError(f"{path} is missing: register the model again") from None
    except (OSError, ValueError, msgspec.MsgspecError):
        raise FactoryError(f"{path} is not a {kind} model: register the model again") from None
    objective, booster = found
    classes, numbers = (_CLASSES, _NUMBERS) if kind == "xgboost" else (_LIGHT_CLASSES, _LIGHT_NUMBERS)
    allowed = classes | numbers if regressor is None else numbers if regressor else classes
    if objective not in allowed or booster not in _TREES | {"tree"}:
        raise FactoryError(f"{path} has an objective or booster that is not allowed ({objective}, {booster})")


class _Named(msgspec.Struct):
    name: str


class _Learner(msgspec.Struct):
    objective: _Named
    gradient_booster: _Named


class _Json(msgspec.Struct):
    learner: _Learner


def _named_in_json(path: Path) -> tuple[str, str]:
    """Objective and booster; the trees are skipped, not built."""
    found = msgspec.json.decode(path.read_bytes(), type=_Json).learner
    return found.objective.name, found.gradient_booster.name


def _named_in_text(path: Path) -> tuple[str, str]:
    with path.open("rb") as stream:
        lines = stream.read(_HEAD).decode("utf-8", "replace").splitlines()
    objective = next(line for line in [*lines, "objective=none"] if line.startswith("objective="))
    return objective.removeprefix("objective=").split(" ")[0], lines[0] if lines else ""


def _save_xgboost(estimator: Any, folder: Path, signature: ModelSignature) -> None:
    import mlflow.xgboost
    import xgboost

    booster = estimator if isinstance(estimator, xgboost.Booster) else estimator.get_booster()
    best = getattr(estimator, "best_iteration", None) if hasattr(estimator, "evals_result_") else None
    if best is not None:
        booster = booster[: best + 1]
    booster.feature_names = None
    booster.set_attr(**dict.fromkeys(booster.attributes(), None))
    pins = [f"xgboost=={xgboost.__version__}"]
    mlflow.xgboost.save_model(booster, str(folder), model_format="json", pip_requirements=pins, signature=signature)


def _save_lightgbm(estimator: Any, folder: Path, signature: ModelSignature) -> None:
    import lightgbm
    import mlflow.lightgbm

    booster = estimator if isinstance(estimator, lightgbm.Booster) else estimator.booster_
    pins = [f"lightgbm=={lightgbm.__version__}"]
    mlflow.lightgbm.save_model(booster, str(folder), pip_requirements=pins, signature=signature)
    path = folder / FILES["lightgbm"]
    _without(path, _THREADS_IN_TEXT)
    _without(folder / "MLmodel", _TYPES_IN_ANY_ORDER)


def _without(path: Path, what: re.Pattern[str]) -> None:
    path.write_text(what.sub("", path.read_text(encoding="utf-8")), encoding="utf-8")


def read_xgboost(path: Path) -> Any:
    """The library's own booster; FactoryError when the file is none."""
    import xgboost

    with _of_library("xgboost", path):
        return xgboost.Booster(model_file=str(path))


def read_lightgbm(path: Path) -> Any:
    """The library's own booster; FactoryError when the file is none."""
    import lightgbm

    with _of_library("lightgbm", path):
        return lightgbm.Booster(model_file=str(path))


def of_xgboost(booster: Any, classes: Sequence[Any]) -> Booster:
    """What answers by an XGBoost booster."""
    threads = 0

    def ask(values: Array) -> Array:
        nonlocal threads
        wanted = 1 if len(values) <= _FEW_ROWS else -1
        if wanted != threads:
            booster.set_param({"nthread": wanted})
            threads = wanted
        found: Array = booster.inplace_predict(values)
        return found

    return Booster(ask, int(booster.num_features()), classes)


def of_lightgbm(booster: Any, classes: Sequence[Any]) -> Booster:
    """What answers by a LightGBM booster."""

    def ask(values: Array) -> Array:
        return np.asarray(booster.predict(values, num_threads=1 if len(values) <= _FEW_ROWS else 0))

    return Booster(ask, int(booster.num_feature()), classes)
