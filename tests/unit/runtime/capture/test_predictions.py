"""Predictions of service and batches in one form; few columns are the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from aifactory_runtime.capture import compaction, predictions
from aifactory_runtime.capture.reading import Span
from aifactory_runtime.data import table_writing, tables
from tests.unit.runtime.labels.parts import at, contract, predict

pytestmark = pytest.mark.heavy


@pytest.mark.parametrize("columns", [("prediction_id", "time", "role"), ("prediction_id", "inputs"), ("trial", "time")])
def test_given_log_table_and_batches_when_few_columns_are_read_then_these_are_as_among_all(
    tmp_path: Path, columns: tuple[str, ...]
) -> None:
    predict(tmp_path, range(3), region="east")
    compaction.compact(tmp_path / "capture", tmp_path / "tables")
    predict(tmp_path, range(3, 5))
    ids = [f"{'b' * 16}{number:016x}" for number in range(2)]
    batch = pd.DataFrame({"age": [41, 42], "prediction": [0, 1], "prediction_id": ids, "model_sha256": "a" * 64})
    batch = batch.assign(scored_at=[at(0), at(10**6)], model_version=3)
    table_writing.append(tmp_path / "tables", tables.SCORED, [batch], {"input_sha256": "x"})

    def read(*asked: Any) -> pd.DataFrame:
        found = list(predictions.frames(contract(tmp_path), Span("", at(10**5)), *asked))
        return pd.concat(found, ignore_index=True)

    few, whole = read(columns), read()
    assert len(whole) == 6 and list(few.columns) == list(columns)
    assert few.to_dict("list") == whole[list(columns)].to_dict("list")
