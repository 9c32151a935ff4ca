"""How many labels there are and what became of each: every one is counted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from aifactory_runtime.capture import predictions
from aifactory_runtime.data import removals
from aifactory_runtime.labels import rules, stored
from aifactory_runtime.labels.line import Line
from aifactory_runtime.labels.rules import State

if TYPE_CHECKING:
    from aifactory_runtime.contract import EnvironmentContract
    from aifactory_runtime.contract.manifest import Labels

STATES: tuple[State, ...] = get_args(State)


def states(
    contract: EnvironmentContract, settings: Labels, lines: Sequence[Line], now: datetime | None = None
) -> list[State]:
    """What each of these labels is, in their order, beside each other and all predictions that are kept."""
    calls = stored.calls(contract, settings) if any(line.key is not None for line in lines) else {}
    by_prediction, astray = rules.by_prediction(lines, calls)
    times, oldest = _times(contract, by_prediction)
    gone = _removed(Path(contract.data_uri)) if len(times) < len(by_prediction) else frozenset()
    moment, wait = now or datetime.now(UTC), timedelta(seconds=settings.wait)
    found: dict[int, State] = {id(line): "unknown" for line in astray}
    for identity, own in by_prediction.items():
        time = times.get(identity)
        for line, state in rules.settle(own):
            if time is None:
                found[id(line)] = "removed" if identity in gone else rules.absent(identity, oldest)
            elif state == "joined" and not rules.is_due(time, wait, moment):
                found[id(line)] = "early"
            else:
                found[id(line)] = state
    return [found[id(line)] for line in lines]


def count(found: Sequence[State]) -> dict[State, int]:
    """How many of each state, those of which there is none included."""
    counted = Counter(found)
    return {state: counted[state] for state in STATES}


def _removed(data: Path) -> frozenset[str]:
    """Ids of predictions that are on record as removed."""
    of_predictions = (one for one in removals.read(data) if one.kind == removals.PREDICTION)
    return frozenset(name for one in of_predictions for name in one.names)


def _times(contract: EnvironmentContract, wanted: Collection[str]) -> tuple[dict[str, str], str | None]:
    """The times of predictions by id, of those that are wanted and kept, and that of the oldest of the service."""
    times: dict[str, str] = {}
    oldest: str | None = None
    for frame in predictions.frames(contract):
        for identity, time, role in zip(frame["prediction_id"], frame["time"], frame["role"], strict=True):
            if identity in wanted:
                times[identity] = time
            if role != predictions.BATCH and (oldest is None or time < oldest):
                oldest = time
    return times, oldest
