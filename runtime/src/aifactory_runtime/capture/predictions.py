"""The predictions of a span of time: of the service and of batches, in one form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from aifactory_runtime.capture import reading, scored
from aifactory_runtime.capture.compaction import PREDICTIONS
from aifactory_runtime.capture.reading import EVER, Span
from aifactory_runtime.data import tables

if TYPE_CHECKING:
    import pandas as pd

    from aifactory_runtime.contract import EnvironmentContract

BATCH = "batch"
"""What stands as `role` of a row that a batch scored."""
COLUMNS = (
    *("prediction_id", "time", "model_version", "model_sha256", "commit", "role"),
    *("inputs", "output", "redacted", "trial"),
)
"""All are text; the last four are JSON. `redacted` is empty where inputs are as they came, `trial` without a live test.
"""


def frames(contract: EnvironmentContract, span: Span = EVER) -> Iterator[pd.DataFrame]:
    """Chunks with `COLUMNS`: first what the service answered, in the order it was recorded, then rows of batches."""
    capture, data = Path(contract.capture_uri), Path(contract.data_uri)
    for frame in reading.frames(capture, data, PREDICTIONS, span):
        yield frame.reindex(columns=list(COLUMNS)).fillna({"redacted": "", "commit": "", "trial": ""})
    yield from _of_batches(data, span)


def _of_batches(data: Path, span: Span) -> Iterator[pd.DataFrame]:
    import pandas as pd

    latest = tables.latest(data, tables.SCORED)
    if latest is None:
        return
    for frame in tables.batches(data, tables.SCORED, latest.version):
        inside = frame[(frame["scored_at"] >= span.begins) & (frame["scored_at"] < span.ends)]
        if len(inside):
            yield pd.DataFrame(
                [
                    (
                        line["id"],
                        line["time"],
                        str(line["model_version"]),
                        line["model_sha256"],
                        "",
                        BATCH,
                        json.dumps(line["inputs"]),
                        json.dumps(line["output"]),
                        json.dumps(line["redacted"]) if line["redacted"] else "",
                        "",
                    )
                    for line in scored.lines(inside)
                ],
                columns=list(COLUMNS),
            )
