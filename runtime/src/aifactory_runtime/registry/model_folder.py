"""The folder a model is: written from a fitted estimator, named by its digest. Reading needs neither MLflow nor pandas.

The folder is MLflow's flavour of scikit-learn with skops, of XGBoost or of LightGBM in their own formats, with MLflow's
signature of the matrix columns, plus the input schema, what belongs to the model and its background rows. What differs
between two equal trainings (times, run ids, memory addresses) is taken out: equal inputs give an equal digest.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.registry import background as backgrounds
from aifactory_runtime.registry.background import Background

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

ESTIMATOR = "model.skops"
SCHEMA = "input_schema.json"
BELONGS = "belongs.json"

_PROFILE = "profile"
_BACKGROUND = "background"
_LATER = frozenset({"cap", "science_sha256"})
_VARYING = ("model_uuid:", "utc_time_created:", "model_size_bytes:", "run_id:", "artifact_path:")
Kind = Literal["number", "integer", "boolean", "category", "text", "date"]
"""A category is one of a closed set of texts, a text is open; a date is a point in time without an offset."""
Label = str | int | float | bool
Record = TypeVar("Record")


@dataclass(frozen=True)
class Column:
    """One column of a row that is scored. Limits are inclusive, those of a text are on its length; None is no limit."""

    name: str
    kind: Kind
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] | None = None
    cap: tuple[float, float] | None = None
    """Values beyond these are taken for them, before `features` sees them; None leaves all as they are."""


@dataclass(frozen=True)
class InputSchema:
    """What a model takes and gives: raw columns in, matrix columns by name in order, labels in the model's order.

    A regression has no classes.
    """

    target: str
    columns: tuple[Column, ...]
    features: tuple[str, ...]
    classes: tuple[Label, ...]
    ignored: tuple[str, ...] = ()
    """Raw columns that no model sees."""

    @property
    def unused(self) -> tuple[str, ...]:
        """Raw columns that a row to be scored may have, as rows of the table do, and that say nothing about it."""
        return (*self.ignored, self.target)


@dataclass(frozen=True)
class Belongs:
    """What a release must find together with the model: code, lock and raw schema, by digest."""

    commit: str
    code_sha256: str
    lock_sha256: str
    schema_sha256: str
    problem: str
    science_sha256: str | None = None
    """None in models from before there was one. Then the file has no such key: equal models keep their digest."""


def write(
    folder: Path,
    estimator: Any,
    schema: InputSchema,
    belongs: Belongs,
    trusted: Collection[str] = (),
    *,
    profile: Mapping[str, Any] | None = None,
    background: Background | None = None,
) -> str:
    """Write the model folder at `folder`, which must not exist, and return its digest.

    UsageProblem when the estimator cannot be loaded again; `trusted` are types that it may hold beside ours, `profile`
    is what monitors know of its training rows. Without `background` its answers cannot be explained.
    """
    from aifactory_runtime.registry import boosters, signature

    _quiet("mlflow.utils.environment")
    kind = boosters.flavour(estimator)
    takes_and_gives = signature.of(schema, kind)
    if kind is None:
        _save_sklearn(estimator, folder, takes_and_gives, trusted)
    else:
        boosters.save(kind, estimator, folder, takes_and_gives)
    described = folder / "MLmodel"
    lines = described.read_text(encoding="utf-8").splitlines(keepends=True)
    described.write_text("".join(line for line in lines if not line.startswith(_VARYING)), encoding="utf-8")
    write_schema(folder, schema, profile, background)
    _write_json(folder / BELONGS, {key: value for key, value in asdict(belongs).items() if value is not None})
    return digest(folder)


def digest(folder: Path) -> str:
    """SHA-256 over sorted relative paths and bytes; FactoryError for a link or when there is nothing."""
    total = hashlib.sha256()
    paths = sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix())
    for path in paths:
        if path.is_symlink():
            raise FactoryError(f"{path} is a link: a model folder holds plain files only, take it out")
        if path.is_file():
            name = path.relative_to(folder).as_posix().encode()
            content = path.read_bytes()
            total.update(b"%d:%s%d:" % (len(name), name, len(content)))
            total.update(content)
    if not paths:
        raise FactoryError(f"{folder} holds no model: release or register it again")
    return total.hexdigest()


def write_schema(
    folder: Path,
    schema: InputSchema,
    profile: Mapping[str, Any] | None = None,
    background: Background | None = None,
) -> None:
    """Write the input schema of the model in `folder`, with the profile of its training rows and its background rows.

    What it does not have is left out, as before there were these keys: equal models keep their digest. The profile has
    no file of its own: releases from before it refuse a model that holds one.
    """
    values = asdict(schema)
    if not schema.ignored:
        del values["ignored"]
    for column in values["columns"]:
        if column["cap"] is None:
            del column["cap"]
    if profile is not None:
        values[_PROFILE] = profile
    if background is not None:
        values[_BACKGROUND] = backgrounds.to_values(background)
    _write_json(folder / SCHEMA, values)


def read_schema(folder: Path) -> InputSchema:
    """Input schema of the model in `folder`; FactoryError when it is missing or broken."""
    loaded = _read_json(folder / SCHEMA)
    try:
        columns = tuple(_record(Column, column) for column in loaded["columns"])
        return InputSchema(
            target=loaded["target"],
            columns=columns,
            features=tuple(loaded["features"]),
            classes=tuple(loaded["classes"]),
            ignored=tuple(loaded.get("ignored", ())),
        )
    except (KeyError, TypeError):
        raise FactoryError(f"{folder / SCHEMA} is not an input schema: register the model again") from None


def read_profile(folder: Path) -> dict[str, Any] | None:
    """What monitors know of the training rows; None in models from before there was one. FactoryError if broken."""
    return _read_json(folder / SCHEMA).get(_PROFILE)


def read_background(folder: Path) -> Background | None:
    """The rows that answers are explained against; None in models from before there were any. FactoryError if bad."""
    values = _read_json(folder / SCHEMA).get(_BACKGROUND)
    try:
        return None if values is None else backgrounds.of_values(values)
    except ValueError as error:
        raise FactoryError(f"{folder / SCHEMA} holds {error}: register the model again") from None


def read_belongs(folder: Path) -> Belongs:
    """What belongs to the model in `folder`; FactoryError when it is missing or broken."""
    try:
        return _record(Belongs, _read_json(folder / BELONGS))
    except (KeyError, TypeError):
        raise FactoryError(f"{folder / BELONGS} does not say what belongs to the model: register it again") from None


def load_estimator(folder: Path, trusted: Collection[str] = ()) -> Any:
    """The fitted estimator, or the booster, of the one format that is there.

    `trusted` are the types that conf trusts: what the folder says of itself is not asked. FactoryError when the file
    is missing, broken or holds what is not allowed.
    """
    from aifactory_runtime.registry import boosters

    for kind, name in boosters.FILES.items():
        if (folder / name).exists() and not (folder / ESTIMATOR).exists():
            return boosters.load(kind, folder / name, read_schema(folder).classes)
    from aifactory_runtime.registry import skops_file

    return skops_file.load(folder / ESTIMATOR, trusted)


def _save_sklearn(estimator: Any, folder: Path, signature: ModelSignature, trusted: Collection[str]) -> None:
    """Save with skops; only when our own types are not enough it is looked what else there is, which takes time."""
    from mlflow.exceptions import MlflowException

    from aifactory_runtime.registry import savable, skops_file

    try:
        _save_with_types(estimator, folder, signature, frozenset())
    except MlflowException:
        more = savable.held(estimator, trusted)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            _save_with_types(estimator, folder, signature, more)
        except MlflowException as error:
            kind = type(error.__cause__ or error).__name__
            raise UsageProblem(f"the model is never loaded again: skops ends in {kind}; choose another") from None
    skops_file.normalize(folder / ESTIMATOR)


def _save_with_types(estimator: Any, folder: Path, signature: ModelSignature, more: frozenset[str]) -> None:
    import mlflow.sklearn
    import sklearn
    import skops

    from aifactory_runtime.registry import savable, skops_file

    pins = [f"scikit-learn=={sklearn.__version__}", f"skops=={skops.__version__}"]
    mlflow.sklearn.save_model(
        estimator,
        str(folder),
        signature=signature,
        serialization_format="skops",
        pip_requirements=[*pins, *(savable.pins(more) if more else ())],
        skops_trusted_types=sorted(skops_file.ALLOWED | more),
    )


def _record(kind: type[Record], values: Mapping[str, Any]) -> Record:
    """`values` as a dataclass: lists become tuples, as JSON has no tuples; KeyError for a missing field.

    What older models do not have may be missing.
    """
    known = [field.name for field in fields(kind) if field.name in values or field.name not in _LATER]  # type: ignore[arg-type]
    named = {name: values[name] for name in known}
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in named.items()})


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return files.read_json(path)
    except (OSError, ValueError):
        raise FactoryError(f"{path} is missing or broken: register the model again") from None


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")


def _quiet(logger: str) -> None:
    """MLflow warns that pip is not there; nothing here needs it."""
    logging.getLogger(logger).setLevel(logging.ERROR)
