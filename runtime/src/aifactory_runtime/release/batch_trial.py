"""`python -m aifactory_runtime.release.batch_trial FOLDER`: how the released code takes batches of its producer.

Runs in the released snapshot's interpreter with tables of its own (`AIFACTORY_DATA_URI`), so that a wrong batch that is
let in harms nothing. Batches are made from the first rows of the environment's source, in the format that it has, and
lie in FOLDER. Prints JSON: `[{"name", "passed", "found"}, ...]`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aifactory_runtime import stdout
from aifactory_runtime.config import project
from aifactory_runtime.config.settings import ReadSettings
from aifactory_runtime.data import cell_reading, declared, source, tables
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.score import score
from aifactory_runtime.release import offline
from aifactory_runtime.release.staging_test.checks import Check
from aifactory_runtime.release.staging_test.producer import OLD_DATE, WRONG

if TYPE_CHECKING:
    import pandas as pd

_ROWS = 20
_SCORED, _REFUSED = "scored", "refused"


@dataclass(frozen=True)
class Batch:
    """A table that the producer may send, and what is right to happen to it."""

    name: str
    frame: pd.DataFrame
    right: tuple[str, ...]


class Trial:
    """Scores batches one after the other and looks at what came of each."""

    def __init__(self, context: Context, folder: Path) -> None:
        self._context, self._folder = context, folder
        self._read = context.settings.data.read or source.detect(offline.producers(context))

    def run(self, good: pd.DataFrame) -> list[Check]:
        """Every batch once, the good one twice."""
        checks = [self._tried(number, batch) for number, batch in enumerate(batches(self._context, good))]
        name = "batch: the same one again (nothing is added)"
        try:
            again = score(self._context, str(self._folder / "0"))
        except FactoryError:
            return [*checks, Check(name, False, _REFUSED)]
        return [*checks, Check(name, not again.new, f"{again.rows} rows, {'added' if again.new else 'none added'}")]

    def _tried(self, number: int, batch: Batch) -> Check:
        path = self._folder / str(number)
        write_like(batch.frame, path, self._read)
        before = self._count()
        try:
            done = score(self._context, str(path))
        except FactoryError:
            added = self._count() - before
            found = _REFUSED if not added else f"refused, but {added} rows were added"
            return Check(f"batch: {batch.name}", found in batch.right, found)
        added = self._count() - before
        passed = _SCORED in batch.right and done.rows == added == len(batch.frame)
        return Check(f"batch: {batch.name}", passed, f"{added} predictions for {len(batch.frame)} rows")

    def _count(self) -> int:
        if tables.latest(self._context.tables, tables.SCORED) is None:
            return 0
        return tables.count(self._context.tables, tables.SCORED)


def batches(context: Context, good: pd.DataFrame) -> Iterator[Batch]:
    """What the producer may send: good, doubled, late, and wrong in one way each."""
    import pandas as pd

    science = context.project.science
    kinds = {name: kind for name, kind in declared.kinds(science.schema()).items() if name != science.target()}
    kinds = {name: kind for name, kind in kinds.items() if name in good.columns and name not in science.ignored()}
    scored, refused = (_SCORED,), (_REFUSED,)
    yield Batch("as it should be", good, scored)
    yield Batch("every row twice", pd.concat([good, good], ignore_index=True), scored)
    dates = {name: pd.Timestamp(OLD_DATE) for name, kind in kinds.items() if kind == "date"}
    if dates:
        late = good.assign(**dates)
        yield Batch("late, from 1970 (scored, or refused by the schema's limits)", late, (_SCORED, _REFUSED))
    for kind, change in _WRONG.items():
        name = next((name for name, found in kinds.items() if found == kind), None)
        if name is not None:
            yield Batch(f"wrong values of kind {kind}", change(good, name), refused)
    yield Batch("a missing column", good.drop(columns=next(iter(kinds))), refused)
    yield Batch("no rows", good.head(0), refused)


def _texts(value: str) -> Callable[[pd.DataFrame, str], pd.DataFrame]:
    return lambda frame, name: frame.assign(**{name: [value] * len(frame)})


_WRONG = {kind: _texts(str(value)) for kind, value in WRONG.items() if kind not in ("text", "category")}
"""By kind of column, a table in which the values of one column are none of it. Any value can be read as a text."""


def write_like(frame: pd.DataFrame, path: Path, read: ReadSettings) -> None:
    """Write a table in the format in which the environment's source is written."""
    if read.format == "delta":
        from deltalake import write_deltalake

        write_deltalake(str(path), _arrow(frame))
    elif read.format == "parquet":
        from pyarrow import parquet

        parquet.write_table(_arrow(frame), path)
    else:
        text: dict[str, Any] = {"sep": read.separator, "decimal": read.decimal, "lineterminator": "\n"}
        before = "\n" * read.skip_rows
        there = frame.notna()
        own = {
            name: [
                cell_reading.cell(value, rule, read.decimal)
                for value in frame[name].astype(object).where(there[name], None)
            ]
            for name, rule in read.columns.items()
            if name in frame
        }
        path.write_bytes((before + frame.assign(**own).to_csv(index=False, **text)).encode(read.encoding))


def _arrow(frame: pd.DataFrame) -> Any:
    import pyarrow as pa

    return pa.Table.from_pandas(frame, preserve_index=False)


def main(folder: str) -> None:
    """Print what came of each batch."""
    with stdout.kept():
        context = Context(project.load(Path.cwd()))
        found = Trial(context, Path(folder)).run(offline.head(context, _ROWS))
    json.dump([asdict(check) for check in found], sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
