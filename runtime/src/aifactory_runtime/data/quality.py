"""Counts what is wrong with a table, chunk by chunk, and holds the counts against thresholds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory_runtime.config.settings import DataSettings
from aifactory_runtime.data import copies
from aifactory_runtime.data import row_hash as row_numbers
from aifactory_runtime.errors import FactoryError, UsageProblem

if TYPE_CHECKING:
    import pandas as pd

Chunks = Callable[[Sequence[str] | None], "Iterator[pd.DataFrame]"]
"""Reads the table once: all columns for None, else these."""
_MIN_CLASSES = 2
_ROUNDING = 1e-9


@dataclass
class Numbers:
    """Count, mean, sum of squared distances from it and extremes of a column's finite values."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    least: float = np.inf
    most: float = -np.inf
    missing: int = 0
    infinite: int = 0

    @classmethod
    def of(cls, values: np.ndarray[Any, np.dtype[np.float64]]) -> Numbers:
        """Those of one chunk."""
        made = cls()
        with np.errstate(all="ignore"):
            total = float(values.sum())
        if not np.isfinite(total):
            made.missing = int(np.isnan(values).sum())
            made.infinite = int(np.isinf(values).sum())
            values = values[np.isfinite(values)]
        if len(values):
            made.count, made.mean = len(values), float(values.mean())
            apart = values - made.mean
            with np.errstate(all="ignore"):
                made.squares = float(np.dot(apart, apart))
            made.least, made.most = float(values.min()), float(values.max())
        return made

    def add(self, values: np.ndarray[Any, np.dtype[np.float64]]) -> None:
        """Take in a chunk."""
        self.merge(Numbers.of(values))

    def merge(self, other: Numbers) -> None:
        """Take in those of a chunk; the mean of all is put together from the means of chunks, which loses no digits.

        Chunks in the same order give the same, wherever each of them was looked at.
        """
        self.missing += other.missing
        self.infinite += other.infinite
        if not other.count:
            return
        both = self.count + other.count
        self.squares += other.squares + (other.mean - self.mean) ** 2 * self.count * other.count / both
        self.mean += (other.mean - self.mean) * other.count / both
        self.count = both
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)

    def limits(self, sigmas: float) -> tuple[float, float]:
        """What lies outside of these is further than `sigmas` standard deviations from the mean."""
        # A value exactly that far lies within, however the additions of its chunks were rounded.
        far = (1 + _ROUNDING) * sigmas * float(np.sqrt(self.squares / self.count)) if self.count else 0.0
        return (self.mean - far, self.mean + far) if far > 0 else (-np.inf, np.inf)


@dataclass
class _Counts:
    """What one reading of the table gives."""

    keys: copies.Candidates
    rows: int = 0
    numbers: dict[str, Numbers] = field(default_factory=dict)
    missing: Counter[str] = field(default_factory=Counter)
    classes: Counter[Any] = field(default_factory=Counter)
    hashes: list[row_numbers.Hashes] = field(default_factory=list)
    sets: dict[copies.Names, list[row_numbers.Hashes]] = field(default_factory=dict)


def inspect(
    chunks: Chunks,
    target: str,
    settings: DataSettings,
    *,
    unique: Sequence[copies.Names] = (),
    keys: Sequence[copies.Names] = (),
    regression: bool = False,
) -> dict[str, Any]:
    """Counts of what is wrong with the rows, as JSON values; `problems` says which thresholds they pass.

    Reads the table once, and once more those columns that have outliers or a range in conf. Holds a chunk and 8 bytes a
    row; as much for each set of columns in `unique`, which schema.py declares to be unique, and for each of `keys`,
    ignored columns and the time, as long as it may be a key. `duplicates` counts copies (see `copies`), `equal_rows`
    the rows that equal one before them and are no copies; `key` names the columns that tell the two apart.
    """
    counts = _Counts(copies.Candidates(dict.fromkeys([*unique, *keys])), sets={names: [] for names in unique})
    for frame in chunks(None):
        _count(counts, frame, target, regression)
    if not counts.rows:
        raise FactoryError("the table has no rows: put the data there, then run again")
    _known(settings, [*counts.numbers, *counts.missing, target])
    outlying, outliers, outside = _second_look(chunks, counts, target, settings)
    missing = {name: count for name, count in counts.missing.items() if count}
    report: dict[str, Any] = {
        "rows": counts.rows,
        **_equal(counts),
        "outlier_rows": outlying,
        "outliers": outliers,
        "missing": missing,
        "infinite": {name: found.infinite for name, found in counts.numbers.items() if found.infinite},
        "outside": outside,
        "repeated": {", ".join(names): _repeated(chunks, counts, names) for names in counts.sets},
    }
    if regression:
        found = counts.numbers.get(target, Numbers())
        deviation = float(np.sqrt(found.squares / found.count)) if found.count else 0.0
        report["target"] = {"mean": found.mean, "deviation": deviation}
    else:
        report["classes"] = {str(label): count for label, count in counts.classes.most_common()}
    return {**report, "problems": _problems(report, target, settings)}


