"""Predictions of batches as windows take them: of each batch as many rows as a window has, evenly spread over it.

So a large batch is one window, and small ones fill one together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aifactory_runtime.capture import scored
from aifactory_runtime.data import tables, upkeep
from aifactory_runtime.monitoring.result import Result
from aifactory_runtime.monitoring.windows import CHAMPION, Prediction, Window
from aifactory_runtime.storage.place import Place

ENDS = "batch_rows"
"""Shown: rows of a window of batches; its facts say where in the table the window ended."""
_LAST, _BATCH = "last", "batch"


def read(data: Place, after: int, most: int) -> Iterator[Prediction]:
    """The rows of `scored` behind a sequence, of each batch `most` at most; the sequence is their place in the table.

    Sequences count from 1.
    """
    for numbers, frame in tables.sampled(data, tables.SCORED, after - 1, most):
        for number, values in zip(numbers, scored.lines(frame), strict=True):
            yield Prediction(
                sequence=int(number) + 1,
                time=str(values["time"]),
                id=str(values["id"]),
                version=str(values["model_version"]),
                sha256=str(values["model_sha256"]),
                role=CHAMPION,
                inputs=values["inputs"],
                output=values["output"],
                redacted=frozenset(values["redacted"]),
            )


def ends(window: Window) -> Result:
    """Where a window ended, for the next one."""
    facts = {_LAST: window.last, _BATCH: tables.batch_of(window.predictions[-1].id)}
    return Result("data", ENDS, value=float(len(window.predictions)), facts=facts)


def point(last: Sequence[Mapping[str, Any]], data: Place) -> int:
    """Behind which sequence the next window begins; `last` are the rows of the last one.

    A table whose rows were all removed since counts from 1 again.
    """
    found = next((row["facts"] for row in last if _LAST in row["facts"]), None)
    if found is None:
        return 0
    files = upkeep.files(data, tables.SCORED, "prediction_id")
    there = any(tables.batch_of(one.least) <= found[_BATCH] <= tables.batch_of(one.most) for one in files)
    began_anew = not there and any(start < found[_LAST] for start in tables.starts(data, tables.SCORED))
    return 0 if began_anew else int(found[_LAST])
