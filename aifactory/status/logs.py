"""Logs of services and runs: which there are, their last lines, and what is added to them; never a secret."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from aifactory.home import Home
from aifactory.status import scheduled_runs
from aifactory.status.masking import Masking
from aifactory_runtime.contract import names
from aifactory_runtime.errors import FactoryError, UsageProblem

_BLOCK = 65_536
_LOOK_SECONDS = 0.3
_RELIST_LOOKS = 10
_RUNS = 3
"""Newest runs per use case and environment whose logs are shown."""


@dataclass(frozen=True)
class Source:
    """One log: what people call it, and its file."""

    name: str
    path: Path


@dataclass(frozen=True)
class Line:
    """One line of one log, without its line break and without secrets."""

    source: str
    line: str


@dataclass(frozen=True)
class Wanted:
    """Which logs are meant: a service, a use case, or (None) the platform's services; `environment` narrows it."""

    name: str | None = None
    environment: str | None = None


def sources(home: Home, wanted: Wanted) -> list[Source]:
    """Logs that are meant and there. UsageProblem for a name that nothing has; it lists what there is."""
    if wanted.environment not in (None, *names.ENVIRONMENTS):
        raise UsageProblem(f"{wanted.environment} is not an environment; use one of {', '.join(names.ENVIRONMENTS)}")
    services = _services(home)
    if wanted.name is None:
        return [source for source in services if "." not in source.name]
    named = [source for source in services if source.name == wanted.name]
    if named:
        return named
    cases = {path.stem.rpartition(".")[0] for path in (home.root / "usecases").glob("*.json")}
    if wanted.name not in cases:
        known = ", ".join([source.name for source in services] + sorted(cases)) or "nothing yet: factory up"
        raise UsageProblem(f"no service or use case is called {wanted.name}; there are: {known}")
    return _of_use_case(home, wanted.name, wanted.environment, services)


def last_lines(home: Home, found: list[Source], count: int) -> Iterator[Line]:
    """The last `count` lines of each log, log by log."""
    mask = Masking.of(home)
    for source in found:
        for line in _tail(source.path, count):
            yield Line(source.name, mask(line))


def follow(home: Home, wanted: Wanted, count: int) -> Iterator[Line]:
    """The last lines, then every line as it is written, logs of new runs included; ends only when it is stopped."""
    found = sources(home, wanted)
    files = {source: _Followed(source.path, _size(source.path)) for source in found}
    yield from last_lines(home, found, count)
    while True:
        mask = Masking.of(home)
        for source in sources(home, wanted):
            files.setdefault(source, _Followed(source.path))
        for _ in range(_RELIST_LOOKS):
            for source, file in files.items():
                for line in file.added():
                    yield Line(source.name, mask(line))
            time.sleep(_LOOK_SECONDS)


def _services(home: Home) -> list[Source]:
    return [Source(path.stem, path) for path in sorted((home.services / "logs").glob("*.log"))]


def _of_use_case(home: Home, use_case: str, environment: str | None, services: list[Source]) -> list[Source]:
    """Per environment: its service, what the project itself logs, and its newest scheduled runs."""
    found = []
    for where in names.ENVIRONMENTS:
        if environment in (None, where):
            stack = names.stack(use_case, where)
            found += [source for source in services if source.name == stack]
            own = sorted((home.root / where / use_case / "logs").glob("*.log"))
            found += [Source(f"{stack} {path.stem}", path) for path in own]
            started = scheduled_runs.newest(home, use_case, where, _RUNS)
            started += scheduled_runs.newest(home, use_case, where, _RUNS, ticks=True)
            for run in sorted(started, key=lambda one: one.started):
                found += [Source(f"{stack} run {run.identifier[:8]}", path) for path in run.logs if _size(path)]
    return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _tail(path: Path, count: int) -> list[str]:
    """Last lines of a log and, where it was rotated a moment ago, of the one before it."""
    lines = _tail_of_file(path, count)
    if len(lines) < count:
        lines = _tail_of_file(path.with_name(f"{path.name}.1"), count - len(lines)) + lines
    return lines


def _tail_of_file(path: Path, count: int) -> list[str]:
    if count < 1:
        return []
    try:
        with path.open("rb") as file:
            position, content = file.seek(0, os.SEEK_END), b""
            while position > 0 and content.count(b"\n") <= count:
                step = min(_BLOCK, position)
                position = file.seek(position - step)
                content = file.read(step) + content
    except FileNotFoundError:
        return []
    except OSError as error:
        raise FactoryError(f"{path} cannot be read: {error.strerror}") from None
    return content.decode("utf-8", "replace").splitlines()[-count:]


@dataclass
class _Followed:
    """A file that is read on from where it was left; one that was rotated or cut is read from its beginning."""

    path: Path
    position: int = 0
    _inode: int | None = field(default=None, init=False)
    _torn: bytes = field(default=b"", init=False)

    def __post_init__(self) -> None:
        self._inode = self.path.stat().st_ino if self.path.exists() else None

    def added(self) -> list[str]:
        """Whole lines written since the last look."""
        try:
            with self.path.open("rb") as file:
                state = os.fstat(file.fileno())
                if state.st_ino != self._inode or state.st_size < self.position:
                    self._inode, self.position, self._torn = state.st_ino, 0, b""
                file.seek(self.position)
                content = self._torn + file.read()
                self.position = file.tell()
        except OSError:
            return []
        whole, newline, self._torn = content.rpartition(b"\n")
        return (whole + newline).decode("utf-8", "replace").splitlines()
