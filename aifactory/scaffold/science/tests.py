"""Writes the tests of data, features and model, for the columns that the table has."""

from __future__ import annotations

from aifactory.profile import Column
from aifactory.scaffold.science import code
from aifactory.scaffold.science.brief import Brief, limits


def data(brief: Brief) -> str:
    """Source of `tests/test_data.py`."""
    wrong = _wrong_values(brief)
    cases = code.Group("[", [code.Group("(", [key, value], ")") for key, value in wrong], "]")
    decorated = code.Group("@pytest.mark.parametrize(", ['("column", "value")', cases], ")")
    return _DATA.replace("PACKAGE", brief.package).replace("@CASES", "\n".join(code.lines(decorated, 0, "")))


def features(brief: Brief) -> str:
    """Source of `tests/test_features.py`."""
    return _FEATURES.replace("PACKAGE", brief.package)


def model(brief: Brief) -> str:
    """Source of `tests/test_model.py`."""
    text = _MODEL.replace("PACKAGE", brief.package)
    for mark, value in (_REGRESSION if brief.regression else _CLASSIFICATION).items():
        text = text.replace(mark, value)
    return text


def _wrong_values(brief: Brief) -> list[tuple[str, str]]:
    """A value that cannot be, for up to three columns and the target."""
    found: list[tuple[str, str]] = []
    for column in brief.proposal.used:
        ends = limits(column)
        if ends and column.kind in {"number", "integer"} and column.role != "time":
            found.append((code.text(column.name), f"{int(ends[1]) * 10:_}" if _whole(column) else "1e300"))
        elif brief.closed(column):
            found.append((code.text(column.name), '"no such value"'))
    target = "None" if not brief.labels or brief.regression else '"no such class"'
    if brief.labels and not isinstance(brief.labels[0], str) and not brief.regression:
        target = "77_777" if not isinstance(brief.labels[0], bool) else '"perhaps"'
    return [*found[:3], ("TARGET", target)]


def _whole(column: Column) -> bool:
    return column.kind == "integer" and not column.missing and not column.infinite


_DATA = '''"""The data: the contract holds for the sample and notices what it must."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pandera.errors
import pytest

from PACKAGE.schema import IGNORED, SCHEMA, TARGET


def test_given_the_sample_then_it_meets_the_schema(sample: pd.DataFrame) -> None:
    assert len(SCHEMA.validate(sample)) > 0


def test_given_the_sample_then_there_is_something_to_tell_apart(sample: pd.DataFrame) -> None:
    assert sample[TARGET].nunique() > 1


@CASES
def test_given_a_value_that_cannot_be_when_validated_then_it_is_refused(
    sample: pd.DataFrame, column: str, value: object
) -> None:
    values = sample[column].tolist()
    values[0] = value
    broken = sample.assign(**{column: values}) if value is not None else sample.drop(columns=column)
    with pytest.raises((pandera.errors.SchemaError, pandera.errors.SchemaErrors)):
        SCHEMA.validate(broken)


def test_given_a_missing_or_an_extra_column_when_validated_then_it_is_refused(sample: pd.DataFrame) -> None:
    for table in (sample.drop(columns=sample.columns[0]), sample.assign(**{"no such column": 1})):
        with pytest.raises((pandera.errors.SchemaError, pandera.errors.SchemaErrors)):
            SCHEMA.validate(table)


def test_given_the_example_request_then_it_has_the_columns_that_a_model_needs(root: Path) -> None:
    request = json.loads((root / "data" / "request.json").read_text(encoding="utf-8"))
    expected = set(SCHEMA.columns) - {TARGET, *IGNORED}
    assert all(set(row) == expected for row in request["rows"])
'''

