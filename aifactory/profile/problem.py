"""What kind of learning a target asks for, how it is judged, and when nothing can be learned."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from aifactory.profile.column import ColumnScan
from aifactory_runtime.errors import FactoryError, UsageProblem

LEAST_ROWS = 20
_MOST_CLASSES = 100
_FEW_NUMBERS = 20
_ROWS_A_NUMBER = 10
_BINARY = 2
_HEAVY = 2.0
"""Skewness from which a target counts as heavy-tailed: few large errors would decide a squared measure."""
_ENOUGH_TO_MISS = 0.5
_EXACT = 2**53
"""From here on neighbouring whole numbers are one and the same float64."""
_CLASSES_AT_MOST = 10


@dataclass(frozen=True)
class Problem:
    """What is learned: `classes` are the labels with their rows (classification), in the order of the labels."""

    name: str
    metric: str
    reason: str
    kind: str
    classes: tuple[tuple[Any, int], ...] = ()

    @property
    def positive(self) -> Any:
        """Of two classes the one that f1 is of: True, 1, of texts the rarer; None for other problems."""
        if len(self.classes) != _BINARY:
            return None
        first, second = self.classes
        return first[0] if isinstance(first[0], str) and first[1] < second[1] else second[0]


def find(column: ColumnScan, numbers: Any, wish: str | None) -> Problem:
    """The problem of a target column; `numbers` are kept values of it, when it holds numbers.

    FactoryError with the reason when nothing can be learned; UsageProblem when `wish` does not fit.
    """
    _check_learnable(column)
    regression = _looks_continuous(column) if wish is None else wish == "regression"
    if regression and column.kind not in {"number", "integer"}:
        why = column.said or "a regression needs a number, use --problem classification"
        raise UsageProblem(f"{column.name} holds no numbers: {why}")
    return _regression(column, numbers) if regression else _classification(column)


def _check_learnable(column: ColumnScan) -> None:
    name = column.name
    if column.present == 0:
        raise FactoryError(f"{name} has no value in any row: fill it, or name another --target-column")
    if column.distinct == 1:
        _check_told_apart(column)
        raise FactoryError(f"{name} has the same value in every row: there is nothing to learn, name another")
    if column.present < LEAST_ROWS:
        raise FactoryError(
            f"{column.present} rows have a value in {name}: at least {LEAST_ROWS} are needed to train and to test"
        )
    if column.kind == "date":
        raise FactoryError(f"{name} holds dates: predict a number (such as days until then) or a class instead")
    if column.infinite:
        raise FactoryError(f"{name} has infinite values in {column.infinite} rows: mend them first")


def _check_told_apart(column: ColumnScan) -> None:
    if column.kind in {"number", "integer"} and max(-column.lowest, column.highest) >= _EXACT:
        raise FactoryError(
            f"{column.name} holds numbers of {_EXACT:,} and more, too large to be told apart as classes: "
            "write smaller numbers or texts for the classes"
        )


def _looks_continuous(column: ColumnScan) -> bool:
    if column.kind not in {"number", "integer"}:
        return False
    if column.distinct <= _BINARY:
        return False
    few = column.distinct <= min(_FEW_NUMBERS, column.present / _ROWS_A_NUMBER)
    whole = all(float(value).is_integer() for value in column.counts or {})
    return not (few and whole and column.highest - column.lowest < 2 * _FEW_NUMBERS)


def _classification(column: ColumnScan) -> Problem:
    _check_told_apart(column)
    counts = column.counts or {}
    often = {value: count for value, count in counts.items() if count > 1}
    if not counts or len(counts) > column.present * _ENOUGH_TO_MISS:
        why = f" ({column.said})" if column.said else ""
        raise FactoryError(
            f"{column.name} has {column.distinct} classes in {column.present} rows, nearly every row another{why}: "
            "there is nothing to learn, name another --target-column"
        )
    if len(often) < _BINARY:
        raise FactoryError(f"only one class of {column.name} has more than one row: a model needs two such classes")
    if len(counts) > _MOST_CLASSES:
        raise FactoryError(
            f"{column.name} has {len(counts)} classes{f' ({column.said})' if column.said else ''}, at most "
            f"{_MOST_CLASSES} are learned: group them, "
            "or predict a number with --problem regression"
        )
    kind = "boolean" if _are_booleans(counts) else column.kind
    labels = Counter[Any]()
    for value, count in counts.items():
        labels[_label(value, kind)] += count  # `true` and `True` are one
    if len(labels) < _BINARY:
        raise FactoryError(f"{column.name} has the same value in every row: there is nothing to learn, name another")
    ordered = tuple(sorted(labels.items()))
    alike = _alike(labels)
    if len(ordered) == _BINARY:
        return Problem("classification", "roc_auc", f"two classes{alike}", kind, ordered)
    return Problem("classification", "f1", f"{len(ordered)} classes{alike}", kind, ordered)


def _alike(labels: Iterable[Any]) -> str:
    """What to look at when classes may be the same one written in several ways; else nothing."""
    texts = [label for label in labels if isinstance(label, str)]
    if len({text.casefold() for text in texts}) == len(texts):
        return ""
    return "; some differ only in case: write them alike in the table if they mean the same"


def _regression(column: ColumnScan, numbers: Any) -> Problem:
    heavy = abs(skewness(numbers)) > _HEAVY
    reason = f"a number with {column.distinct} different values"
    if column.distinct <= _CLASSES_AT_MOST:
        reason += " (if these are classes: --problem classification)"
    if heavy:
        return Problem("regression", "mae", f"{reason}, a few far larger than the rest: the absolute error counts",
                       column.kind)  # fmt: skip
    return Problem("regression", "rmse", reason, column.kind)


def skewness(numbers: Any) -> float:
    """Third standardised moment of the finite values: 0 for what is symmetric."""
    kept = np.asarray(numbers, dtype=np.float64)
    kept = kept[np.isfinite(kept)]
    spread = kept.std() if len(kept) else 0.0
    if not spread or not math.isfinite(spread):
        return 0.0
    return float((((kept - kept.mean()) / spread) ** 3).mean())


def _are_booleans(counts: dict[Any, int]) -> bool:
    return {str(value).lower() for value in counts} <= {"true", "false"}


def _label(value: Any, kind: str) -> Any:
    """A label as Python has it; numbers were counted as floats."""
    if kind == "boolean":
        return str(value).lower() in {"true", "1.0"}
    return int(value) if kind == "integer" else value
