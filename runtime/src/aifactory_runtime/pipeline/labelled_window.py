"""The newest labelled rows of a run that no model learned from: chosen by `prepare`, judged on by `evaluate`.

They are test rows that are not of the frozen reference: with `data.add_captured` the newest labelled predictions among
them, else with `TIME` the newest rows. So none of them changes sides within a run.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from aifactory_runtime import files
from aifactory_runtime.data import declared, row_hash, split, tables
from aifactory_runtime.data.tables import PREPARED
from aifactory_runtime.gate import cuts, labelled_window, paired
from aifactory_runtime.gate.chance import Answers
from aifactory_runtime.gate.labelled_window import Rows, Window
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline import scores, together
from aifactory_runtime.pipeline.captured_rows import Added
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.pipeline.training import training_data
from aifactory_runtime.registry.port import DATA_OF, Version

_TIMES, _PLACES = "captured_times.npy", "window.npy"
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Newest:
    """The rows of a window by their places among the test rows, oldest first; or why there are none."""

    places: Array
    rows: Rows | None = None
    why: str = ""


@dataclass(frozen=True)
class _Source:
    """Where labels may come from, and the moment of each raw row, of shape (rows,); not finite without one."""

    name: str
    moments: Array
    dates: bool = True
    """Whether moments are microseconds since 1970, else they are numbers as they are in the table."""

    def shown(self, moment: float) -> str:
        """A moment as people read it."""
        return cuts.moment(moment) if self.dates else f"{moment:.15g}"


def keep_times(context: Context, handoff: Handoff, added: Added | None) -> dict[str, Any] | None:
    """Note in the run when each captured row was made; what the handoff says of them, None without any.

    Of a table that rows are drawn from nobody knows which ones they are.
    """
    if added is None or not added.times:
        return None
    moments = np.array([time.partition("+")[0] for time in added.times], dtype="datetime64[us]").astype(np.int64)
    known = moments[:0] if context.settings.data.sample_rows else moments
    _write(context, handoff, _TIMES, known)
    return {"environment": added.contract.environment, "upto": added.upto, "rows": len(known)}


def choose(
    context: Context, handoff: Handoff, read: split.Read, assigned: split.Assigned, *, frozen: bool
) -> dict[str, Any]:
    """Choose the run's window and keep its places; what the handoff says of it.

    `read` and `assigned` are of all rows of the raw table; `frozen` is whether this run freezes its test rows.
    """
    if frozen:
        return {"why": "every test row is in the reference, which this run froze"}
    settings, tried = context.settings.gate.window, []
    for source in _sources(context, handoff, read):
        chosen = np.flatnonzero(assigned.since & np.isfinite(source.moments))
        chosen = chosen[np.argsort(source.moments[chosen], kind="stable")][-settings.rows :]
        if why := labelled_window.too_few(len(chosen), settings):
            tried.append(f"{source.name}: {why}")
            continue
        _write(context, handoff, _PLACES, (np.cumsum(assigned.sides == split.NAMES.index(split.TEST)) - 1)[chosen])
        begins, ends = (source.shown(moment) for moment in source.moments[chosen[[0, -1]]].tolist())
        return asdict(Rows(source.name, len(chosen), begins, ends))
    return {"why": "; ".join(tried) or "data.add_captured brings no labels, and schema.py names no TIME"}


def newest(context: Context, handoff: Handoff) -> Newest:
    """The run's window, as `choose` kept it."""
    told = dict(handoff.window or {"why": "the rows were prepared by a release from before there were windows"})
    if "why" in told:
        return Newest(np.empty(0, dtype=np.int64), why=told["why"])
    place = handoffs.folder(context.artifacts, handoff.id) / _PLACES
    return Newest(np.load(place, allow_pickle=False), Rows(**told))


