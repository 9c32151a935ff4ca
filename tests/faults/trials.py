"""What all fault figures share: seeded trials, each counted as held or not, with progress while they run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

Say = Callable[[str], None]


@dataclass(frozen=True)
class Trial:
    """One trial: what was done to it, seconds of the part that is timed, and what did not hold (empty: all did)."""

    what: str
    seconds: float
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figure:
    """One figure of the catalogue with the limit it is asked to reach, and its trials."""

    number: int
    title: str
    asked: str
    seed: int
    limit_seconds: float | None = None
    trials: list[Trial] = field(default_factory=list)

    @property
    def held(self) -> int:
        """Trials in which everything held, within the limit where there is one."""
        return sum(not trial.problems and not self.late(trial) for trial in self.trials)

    def late(self, trial: Trial) -> bool:
        """Whether the trial's seconds are over the limit; tests ask for its problems alone, as machines differ."""
        return self.limit_seconds is not None and trial.seconds > self.limit_seconds

    @property
    def reached(self) -> bool:
        """Whether every trial held."""
        return bool(self.trials) and self.held == len(self.trials)

    @property
    def times(self) -> str:
        """Median and maximum of the seconds."""
        seconds = [trial.seconds for trial in self.trials]
        return f"median {statistics.median(seconds):.1f} s, longest {max(seconds):.1f} s"


def figure(found: Figure, kinds: Iterable[Callable[[Random], Trial]], say: Say) -> Figure:
    """Run the trials in order, each with a random source of its own that follows from the seed; returns `found`."""
    for count, trial in enumerate(kinds, start=1):
        began = time.monotonic()
        done = trial(Random(f"{found.seed}.{found.number}.{count}"))  # noqa: S311 - a repeatable draw, not a secret
        found.trials.append(done)
        told = [*done.problems, *([f"took {done.seconds:.1f} s"] if found.late(done) else [])]
        verdict = "; ".join(told) or "held"
        say(f"figure {found.number}, trial {count}: {done.what}: {verdict} ({time.monotonic() - began:.0f} s)")
    return found


def processes_with(text: str) -> list[int]:
    """Processes of this user whose environment holds `text`."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if text.encode() in (path / "environ").read_bytes():
                found.append(int(path.name))
        except OSError:
            continue
    return found
