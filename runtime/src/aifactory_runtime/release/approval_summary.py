"""What an approver reads before they agree: figures, reports, and what changed in code and data since the champion.

Everything is looked up, nothing is computed again. What cannot be found is None: a summary never stops an approval.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aifactory_runtime import files
from aifactory_runtime.config import project
from aifactory_runtime.data import tables
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry.port import (
    CHAMPION,
    DATA,
    DATA_OF,
    FIGURES,
    METRIC,
    NOT_COMPARED,
    SAME_ANSWERS,
    WINDOW,
    Version,
)
from aifactory_runtime.release import approval_slices, code_history, tags
from aifactory_runtime.release.approval_slices import SliceSummary
from aifactory_runtime.release.candidate import Candidate
from aifactory_runtime.release.side import Side
from aifactory_runtime.release.staging_test import integration_test

_GATE_REPORT, _MODEL_CARD = "gate.json", "model_card.html"
_SHOWN_FILES = 10


@dataclass(frozen=True)
class Figure:
    """One figure, on the test rows of the model it belongs to; the champion's may have been other rows."""

    candidate: str
    baseline: str | None
    champion: str | None


@dataclass(frozen=True)
class Table:
    """A table the model learned from or was judged by: `version@digest` of its own and the champion's, and rows."""

    version: str
    rows: int | None
    champion: str | None


@dataclass(frozen=True)
class Summary:
    """What is known about a candidate beside the champion of the environment it is to go to."""

    version: str
    champion: str | None
    commit: str
    """Of the code that is released; the model may have been trained from another."""
    trained_from: str
    figures: Mapping[str, Figure]
    remarks: tuple[str, ...]
    """What to know before these figures are read."""
    reports: tuple[str, ...]
    commits: int | None
    """How many commits lie between the champion's and this one's; None without a champion or when git does not know."""
    files: tuple[str, ...] | None
    """Paths that differ between the two commits, the tests' and docs' too."""
    data: Mapping[str, Table]
    slices: SliceSummary | None = None
    """None where the gate's report is not on this machine, or older than slices."""
    window: str | None = None
    """What the newest labelled rows said, or why there were none; None of a model from before they were asked."""

    def lines(self) -> Iterator[str]:
        """The summary as people read it."""
        trained = "" if self.trained_from == self.commit else f", trained from commit {self.trained_from[:12]}"
        yield f"version {self.version}, commit {self.commit[:12]}{trained}; champion: {self.champion or 'none yet'}"
        for name, figure in self.figures.items():
            others = [f"baseline {figure.baseline}" if figure.baseline else ""]
            others += [f"champion {figure.champion}, on its own test rows" if figure.champion else ""]
            yield f"test {name} {figure.candidate} ({'; '.join(one for one in others if one) or 'nothing to compare'})"
        yield from (self.window,) if self.window else ()
        yield from self.remarks
        yield from self.slices.lines() if self.slices else ()
        yield from self._code()
        for name, table in self.data.items():
            rows = "" if table.rows is None else f", {table.rows:,} rows"
            before = f"; champion: {_short(table.champion)}" if table.champion not in {None, table.version} else ""
            yield f"data {name}: {_short(table.version)}{rows}{before}"
        for report in self.reports:
            yield f"report: {report}"

    def _code(self) -> Iterator[str]:
        if self.commits is None or self.files is None:
            yield "code since the champion: unknown" if self.champion else "code: the first release"
            return
        yield f"code since the champion: {self.commits} commits, {len(self.files)} files"
        yield from (f"  {path}" for path in self.files[:_SHOWN_FILES])
        if len(self.files) > _SHOWN_FILES:
            yield f"  and {len(self.files) - _SHOWN_FILES} more"


