"""Predictions of one key are found as those of all keys are, and what cannot have it is not decoded for that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from aifactory_runtime.capture import compaction, predictions
from aifactory_runtime.capture.predictions import Only
from aifactory_runtime.contract.manifest import Labels
from aifactory_runtime.data import table_writing, tables
from aifactory_runtime.labels import stored
from aifactory_runtime.labels.line import key_text
from tests.unit.runtime.labels.parts import at, contract, predict

BY_CUSTOMER = Labels(key="customer")
VALUES: list[Any] = [
    17,
    17.0,
    "17",
    170,
    "A-3",
    "a/b",
    'with "quotes"',
    "Zoë",
    "back\\slash",
    1e16,
    10**16,
    -5,
    None,
    True,
]


def batch(folder: Path) -> None:
    """Rows of a batch with the key of two customers."""
    columns = {"prediction": [0, 1], "scored_at": [at(0)] * 2, "model_version": [3] * 2, "model_sha256": ["a" * 64] * 2}
    rows = pd.DataFrame({"customer": [17, 18], **columns, "prediction_id": ["b" * 32, "c" * 32]})
    table_writing.append(folder / "tables", tables.SCORED, [rows], {"input_sha256": "x"})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Predictions of all values: half of them in the table, the others in the log, and those of a batch."""
    folder = tmp_path_factory.mktemp("place")
    for number, value in enumerate(VALUES):
        predict(folder, range(number, number + 1), customer=value)
    compaction.compact(folder / "capture", folder / "tables")
    for number, value in enumerate(VALUES):
        predict(folder, range(100 + number, 101 + number), customer=value)
    batch(folder)
    return folder


@pytest.mark.parametrize("key", sorted({found for value in VALUES if (found := key_text(value))}))
def test_given_keys_of_every_kind_when_one_is_looked_for_then_its_predictions_are_those_found_among_all(
    place: Path, key: str
) -> None:
    every = stored.calls(contract(place), BY_CUSTOMER)
    assert stored.calls(contract(place), BY_CUSTOMER, only=key) == {key: every[key]}
    assert len(every[key]) >= 2, "in the table and in the log"


def test_given_a_key_that_nobody_has_when_looked_for_then_rows_of_the_table_are_not_even_handed_on(place: Path) -> None:
    assert stored.calls(contract(place), BY_CUSTOMER, only="nobody") == {}
    only = Only("customer", lambda value: value == "nobody", "nobody")
    found = list(predictions.frames(contract(place), columns=("prediction_id", "time", "inputs"), only=only))
    assert sum(map(len, found)) == len(VALUES), "lines of the log alone"
    kept = Only("customer", lambda value: value == 18, "A-3")
    found = list(predictions.frames(contract(place), columns=("prediction_id", "time", "inputs"), only=kept))
    assert sum(map(len, found)) == len(VALUES) + 2, "one of the table, one of the batch"
