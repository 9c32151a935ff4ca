"""How a successor is tried on live traffic before it may become champion: what `trial` of an environment may say."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

TrialKind = Literal["direct", "shadow", "ab"]
TrialLabels = Literal["all", "affected"]

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_LENGTH = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd])")
_WRITTEN = {"type": ["number", "string"], "minimum": 0, "pattern": rf"^{_LENGTH.pattern}$"}


def _seconds(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    found = _LENGTH.fullmatch(value.strip())
    if found is None:
        raise ValueError(f"{value[:20]!r} is no length of time: write 30s, 10m, 12h or 7d")
    return float(found[1]) * _SECONDS[found[2]]


def seconds(text: str) -> float:
    """A length of time as a person types it, 30s, 10m, 12h or 7d; ValueError for another one."""
    return float(_seconds(text))


def written(length: float) -> str:
    """So many seconds as a person would type them: 7d, 12h, 90s; in the longest unit that leaves no rest."""
    unit = next(one for one in reversed(_SECONDS) if one == "s" or (length and length % _SECONDS[one] == 0))
    return f"{length / _SECONDS[unit]:.10g}{unit}"


Seconds = Annotated[float, Field(ge=0), BeforeValidator(_seconds), WithJsonSchema(_WRITTEN)]
"""A length of time: a number of seconds, or as 30s, 10m, 12h or 7d."""
Share = Annotated[float, Field(gt=0, lt=1)]


class Guards(BaseModel):
    """When the service itself takes the challenger out at once, counted over its last 200 calls in each worker."""

    errors: Share = 0.05
    """The share of calls that may fail: no answer in time, none at all, or one that is no answer."""
    latency: Annotated[Seconds, Field(gt=0)] = 0.25
    """The time within which 95 % of its answers have to come."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Proxy(BaseModel):
    """A figure of the answers that needs no label: a challenger whose mean of it is worse beyond the margin goes."""

    figure: Literal["prediction", "share", "confidence"]
    """The mean prediction of a regression; of classes the share of one, or the mean probability of the predicted."""
    of: bool | int | float | str | None = None
    """The class whose share it is."""
    direction: Literal["up", "down"]
    """`up`: less than the champion's is worse; `down`: more is."""
    margin: Annotated[float, Field(ge=0)]
    """How much worse it may be: a share from 0 to 1, or in the unit of the target."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="after")
    def _names_its_class(self) -> Self:
        if (self.figure == "share") is (self.of is None):
            raise ValueError("`of` names the class whose share is watched: figure: share has it, no other figure does")
        return self

    @property
    def name(self) -> str:
        """What people are told of it as."""
        return f"share of {self.of}" if self.figure == "share" else f"mean {self.figure}"


class Trial(BaseModel):
    """What becomes of a successor: champion at once (`direct`), or first beside the champion on live requests."""

    kind: TrialKind = "direct"
    """`shadow`: it scores the same rows, and callers never see it. `ab`: it answers a share of the callers."""
    share: Share = 0.1
    """Of split keys that the challenger answers; with `ab` only."""
    period: Annotated[Seconds, Field(gt=0)] = 86_400.0
    """A whole rhythm of the traffic, such as a day or a week: looked at only when one is over."""
    labels: TrialLabels = "all"
    """`affected`: only what was acted upon gets a label, so each model's loss is known on its own answers only."""
    wait: Seconds = 604_800.0
    """The time that a label has to come; later ones do not count."""
    longest: Annotated[Seconds, Field(gt=0)] = 2_419_200.0
    """After so long without proof the champion stays."""
    timeout: Annotated[Seconds, Field(gt=0, le=10)] = 0.5
    """After so long the champion answers in the place of the challenger."""
    guards: Guards = Guards()
    proxies: tuple[Proxy, ...] = ()
    """Figures of the answers that may end the test before any label is there, and never win it."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="after")
    def _can_run(self) -> Self:
        if self.longest < self.period:
            raise ValueError("longest is shorter than a period, so nothing would ever be looked at: make it longer")
        if self.labels == "affected" and self.kind == "shadow":
            raise ValueError("labels: affected needs answers of both models: write kind: ab")
        return self
