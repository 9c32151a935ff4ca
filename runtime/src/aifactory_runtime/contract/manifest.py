"""The manifest, `factory.yaml`: what a use case is and what it asks of each environment. Unknown keys are refused."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from aifactory_runtime.contract import names
from aifactory_runtime.contract.people import People, Person

MANIFEST_VERSION = 1

UseCaseName = Annotated[str, AfterValidator(names.check_use_case)]
Size = Literal["small", "medium", "large"]
Risk = Literal["low", "limited", "high"]
Classification = Literal["public", "internal", "confidential", "restricted"]
Approval = Literal["none", "required"]
LiveTest = Literal["direct"]
EnvironmentName = Literal["dev", "staging", "prod"]

_NOT_YET_TRAIN_IN_PROD = (
    "train_in: prod is not available yet: write train_in: dev, where the model is trained in dev and its bytes move"
)
_CRON_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_CRON_ITEM = re.compile(r"(\*|(?P<low>\d{1,2})(-(?P<high>\d{1,2}))?)(/(?P<step>[1-9]\d?))?")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelEntry(_Part):
    """One model of the use case."""

    name: UseCaseName
    description: str = ""


class Monitor(_Part):
    """A monitor and the person it calls."""

    owner: Person


class Monitors(_Part):
    """What is to be watched, each with a named owner (L14). Recorded; no monitor runs yet."""

    service: Monitor
    data: Monitor
    model: Monitor


class Quotas(_Part):
    """What the use case may take of the environment (E5). Recorded; not enforced yet."""

    disk_gb: Annotated[float, Field(gt=0)] = 5.0
    compute_hours: Annotated[float, Field(gt=0)] = 20.0


class Retraining(_Part):
    """When the released pipeline runs again; `schedule` is a cron expression in UTC, none means by hand only."""

    schedule: str | None = None

    @model_validator(mode="after")
    def _five_fields(self) -> Self:
        if self.schedule is None:
            return self
        fields = self.schedule.split()
        if len(fields) != len(_CRON_FIELDS):
            raise ValueError('schedule has five cron fields, such as "0 3 * * 1" for Mondays at three')
        for text, (name, lowest, highest) in zip(fields, _CRON_FIELDS, strict=True):
            if not all(_is_cron(item, lowest, highest) for item in text.split(",")):
                raise ValueError(f"schedule: {text} is no {name}; use {lowest} to {highest}, *, a-b, */n or a list")
        return self


def _is_cron(item: str, lowest: int, highest: int) -> bool:
    """Whether `item` is `*`, a number or a range within the limits, with an optional step."""
    found = _CRON_ITEM.fullmatch(item)
    if found is None:
        return False
    low = int(found["low"] or lowest)
    high = int(found["high"] or low)
    return lowest <= low <= high <= highest


class EnvironmentSettings(_Part):
    """What one environment is asked for."""

    data_source: str
    size: Size = "small"
    approvers: tuple[Person, ...] = ()
    approval: Approval = "none"
    live_test: LiveTest = "direct"
    budget_month: Annotated[float, Field(ge=0)] = 0.0
    quotas: Quotas = Quotas()
    retraining: Retraining = Retraining()

    @model_validator(mode="after")
    def _someone_to_ask(self) -> Self:
        if self.approval == "required" and not self.approvers:
            raise ValueError("approval: required needs at least one name under approvers")
        return self


class Environments(_Part):
    """The three environments of every use case."""

    dev: EnvironmentSettings
    staging: EnvironmentSettings
    prod: EnvironmentSettings


class Manifest(_Part):
    """A use case as its owner states it. Seeded once by the template, then edited by people, never re-rendered."""

    manifest_version: Annotated[Literal[1], Field(alias="schema")] = 1
    use_case: UseCaseName
    title: Annotated[str, Field(min_length=1, max_length=120)]
    owner: Person
    team: Annotated[str, Field(min_length=1, max_length=60)]
    cost_center: Annotated[str, Field(min_length=1, max_length=40)] = "unassigned"
    problem: Literal["classification"]
    scoring: Literal["online"]
    models: Annotated[tuple[ModelEntry, ...], Field(min_length=1, max_length=1)]
    risk: Risk
    data_classification: Classification
    target: Literal["local"] = "local"
    train_in: Literal["dev"] = "dev"
    monitors: Monitors
    people: People
    environments: Environments

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _say_what_is_not_there_yet(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("train_in") == "prod":
            raise ValueError(_NOT_YET_TRAIN_IN_PROD)
        return values

    @property
    def package(self) -> str:
        """Python package that holds the science."""
        return names.package(self.use_case)

    def settings(self, environment: str) -> EnvironmentSettings:
        """What the manifest asks of `environment`; KeyError when there is no such environment."""
        if environment not in names.ENVIRONMENTS:
            raise KeyError(environment)
        found: EnvironmentSettings = getattr(self.environments, environment)
        return found
