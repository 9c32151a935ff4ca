"""What those who use the predictions rely on: `conf/consumer.yaml`, held against the answers in staging."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from aifactory_runtime.config import yaml_model

FILE = "conf/consumer.yaml"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Predictions(_Part):
    """What a prediction may be; what is left out may be anything."""

    values: Annotated[tuple[str | bool | int | float, ...], Field(min_length=1)] | None = None
    """The only labels that are understood."""
    minimum: float | None = None
    maximum: float | None = None
    probabilities: bool = False
    """Whether each comes with the probabilities of all classes."""


class Consumer(_Part):
    """The consumer's side of the contract."""

    request: str | None = None
    """A JSON file with a body that is sent to `/predict` and has to be answered."""
    predictions: Predictions = Predictions()
    columns: tuple[str, ...] = ("prediction_id", "prediction")
    """Columns of the table `scored` that are read."""


def load(root: Path) -> Consumer | None:
    """The contract in the repo at `root`, None when there is none; UsageProblem names file and line of a mistake."""
    path = root / FILE
    return yaml_model.load(path, Consumer) if path.exists() else None
