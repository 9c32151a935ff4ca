"""A pytest plugin: the slowest files at the end of a run, also of one in several processes (`--slowest-files N`).

Waiting and processor time are both shown, because on a busy machine only the second says what a test costs. It is that
of the test process, of the children that it waited for, and of those that live and whom they waited for. Servers that
another process keeps alive are not in it.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

_SINCE = pytest.StashKey[float]()
_WORKED = "seconds of the processor"


@dataclass
class Spent:
    """Seconds that one file took, fixtures included."""

    waited: float = 0.0
    worked: float = 0.0


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that turns it on."""
    parser.addoption("--slowest-files", type=int, default=0, metavar="N", help="show the N slowest files at the end")


def pytest_configure(config: pytest.Config) -> None:
    """Sum up where reports arrive: in the one process, or in the one that started the workers."""
    if config.option.slowest_files and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Sums(config.option.slowest_files), "slowest-files-sums")


def pytest_collection_finish(session: pytest.Session) -> None:
    """What collecting took belongs to no file."""
    session.config.stash[_SINCE] = _worked()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Each phase's report carries the processor time since the phase before; xdist brings it to the sums."""
    report = yield
    now = _worked()
    report.user_properties.append((_WORKED, now - item.config.stash[_SINCE]))
    item.config.stash[_SINCE] = now
    return report


def _worked() -> float:
    """Seconds of the processor so far, in this process and in its children, as far as they can be seen."""
    return sum(os.times()[:4]) + sum(map(worked_by, _children()))


def _children() -> list[str]:
    """Children that live; none where the system does not tell."""
    found = Path("/proc/self/task").glob("*/children")
    return [child for path in found for child in told(path).split()]


def worked_by(process: str) -> float:
    """Seconds of a process and of the children that it waited for; 0 when it is gone."""
    after_name = told(Path(f"/proc/{process}/stat")).rpartition(")")[2].split()
    return sum(map(int, after_name[11:15])) / os.sysconf("SC_CLK_TCK")


def told(path: Path) -> str:
    """What the system tells of a thread or a process; nothing once it has ended, which it may at any moment."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


class _Sums:
    """Reports added up by file."""

    def __init__(self, shown: int) -> None:
        self._shown = shown
        self._spent: defaultdict[str, Spent] = defaultdict(Spent)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Setup, call and teardown of a test count alike."""
        spent = self._spent[report.location[0]]
        spent.waited += report.duration
        worked = dict(report.user_properties).get(_WORKED)
        spent.worked += worked if isinstance(worked, float) else 0.0

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """A table, slowest first, and the sum of all files."""
        files = sorted(self._spent.items(), key=lambda one: one[1].waited, reverse=True)
        everything = Spent(sum(one.waited for _, one in files), sum(one.worked for _, one in files))
        terminalreporter.section(f"{self._shown} slowest of {len(files)} files: seconds, and of the processor")
        for name, spent in [*files[: self._shown], ("all files", everything)]:
            terminalreporter.write_line(f"{spent.waited:8.1f} {spent.worked:8.1f}  {name}")
