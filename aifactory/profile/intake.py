"""From what a person names, a file, an address or a bundled sample, to a table that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aifactory.profile.scan import Table, scan
from aifactory_runtime.data import source
from aifactory_runtime.errors import UsageProblem

_SAMPLE = "sample:"
_BUNDLED = Path(__file__).resolve().parents[1] / "samples"
_TARGETS = {"sample:diabetes": "progression"}


@dataclass(frozen=True)
class Intake:
    """A table that was read once from its first row to its last."""

    source: str
    """As a repo may keep it: an absolute path, an address, or `sample:` and a name."""
    table: Table
    bundled: bool
    target: str | None
    """The column that a bundled table is there for."""


def take_in(given: str, here: Path, encoding: str | None = None) -> Intake:
    """Read the table that `given` names, a path from `here`; FactoryError when it cannot be read.

    `encoding` says how the letters of a text table are written; None finds it out.
    """
    if given.startswith(_SAMPLE):
        if given not in _TARGETS:
            raise UsageProblem(f"{given} is no sample; there are sample:breast-cancer, {', '.join(_TARGETS)}")
        located = source.locate(_BUNDLED, given.removeprefix(_SAMPLE) + ".csv")
    else:
        located = source.locate(here, given)
    table = scan(located, source.detect(located, encoding))
    if given.startswith(_SAMPLE):
        return Intake(given, table, True, _TARGETS[given])
    kept = given if "://" in given else str((here / Path(given).expanduser()).resolve())
    return Intake(kept, table, False, None)
