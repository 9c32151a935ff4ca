"""Holds a candidate against the champion on the newest labelled predictions of the environment that it is to go to.

The champion's answers are those that it gave; the candidate's code says what it would have answered. Rows stay where
they are, and only figures are written down.
"""

from __future__ import annotations

import heapq
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from aifactory_runtime.config import layout
from aifactory_runtime.config.settings import Settings
from aifactory_runtime.contract import names
from aifactory_runtime.gate import labelled_window, metrics, paired
from aifactory_runtime.gate.chance import Answers
from aifactory_runtime.gate.labelled_window import Rows, Window
from aifactory_runtime.labels import joined as labelled
from aifactory_runtime.pipeline import scores
from aifactory_runtime.registry import model_folder
from aifactory_runtime.registry.model_folder import InputSchema
from aifactory_runtime.registry.port import Version
from aifactory_runtime.release import released, tags
from aifactory_runtime.release.candidate import Candidate
from aifactory_runtime.release.side import Side

_MODULE = "release/recorded_rows.py"
_DAYS = (7, 30, None)
"""How far back labelled predictions are looked for, until there are enough; None is all that are kept."""
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Row:
    """A prediction of the champion whose label counts; `inputs` are as they came."""

    time: str
    label: Any
    inputs: dict[str, Any]
    output: dict[str, Any]


def judge(chosen: Candidate, target: Side, champion: Version) -> Window:
    """What the newest labels of `target` say of `chosen` beside its `champion`, by the settings of the released code.

    Labels that the candidate may have learned from do not count.
    """
    gate, source = settings_of(chosen, target).gate, f"captured labels of {target.name}"
    snapshot = target.snapshots.of(chosen.commit)
    runtime = layout.runtime_folder(snapshot)  # none where the runtime is a package of the environment
    if runtime.is_dir() and not (runtime / _MODULE).is_file():
        return Window("not judged", f"the code of commit {chosen.commit[:12]} is from before there were windows")
    with tempfile.TemporaryDirectory(prefix="aifactory-") as temporary:
        own, other = Path(temporary) / "candidate", Path(temporary) / "champion"
        chosen.source.registry.download(chosen.version, own)
        target.registry.download(champion, other)
        taken, schema = model_folder.read_schema(own), model_folder.read_schema(other)
        found = _newest(_Wanted(target, champion, _learned(chosen, target), taken), gate.window.rows)
        if why := labelled_window.too_few(len(found), gate.window):
            return Window("not judged", f"{source}: {why}")
        asked = json.dumps([row.inputs for row in found])
        module = "aifactory_runtime.release.recorded_rows"
        said = json.loads(released.run(target, chosen.commit, names.RELEASE, module, str(own), given=asked))
    both = [(row, one) for row, one in zip(found, said, strict=True) if one is not None]
    rows, outputs = [row for row, _ in both], [one for _, one in both]
    units = _units(rows, settings_of(chosen, target).data.group)
    if why := labelled_window.too_few(len(rows), gate.window, units):
        return Window("not judged", f"{source}, without what the candidate refuses: {why}")
    metric = metrics.chosen(gate.metric, target.project.manifest.problem)

    def score(truth: Array, answers: Answers) -> float | None:
        return scores.of_answers(truth, answers.judged, answers.classes, answers.positive).get(metric)

    return labelled_window.of(
        metric,
        Rows(source, len(rows), _shown(rows[0].time), _shown(rows[-1].time)),
        np.array([row.label for row in rows]),
        _answers(outputs, taken, gate.positive_class),
        champion=_answers([row.output for row in rows], schema, gate.positive_class),
        score=score,
        units=units,
    )


def settings_of(chosen: Candidate, target: Side) -> Settings:
    """The released code's settings for the environment."""
    return Settings.load(target.snapshots.of(chosen.commit) / "conf", target.name)


def _learned(chosen: Candidate, target: Side) -> int:
    """Sequence of the last label of `target` that may be among the candidate's rows; 0 when none is."""
    environment, _, upto = chosen.version.tags.get(tags.CAPTURED, "").partition("@")
    return int(upto) if environment == target.name else 0


@dataclass(frozen=True)
class _Wanted:
    """Which labelled predictions count: the champion's, whose label came after a sequence, that the candidate takes."""

    target: Side
    champion: Version
    after: int
    schema: InputSchema

    def rows(self, window: labelled.Window | None) -> Iterator[Row]:
        """Those of a time, as they were recorded."""
        for frame in labelled.joined(self.target.contract, self.target.project.manifest.labels, window):
            own = (frame["state"] == labelled.JOINED) & (frame["model_sha256"] == self.champion.model_sha256)
            counting: Any = frame[own & (frame["label_sequence"].fillna(0) > self.after)]
            for line in counting.itertuples(index=False):
                inputs, output = (msgspec.json.decode(text, type=dict[str, Any]) for text in (line.inputs, line.output))
                redacted = msgspec.json.decode(line.redacted, type=dict[str, str]) if line.redacted else {}
                if all(column.name in inputs and column.name not in redacted for column in self.schema.columns):
                    yield Row(line.time, msgspec.json.decode(line.label), inputs, output)


def _newest(wanted: _Wanted, most: int) -> list[Row]:
    """At most so many rows, the newest, oldest first."""
    if labelled.last_sequence(wanted.target.contract) <= wanted.after:
        return []  # predictions need not be read
    now, wait = datetime.now(UTC), timedelta(seconds=wanted.target.project.manifest.labels.wait)
    found: list[Row] = []
    for days in _DAYS:
        window = None if days is None else labelled.Window(now - wait - timedelta(days=days), now + timedelta(days=1))
        found = heapq.nlargest(most, wanted.rows(window), key=lambda row: row.time)
        if len(found) == most:
            break
    return found[::-1]


def _answers(outputs: Sequence[dict[str, Any]], schema: InputSchema, positive: Any) -> Answers:
    predicted = np.array([one["prediction"] for one in outputs])
    shares = np.array([one["probabilities"] for one in outputs]) if schema.classes else None
    return Answers(predicted, shares, schema.classes, positive)


def _units(rows: Sequence[Row], group: str | None) -> Array:
    """Rows of one group belong together, else neighbours in time."""
    if group is not None and rows and all(group in row.inputs for row in rows):
        return np.unique([json.dumps(row.inputs[group]) for row in rows], return_inverse=True)[1]
    return paired.blocks(np.arange(len(rows)))


def _shown(time: str) -> str:
    return time[:16].replace("T", " ")
