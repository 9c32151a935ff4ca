"""The manifest, `factory.yaml`: what a use case is and what it asks of each environment. Unknown keys are refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from aifactory_runtime.contract import addresses, cron, names
from aifactory_runtime.contract.channels import Channels
from aifactory_runtime.contract.kpi import KPI, Kpi
from aifactory_runtime.contract.people import People, Person
from aifactory_runtime.contract.recording import CaptureColumns
from aifactory_runtime.contract.scheduler_address import SchedulerAddress
from aifactory_runtime.contract.trial import Seconds, Trial

MANIFEST_VERSION = 1

UseCaseName = Annotated[str, AfterValidator(names.check_use_case)]
Address = Annotated[str, AfterValidator(addresses.check)]
"""A path or an address of a table; it stands in git, so it holds no secret."""
Size = Literal["small", "medium", "large"]
Risk = Literal["low", "limited", "high"]
Classification = Literal["public", "internal", "confidential", "restricted"]
Approval = Literal["none", "required"]
LiveTest = Literal["direct"]
Capture = Literal["required", "best-effort"]
Policy = Literal["automatic", "approval", "off"]
EnvironmentName = Literal["dev", "staging", "prod"]
Problem = Literal["classification", "regression"]
Scoring = Literal["online", "batch", "both"]
TrainIn = Literal["dev", "prod"]

TRAINED_IN_PROD: frozenset[Classification] = frozenset({"confidential", "restricted"})
"""Classifications whose data stay in prod unless the manifest says `train_in: dev`."""


def _written_off(value: object) -> object:
    return "off" if value is False else value  # which is what YAML takes the word for


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


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
    """What the use case may take of the environment (E5): an alert at 80 %, at the limit no pipeline begins."""

    disk_gb: Annotated[float, Field(gt=0)] = 5.0
    """Gigabytes in its folders."""
    compute_hours: Annotated[float, Field(gt=0)] = 20.0
    """Hours of its pipelines in a calendar month."""


Cron = Annotated[str, AfterValidator(cron.check)]
"""A cron expression in UTC."""


class Retention(_Part):
    """How long rows stay, and when what is no longer needed is removed. What a person keeps stays longer."""

    predictions_days: Annotated[int, Field(ge=1, le=36_500)] = 200
    """Days for which predictions stay, of the service and of batches: over six months."""
    labels_days: Annotated[int, Field(ge=1, le=36_500)] = 400
    events_days: Annotated[int, Field(ge=1, le=36_500)] = 400
    """An event stays longer while its problem is open."""
    monitors_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    """Days for which the results of monitors stay; null means as long as events. Those that an open problem or a live
    test needs, and the last ones of each kind, stay longer."""
    audit_days: Annotated[int, Field(ge=1, le=36_500)] = 400
    """Days for which a line of the audit log cannot be removed, where the target can hold everybody to it."""
    schedule: Cron | None = "23 3 * * *"
    """When it is tidied; null means by hand only."""

    @model_validator(mode="after")
    def _labels_outlive_predictions(self) -> Self:
        if self.labels_days < self.predictions_days:
            raise ValueError(
                f"labels_days: {self.labels_days} is less than predictions_days: {self.predictions_days}: a prediction "
                "that stays would lose its label"
            )
        return self


class Labels(_Part):
    """How labels, what came true, find the predictions that they are of."""

    key: Annotated[str, Field(min_length=1)] | None = None
    """Column whose value a label may name in place of a prediction's id: of the service one that its model sees, of a
    batch any. None: by id only."""
    wait: Seconds = 0.0
    """How long after a prediction its label counts; one that comes earlier waits. As 30s, 10m, 12h or 7d."""


class Retraining(_Part):
    """When the released pipeline runs again: by the calendar, by hand, and for what else happens."""

    schedule: Cron | None = None
    """No schedule means none by the calendar."""
    policy: Annotated[Policy, BeforeValidator(_written_off)] = "approval"
    """What becomes of a request that neither the schedule nor a person by hand made: `approval` asks one first."""
    pace: Seconds = 86_400.0
    """The least time between two trainings that happen by themselves: seconds, or 30s, 10m, 12h, 7d."""


class Batch(_Part):
    """When the released model scores a table, and which; no schedule means by hand, no source the `data_source`."""

    schedule: Cron | None = None
    source: Annotated[Address, Field(min_length=1)] | None = None


class Compute(_Part):
    """A Dask cluster that the environment brings: workers that run for the time of a run, one run at a time."""

    engine: Literal["dask"]
    workers: Annotated[int, Field(ge=1, le=64)] = 2
    memory_gb: Annotated[float, Field(ge=0.5)] = 2.0
    """Gigabytes that each worker may take."""
    threads: Annotated[int, Field(ge=1, le=64)] = 1
    """Partitions that a worker computes at a time; they share its memory."""


class EnvironmentSettings(_Part):
    """What one environment is asked for."""

    data_source: Annotated[Address, Field(min_length=1)]
    size: Size = "small"
    endpoint: bool | None = None
    """Whether requests are answered here; null: everywhere but in a cloud's dev, where it would bill while idle."""
    approvers: tuple[Person, ...] = ()
    approval: Approval = "none"
    certified_gate: bool = False
    """Whether a release needs no person while a model validator has certified the gate that judged its model."""
    live_test: LiveTest = "direct"
    """What releases up to 0.2.0 read, and know no other value of; `trial` says how a successor is tried."""
    trial: Trial = Trial()
    capture: Capture = "required"
    """What a prediction that cannot be recorded becomes: none, answered with 503, or one that is given and counted."""
    capture_columns: CaptureColumns = {}
    """By input column what is recorded of a prediction: drop, hash (with a key) or keep; `*` is every other column."""
    budget_month: Annotated[float, Field(ge=0)] = 0.0
    quotas: Quotas = Quotas()
    retention: Retention = Retention()
    retraining: Retraining = Retraining()
    batch: Batch = Batch()
    compute: Compute | None = None
    """A cluster that `factory up` brings; none means that everything is computed in one process."""
    cluster: SchedulerAddress | None = None
    """Scheduler of a cluster that others run: tls:// with certificates, or tcp:// on this machine's loopback."""
    notify: Channels = ()
    """Where people are told of problems; nothing means that nobody is."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.approval == "required" and not self.approvers:
            raise ValueError("approval: required needs at least one name under approvers")
        if self.compute is not None and self.cluster is not None:
            raise ValueError("compute and cluster are two clusters: leave one of them out")
        if self.certified_gate and self.approval == "none":
            raise ValueError("certified_gate: true is for approval: required; with approval: none nobody is asked")
        return self


class Environments(_Part):
    """The three environments of every use case."""

    dev: EnvironmentSettings
    staging: EnvironmentSettings
    prod: EnvironmentSettings


def _number(schema: Any) -> Any:
    if isinstance(schema, bool):  # which Python takes for 1
        raise ValueError("schema is a number: write schema: 1")
    if isinstance(schema, int) and schema > 1:
        raise ValueError(
            f"schema {schema} is of a newer factory, and this one reads 1: the repo stays, the tool has to move: "
            "install the release that the repo names"
        )
    return schema


def _where_data_stay(values: dict[str, Any]) -> TrainIn:
    """Where a use case trains that does not say so."""
    return "prod" if values.get("data_classification") in TRAINED_IN_PROD else "dev"


class Manifest(_Part):
    """A use case as its owner states it. Seeded once by the template, then edited by people, never re-rendered."""

    manifest_version: Annotated[Literal[1], BeforeValidator(_number), Field(alias="schema")] = 1
    use_case: UseCaseName
    title: Annotated[str, Field(min_length=1, max_length=120)]
    owner: Person
    team: Annotated[str, Field(min_length=1, max_length=60)]
    cost_center: Annotated[str, Field(min_length=1, max_length=40)] = "unassigned"
    problem: Problem
    scoring: Scoring
    models: Annotated[tuple[ModelEntry, ...], Field(min_length=1, max_length=1)]
    risk: Risk
    data_classification: Classification
    target: names.Target = "local"
    platform: Annotated[str, Field(min_length=1), AfterValidator(addresses.check)] | None = None
    """Where the company's platform in a cloud wrote its outputs, as `s3://bucket`; none for target: local."""
    train_in: Annotated[TrainIn, Field(default_factory=_where_data_stay)]
    """Left out, it follows from the classification: prod for confidential data and above."""
    monitors: Monitors
    people: People
    labels: Labels = Labels()
    kpi: Kpi | None = None
    environments: Environments

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)

    @model_validator(mode="after")
    def _platform_of_its_target(self) -> Self:
        if self.target == names.LOCAL and self.platform is not None:
            raise ValueError("platform: target: local has none; leave platform out, or name the cloud under target")
        if self.target != names.LOCAL and self.platform is None:
            raise ValueError(
                f"platform: target: {self.target} needs the address where the platform wrote its outputs; "
                "write platform: s3://bucket, as whoever set the platform up tells it"
            )
        return self

    @model_validator(mode="after")
    def _schedules_that_can_run(self) -> Self:
        for name in names.ENVIRONMENTS:
            wanted = self.settings(name)
            if wanted.retraining != Retraining() and name not in ("dev", self.train_in):
                raise ValueError(
                    f"environments.{name}.retraining: nothing is trained in {name} with train_in: {self.train_in}; "
                    f"put the schedule, policy and pace under {self.train_in}"
                )
            if wanted.batch != Batch() and not self.scores_batches:
                raise ValueError(
                    f"environments.{name}.batch: scoring: {self.scoring} scores no batches; write scoring: both, "
                    "or leave batch out"
                )
        return self

    @model_validator(mode="after")
    def _endpoints_that_can_be_left_out(self) -> Self:
        for name in names.ENVIRONMENTS:
            asked = self.settings(name).endpoint
            if asked is not None and self.target == names.LOCAL:
                raise ValueError(
                    f"environments.{name}.endpoint: with target: local the service bills nothing while it waits, so "
                    "it is always there; leave endpoint out"
                )
            if asked and not self.serves:
                raise ValueError(
                    f"environments.{name}.endpoint: scoring: batch answers no requests; write scoring: both, or leave "
                    "endpoint out"
                )
        return self

    @model_validator(mode="after")
    def _clusters_where_rows_are_many(self) -> Self:
        for name in names.ENVIRONMENTS:
            wanted = self.settings(name)
            asked = "compute" if wanted.compute is not None else "cluster" if wanted.cluster is not None else None
            if asked and name not in ("dev", self.train_in) and not self.scores_batches:
                raise ValueError(
                    f"environments.{name}.{asked}: {name} neither trains (train_in: {self.train_in}) nor scores "
                    f"batches (scoring: {self.scoring}), so nothing would run there; leave {asked} out"
                )
        return self

    @model_validator(mode="after")
    def _tried_where_requests_come(self) -> Self:
        for name in names.ENVIRONMENTS:
            kind = self.settings(name).trial.kind
            if kind != "direct" and (name != "prod" or not self.serves):
                found = "scoring: batch has no requests" if name == "prod" else f"{name} has no live traffic"
                raise ValueError(f"environments.{name}.trial: {found} to try a model on; write kind: direct")
        wrong = [
            one.name
            for one in self.settings("prod").trial.proxies
            if (one.figure == "prediction") is not (self.problem == "regression")
        ]
        if wrong:
            what = "figure: prediction" if self.problem == "regression" else "figure: share, of a class, or confidence"
            raise ValueError(f"environments.prod.trial.proxies: {wrong[0]} is none of a {self.problem}: write {what}")
        if self.kpi is not None and self.kpi.field is not None and self.settings("prod").trial.kind == "shadow":
            raise ValueError(
                f"environments.prod.trial: labels bring {self.kpi.field} only of the answer that was given, so a "
                "shadow has none: write kind: ab, or leave kpi.field out and write kpi.py"
            )
        return self

    @property
    def serves(self) -> bool:
        """Whether a scoring service answers requests."""
        return self.scoring != "batch"

    def serves_in(self, environment: str) -> bool:
        """Whether requests are answered in `environment`: in a cloud's dev only when it says `endpoint: true`."""
        asked = self.settings(environment).endpoint
        there = self.target == names.LOCAL or environment != "dev" if asked is None else asked
        return self.serves and there

    @property
    def scores_batches(self) -> bool:
        """Whether tables are scored, on a schedule or by hand."""
        return self.scoring != "online"

    @property
    def kpi_field(self) -> str:
        """What labels call the figure that they bring."""
        return self.kpi.field or KPI if self.kpi else KPI

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