_FEATURES = '''"""The features: one value a row, finite or missing, and each row on its own."""

from __future__ import annotations

import pandas as pd
import pytest
from aifactory_runtime.testing import raw_columns

from PACKAGE.features import features
from PACKAGE.schema import IGNORED, SCHEMA, TARGET


def made(table: pd.DataFrame) -> pd.DataFrame:
    """The features of a table, as the pipeline makes them."""
    return pd.DataFrame(features(raw_columns(table, SCHEMA, TARGET, IGNORED)))


def test_given_the_sample_when_made_then_there_is_one_value_a_row(sample: pd.DataFrame) -> None:
    assert len(made(sample)) == len(sample)


def test_given_the_sample_when_made_then_numbers_are_finite_or_missing(sample: pd.DataFrame) -> None:
    numbers = made(sample).select_dtypes("number")
    assert not numbers.isin([float("inf"), float("-inf")]).any().any()


def test_given_rows_one_at_a_time_then_features_are_those_of_the_table(sample: pd.DataFrame) -> None:
    few = sample.head(5)
    alone = pd.concat([made(few.iloc[[row]]) for row in range(len(few))], ignore_index=True)
    pd.testing.assert_frame_equal(alone, made(few), check_dtype=False)


def test_given_another_order_of_rows_when_made_then_only_the_order_changes(sample: pd.DataFrame) -> None:
    turned = made(sample.iloc[::-1]).iloc[::-1].reset_index(drop=True)
    pd.testing.assert_frame_equal(turned, made(sample), check_dtype=False)


@pytest.mark.parametrize("name", [TARGET, *IGNORED])
def test_given_the_target_and_ignored_columns_then_no_feature_is_one_of_them(sample: pd.DataFrame, name: str) -> None:
    assert name not in made(sample).columns
'''

_MODEL = '''"""How the model behaves: better than guessing, and the same for the same rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from aifactory_runtime.testing import matrix
DUMMY_IMPORT
SCORE_IMPORT

from PACKAGE.features import features
from PACKAGE.model import make_model
from PACKAGE.schema import IGNORED, SCHEMA, TARGET


def split(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two thirds to learn from, one third to test on."""
    rows = table.dropna(subset=[TARGET]).sample(frac=1.0, random_state=7)
    test = np.arange(len(rows)) % 3 == 0
    return rows[~test], rows[test]


def seen(rows: pd.DataFrame, *tables: pd.DataFrame) -> list[Any]:
    """The matrix of each table, with the columns that the training `rows` have."""
    return matrix(rows, tables, schema=SCHEMA, target=TARGET, ignored=IGNORED, features=features)


def score(model: Any, values: Any, rows: pd.DataFrame) -> float:
    """SCORE_MEANS"""
    return float(SCORE_CALL(rows[TARGET].tolist(), model.predict(values)))


def test_given_unseen_rows_then_it_beats_guessing(sample: pd.DataFrame) -> None:
    train, test = split(sample)
    learned, tested = seen(train, train, test)
    guess = DUMMY_CALL.fit(learned, train[TARGET].tolist())
    model = make_model().fit(learned, train[TARGET].tolist())
    assert score(model, tested, test) > score(guess, tested, test)


def test_given_shuffled_targets_then_it_learns_less(sample: pd.DataFrame) -> None:
    train, test = split(sample)
    learned, tested = seen(train, train, test)
    nonsense = train[TARGET].sample(frac=1.0, random_state=1).tolist()
    model = make_model().fit(learned, train[TARGET].tolist())
    assert score(make_model().fit(learned, nonsense), tested, test) < score(model, tested, test)


def test_given_the_same_rows_twice_then_the_same_model(sample: pd.DataFrame) -> None:
    train, test = split(sample)
    learned, tested = seen(train, train, test)
    answers = [make_model().fit(learned, train[TARGET].tolist()).predict(tested) for _ in range(2)]
    np.testing.assert_array_equal(answers[0], answers[1])
'''

_CLASSIFICATION = {
    "DUMMY_IMPORT": "from sklearn.dummy import DummyClassifier",
    "SCORE_IMPORT": "from sklearn.metrics import balanced_accuracy_score",
    "SCORE_MEANS": "Share of right answers, each class counting the same.",
    "SCORE_CALL": "balanced_accuracy_score",
    "DUMMY_CALL": 'DummyClassifier(strategy="most_frequent")',
}
_REGRESSION = {
    "DUMMY_IMPORT": "from sklearn.dummy import DummyRegressor",
    "SCORE_IMPORT": "from sklearn.metrics import r2_score",
    "SCORE_MEANS": "Share of the variance that is explained; 0 is guessing the mean.",
    "SCORE_CALL": "r2_score",
    "DUMMY_CALL": "DummyRegressor()",
}