def summarize(chosen: Candidate, target: Side) -> Summary:
    """The summary of `chosen` on its way to `target`."""
    champion = target.registry.by_alias(CHAMPION)
    own, other = chosen.version.tags, dict(champion.tags) if champion else {}
    root = target.project.root
    trained_in, run = chosen.version.trained(chosen.source.name)
    commits, files = _changed(root, code_history.current(champion) if champion else None, chosen.commit)
    figures = {
        key.removeprefix(METRIC): Figure(value, own.get(tags.BASELINE + key.removeprefix(METRIC)), other.get(key))
        for key, value in own.items()
        if key.startswith(METRIC)
    }
    reports = tuple(_reports(chosen, root, trained_in, run))
    return Summary(
        version=f"{chosen.version.number} of {chosen.source.name}",
        champion=_named(champion, target),
        commit=chosen.commit,
        trained_from=chosen.trained_from,
        figures=figures,
        remarks=(*_remarks(own, other), *_of_gate(own, reports)),
        reports=tuple(map(str, reports)),
        commits=commits,
        files=files,
        data={
            key.removeprefix(DATA_OF): Table(
                own[key], _rows(root, trained_in, key.removeprefix(DATA_OF), own[key]), other.get(key)
            )
            for key in DATA
            if key in own
        },
        slices=approval_slices.of_reports(reports, _GATE_REPORT),
        window=own.get(WINDOW),
    )


def _remarks(own: Mapping[str, str], champion: Mapping[str, str]) -> Iterator[str]:
    """Of the candidate's figures, and of the champion's."""
    if FIGURES in own:
        yield own[FIGURES]
    if FIGURES in champion:
        yield f"of the champion's figures: {champion[FIGURES]}"
    if SAME_ANSWERS in own:
        yield "with other numeric packages than it was trained with its predictions on reference rows were the same"


def _named(champion: Version | None, target: Side) -> str | None:
    return f"version {champion.number} of {target.name}" if champion else None


def _reports(chosen: Candidate, root: Path, trained_in: str, run: str) -> Iterator[Path]:
    """Files of the gate's and of the integration test's report that are on this machine."""
    places = [integration_test.report_path(chosen.source, chosen)]
    with suppress(FactoryError, OSError):
        artifacts = Path(project.load(root, trained_in).environment.contract.artifact_uri)
        places += [artifacts / "runs" / run / name for name in (_GATE_REPORT, _MODEL_CARD)] if run else []
    yield from (place for place in places if place.is_file())


def _of_gate(own: Mapping[str, str], reports: Iterable[Path]) -> Iterator[str]:
    """That the gate did not compare with a champion, what else its report remarks, which principles did not hold.

    The report counts where it is on this machine.
    """
    why = own.get(NOT_COMPARED)
    if why:
        yield f"the gate did not compare it with the champion of that time: {why}"
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        for place in (place for place in reports if place.name == _GATE_REPORT):
            report = files.read_json(place)
            remarks = report.get("remarks", ())
            yield from (f"the gate remarks: {remark}" for remark in remarks if not (why and remark.endswith(why)))
            for one in report.get("principles", {}).get("found", ()):
                if one["result"] != "held":
                    yield f"principle {one['principle']}: {one['result']}: {one['found']}"


def _rows(root: Path, trained_in: str, name: str, version: str) -> int | None:
    """Rows of a version of a table of the environment it lies in; None when it cannot be read here."""
    with suppress(FactoryError, OSError, ValueError):
        folder = Path(project.load(root, trained_in).environment.contract.data_uri)
        return tables.count(folder, name, int(version.partition("@")[0]))
    return None


def _short(version: str | None) -> str:
    """`3@0123...` as people read it."""
    number, _, digest = str(version).partition("@")
    return f"version {number} ({digest[:8]})"


def _changed(root: Path, before: str | None, now: str) -> tuple[int | None, tuple[str, ...] | None]:
    """How many commits lie between, and which paths differ; None for what git cannot say."""
    if not before or not now:
        return None, None
    counted = _git(root, "rev-list", "--count", f"{before}..{now}")
    listed = _git(root, "diff", "--name-only", "--relative", before, now)
    return (int(counted) if counted else None), (None if listed is None else tuple(listed.splitlines()))


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
