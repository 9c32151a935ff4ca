"""Whole processes, timed in pairs: ours and its comparator take turns, so that both meet the same machine."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
PYTHON = CHECKOUT / ".venv" / "bin" / "python"
FACTORY = CHECKOUT / ".venv" / "bin" / "factory"


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, against what, the figure asked and the figure seen."""

    what: str
    against: str
    asked: str
    seen: str
    reached: bool
    detail: str = ""


@dataclass(frozen=True)
class Cost:
    """Seconds and peak memory (MiB, resident) of one whole process."""

    seconds: float
    memory: float


def seconds(command: list[str], cwd: Path, environment: Mapping[str, str] | None = None) -> float:
    """Seconds of one whole process; RuntimeError with the end of its output when it fails."""
    return cost(command, cwd, environment).seconds


def cost(command: list[str], cwd: Path, environment: Mapping[str, str] | None = None) -> Cost:
    """What one whole process takes; RuntimeError with the end of its output when it fails."""
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=cwd, env={**os.environ, **(environment or {})}, stdout=said, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(process.pid, 0)
        took = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            said.seek(0)
            end = said.read().decode(errors="replace")[-2000:]
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {end}")
    return Cost(took, used.ru_maxrss / 1024)


def paired(ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> tuple[float, float]:
    """Median seconds of both, measured alternately; one round before it counts for nothing but warms caches."""
    ours(), theirs()
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def paired_costs(ours: Callable[[], Cost], theirs: Callable[[], Cost], rounds: int) -> tuple[Cost, Cost]:
    """As `paired`, for seconds and memory; without a round before, as these processes take long."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return median_cost([one for one, _ in pairs]), median_cost([other for _, other in pairs])


def median_cost(costs: list[Cost]) -> Cost:
    """Medians of seconds and of memory, each by itself."""
    return Cost(statistics.median(one.seconds for one in costs), statistics.median(one.memory for one in costs))


def ratio_row(what: str, against: str, limit: float, ours: float, theirs: float) -> Row:
    """A row for a figure that is a ratio to a comparator."""
    ratio = ours / theirs
    detail = f"{ours:.2f} s against {theirs:.2f} s, {ours - theirs:+.2f} s"
    return Row(what, against, f"{limit:g}x or less", f"{ratio:.2f}x", ratio <= limit, detail)


def memory_row(what: str, against: str, limit: float, ours: Cost, theirs: Cost) -> Row:
    """A row for peak memory as a ratio to a comparator's."""
    ratio = ours.memory / theirs.memory
    detail = f"{ours.memory:.0f} MiB against {theirs.memory:.0f} MiB"
    return Row(what, against, f"{limit:g}x or less", f"{ratio:.2f}x", ratio <= limit, detail)


def limit_row(what: str, limit: float, unit: str, seen: float, detail: str = "") -> Row:
    """A row for a figure that has a limit of its own."""
    return Row(what, "", f"{limit:g} {unit} or less", f"{seen:.1f} {unit}", seen <= limit, detail)


def machine() -> str:
    """The machine in one line."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"
    )


def table(kept: dict[str, dict[str, object]], names: Iterable[str]) -> str:
    """The rows kept of `names`, in their order, and when and where each was measured."""
    lines = ["| what | against | asked | seen | reached | detail |", "|---|---|---|---|---|---|"]
    machines = set()
    for name in (name for name in names if name in kept):
        entry = kept[name]
        machines.add(f"{name}: {entry['date']}, {entry['machine']}")
        rows = entry["rows"]
        assert isinstance(rows, list)  # noqa: S101 (our own file)
        for row in rows:
            reached = "yes" if row["reached"] else "**no**"
            lines.append(
                f"| {row['what']} | {row['against']} | {row['asked']} | {row['seen']} | {reached} | {row['detail']} |"
            )
    return "\n".join([*lines, "", *(f"- {line}" for line in sorted(machines))])
