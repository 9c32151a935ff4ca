"""Kills a tidying at each of its writes, in a process of its own, and says what is not as it should be afterwards.

Run as a program with a folder. Each tidying is forked from one process that has imported all and opened no table.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from aifactory_runtime.capture import find
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.data import parts, removals, table_writing, tables, upkeep
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.events import log as events
from aifactory_runtime.events import record
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.retention import rules
from aifactory_runtime.retention.tidying import tidy
from tests.unit.runtime.retention import made
from tests.unit.runtime.retention.made import NOW, Memory, days_ago

rules.LAST_RUNS = 1
upkeep.ABANDONED_SECONDS = 0
RUNS = 3
OLD, YOUNG = 30, 3
LET_GO, HELD = "1" * 40, "2" * 40
_KILLED = 9
_WRITES = ("os.rename", "os.remove", "os.rmdir", "os.truncate")
_MOST = 500


def contract(place: Path) -> EnvironmentContract:
    return made.contract(place, predictions_days=10, events_days=10)


def registry() -> Memory:
    known = Memory()
    known.add(1, made.run_id(0), commit=HELD)
    known.aliases["champion"] = 1
    return known


def prepare(place: Path) -> None:
    here = contract(place)
    for number in range(RUNS):
        made.run(here, number, rows=2)
    for number in (1, 2):
        made.predict(here, days_ago(OLD), number=number)
        made.predict(here, days_ago(YOUNG), number=number)
    made.scored(here, days_ago(OLD), "a" * 16)
    made.scored(here, days_ago(YOUNG), "b" * 16)
    made.problem(here, 40)
    record.over(Path(here.events_uri), {"quota_used_up"}, {}, NOW - timedelta(days=39))
    made.release_code(here, LET_GO, "lock 1")
    made.release_code(here, HELD, "lock 2")


def ids(days: int) -> list[str]:
    moment = NOW - timedelta(days=days)
    return [made.prediction_id(moment, number) for number in (1, 2)]


def missing_unsaid(place: Path) -> list[str]:
    """What is gone and stands in no record, and what had to stay and is gone, at any moment."""
    here = contract(place)
    data, artifacts, capture = Path(here.data_uri), Path(here.artifact_uri), Path(here.capture_uri)
    found = []
    for number in range(RUNS):
        if not handoffs.folder(artifacts, made.run_id(number)).exists() and number != 1:
            found.append(f"run {number} is gone")
        for table in rules.VACUUMED:
            found += _unreadable(data, table, number, may_be_gone=number == 1)
    found += [f"{one} is lost" for one in ids(YOUNG) if find.find(capture, data, one) is None]
    for one in ids(OLD):
        if find.find(capture, data, one) is None and find.removed(data, one) is None:
            found.append(f"{one} is gone and nobody said so")
    if record.read(Path(here.events_uri)).damaged:
        found.append("the log of events is damaged")
    if not (Path(here.snapshot_uri) / here.use_case / HELD / ".venv" / "pyvenv.cfg").exists():
        found.append("code that is held is gone")
    return found


def _unreadable(data: Path, table: str, number: int, *, may_be_gone: bool) -> list[str]:
    try:
        tables.read(data, table, number)
    except FactoryError as error:
        said = f"version {number} of table {table} was removed on" in str(error)
        return [] if said and may_be_gone else [str(error)]
    return []


def left_over(place: Path) -> list[str]:
    """What is still there, or there twice, once a tidying came to its end."""
    here = contract(place)
    data = Path(here.data_uri)
    found = [str(path) for path in place.rglob(".gone-*")]
    if handoffs.folder(Path(here.artifact_uri), made.run_id(1)).exists():
        found.append("run 1 is there")
    for table, files in (("raw", 2), ("prepared", 2), ("captured", 1), ("scored", 1), ("reference", 1)):
        there = len(list((data / table).glob("*.parquet")))
        if there != files:
            found.append(f"{table} has {there} files")
    if tables.read(data, "captured")["prediction_id"].tolist() != ids(YOUNG):
        found.append("captured is not what was predicted")
    if (Path(here.snapshot_uri) / here.use_case / LET_GO).exists():
        found.append("code is there that nobody holds")
    if events.read(Path(here.events_uri)).events:
        found.append("old events are there")
    kinds = {one.kind for one in removals.read(data)}
    if not kinds >= {"run", "raw", "prepared", "captured", "scored", "events", "code"}:
        found.append(f"only {kinds} are recorded")
    return found


def tidied(place: Path) -> None:
    troubles = tidy(contract(place), registry().open, "kim", NOW).troubles
    if troubles:
        raise RuntimeError("; ".join(troubles))


def went_on(place: Path) -> list[str]:
    """What is wrong at once, and after another tidying."""
    found = missing_unsaid(place)
    tidied(place)
    return [*found, *missing_unsaid(place), *left_over(place)]


def killed_at(write: int) -> Callable[[Path], None]:
    """A tidying that dies at its write of this number; before it happens, or for Delta's own also behind it."""
    left = [write]

    def count() -> None:
        left[0] -= 1
        if not left[0]:
            os._exit(_KILLED)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _WRITES or (event == "open" and arguments[2] & os.O_CREAT):
            count()

    def counted(real: Callable[..., Any], *, behind: bool = True) -> Callable[..., Any]:
        def wrapped(*given: Any, **more: Any) -> Any:
            count()
            done = real(*given, **more)
            if behind:
                count()
            return done

        return wrapped

    def action(place: Path) -> None:
        sys.addaudithook(hook)
        os.write = counted(os.write, behind=False)
        upkeep._vacuum = counted(upkeep._vacuum)
        table_writing._add = counted(table_writing._add)
        upkeep.take_out = counted(upkeep.take_out)
        parts.Writer.close = counted(parts.Writer.close)  # type: ignore[method-assign]
        tidied(place)

    return action


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def forked(action: Callable[[Path], object], place: Path) -> int:
    """The exit code of `action` in a process of its own."""
    child = os.fork()
    if not child:
        try:
            found = action(place)
        except BaseException as error:
            say(f"{type(error).__name__}: {error}")
            os._exit(1)
        for line in found if isinstance(found, list) else ():
            say(line)
        os._exit(1 if found else 0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(folder: Path) -> int:
    """Exit code 1 when something is not as it should be; each such thing is a line. The last one counts the kills."""
    pristine, place, wrong = folder / "pristine", folder / "place", 0
    if forked(prepare, pristine):
        return 1
    for write in range(1, _MOST):
        shutil.copytree(pristine, place, symlinks=True)
        code = forked(killed_at(write), place)
        if code not in (0, _KILLED) or forked(went_on, place):
            say(f"... after a kill at write {write}")
            wrong += 1
        shutil.rmtree(place)
        if code == 0:
            say(f"{write - 1} kills")
            break
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
