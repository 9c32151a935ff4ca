"""Brings a model that was trained elsewhere into a run, where training would be; the gate judges it like any other."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline import model_steps, scores
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.pipeline.training import fitting
from aifactory_runtime.pipeline.training.fitting import Fitted
from aifactory_runtime.pipeline.training.training_data import TrainingData
from aifactory_runtime.registry import boosters, model_folder, skops_file
from aifactory_runtime.registry.model_folder import InputSchema

_SAVE_AGAIN = {
    "sklearn": 'mlflow.sklearn.save_model(model, folder, serialization_format="skops")',
    "xgboost": 'mlflow.xgboost.save_model(model.get_booster(), folder, model_format="json")',
    "lightgbm": "mlflow.lightgbm.save_model(model.booster_, folder)",
}
_PICKLES = frozenset({".pkl", ".pickle", ".joblib", ".cloudpickle"})


def step(folder: Path) -> Callable[[Context, Handoff], Handoff]:
    """A step in the place of `train`, that takes the MLflow model in `folder`; FactoryError when it is refused.

    What can be said of the folder alone, such as that it holds a pickle, is said before the step runs.
    """
    _file(folder)

    def adopt(context: Context, handoff: Handoff) -> Handoff:
        def made(data: TrainingData, _: str) -> Fitted:
            estimator, answering = _loaded(folder, data.schema, context.settings.train.trusted_types)
            _check_fit(answering, data.schema)
            held = data.validation
            found = scores.of(answering, held.values, held.labels, data.schema.classes, data.positive)
            return Fitted(estimator, {}, {fitting.VALIDATION + name: value for name, value in found.items()}, None)

        return model_steps.record(context, replace(handoff, imported=model_folder.digest(folder)), made)

    return adopt


def _loaded(folder: Path, schema: InputSchema, trusted: Collection[str]) -> tuple[Any, Any]:
    """The model as its library has it, to be written again, and as it answers."""
    library, path = _file(folder)
    if library == "sklearn":
        estimator = skops_file.load(path, trusted)
        _check_steps(estimator, schema)
        return estimator, estimator
    if library == "xgboost":
        booster = boosters.read_xgboost(path)
        _check_names(booster.feature_names, schema)
        return booster, boosters.of_xgboost(booster, schema.classes)
    booster = boosters.read_lightgbm(path)
    names = booster.feature_name()
    _check_names(None if names[0] == "Column_0" else names, schema, space="_")  # LightGBM writes no spaces
    return booster, boosters.of_lightgbm(booster, schema.classes)


def _file(folder: Path) -> tuple[str, Path]:
    """Library and file of an MLflow model folder; a pickle is refused with the call that saves it as something else."""
    import yaml

    try:
        flavors = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))["flavors"]
        library = next(name for name in _SAVE_AGAIN if name in flavors)
        found = flavors[library].get("pickled_model") or flavors[library]["data"]
    except FileNotFoundError:
        raise UsageProblem(f"{folder} holds no file MLmodel: name the folder that mlflow's save_model wrote") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration, yaml.YAMLError):
        known = ", ".join(_SAVE_AGAIN)
        raise UsageProblem(f"{folder / 'MLmodel'} describes no model of {known}: only these can be imported") from None
    path = folder / str(found)
    if path.parent != folder or not path.is_file():
        raise FactoryError(f"{path} is missing: copy the whole folder that save_model wrote")
    pickled = flavors[library].get("serialization_format") in {"pickle", "cloudpickle"} and path.suffix != ".lgb"
    if path.suffix in _PICKLES or pickled or (path.suffix == ".skops") != (library == "sklearn"):
        raise FactoryError(
            f"{path} is a pickle or holds Python objects, which may run code when they are loaded: where you trust it, "
            f"load it and save it again with {_SAVE_AGAIN[library]}"
        )
    return library, path


def _check_steps(estimator: Any, schema: InputSchema) -> None:
    """Take the names of features out of what takes the features first; FactoryError when they are others.

    The service has a matrix without names: scikit-learn takes it, and a step of another package, or what comes after
    one, only when it learned from such a matrix.
    """
    for part in (estimator, *(one for _, one in getattr(estimator, "steps", ()))):
        if type(part).__module__.partition(".")[0] == "sklearn":
            _check_names(part.__dict__.pop("feature_names_in_", None), schema)
            continue
        names = getattr(part, "feature_names_in_", None)
        if names is not None and list(names) != [f"x{number}" for number in range(len(names))]:
            raise FactoryError(
                f"{type(part).__name__} learned from a table with names, which the service does not have: fit the "
                "model on table.to_numpy() and save it again"
            )
        return


def _check_names(names: Any, schema: InputSchema, space: str = " ") -> None:
    """FactoryError when the model was trained on features of other names, or in another order.

    `space` is what the model's library writes for a space in a name.
    """
    wanted = [name.replace(" ", space) for name in schema.features]
    if names is None or list(names) == wanted:
        return
    pairs = zip(names, wanted, strict=False)
    place = next((number for number, (own, ours) in enumerate(pairs) if own != ours), None)
    where = "" if place is None else f", the first that differs is {list(names)[place]} ({schema.features[place]} here)"
    raise FactoryError(
        f"the model takes {len(names)} features, features.py gives {len(schema.features)}{where}: "
        "let features.py return what it was trained on, in that order"
    )


def _check_fit(answering: Any, schema: InputSchema) -> None:
    """FactoryError unless the model takes and gives what the repo's science says."""
    takes = getattr(answering, "n_features_in_", None)
    if takes != len(schema.features):
        raise FactoryError(
            f"the model takes {takes} features, features.py gives {len(schema.features)} "
            f"({', '.join(schema.features[:3])} ...): let features.py return what it was trained on, in that order"
        )
    if bool(schema.classes) != hasattr(answering, "predict_proba"):
        wanted = "a classifier with predict_proba" if schema.classes else "a regressor"
        raise FactoryError(f"the model is not {wanted}, which problem in factory.yaml asks for")
    gives = [getattr(label, "item", lambda label=label: label)() for label in getattr(answering, "classes_", ())]
    if gives != list(schema.classes):
        raise FactoryError(
            f"the model knows the classes {gives}, the training rows hold {list(schema.classes)}: "
            "both must be the same, of the same type"
        )
