"""Settings of the search over algorithms and hyperparameters: its budget, and what may be tried."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator


class Range(BaseModel):
    """Numbers from `low` to `high`; `log` draws orders of magnitude alike, `whole` draws integers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    low: float
    high: float
    log: bool = False
    whole: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.low < self.high:
            raise ValueError("low must be less than high")
        if self.log and self.low <= 0:
            raise ValueError("a range with log: true starts above 0")
        return self


def _kind(choice: Any) -> str:
    """So that what is wrong with a range is said of a range."""
    return "range" if isinstance(choice, dict | Range) else "values"


Choice = Annotated[
    Annotated[list[Any], Field(min_length=1), Tag("values")] | Annotated[Range, Tag("range")], Discriminator(_kind)
]
Space = dict[str, Choice]


class SearchSettings(BaseModel):
    """What `train` tries beside `train.parameters`, which are always the first trial.

    Each entry of `algorithms` is handed to `make_model` as `algorithm`, with parameters of its own beside those that
    all share. With `budget_seconds` the number of trials depends on the machine.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    budget_trials: Annotated[int, Field(ge=1, le=10_000)] = 20
    """How many trials at most, the first with the parameters as they are."""
    budget_seconds: Annotated[float, Field(gt=0)] | None = None
    """Seconds after which no further trial begins; None sets no limit."""
    parameters: Space = {}
    """Parameter to what is tried: a list of values, or `{low, high, log, whole}`."""
    algorithms: dict[str, Space] = {}
    """Name to what is tried with it, as under `parameters`."""

    @model_validator(mode="after")
    def _something_to_try(self) -> Self:
        if not self.parameters and not self.algorithms:
            raise ValueError("search names nothing to try: add parameters or algorithms")
        return self
