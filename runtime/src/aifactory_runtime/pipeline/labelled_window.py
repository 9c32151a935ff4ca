"""The newest labelled rows of a run that no model learned from: chosen by `prepare`, judged on by `evaluate`.

They are test rows that are not of the frozen reference: with `data.add_captured` the newest labelled predictions among
them, else with `TIME` the newest rows. So none of them changes sides within a run.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
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
class Source:
    """Where labels may come from, and with them the moment of each raw row: in a file, else the table's TIME."""

    name: str
    dates: bool = True
    """Whether moments are microseconds since 1970, else they are numbers as they are in the table."""
    kept: Path | None = None
    """A file with the moments of the table's last rows."""
    first: int = 0
    """Number of the first of them in the table."""

    def moments(self, first: int, rows: int, times: Array | None) -> Array:
        """Those of the `rows` from row `first` on, of shape (rows,), of which `times` is TIME; not finite without."""
        if self.kept is None:
            return np.full(rows, np.nan) if times is None else times
        made, start = np.full(rows, np.nan), max(first, self.first)
        if start < first + rows:
            known = np.load(self.kept, mmap_mode="r", allow_pickle=False)
            made[start - first :] = known[start - self.first : first + rows - self.first]
        return made

    def shown(self, moment: float) -> str:
        """A moment as people read it."""
        return cuts.moment(moment) if self.dates else f"{moment:.15g}"


@dataclass(frozen=True)
class Candidates:
    """Rows that may make the window: moments, and places among the test rows; of shape (rows,), oldest first."""

    moments: Array
    places: Array

    def then(self, other: Candidates, before: int, most: int) -> Candidates:
        """The newest `most` of these and of `other`, whose rows follow behind `before` test rows."""
        moments = np.concatenate([self.moments, other.moments])
        places = np.concatenate([self.places, other.places + before])
        order = np.argsort(moments, kind="stable")[-most:]
        return Candidates(moments[order], places[order])


NONE = Candidates(np.empty(0), np.empty(0, dtype=np.int64))


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


def candidates(
    source: Source, rows: tuple[int, Array | None], sided: tuple[split.Sides, split.Mask], most: int
) -> Candidates:
    """The newest `most` of some rows that may make the window.

    `rows` are the number of the first and their TIME, if any; `sided` their sides, and which of them may.
    """
    (first, times), (sides, since) = rows, sided
    moments = source.moments(first, len(sides), times)
    chosen = np.flatnonzero(since & np.isfinite(moments))
    chosen = chosen[np.argsort(moments[chosen], kind="stable")][-most:]
    return Candidates(moments[chosen], (np.cumsum(sides == split.NAMES.index(split.TEST)) - 1)[chosen])


def choose(context: Context, handoff: Handoff, found: Sequence[tuple[Source, Candidates]]) -> dict[str, Any]:
    """Choose the run's window among the `found` rows of each source, and keep its places; what the handoff says of it.

    The first source that brings enough is taken.
    """
    settings, tried = context.settings.gate.window, []
    for source, one in found:
        if why := labelled_window.too_few(len(one.places), settings):
            tried.append(f"{source.name}: {why}")
            continue
        _write(context, handoff, _PLACES, one.places)
        begins, ends = (source.shown(moment) for moment in one.moments[[0, -1]].tolist())
        return asdict(Rows(source.name, len(one.places), begins, ends))
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


def sources(context: Context, handoff: Handoff, rows: int) -> list[Source]:
    """Where the labels of the `rows` raw rows may come from; labelled predictions, what a model is for, come first."""
    found = []
    told = handoff.captured or {"rows": 0}
    if told["rows"]:
        place = handoffs.folder(context.artifacts, handoff.id) / _TIMES
        name = f"captured labels of {told['environment']}"
        found.append(Source(name, kept=place, first=rows - told["rows"]))
    time = context.project.science.time()
    if time is not None:
        dates = declared.kinds(context.project.science.schema()).get(time) == "date"
        found.append(Source(f"the table by {time}", dates))
    return found


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
