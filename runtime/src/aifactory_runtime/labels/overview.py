"""How many labels there are and what became of each: every one is counted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from aifactory_runtime.capture import predictions
from aifactory_runtime.data import removals
from aifactory_runtime.labels import rules, stored
from aifactory_runtime.labels.line import Line
from aifactory_runtime.labels.rules import State
from aifactory_runtime.storage.place import Place

if TYPE_CHECKING:
    import pandas as pd

    from aifactory_runtime.contract import EnvironmentContract
    from aifactory_runtime.contract.manifest import Labels

STATES: tuple[State, ...] = get_args(State)


class Made:
    """When the predictions that labels are of were made, noted while all predictions that are kept are read."""

    def __init__(self, labels: Mapping[str, Sequence[Line]]) -> None:
        self._labels = labels
        self.times: dict[str, str] = {}
        """By id, of those that are kept."""
        self.oldest: str | None = None
        """When the oldest prediction of the service that is kept was made."""

    def see(self, frame: pd.DataFrame) -> None:
        """The next chunk of predictions."""
        for identity, time, role in zip(frame["prediction_id"], frame["time"], frame["role"], strict=True):
            if identity in self._labels:
                self.times[identity] = time
            if role != predictions.BATCH and (self.oldest is None or time < self.oldest):
                self.oldest = time


def states(
    contract: EnvironmentContract, settings: Labels, lines: Sequence[Line], now: datetime | None = None
) -> list[State]:
    """What each of these labels is, in their order, beside each other and all predictions that are kept."""
    by_prediction, astray = rules.by_prediction(lines, stored.calls_of(contract, settings, lines))
    made = Made(by_prediction)
    for frame in predictions.frames(contract, columns=("prediction_id", "time", "role")):
        made.see(frame)
    found = states_of(contract, settings, by_prediction, made, now)
    found |= {id(line): "unknown" for line in astray}
    return [found[id(line)] for line in lines]


def states_of(
    contract: EnvironmentContract,
    settings: Labels,
    labels: Mapping[str, Sequence[Line]],
    made: Made,
    now: datetime | None = None,
) -> dict[int, State]:
    """What each label is that means a prediction, by its `id()`; `made` has seen all predictions."""
    gone = _removed(Path(contract.data_uri)) if len(made.times) < len(labels) else frozenset()
    moment, wait = now or datetime.now(UTC), timedelta(seconds=settings.wait)
    found: dict[int, State] = {}
    for identity, own in labels.items():
        time = made.times.get(identity)
        for line, state in rules.settle(own):
            if time is None:
                found[id(line)] = "removed" if identity in gone else rules.absent(identity, made.oldest)
            elif state == "joined" and not rules.is_due(time, wait, moment):
                found[id(line)] = "early"
            else:
                found[id(line)] = state
    return found


def beyond_rotation(
    contract: EnvironmentContract, settings: Labels, lines: Sequence[Line], states: Sequence[State]
) -> dict[str, int]:
    """Unknown labels by key that a rotation of the hashing key, or another `capture_columns`, keeps from being found.

    By the form in which predictions have their key, and those labels do not.
    """
    unknown = [(line, state) for line, state in zip(lines, states, strict=True) if line.key and state == "unknown"]
    if not unknown:
        return {}
    calls = stored.calls(contract, settings)
    return rules.beyond_rotation([line for line, _ in unknown], [state for _, state in unknown], calls)


def count(found: Sequence[State]) -> dict[State, int]:
    """How many of each state, those of which there is none included."""
    counted = Counter(found)
    return {state: counted[state] for state in STATES}


def _removed(data: Place) -> frozenset[str]:
    """Ids of predictions that are on record as removed."""
    of_predictions = (one for one in removals.read(data) if one.kind == removals.PREDICTION)
    return frozenset(name for one in of_predictions for name in one.names)
