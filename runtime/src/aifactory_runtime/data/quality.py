"""Counts what is wrong with a table, chunk by chunk, and holds the counts against thresholds."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory_runtime.config.settings import DataSettings
from aifactory_runtime.data import copies
from aifactory_runtime.data import row_hash as row_numbers
from aifactory_runtime.data.counted import About, Counts, Numbers, Table, counted
from aifactory_runtime.errors import FactoryError, UsageProblem

if TYPE_CHECKING:
    import pandas as pd

_MIN_CLASSES = 2


def inspect(table: Table, about: About, settings: DataSettings) -> dict[str, Any]:
    """Counts of what is wrong with the rows, as JSON values; `problems` says which thresholds they pass.

    Reads the table once, and once more those columns that have outliers or a range in conf. Holds 8 bytes a row; as
    much for each set of columns that is to be unique, and for each that may be a key, as long as it may. `duplicates`
    counts copies (see `copies`), `equal_rows` the rows that equal one before them and are no copies; `key` names the
    columns that tell the two apart.
    """
    counts, target = about.empty(), about.target
    for part in table.each(functools.partial(counted, about)):
        counts.join(part)
    if not counts.rows:
        raise FactoryError("the table has no rows: put the data there, then run again")
    numbers = counts.summed()
    _known(settings, [*numbers, *counts.missing, target])
    outlying, outliers, outside = _second_look(table, numbers, target, settings)
    missing = {name: count for name, count in counts.missing.items() if count}
    report: dict[str, Any] = {
        "rows": counts.rows,
        **_equal(counts),
        "outlier_rows": outlying,
        "outliers": outliers,
        "missing": missing,
        "infinite": {name: found.infinite for name, found in numbers.items() if found.infinite},
        "outside": outside,
        "repeated": {", ".join(names): _repeated(table, counts, names) for names in counts.sets},
    }
    if about.regression:
        found = numbers.get(target, Numbers())
        deviation = float(np.sqrt(found.squares / found.count)) if found.count else 0.0
        report["target"] = {"mean": found.mean, "deviation": deviation}
    else:
        report["classes"] = {str(label): count for label, count in counts.classes.most_common()}
    return {**report, "problems": _problems(report, target, settings)}


def refuse(report: Mapping[str, Any]) -> None:
    """FactoryError when the report names a problem."""
    if report["problems"]:
        raise FactoryError(f"the data is not fit to train on: {'; '.join(report['problems'])}")


def _equal(counts: Counts) -> dict[str, Any]:
    """Rows that are copies, other rows that are equal to one before them, and the key that tells them apart."""
    whole = np.concatenate(counts.hashes)
    found = counts.keys.keys(whole)
    key = next(iter(found), None)
    copied = 0 if key is None else int(copies.copied(whole, found[key]).sum())
    equal = row_numbers.repeated(whole) - copied
    return {"duplicates": copied, "equal_rows": equal, "key": None if key is None else list(key)}


def _repeated(table: Table, counts: Counts, names: copies.Names) -> int:
    """Rows that differ from one before them and have its values of `names`, which should be unique."""
    suspected = copies.shared(np.concatenate(counts.hashes), np.concatenate(counts.sets[names]))
    if not copies.are_compared(suspected):
        return len(suspected)
    return copies.truly_shared(list(table.each(functools.partial(copies.having, names, suspected))))


def _known(settings: DataSettings, columns: Sequence[str]) -> None:
    """The columns that conf speaks of must be there."""
    for name in [*settings.columns, *([settings.group] if settings.group else [])]:
        if name not in columns:
            raise UsageProblem(f"conf: data speaks of the column {name}, which the table does not have")


@dataclass(frozen=True)
class _Beyond:
    """Between which values of columns lie that are no outliers, and those of conf's ranges."""

    limits: Mapping[str, tuple[float, float]]
    ranges: Mapping[str, tuple[float, float]]
    counted: Collection[str]
    """Columns whose outliers make their rows count."""

    def __call__(self, frames: Iterator[pd.DataFrame], first: int) -> _Outlying:
        """How many values and rows lie beyond, in a part of the table."""
        del first
        found = _Outlying()
        for frame in frames:
            outlying = np.zeros(len(frame), dtype=np.bool_)
            for name in {**self.limits, **self.ranges}:
                values = row_numbers.numbers(frame[name])
                if name in self.limits:
                    low, high = self.limits[name]
                    beyond = np.isfinite(values) & ((values < low) | (values > high))
                    found.outliers[name] += int(beyond.sum())
                    if name in self.counted:
                        outlying |= beyond
                if name in self.ranges:
                    low, high = self.ranges[name]
                    found.outside[name] += int(((values < low) | (values > high)).sum())
            found.rows += int(outlying.sum())
        return found


