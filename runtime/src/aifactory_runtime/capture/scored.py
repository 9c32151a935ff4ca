"""Rows of the table `scored` in the form that lines of the prediction log have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from aifactory_runtime.capture import redacted_frame
from aifactory_runtime.data import column_names

if TYPE_CHECKING:
    import pandas as pd

_OURS = ("scored_at", "model_version", "model_sha256", "prediction_id")


def lines(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Each row with `id`, `time`, version and digest of its model; `inputs`, `redacted`, `output` as JSON has them."""
    for row in json.loads(frame.to_json(orient="records", date_format="iso", double_precision=15)):
        shares = {key: row.pop(key) for key in list(row) if key.startswith(column_names.SHARE)}
        known = {key: row.pop(key) for key in _OURS}
        output = {"prediction": row.pop(column_names.PREDICTION)} | (
            {"probabilities": list(shares.values())} if shares else {}
        )
        inputs, redacted = redacted_frame.undone(row)
        said = {"id": known["prediction_id"], "time": known["scored_at"], "inputs": inputs, "redacted": redacted}
        yield {**known, **said, "output": output}
