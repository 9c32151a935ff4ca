"""Checks the raw table before anything is trained on it: against its schema, then by counts against thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aifactory_runtime.config.settings import DataSettings
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 3
_MIN_CLASSES = 2


def conform(frame: pd.DataFrame, schema: Any) -> pd.DataFrame:
    """`frame` as the schema wants it; FactoryError names columns and checks that fail, never values."""
    from pandera.errors import SchemaError, SchemaErrors

    try:
        checked: pd.DataFrame = schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        raise FactoryError(f"the data does not fit schema.py: {_explain(errors.failure_cases)}") from None
    except SchemaError as error:
        raise FactoryError(f"the data does not fit schema.py: {str(error).partition(chr(10))[0][:200]}") from None
    return checked


def inspect(frame: pd.DataFrame, target: str, settings: DataSettings) -> dict[str, Any]:
    """Counts of what is wrong with the rows, as JSON values; `problems` says which thresholds they pass."""
    import numpy as np

    rows = len(frame)
    numbers = frame.drop(columns=target).select_dtypes("number")
    values = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    infinite = {name: int(count) for name, count in zip(numbers, np.isinf(values).sum(axis=0), strict=True) if count}
    outliers = int(_outlying(np.where(np.isinf(values), np.nan, values), settings.outlier_sigmas).sum())
    duplicates = int(frame.duplicated().sum())
    missing = {str(name): int(count) for name, count in frame.isna().sum().items() if count}
    classes = frame[target].value_counts()
    report: dict[str, Any] = {
        "rows": rows,
        "duplicates": duplicates,
        "outlier_rows": outliers,
        "missing": missing,
        "infinite": infinite,
        "classes": {str(label): int(count) for label, count in classes.items()},
    }
    return {**report, "problems": _problems(report, target, settings)}


def refuse(report: Mapping[str, Any]) -> None:
    """FactoryError when the report names a problem."""
    if report["problems"]:
        raise FactoryError(f"the data is not fit to train on: {'; '.join(report['problems'])}")


def _problems(report: Mapping[str, Any], target: str, settings: DataSettings) -> list[str]:
    problems = []
    for what, count, most, key in (
        ("are duplicates", report["duplicates"], settings.max_duplicate_share, "max_duplicate_share"),
        ("have outliers", report["outlier_rows"], settings.max_outlier_share, "max_outlier_share"),
    ):
        if count > most * report["rows"]:
            problems.append(f"{count} of {report['rows']} rows {what}, data.{key} allows {most:g}")
    if report["infinite"]:
        problems.append(f"infinite values in {', '.join(report['infinite'])}")
    if len(report["classes"]) < _MIN_CLASSES:
        problems.append(f"{target} has one class only, a model needs two")
    return problems


def _outlying(values: Any, sigmas: float) -> Any:
    """Rows with a number further than `sigmas` standard deviations from its column's mean."""
    import warnings

    import numpy as np

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        distance = np.abs(values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0)
    return (distance > sigmas).any(axis=1)


def _explain(cases: pd.DataFrame) -> str:
    """What fails, by column and check, with how many rows; a column that is missing or unknown is named."""
    said: list[str] = []
    for (column, check), group in cases.groupby(["column", "check"], dropna=False, sort=False):
        if check == "column_in_dataframe":
            said.extend(f"column {name} is missing" for name in group["failure_case"])
        elif check == "column_in_schema":
            said.extend(f"column {name} is not declared" for name in group["failure_case"])
        elif str(check).startswith("dtype("):
            said.append(f"{column} is {group['failure_case'].iloc[0]}, not {str(check)[7:-2]}")
        else:
            said.append(f"{column} fails {check} in {len(group)} rows")
    more = f" (and {len(said) - _SHOWN} more)" if len(said) > _SHOWN else ""
    return "; ".join(said[:_SHOWN]) + more
