"""The inputs of a batch as they are kept beside its predictions: columns dropped or hashed as the environment says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aifactory_runtime.capture.redaction import Redaction
from aifactory_runtime.data.column_names import HASHED, REDACTED
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    import pandas as pd


def of(frame: pd.DataFrame, redaction: Redaction) -> pd.DataFrame:
    """The frame without the columns that are not recorded; hashes of `a` are in `a_hashed`, a text of its own.

    What was done stands as JSON in a further column. FactoryError when a column is called as hashes would be.
    """
    redacted = redaction.redacted([str(name) for name in frame.columns])
    if not redacted:
        return frame
    hashed = [name for name, treatment in redacted.items() if treatment == "hash"]
    if taken := [name for name in hashed if f"{name}{HASHED}" in frame.columns]:
        raise FactoryError(f"there is a column {taken[0]}{HASHED} already, so {taken[0]} cannot be hashed: drop it")
    made: dict[str, Any] = {f"{name}{HASHED}": redaction.hash(list(frame[name])) for name in hashed}
    return frame.drop(columns=list(redacted)).assign(**made, **{REDACTED: json.dumps(redacted)})


def undone(row: dict[str, Any]) -> tuple[dict[str, Any], Mapping[str, str]]:
    """The inputs of a row of `scored`, with hashes under the names of their columns, and what was done to them."""
    redacted: dict[str, str] = json.loads(row.pop(REDACTED, None) or "{}")
    hashes = {f"{name}{HASHED}": name for name, treatment in redacted.items() if treatment == "hash"}
    return {hashes.get(name, name): value for name, value in row.items()}, redacted
