"""Tables in chunks: the same rows, in the same order, whatever the size of a chunk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aifactory_runtime.data import tables
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline import arrays
from aifactory_runtime.registry.model_folder import Column, InputSchema


def table(rows: int) -> pd.DataFrame:
    draw = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "a": draw.normal(size=rows),
            "c": draw.choice(["x", "z"], size=rows),
            "y": draw.integers(0, 2, size=rows),
            "split": draw.choice(["train", "test"], size=rows),
        }
    )


SCHEMA = InputSchema("y", (Column("a", "number"), Column("c", "category")), ("c=z", "a"), (0, 1))


def test_given_a_table_when_read_in_batches_then_they_are_the_table_in_order(tmp_path: Path) -> None:
    frame = table(1_000)
    tables.write(tmp_path, "prepared", frame, "one")
    found = list(tables.batches(tmp_path, "prepared", 0, rows=300))
    assert [len(chunk) for chunk in found] == [300, 300, 300, 100]
    pd.testing.assert_frame_equal(pd.concat(found, ignore_index=True), tables.read(tmp_path, "prepared"))


def test_given_columns_and_a_condition_when_read_in_batches_then_only_those(tmp_path: Path) -> None:
    frame = table(1_000)
    tables.write(tmp_path, "prepared", frame, "one")
    found = list(tables.batches(tmp_path, "prepared", columns=["a"], where=("split", "test"), rows=100))
    assert all(list(chunk.columns) == ["a"] for chunk in found)
    expected = frame[frame["split"] == "test"]["a"]
    assert np.array_equal(np.concatenate([chunk["a"] for chunk in found]), expected)


def test_given_no_table_when_read_in_batches_then_one_line(tmp_path: Path) -> None:
    with pytest.raises(FactoryError, match="table raw is not there"):
        list(tables.batches(tmp_path, "raw"))


@pytest.mark.parametrize("rows", [7, 1_000])
def test_given_a_split_when_loaded_in_chunks_then_matrix_and_labels_are_those_of_the_whole(
    tmp_path: Path, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = table(500)
    tables.write(tmp_path, "prepared", frame, "one")
    monkeypatch.setattr(tables, "ROWS", rows)
    values, labels = arrays.load(tmp_path, 0, "train", SCHEMA, dict)
    trained = frame[frame["split"] == "train"]
    assert np.array_equal(values, np.column_stack([trained["c"] == "z", trained["a"]]).astype(float))
    assert np.array_equal(labels, trained["y"])
    assert values.dtype == np.float64
    assert arrays.pin_split(tmp_path, 0, "train", SCHEMA, dict).features == ("a", "c=x", "c=z")
