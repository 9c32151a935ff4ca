"""What the tests of a use case's science share: its sample, and columns and matrices as the pipeline makes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory_runtime.contract.names import SAMPLE
from aifactory_runtime.data import columns
from aifactory_runtime.pipeline import arrays

if TYPE_CHECKING:
    import pandas as pd

    from aifactory_runtime.pipeline.arrays import Features
    from aifactory_runtime.registry.model_folder import InputSchema


def sample(root: Path, schema: Any) -> pd.DataFrame:
    """`data/sample.csv` of the repo at `root`, read as `schema` and conf/base.yaml say."""
    from aifactory_runtime.config.settings import Settings
    from aifactory_runtime.contract import names
    from aifactory_runtime.data import declared, source

    settings = Settings.load(root / "conf", names.EMBEDDED)
    return source.read(source.locate(root, SAMPLE), settings.data.sample_read, declared.kinds(schema))


def raw_columns(
    table: pd.DataFrame, schema: Any, target: str, ignored: Sequence[str] = ()
) -> dict[str, np.ndarray[Any, Any]]:
    """The columns of a table as the pipeline hands them to `features`."""
    return arrays.raw(table, _described(schema, target, ignored))


def matrix(
    rows: pd.DataFrame,
    tables: Iterable[pd.DataFrame],
    *,
    schema: Any,
    target: str,
    ignored: Sequence[str],
    features: Features,
) -> list[Any]:
    """float64 of shape (rows, features) for each of `tables`, with the columns that a training on `rows` has."""
    described = _described(schema, target, ignored)
    made = features(arrays.raw(rows, described))
    found = replace(described, features=columns.pin(made, described.columns, len(rows)))
    return [arrays.to_matrix(table, found, features) for table in tables]


def _described(schema: Any, target: str, ignored: Sequence[str]) -> InputSchema:
    from aifactory_runtime.data import declared
    from aifactory_runtime.registry.model_folder import InputSchema

    return InputSchema(target, declared.input_columns(schema, target, ignored), (), (), tuple(ignored))
