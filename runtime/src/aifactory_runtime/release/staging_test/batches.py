"""Integration test of batch scoring: the environment's source scored by the released code, then a producer's faults."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aifactory_runtime.config.consumer import Consumer
from aifactory_runtime.contract import names
from aifactory_runtime.data import tables
from aifactory_runtime.registry import answers
from aifactory_runtime.release import released
from aifactory_runtime.release.side import Side
from aifactory_runtime.release.staging_test import consumer as consumers
from aifactory_runtime.release.staging_test.checks import Check

if TYPE_CHECKING:
    import pandas as pd

_TABLES = "AIFACTORY_DATA_URI"


def run(target: Side, commit: str, offline: Mapping[str, Any], relied: Consumer | None) -> list[Check]:
    """Score as the schedule will, as the same identity, into tables that are thrown away; then wrong batches.

    `offline` holds the first rows of the source and what the released code says of them without a batch.
    """
    package = target.project.manifest.package
    with tempfile.TemporaryDirectory(prefix="aifactory-") as temporary:
        place = {_TABLES: str(Path(temporary) / "tables")}
        said = json.loads(released.run(target, commit, names.SERVICE, package, "score", "--json", variables=place))
        scored = tables.read(Path(place[_TABLES]), tables.SCORED)
        checks = [*_of_rows(scored, said["rows"]), _in_order(scored, offline)]
        checks.append(_relied(scored, relied or Consumer()))
        batches = Path(temporary) / "batches"
        batches.mkdir()
        module = "aifactory_runtime.release.batch_trial"
        tried = released.run(
            target,
            commit,
            names.SERVICE,
            module,
            str(batches),
            variables={_TABLES: str(Path(temporary) / "trial")},
        )
    return [*checks, *(Check(**one) for one in json.loads(tried))]


def _of_rows(scored: pd.DataFrame, rows: int) -> list[Check]:
    ids = scored["prediction_id"].nunique()
    return [
        Check("batch: one prediction a row", len(scored) == rows, f"{len(scored)} predictions for {rows} rows"),
        Check("batch: an id of its own for each", ids == len(scored), f"{ids} ids for {len(scored)} predictions"),
    ]


def _in_order(scored: pd.DataFrame, offline: Mapping[str, Any]) -> Check:
    """The first rows carry, in the order of the source, what the released code says of them."""
    expected = offline["predictions"]
    found = scored["prediction"].head(len(expected)).tolist()
    equal = answers.same(found, expected)
    return Check(
        "batch: predictions stand in the order of the source", equal == len(expected), f"{equal} of {len(expected)}"
    )


def _relied(scored: pd.DataFrame, relied: Consumer) -> Check:
    name = "consumer: the scored table is as it relies on"
    missing = [column for column in relied.columns if column not in scored.columns]
    if missing:
        return Check(name, False, f"no column {missing[0]}")
    broken = consumers.broken_predictions(scored["prediction"].tolist(), relied.predictions)
    return Check(name, broken is None, broken or f"{len(scored)} rows")
