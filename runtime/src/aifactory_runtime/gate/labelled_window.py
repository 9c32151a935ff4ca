"""Whether a candidate beats the champion on the newest labelled rows, of which neither of them has learned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from aifactory_runtime.config.settings import GateSettings, WindowSettings
from aifactory_runtime.gate import paired
from aifactory_runtime.gate.chance import MOST_P, Answers
from aifactory_runtime.gate.evidence import Evidence
from aifactory_runtime.gate.metrics import Metric, better

BETTER_P = 0.05
"""What is likelier than this by chance is not better: 5 %, as in a live test. Were the two models alike, one candidate
in twenty would be called better, which does no harm."""
WORSE_P = MOST_P
"""What is likelier than this by chance is not worse, as in slices."""
WAY_OUT = (
    "it is better on the newest labelled rows: if what the reference says is no longer true, "
    "gate.window.max_loss_on_reference in conf says how much such a model may lose there"
)
LEAST_UNITS = 30
"""Of fewer groups or blocks of rows nothing is judged, however many rows they have."""
Array = np.ndarray[Any, Any]
Score = Callable[[Array, Answers], float | None]
"""The gate's metric of answers to rows with these labels; None where there is none, as roc_auc of one class."""
Difference = Literal["better", "level", "worse"]
Verdict = Literal["better", "level", "worse", "no champion", "not judged"]


@dataclass(frozen=True)
class Rows:
    """Which rows a window has, as people read it."""

    source: str
    """Where their labels come from."""
    rows: int
    begins: str
    ends: str

    def __str__(self) -> str:
        """As a part of sentences."""
        return f"the newest {self.rows:,} rows of {self.source}, {self.begins} to {self.ends}"


@dataclass(frozen=True)
class Window:
    """What a window says of a candidate; figures are None where there is no such model, or no figure."""

    verdict: Verdict
    why: str = ""
    """For `not judged`: the reason, in a sentence."""
    rows: Rows | None = None
    metric: Metric | None = None
    candidate: float | None = None
    champion: float | None = None
    p: float | None = None
    """How often chance makes as large a difference."""

    @property
    def sentence(self) -> str:
        """What was found, for logs, tags and people who approve."""
        if self.rows is None or self.candidate is None:
            return f"no labelled window: {self.why}"
        if self.champion is None:
            return f"{self.metric} {self.candidate:.6g} on {self.rows}; compared with no champion"
        chance = f" (p {self.p:.2g})" if self.p is not None else ""
        than = {"better": "better than", "worse": "worse than"}.get(self.verdict, "no different, beyond chance, from")
        return (
            f"{self.metric} {self.candidate:.6g} on {self.rows}, is {than} the champion's {self.champion:.6g}{chance}"
        )

    def settings(self, gate: GateSettings) -> GateSettings:
        """The gate's settings for such a candidate: one that is better here may lose more on the reference."""
        loss = gate.window.max_loss_on_reference
        return (
            gate if loss is None or self.verdict != "better" else gate.model_copy(update={"max_loss_to_champion": loss})
        )

    def objection(self, settings: WindowSettings) -> str | None:
        """The reason against the candidate; None when there is none."""
        if self.verdict == "worse":
            return self.sentence
        if self.verdict == "level" and settings.must_be == "better":
            return f"{self.sentence}: more labelled rows may tell, gate.window.must_be: not_worse in conf asks for less"
        return None

    def gains_nothing(self, reasons: Sequence[str], settings: WindowSettings) -> bool:
        """Whether all that speaks against the candidate, of `reasons`, is that it is alike here: nothing is wrong."""
        return self.verdict == "level" and tuple(reasons) == (self.objection(settings),)

    def evidence(self, settings: WindowSettings) -> Evidence:
        """Its part of the gate's report."""
        rows = {} if self.rows is None else asdict(self.rows)
        figures = {"metric": self.metric, "candidate": self.candidate, "champion": self.champion, "p": self.p}
        report = {"verdict": self.verdict, "why": self.why, "must_be": settings.must_be, **rows, **figures}
        reason = self.objection(settings)
        return Evidence("window", report, () if reason is None else (reason,))

    def metrics(self) -> dict[str, float]:
        """By the names under which runs and versions carry them."""
        figures = {"": self.candidate, "champion.": self.champion, "chance.": self.p}
        return {f"window.{of}{self.metric}": value for of, value in figures.items() if value is not None}


def too_few(rows: int, settings: WindowSettings, units: Array | None = None) -> str | None:
    """Why so many rows, of these `units`, are no window; None when they are enough."""
    if rows < settings.least_rows:
        return f"{rows} rows that no model learned from, fewer than gate.window.least_rows ({settings.least_rows})"
    count = rows if units is None else len(np.unique(units))
    return f"rows of {count} groups, fewer than {LEAST_UNITS}" if count < LEAST_UNITS else None


def of(
    metric: Metric,
    rows: Rows,
    labels: Array,
    candidate: Answers,
    *,
    champion: Answers | None,
    score: Score,
    units: Array | None = None,
    seed: int = 0,
) -> Window:
    """What the rows, with `labels` of shape (rows,), say of a candidate beside the champion.

    Rows of equal `units` belong together, as in `paired.worse`.
    """
    own = score(labels, candidate)
    other = None if champion is None else score(labels, champion)
    if own is None or (champion is not None and other is None):
        return Window("not judged", f"{metric} cannot be computed on {rows}", rows, metric)
    if champion is None or other is None:
        return Window("no champion", "", rows, metric, own)
    if not (better(own, other, metric) or better(other, own, metric)):
        return Window("level", "", rows, metric, own, other, 1.0)
    verdict: Difference = "better" if better(own, other, metric) else "worse"
    loser, winner, most_p = (champion, candidate, BETTER_P) if verdict == "better" else (candidate, champion, WORSE_P)
    p = paired.worse(metric, labels, loser, winner, units=units, most_p=most_p, seed=seed)
    return Window(verdict if p <= most_p else "level", "", rows, metric, own, other, p)
