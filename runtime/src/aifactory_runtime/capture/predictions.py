"""The predictions of a span of time: of the service and of batches, in one form."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aifactory_runtime.capture import reading, scored
from aifactory_runtime.capture.compaction import PREDICTIONS
from aifactory_runtime.capture.reading import EVER, Span
from aifactory_runtime.data import tables
from aifactory_runtime.storage.place import Place

if TYPE_CHECKING:
    import pandas as pd

    from aifactory_runtime.contract import EnvironmentContract
    from aifactory_runtime.data.tables import TableVersion


@dataclass(frozen=True)
class Only:
    """Those whose input column has a value are wanted; others may come along, as it is only a saving."""

    column: str
    has: Callable[[Any], bool]
    """Whether a value of the column is the wanted one."""
    text: str | None = None
    """What the JSON of their inputs holds for sure; None where that cannot be told."""


BATCH = "batch"
"""What stands as `role` of a row that a batch scored."""
COLUMNS = (
    *("prediction_id", "time", "model_version", "model_sha256", "commit", "role"),
    *("inputs", "output", "redacted", "trial"),
)
"""All are text; the last four are JSON. `redacted` is empty where inputs are as they came, `trial` without a live test.
"""

_MAY_LACK = ("redacted", "commit", "trial")
_NAMED = frozenset({"prediction_id", "time", "role"})


def frames(
    contract: EnvironmentContract, span: Span = EVER, columns: Sequence[str] = COLUMNS, only: Only | None = None
) -> Iterator[pd.DataFrame]:
    """Chunks with `columns`: first what the service answered, in the order it was recorded, then rows of batches.

    Of tables no other column is read, nor of batches the inputs and answers unless they are wanted. With `only`, rows
    that are surely not meant are left out; `columns` has `inputs` then.
    """
    capture, data = Path(contract.capture_uri), Path(contract.data_uri)
    empty = {name: "" for name in _MAY_LACK if name in columns}
    holding = None if only is None or only.text is None else ("inputs", only.text)
    for frame in reading.frames(capture, data, PREDICTIONS, span, columns, holding=holding):
        yield frame.reindex(columns=list(columns)).fillna(empty)
    latest = tables.latest(data, tables.SCORED)
    if latest is not None:
        read = _named if _NAMED.issuperset(columns) else partial(_of_batches, only=only)
        yield from (frame[list(columns)] for frame in read(data, latest, span))


def _named(data: Place, latest: TableVersion, span: Span) -> Iterator[pd.DataFrame]:
    """Rows of batches without inputs and answers."""
    for frame in tables.batches(data, tables.SCORED, latest.version, columns=("prediction_id", "scored_at")):
        inside = frame[(frame["scored_at"] >= span.begins) & (frame["scored_at"] < span.ends)]
        if len(inside):
            yield inside.rename(columns={"scored_at": "time"}).assign(role=BATCH).reset_index(drop=True)


def _of_batches(data: Place, latest: TableVersion, span: Span, only: Only | None) -> Iterator[pd.DataFrame]:
    import pandas as pd

    for frame in tables.batches(data, tables.SCORED, latest.version):
        inside = frame[(frame["scored_at"] >= span.begins) & (frame["scored_at"] < span.ends)]
        if only is not None and only.column in inside:
            inside = inside[inside[only.column].map(only.has).astype(bool)]
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
