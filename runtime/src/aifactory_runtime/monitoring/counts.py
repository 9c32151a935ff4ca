"""What the service has counted, as `/metrics` tells it, and what it counted between two looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

_SCORING = frozenset({"/predict", "/invocations"})
_FIRST_FAILURE = 500
_FIRST_REFUSAL = 400


@dataclass(frozen=True)
class Counts:
    """Counters of the requests that ask for predictions."""

    statuses: Mapping[str, float] = field(default_factory=dict)
    """Requests by status; 0 is a request without an answer."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Requests that took so long at most, by seconds as text; cumulative."""
    not_recorded: float = 0.0

    @property
    def requests(self) -> float:
        """All of them."""
        return sum(self.statuses.values())

    @property
    def errors(self) -> float:
        """Those that the service failed."""
        return sum(n for status, n in self.statuses.items() if int(status) == 0 or int(status) >= _FIRST_FAILURE)

    @property
    def refused(self) -> float:
        """Those that the caller got wrong."""
        return sum(n for status, n in self.statuses.items() if _FIRST_REFUSAL <= int(status) < _FIRST_FAILURE)

    def quantile(self, share: float) -> float | None:
        """Seconds that this share of the requests took at most, between two edges as if evenly spread.

        None without requests; the last edge for what took longer.
        """
        edges = sorted((float(edge), n) for edge, n in self.seconds.items())
        total = edges[-1][1] if edges else 0.0
        if total <= 0:
            return None
        low, below = 0.0, 0.0
        for edge, upto in edges:
            if upto >= share * total:
                if edge == float("inf"):
                    return low
                return low + (edge - low) * (share * total - below) / max(upto - below, 1e-9)
            low, below = edge, upto
        return low


def parse(text: str) -> Counts:
    """The counters in Prometheus's text format; ValueError when it is none."""
    statuses: dict[str, float] = {}
    seconds: dict[str, float] = {}
    not_recorded = 0.0
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "aifactory_not_recorded_total":
                not_recorded += sample.value
            elif sample.labels.get("path") not in _SCORING:
                continue
            elif sample.name == "aifactory_requests_total":
                status = str(int(sample.labels["status"]))
                statuses[status] = statuses.get(status, 0.0) + sample.value
            elif sample.name == "aifactory_request_seconds_bucket":
                edge = sample.labels["le"]
                seconds[edge] = seconds.get(edge, 0.0) + sample.value
    return Counts(statuses, seconds, not_recorded)


def since(before: Counts, now: Counts) -> Counts:
    """What was counted in between. Counters that became smaller began anew with the service: all of them count."""
    pairs = [(before.statuses, now.statuses), (before.seconds, now.seconds)]
    anew = any(there.get(key, 0.0) < n for was, there in pairs for key, n in was.items())
    if anew or now.not_recorded < before.not_recorded:
        return now
    return Counts(
        {key: n - before.statuses.get(key, 0.0) for key, n in now.statuses.items()},
        {key: n - before.seconds.get(key, 0.0) for key, n in now.seconds.items()},
        now.not_recorded - before.not_recorded,
    )


def to_values(counts: Counts) -> dict[str, Any]:
    """Counters as JSON has them."""
    return {
        "statuses": dict(counts.statuses),
        "seconds": dict(counts.seconds),
        "not_recorded": counts.not_recorded,
    }


def from_values(values: Mapping[str, Any]) -> Counts:
    """What `to_values` made."""
    return Counts(dict(values["statuses"]), dict(values["seconds"]), float(values["not_recorded"]))
