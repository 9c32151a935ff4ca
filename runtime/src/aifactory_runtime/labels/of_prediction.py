"""The labels of one prediction, each with what it is: what a trace says, without reading those of all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aifactory_runtime.capture.reading import Span
from aifactory_runtime.labels import rules, stored
from aifactory_runtime.labels.line import Line, key_text
from aifactory_runtime.labels.rules import State

if TYPE_CHECKING:
    from aifactory_runtime.contract import EnvironmentContract
    from aifactory_runtime.contract.manifest import Labels


def of_prediction(
    contract: EnvironmentContract, settings: Labels, prediction: Mapping[str, Any], now: datetime | None = None
) -> list[tuple[Line, State]]:
    """Labels of a prediction as it is recorded (`id`, `time`, `inputs`), in their order; one at most is `joined`.

    Labels by key need the predictions between: whichever of the key is the newest before the outcome is meant.
    """
    identity, made = prediction["id"], prediction["time"]
    key = None if settings.key is None else key_text(prediction["inputs"].get(settings.key))
    found = stored.naming(contract, identity, key, rules.received_from(made))
    seen = [line.seen for line in found if line.key is not None and line.seen >= made]
    calls: dict[str, Sequence[tuple[str, str]]] = {}
    for one in sorted({one for line in found for one in line.keys}) if seen else ():
        calls |= stored.calls(contract, settings, Span(made, _past(max(seen))), one)
    own = [line for line in found if rules.meant(line, calls) == identity]
    due = rules.is_due(made, timedelta(seconds=settings.wait), now or datetime.now(UTC))
    return [(line, "early" if state == "joined" and not due else state) for line, state in rules.settle(own)]


def _past(moment: str) -> str:
    """The next text after a moment, so that a span up to it holds the moment."""
    return f"{moment}~"
