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
    seen: str = ""
    """The figure that was seen, where it is not the seconds alone."""
    limit_seconds: float | None = None
    """Of this trial, where the figure's trials differ."""


@dataclass(frozen=True)
class Figure:
    """One figure of the catalogue with the limit it is asked to reach, and its trials."""

    number: int
    title: str
    asked: str
    seed: int
    limit_seconds: float | None = None
    trials: list[Trial] = field(default_factory=list)
    said: str = ""
    """What was seen in all trials together, where each one's own would be too long."""

    @property
    def held(self) -> int:
        """Trials in which everything held, within the limit where there is one."""
        return sum(not trial.problems and not self.late(trial) for trial in self.trials)

    def late(self, trial: Trial) -> bool:
        """Whether the trial's seconds are over the limit; tests ask for its problems alone, as machines differ."""
        limit = self.limit_seconds if trial.limit_seconds is None else trial.limit_seconds
        return limit is not None and trial.seconds > limit

    @property
    def reached(self) -> bool:
        """Whether every trial held."""
        return bool(self.trials) and self.held == len(self.trials)

    @property
    def times(self) -> str:
        """Median and maximum of the seconds."""
        seconds = [trial.seconds for trial in self.trials]
        return f"median {statistics.median(seconds):.1f} s, longest {max(seconds):.1f} s"

    @property
    def seen(self) -> str:
        """What was seen: in all trials together, or in each that says it; else their seconds."""
        return self.said or "; ".join(trial.seen for trial in self.trials if trial.seen) or self.times


def figure(found: Figure, kinds: Iterable[Callable[[Random], Trial]], say: Say) -> Figure:
    """Add these trials in order, each with a random source of its own that follows from the seed; returns `found`."""
    for count, trial in enumerate(kinds, start=len(found.trials) + 1):
        began = time.monotonic()
        done = trial(Random(f"{found.seed}.{found.number}.{count}"))  # noqa: S311 - a repeatable draw, not a secret
        found.trials.append(done)
        told = [*done.problems, *([f"took {done.seconds:.1f} s"] if found.late(done) else [])]
        verdict = "; ".join(told) or "held"
        seen = f" ({done.seen})" if done.seen else ""
        say(f"figure {found.number}, trial {count}: {done.what}: {verdict}{seen} ({time.monotonic() - began:.0f} s)")
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
