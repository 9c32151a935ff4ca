"""The predictions of a time with their labels: what monitors, gate and live test judge by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aifactory_runtime.capture import predictions
from aifactory_runtime.capture.reading import EVER, Span
from aifactory_runtime.labels import rules, stored
from aifactory_runtime.labels.line import Line

if TYPE_CHECKING:
    import pandas as pd

    from aifactory_runtime.contract import EnvironmentContract
    from aifactory_runtime.contract.manifest import Labels

JOINED, EARLY, NONE = "joined", "early", "none"
"""What a row is: its label counts, its label waits until `labels.wait` is over, it has none."""


@dataclass(frozen=True)
class Window:
    """Predictions made from `begins` up to, but without, `ends`; both with an offset."""

    begins: datetime
    ends: datetime


def joined(
    contract: EnvironmentContract,
    settings: Labels,
    window: Window | None = None,
    *,
    now: datetime | None = None,
    upto: int | None = None,
) -> Iterator[pd.DataFrame]:
    """The predictions of a window, or all, in chunks: the service's in order of request, then those of batches.

    Columns: `predictions.COLUMNS` (texts, `inputs` and `output` as JSON), then

    - `state`: `JOINED`, `EARLY` or `NONE`; the others below are null unless it is `JOINED`
    - `label`: as JSON text, a class as the model has it, or a number; `kpi`: a number or null
    - `label_id`, `label_sequence`, `label_time` (when it was received), `label_by` (login of who sent it)

    `settings` are `labels` of the manifest. A label counts once `labels.wait` is over since its prediction, by `now`.
    Labels of a sequence beyond `upto` are not looked at: who closed a period with `last_sequence` reads it again as it
    was, whatever was corrected since.
    """
    span = EVER if window is None else Span(rules.stamp(window.begins), rules.stamp(window.ends))
    lines = stored.lines(contract, Span(rules.received_from(span.begins), EVER.ends), upto)
    calls = stored.calls_of(contract, settings, lines, Span(span.begins, EVER.ends))
    by_prediction, _ = rules.by_prediction(lines, calls)
    yield from joined_with(contract, settings, by_prediction, span, now)


def joined_with(
    contract: EnvironmentContract,
    settings: Labels,
    labels: Mapping[str, Sequence[Line]],
    span: Span = EVER,
    now: datetime | None = None,
) -> Iterator[pd.DataFrame]:
    """As `joined`, of `labels` that were read before: those of each prediction, in order of their sequence."""
    moment, wait = now or datetime.now(UTC), timedelta(seconds=settings.wait)
    settled = {identity: rules.settle(own) for identity, own in labels.items()}
    counting = {identity: line for identity, own in settled.items() for line, state in own if state == JOINED}
    for frame in predictions.frames(contract, span):
        due = [rules.is_due(time, wait, moment) for time in frame["time"]]
        found = [counting.get(identity) for identity in frame["prediction_id"]]
        yield _with_labels(frame, found, due)


def last_sequence(contract: EnvironmentContract) -> int:
    """Sequence of the newest label; 0 when there is none."""
    return max((line.sequence for line in stored.lines(contract)), default=0)


def _with_labels(frame: pd.DataFrame, found: list[Line | None], due: list[bool]) -> pd.DataFrame:
    import pandas as pd

    states = [NONE if line is None else JOINED if now else EARLY for line, now in zip(found, due, strict=True)]
    counts = [line if now else None for line, now in zip(found, due, strict=True)]

    def each(take: Callable[[Line], Any], kind: str = "object") -> Any:
        return pd.Series([None if line is None else take(line) for line in counts], dtype=kind)

    return frame.reset_index(drop=True).assign(
        state=states,
        label=each(lambda line: line.text),
        kpi=each(lambda line: line.kpi, "Float64"),
        label_id=each(lambda line: line.id),
        label_sequence=each(lambda line: line.sequence, "Int64"),
        label_time=each(lambda line: line.time),
        label_by=each(lambda line: line.by),
    )