@dataclass
class _Outlying:
    """Rows with an outlier that is only counted, outliers by column, values outside of conf's ranges by column."""

    rows: int = 0
    outliers: Counter[str] = field(default_factory=Counter)
    outside: Counter[str] = field(default_factory=Counter)


def _second_look(
    table: Table, numbers: Mapping[str, Numbers], target: str, settings: DataSettings
) -> tuple[int, dict[str, int], dict[str, int]]:
    """Rows with an outlier that is only counted, outliers by column, values outside of conf's ranges by column."""
    limits = {name: found.limits(settings.outlier_sigmas) for name, found in numbers.items() if name != target}
    far = {name: ends for name, ends in limits.items() if _passed(numbers[name], *ends)}
    ranges = {
        name: (
            -np.inf if column.minimum is None else column.minimum,
            np.inf if column.maximum is None else column.maximum,
        )
        for name, column in settings.columns.items()
    }
    wide = {name: ends for name, ends in ranges.items() if _passed(numbers.get(name, Numbers()), *ends)}
    wanted, found = sorted({*far, *wide}), _Outlying()
    counted = [name for name in far if name not in settings.columns or settings.columns[name].outliers == "count"]
    for part in table.each(_Beyond(far, wide, counted), wanted) if wanted else ():
        found.rows += part.rows
        found.outliers.update(part.outliers)
        found.outside.update(part.outside)
    ordered = {name: found.outliers[name] for name in wanted if name in far}
    return found.rows, ordered, {name: found.outside[name] for name in wanted if name in wide}


def _passed(found: Numbers, low: float, high: float) -> bool:
    return found.least < low or found.most > high


def _problems(report: Mapping[str, Any], target: str, settings: DataSettings) -> list[str]:
    rows = report["rows"]
    problems = []
    key = "" if report["key"] is None else f" (equal in every column, {' and '.join(report['key'])} among them)"
    for what, count, most, setting in (
        (f"are copies{key}", report["duplicates"], settings.max_duplicate_share, "max_duplicate_share"),
        ("have outliers", report["outlier_rows"], settings.max_outlier_share, "max_outlier_share"),
    ):
        if count > most * rows:
            problems.append(f"{count} of {rows} rows {what}, data.{setting} allows {most:g}")
    for names, count in report["repeated"].items():
        if count:
            problems.append(f"{names} is repeated in {count} rows, schema.py declares it unique")
    problems.extend(_column_problems(report, target, settings))
    if "classes" in report:
        problems.extend(_class_problems(report["classes"], target, settings))
    return problems


def _column_problems(report: Mapping[str, Any], target: str, settings: DataSettings) -> list[str]:
    problems = []
    unwanted = [name for name in report["infinite"] if not _takes_infinite(settings, name)]
    if unwanted:
        problems.append(f"infinite values in {', '.join(unwanted)}: data.columns can take them for missing ones")
    if target in report["missing"]:
        problems.append(f"{target}, which is to be learned, misses {report['missing'][target]} values")
    for name, column in settings.columns.items():
        count = report["missing"].get(name, 0)
        most = {"allow": 1.0, "refuse": 0.0}.get(str(column.missing), column.missing)
        if isinstance(most, float) and count > most * report["rows"]:
            problems.append(f"{name} misses {count} values, data.columns allows {most:g} of the rows")
        outside = report["outside"].get(name, 0)
        if outside > column.max_outside_share * report["rows"]:
            problems.append(f"{outside} values of {name} lie outside of the range in data.columns")
    return problems


def _class_problems(classes: Mapping[str, int], target: str, settings: DataSettings) -> list[str]:
    if len(classes) < _MIN_CLASSES:
        return [f"{target} has one class only, a model needs two"]
    share = min(classes.values()) / sum(classes.values())
    if share < settings.min_class_share:
        return [f"the rarest class of {target} has {share:.4f} of the rows, data.min_class_share asks for more"]
    return []


def _takes_infinite(settings: DataSettings, name: str) -> bool:
    return name in settings.columns and settings.columns[name].infinite == "missing"