def refuse(report: Mapping[str, Any]) -> None:
    """FactoryError when the report names a problem."""
    if report["problems"]:
        raise FactoryError(f"the data is not fit to train on: {'; '.join(report['problems'])}")


def _count(counts: _Counts, frame: pd.DataFrame, target: str, regression: bool) -> None:
    counts.rows += len(frame)
    for name in frame.columns:
        series = frame[name]
        if series.dtype.kind in "iuf":
            found = counts.numbers.setdefault(str(name), Numbers())
            before = found.missing
            found.add(row_numbers.numbers(series))
            counts.missing[str(name)] += found.missing - before
        else:
            counts.missing[str(name)] += int(series.isna().sum())
    if not regression:
        counts.classes.update(frame[target].value_counts().to_dict())
    whole = row_numbers.hashes(frame)
    counts.hashes.append(whole)
    for names in counts.keys.names:
        counts.keys.add(names, copies.key_hashes(frame, names), whole)
    for names, hashed in counts.sets.items():
        hashed.append(row_numbers.hashes(frame[list(names)]))


def _equal(counts: _Counts) -> dict[str, Any]:
    """Rows that are copies, other rows that are equal to one before them, and the key that tells them apart."""
    whole = np.concatenate(counts.hashes)
    found = counts.keys.keys(whole)
    key = next(iter(found), None)
    copied = 0 if key is None else int(copies.copied(whole, found[key]).sum())
    equal = row_numbers.repeated(whole) - copied
    return {"duplicates": copied, "equal_rows": equal, "key": None if key is None else list(key)}


def _repeated(chunks: Chunks, counts: _Counts, names: copies.Names) -> int:
    """Rows that differ from one before them and have its values of `names`, which should be unique."""
    suspected = copies.shared(np.concatenate(counts.hashes), np.concatenate(counts.sets[names]))
    return copies.truly_shared(chunks(None), names, suspected) if len(suspected) else 0


def _known(settings: DataSettings, columns: Sequence[str]) -> None:
    """The columns that conf speaks of must be there."""
    for name in [*settings.columns, *([settings.group] if settings.group else [])]:
        if name not in columns:
            raise UsageProblem(f"conf: data speaks of the column {name}, which the table does not have")


def _second_look(
    chunks: Chunks, counts: _Counts, target: str, settings: DataSettings
) -> tuple[int, dict[str, int], dict[str, int]]:
    """Rows with an outlier that is only counted, outliers by column, values outside of conf's ranges by column."""
    limits = {name: found.limits(settings.outlier_sigmas) for name, found in counts.numbers.items() if name != target}
    far = [name for name, (low, high) in limits.items() if _passed(counts.numbers[name], low, high)]
    ranges = {
        name: (
            -np.inf if column.minimum is None else column.minimum,
            np.inf if column.maximum is None else column.maximum,
        )
        for name, column in settings.columns.items()
    }
    wide = [name for name, (low, high) in ranges.items() if _passed(counts.numbers.get(name, Numbers()), low, high)]
    rows, outliers, outside = 0, Counter[str](), Counter[str]()
    wanted = sorted({*far, *wide})
    for frame in chunks(wanted) if wanted else ():
        outlying = np.zeros(len(frame), dtype=np.bool_)
        for name in wanted:
            values = row_numbers.numbers(frame[name])
            if name in far:
                beyond = np.isfinite(values) & ((values < limits[name][0]) | (values > limits[name][1]))
                outliers[name] += int(beyond.sum())
                if name not in settings.columns or settings.columns[name].outliers == "count":
                    outlying |= beyond
            if name in wide:
                outside[name] += int(((values < ranges[name][0]) | (values > ranges[name][1])).sum())
        rows += int(outlying.sum())
    return rows, dict(outliers), dict(outside)


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
