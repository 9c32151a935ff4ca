"""Which label of a prediction counts, and what becomes of every other one. No I/O."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from aifactory_runtime.capture import hashing, prediction_ids
from aifactory_runtime.labels.line import Line

State = Literal["joined", "early", "doubled", "contradicting", "replaced", "unknown", "removed"]
"""What a label is: the one that counts, the one that will once `labels.wait` is over, one that says again what another
said, one that says otherwise, one that was corrected, one of a prediction (or, of a correction, of a label) that is not
there, one of a prediction that was removed or is from before the oldest that is kept."""
_CLOCK_JUMP = timedelta(days=1)
Calls = Mapping[str, Sequence[tuple[str, str]]]
"""Value of the key column to time and id of each prediction that has it, in order of time."""


def settle(lines: Sequence[Line]) -> list[tuple[Line, State]]:
    """The labels of one prediction, in order of their sequence, each with its state; at most one is `joined`.

    The first one counts. Another takes its place only when it names it as the one that it replaces.
    """
    found: list[tuple[Line, State]] = []
    counts = -1
    for place, line in enumerate(lines):
        state: State = "joined"
        if counts >= 0:
            state = _beside(line, found[counts][0])
        elif line.replaces is not None:
            state = "unknown"
        if state == "joined":
            if counts >= 0:
                found[counts] = (found[counts][0], "replaced")
            counts = place
        found.append((line, state))
    return found


def _beside(line: Line, first: Line) -> State:
    """A label that came after the one that counts."""
    if line.replaces is not None:
        return "joined" if line.replaces == first.id else "unknown"
    return "doubled" if same(line, first) else "contradicting"


def same(line: Line, other: Line) -> bool:
    """Whether two labels of a prediction say the same."""
    return (line.text, line.kpi) == (other.text, other.kpi)


def meant(line: Line, calls: Calls) -> str | None:
    """Id of the prediction that a label is of: its own, or the newest of its key before the outcome was seen."""
    if line.key is None:
        return line.prediction_id
    newest = [call for key in line.keys for call in _newest(calls.get(key, ()), line.seen)]
    return max(newest)[1] if newest else None


def _newest(of_key: Sequence[tuple[str, str]], seen: str) -> Sequence[tuple[str, str]]:
    """The newest call that was made by a time; none where there is none."""
    place = bisect_right(of_key, seen, key=lambda call: call[0])
    return of_key[max(0, place - 1) : place]


def beyond_rotation(lines: Sequence[Line], states: Sequence[State], calls: Calls) -> dict[str, int]:
    """How many labels by key find nothing although predictions hold keys in a form that those labels do not have.

    By that form, in words: labels of before a label had the hashes of all keys, or a column that was not hashed then.
    """
    forms = {_form(key) for key in calls}
    counted: Counter[str] = Counter()
    for line, state in zip(lines, states, strict=True):
        if line.key is not None and state == "unknown" and meant(line, calls) is None:
            counted.update(forms - {_form(key) for key in line.keys})
    return dict(sorted(counted.items()))


def _form(key: str) -> str:
    version = hashing.version_of(key)
    return "as it came" if version is None else f"hashed by key version {version}"


def is_due(time: str, wait: timedelta, now: datetime) -> bool:
    """Whether a label of a prediction of this time counts already."""
    return time <= stamp(now - wait)


def absent(prediction_id: str | None, oldest: str | None) -> State:
    """What a label is whose prediction is not there; `oldest` is the time of the oldest prediction that is kept."""
    made = None if prediction_id is None else prediction_ids.made_at(prediction_id)
    return "removed" if made is not None and oldest is not None and stamp(made) < oldest else "unknown"


def received_from(begins: str) -> str:
    """From when on labels of predictions are looked at: none was received before its own, unless a clock jumped."""
    return stamp(datetime.fromisoformat(begins) - _CLOCK_JUMP) if begins else begins


def stamp(moment: datetime) -> str:
    """A moment as lines have it, so that they are compared as texts."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def by_prediction(lines: Iterable[Line], calls: Calls) -> tuple[dict[str, list[Line]], list[Line]]:
    """Labels by the id that they mean, in their order, and those that mean none."""
    found: dict[str, list[Line]] = {}
    astray = []
    for line in lines:
        of = meant(line, calls)
        if of is None:
            astray.append(line)
        else:
            found.setdefault(of, []).append(line)
    return found, astray
