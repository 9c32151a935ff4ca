"""Makes data/sample.csv of a repo again, after its table changed: real rows of a public table, else made-up ones."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aifactory.profile import Table, Wishes, propose, scan
from aifactory.scaffold.science import sample
from aifactory.scaffold.science.brief import Brief
from aifactory.workshop import scratch
from aifactory_runtime import files
from aifactory_runtime.config import layout
from aifactory_runtime.config.settings import ReadSettings, Settings
from aifactory_runtime.contract import Manifest, names
from aifactory_runtime.data import source
from aifactory_runtime.errors import FactoryError, UsageProblem

_PUBLIC = "public"
_REQUEST = "data/request.json"
_ASK = """
import json
from aifactory_runtime.config.project import Science
from aifactory_runtime.data import declared
science = Science({package!r})
schema, target, ignored = science.schema(), science.target(), science.ignored()
limits = {{c.name: [c.minimum, c.maximum] for c in declared.input_columns(schema, target, ignored) if c.kind != "text"}}
columns = [str(name) for name in schema.columns]
print(json.dumps([target, ignored, science.time(), columns, declared.kinds(schema), limits]))
"""
_FITS = """
from aifactory_runtime.config.project import Science
from aifactory_runtime.data import conform
from aifactory_runtime.testing import sample
from pathlib import Path
schema = Science({package!r}).schema()
conform.conform(sample(Path({folder!r}), schema), schema)
"""


@dataclass(frozen=True)
class Renewed:
    """What was written."""

    rows: int
    real: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Declared:
    """What schema.py of the repo says."""

    target: str
    ignored: tuple[str, ...]
    time: str | None
    columns: tuple[str, ...]
    kinds: Mapping[str, str]
    limits: Mapping[str, tuple[float | None, float | None]]
    """Least and most of the columns of numbers that a model sees."""


def renew(repo: Path, manifest: Manifest, python: Path) -> Renewed:
    """Write data/sample.csv and data/request.json of `repo` from dev's table as it is now, read as training reads it.

    `python` is the repo's interpreter. Nothing is written when the new rows do not fit schema.py: FactoryError says
    what does not. UsageProblem when the sample is itself the table.
    """
    given = manifest.settings("dev").data_source
    if given == names.SAMPLE:
        raise UsageProblem(f"{names.SAMPLE} is the table of this repo: there is nothing to renew it from")
    settings = Settings.load(repo / "conf", "dev")
    declared = _declared(repo, manifest.package, python)
    located = source.locate(repo, given)
    table = scan(located, settings.data.read or source.detect(located), declared.kinds)
    brief = _brief(table, given, manifest, declared)
    rows = sample.rows(brief, table)
    if not brief.real_sample:
        rows = [_within(row, declared.limits) for row in rows]
    columns = [name for name in declared.columns if table.column(name) is not None]
    text = sample.as_csv(rows, columns, settings.data.sample_read or ReadSettings())
    _check(repo, manifest.package, python, text)
    files.write(repo / names.SAMPLE, text)
    asked = sample.request(brief, rows)
    kept = [{name: value for name, value in row.items() if name in columns} for row in asked["rows"]]
    files.write(repo / _REQUEST, (json.dumps({"rows": kept}, indent=2, ensure_ascii=False) + "\n").encode())
    return Renewed(len(rows), brief.real_sample, _notes(table, declared, settings, brief))


def _brief(table: Table, given: str, manifest: Manifest, declared: _Declared) -> Brief:
    """The table as it is now, with what schema.py says of its columns."""
    missing = [name for name in declared.columns if table.column(name) is None]
    if missing:
        raise FactoryError(f"{given} has no column {missing[0]}, which schema.py declares: bring both together first")
    more = [column.name for column in table.columns if column.name not in declared.columns]
    wishes = Wishes(manifest.problem, (), declared.time, tuple(dict.fromkeys([*declared.ignored, *more])))
    answers = {"data_classification": manifest.data_classification}
    proposal = propose(table, given, declared.target, wishes)
    return Brief(proposal, manifest.package, answers, manifest.data_classification == _PUBLIC)


def _within(row: sample.Row, limits: Mapping[str, tuple[float | None, float | None]]) -> sample.Row:
    """A made-up row inside of the limits that schema.py has: they are the owner's, and may be narrower than ours."""
    return {name: _clipped(value, *limits.get(name, (None, None))) for name, value in row.items()}


def _clipped(value: Any, least: float | None, most: float | None) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    whole = isinstance(value, int)
    if least is not None and value < least:
        return math.ceil(least) if whole else least
    if most is not None and value > most:
        return math.floor(most) if whole else most
    return value


def _notes(table: Table, declared: _Declared, settings: Settings, brief: Brief) -> tuple[str, ...]:
    notes = [
        f"column {column.name} of the table is not in schema.py, so not in the sample"
        for column in table.columns
        if column.name not in declared.columns
    ]
    is_now = "real" if brief.real_sample else "made-up"
    if settings.data.sample != is_now:
        notes.append(f"write `sample: {is_now}` under `data:` in conf/base.yaml, so that runs on the sample say so")
    return tuple(notes)


def _declared(repo: Path, package: str, python: Path) -> _Declared:
    found = json.loads(_run(repo, python, _ASK.format(package=package)))
    target, ignored, time, columns, kinds, limits = found
    return _Declared(target, tuple(ignored), time, tuple(columns), kinds, limits)


def _check(repo: Path, package: str, python: Path, text: bytes) -> None:
    """FactoryError when schema.py would refuse the rows, read the way the repo's tests read them."""
    with scratch("sample") as folder:
        place = folder / names.SAMPLE
        place.parent.mkdir()
        place.write_bytes(text)
        shutil.copytree(repo / "conf", folder / "conf")
        _run(repo, python, _FITS.format(package=package, folder=str(folder)))


def _run(repo: Path, python: Path, code: str) -> str:
    """What the repo's interpreter prints; FactoryError with the last line of what it says when it fails."""
    variables: dict[str, Any] = {**os.environ, "PYTHONPATH": layout.python_path(repo)}
    done = subprocess.run(
        [str(python), "-c", code], cwd=repo, env=variables, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1].rpartition("FactoryError: ")[2]
        raise FactoryError(f"nothing was changed: {said}")
    return done.stdout