def unlearned(context: Context, handoff: Handoff, found: Newest, champion: Version) -> Newest:
    """The window without what the champion learned from: rows may have been on another side when it was trained.

    Of equal rows as many count as it learned from more than the candidate does.
    """
    own, tag = handoff.table(PREPARED, "prepare"), champion.tags.get(DATA_OF + PREPARED, "")
    if found.rows is None or tag == own.tag:
        return found
    before = int(tag.partition("@")[0] or -1)
    names = [
        name
        for name in tables.columns(context.tables, PREPARED, own.version).names
        if name in tables.columns(context.tables, PREPARED, before).names and name != split.SPLIT
    ]
    rows = _hashed(context, own.version, names, split.TEST)[found.places]
    then, now = _learned(context, before, names, rows), _learned(context, own.version, names, rows)
    left = np.array([then[row] <= now[row] for row in rows.tolist()], dtype=np.bool_)
    if left.all():
        return found
    why = labelled_window.too_few(int(left.sum()), context.settings.gate.window)
    if why:
        return Newest(found.places[:0], why=f"the champion learned from others of {found.rows.rows}: {why}")
    return replace(found, places=found.places[left], rows=replace(found.rows, rows=int(left.sum())))


def judge(
    context: Context, handoff: Handoff, found: Newest, labels: Array, said: Answers, *, champion: Answers | None
) -> Window:
    """What the window says, of the test rows' `labels` and the candidate's answers to them.

    `champion` are the champion's answers to the rows of the window; None where none is compared.
    """
    if found.rows is None:
        return Window("not judged", found.why)
    settings, units = context.settings, _units(context, handoff, found.places)
    if why := labelled_window.too_few(len(found.places), settings.gate.window, units):
        return Window("not judged", why)

    def score(truth: Array, answers: Answers) -> float | None:
        return scores.of_answers(truth, answers.judged, answers.classes, answers.positive).get(context.metric)

    own, seed = said.of(found.places), settings.train.seed
    return labelled_window.of(
        context.metric, found.rows, labels[found.places], own, champion=champion, score=score, units=units, seed=seed
    )


def _sources(context: Context, handoff: Handoff, read: split.Read) -> Iterator[_Source]:
    """Labelled predictions first: they are what the model is used for."""
    told = handoff.captured or {"rows": 0}
    if told["rows"]:
        moments = np.full(len(read.whole), np.nan)
        place = handoffs.folder(context.artifacts, handoff.id) / _TIMES
        moments[-told["rows"] :] = np.load(place, allow_pickle=False)
        yield _Source(f"captured labels of {told['environment']}", moments)
    time = context.project.science.time()
    if read.times is not None and time is not None:
        dates = declared.kinds(context.project.science.schema()).get(time) == "date"
        yield _Source(f"the table by {time}", read.times, dates)


def _units(context: Context, handoff: Handoff, places: Array) -> Array:
    """What belongs together: rows of one group, else neighbours in time, as days resemble the day before."""
    named = together.of(context, handoff)[:1]
    if named and not named[0].by_time:
        return named[0].values(training_data.test_column(context, handoff, named[0].column))[places]
    return paired.blocks(np.arange(len(places)))


def _learned(context: Context, version: int, names: Sequence[str], rows: Array) -> Counter[int]:
    """How often each of these rows, by their hashes, is one that a model of this prepared table learned from."""
    found: Counter[int] = Counter()
    for side in (split.TRAIN, split.VALIDATION):
        hashed = _hashed(context, version, names, side)
        values, counts = np.unique(hashed[np.isin(hashed, rows)], return_counts=True)
        found.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
    return found


def _hashed(context: Context, version: int, names: Sequence[str], side: str) -> row_hash.Hashes:
    chunks = tables.batches(context.tables, PREPARED, version, columns=names, where=(split.SPLIT, side))
    return np.concatenate([np.empty(0, np.uint64), *(row_hash.hashes(chunk[list(names)]) for chunk in chunks)])


def _write(context: Context, handoff: Handoff, name: str, values: Array) -> None:
    held = io.BytesIO()
    np.save(held, values, allow_pickle=False)
    files.write(handoffs.folder(context.artifacts, handoff.id) / name, held.getvalue())
