"""Copies and observations: what a key, an id or a time says about rows that are equal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.config.settings import DataSettings
from aifactory_runtime.data import copies, quality, row_hash
from aifactory_runtime.data.counted import About
from aifactory_runtime.errors import FactoryError
from tests.unit.runtime.data.small_table import InParts


def inspected(
    frame: pd.DataFrame,
    keys: Sequence[str] = (),
    unique: Sequence[str] = (),
    chunk: int = 64,
    **conf: object,
) -> dict[str, object]:
    """The report of a table that is read in chunks."""
    about = About("y", tuple((name,) for name in unique), tuple((name,) for name in keys))
    return quality.inspect(InParts(frame, chunk), about, DataSettings.model_validate(conf))


def few_valued(rows: int = 200) -> pd.DataFrame:
    draw = np.random.default_rng(4)
    return pd.DataFrame({"a": draw.choice(["x", "z"], rows), "y": draw.integers(0, 2, rows)})


@pytest.mark.parametrize(
    ("values", "copied"),
    [
        pytest.param([*range(200), *range(50)], 50, id="an id that only copies repeat"),
        pytest.param([*range(100), *range(100), *range(50)], 0, id="an id that other rows repeat"),
        pytest.param([7] * 250, 0, id="one value"),
        pytest.param([f"day {number % 5}" for number in range(250)], 0, id="a day"),
        pytest.param([np.nan] * 250, 0, id="nothing"),
    ],
)
def test_given_a_column_when_inspected_then_rows_are_copies_only_where_it_is_a_key_once_they_are_gone(
    values: list[Any], copied: int
) -> None:
    frame = few_valued().assign(number=np.arange(200) % 40)
    frame = pd.concat([frame, frame.head(50)], ignore_index=True).assign(key=values)
    report = inspected(frame, keys=["key"], max_duplicate_share=0.5)
    assert report["duplicates"] == copied
    assert report["duplicates"] + report["equal_rows"] == frame.duplicated().sum()  # type: ignore[operator]
    assert report["key"] == (["key"] if copied else None)


def test_given_rows_without_an_id_when_they_are_equal_then_they_are_no_copies() -> None:
    frame = few_valued(100).assign(key=[*range(60), *[np.nan] * 40])
    frame = pd.concat([frame, frame], ignore_index=True)
    assert inspected(frame, keys=["key"], max_duplicate_share=1.0)["duplicates"] == 60


def test_given_copies_when_a_column_is_declared_unique_then_it_is_judged_after_they_are_gone() -> None:
    frame = few_valued(100).assign(key=range(100))
    copied = pd.concat([frame, frame.head(3)], ignore_index=True)
    other = pd.concat([frame, frame.head(3).assign(a="other")], ignore_index=True)
    assert inspected(copied, unique=["key"])["problems"] == []
    assert inspected(copied, unique=["key"])["duplicates"] == 3
    assert inspected(other, unique=["key"])["problems"] == ["key is repeated in 3 rows, schema.py declares it unique"]


def test_given_more_copies_than_allowed_when_refused_then_the_key_is_named_and_no_value() -> None:
    frame = few_valued(20).assign(key=[f"secret {number}" for number in range(20)])
    report = inspected(pd.concat([frame, frame], ignore_index=True), keys=["key"])
    said = r"20 of 40 rows are copies \(equal in every column, key among them\), data\.max_duplicate_share allows 0\.05"
    with pytest.raises(FactoryError, match=said) as caught:
        quality.refuse(report)
    assert "secret" not in str(caught.value)


def test_given_hashes_that_are_equal_by_chance_when_unique_is_declared_then_values_decide(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frame = few_valued(100).assign(key=range(100))
    plain = row_hash.hashes

    def colliding(part: pd.DataFrame) -> row_hash.Hashes:
        hashed = plain(part)
        if list(part.columns) == ["key"]:
            hashed[part["key"].to_numpy() == 7] = plain(pd.DataFrame({"key": [8]}))[0]
        return hashed

    monkeypatch.setattr(row_hash, "hashes", colliding)
    assert inspected(frame, unique=["key"])["problems"] == []
    frame.loc[50, "key"] = 51
    assert inspected(frame, unique=["key"])["repeated"] == {"key": 1}


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=60), st.integers(1, 30))
def test_given_any_rows_when_read_in_chunks_then_copies_are_those_of_the_whole(
    rows: list[tuple[int, int]], chunk: int
) -> None:
    frame = pd.DataFrame(rows, columns=["key", "a"])
    whole, key = row_hash.hashes(frame), copies.key_hashes(frame, ["key"])
    found = copies.Candidates([("key",)])
    for start in range(0, len(frame), chunk):
        for names in found.names:
            found.add(names, key[start : start + chunk], whole[start : start + chunk])
    is_key = len(frame) > 0 and not frame.drop_duplicates()["key"].duplicated().any()
    assert bool(found.keys(whole)) == is_key
    assert copies.copied(whole, key).tolist() == frame.duplicated().tolist()
    assert not copies.copied(whole, None).any()
