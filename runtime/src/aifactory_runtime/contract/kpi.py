"""The business measure of a use case: what `kpi` of the manifest may say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

KPI = "kpi"
"""What the figure of a label is called where no field is named."""
Says = Callable[[Mapping[str, Any], Mapping[str, Any], Any], float]
"""`kpi` of the repo's kpi.py: inputs, output and label of a row to a number."""
_NAME = r"^[a-z][a-z0-9_]{0,39}$"
_TAKEN = frozenset({"label", "prediction_id", "key", "time", "replaces"})


class Kpi(BaseModel):
    """A figure of the business, one a labelled prediction, watched beside the model's and in live tests."""

    name: Annotated[str, Field(pattern=_NAME)]
    """What it is called, such as `profit` or `minutes_saved`."""
    direction: Literal["up", "down"] = "up"
    """`up`: more is better."""
    margin: Annotated[float, Field(ge=0)] = 0.0
    """How much worse its mean may become, in its own unit; what is more, and no chance, is told."""
    field: Annotated[str, Field(pattern=_NAME)] | None = None
    """The number that labels bring beside themselves, by this name; none: `kpi.py` of the repo works it out."""

    @field_validator("field")
    @classmethod
    def _is_free(cls, value: str | None) -> str | None:
        if value in _TAKEN:
            raise ValueError(f"{value} is what a label says of itself: call the figure otherwise")
        return value

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
