"""The environment contract: what an environment tells a project. Flat, typed, never secret; ignores unknown keys."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from aifactory_runtime.contract import addresses, names, scheduler_address
from aifactory_runtime.contract.channels import Channels
from aifactory_runtime.contract.manifest import (
    Approval,
    Capture,
    LiveTest,
    Policy,
    Retention,
    Retraining,
    Risk,
    Scoring,
    TrainIn,
)
from aifactory_runtime.contract.recording import CaptureColumns
from aifactory_runtime.contract.trial import Proxy, Trial, TrialKind, TrialLabels

ENVIRONMENT_VERSION = 1
_TRIAL, _RETENTION, _RETRAINING = Trial(), Retention(), Retraining()

_SECRET_KEY = re.compile(r"password|passphrase|secret|private_key|api_key|(^|_)token$", re.IGNORECASE)


def _split(value: object) -> object:
    """Accept the comma-separated form that environment variables and dotenv files have."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


People = Annotated[tuple[str, ...], BeforeValidator(_split)]


def _check_address(key: str, value: str) -> None:
    try:
        addresses.check(value)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


class EnvironmentContract(BaseModel):
    """Where a project finds everything in one environment, whatever the environment runs on.

    Folders and files are absolute paths on the local target and addresses elsewhere. A secret is named by the file
    that holds it (`*_file`), never by its value.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    contract_version: Literal[1] = 1
    use_case: str
    environment: Literal["embedded", "dev", "staging", "prod"]
    target: names.Target = "local"
    identity: str
    """Who the project acts as when it reads this contract; also the stem of `credentials_file`."""
    credentials_file: str | None = None
    """JSON with login and password of `identity`, mode 0600; its folder holds those of the other identities."""

    tracking_uri: str
    registry_uri: str
    experiment: str
    model_name: str

    data_source: str
    batch_source: str | None = None
    """The table that a batch scores; none means `data_source`."""
    data_uri: str
    """Delta tables: raw, prepared, reference, scored."""
    artifact_uri: str
    """Reports and handoffs of pipeline runs."""
    capture_uri: str
    """The prediction log."""
    release_uri: str
    """What is served: serving.json, the `current` link, and what the workers report."""
    snapshot_uri: str
    """Released code by commit and environments by lock hash, shared by all environments."""
    audit_uri: str
    events_uri: str
    logs_uri: str
    """For logs that the project itself writes; the runtime writes none there."""
    inbox_uri: str | None = None
    """A file in this folder asks for a new training; none in environments from before there were requests."""
    triggers_uri: str | None = None
    """Requests to train again, and what the next tick has to look at."""

    endpoint_url: str | None = None
    endpoint_token_file: str | None = None
    """JSON with the bearer token that the scoring service asks for; none means it asks for none."""
    endpoint_callers_uri: str | None = None
    """Folder with a file a caller that says which tokens the scoring service lets in: digests only."""
    orchestrator_url: str | None = None
    """Where the orchestrator shows its runs."""
    dashboard_url: str | None = None
    """Where the dashboard shows the use case here; in contracts from before there was one, the orchestrator."""

    cluster_uri: str | None = None
    """Address of a Dask scheduler; none means that there is no cluster, and everything is computed in one process."""
    cluster_socket: str | None = None
    """Socket of the launcher that starts scheduler and workers for a run; none for a cluster that others run."""
    cluster_tls_file: str | None = None
    """JSON with ca, cert and key, PEM files that this side shows a scheduler at `tls://` and knows it by."""
    cluster_workers: int | None = None
    """Workers, memory of each in gigabytes and partitions at a time of a cluster that the environment brings."""
    cluster_memory_gb: float | None = None
    cluster_threads: int | None = None

    region: str | None = None
    """Where a cloud's environment lies, as eu-central-1; this key and the next ones are none on one machine."""
    account: str | None = None
    """Number of the account that it lies in."""
    endpoint_name: str | None = None
    """What the cloud calls the scoring service; the first release makes it."""
    pipeline_name: str | None = None
    job_role: str | None = None
    """The role that jobs run as: its ARN."""
    service_role: str | None = None
    """The role that the scoring service runs as, which may not register: its ARN."""
    image_uri: str | None = None
    """Repository of the images with the use case's code, without a digest."""
    kms_key: str | None = None
    """The key that everything kept is encrypted with: its ARN."""

    quota_disk_gb: float | None = None
    """Gigabytes that the use case's folders may hold; none sets no limit."""
    quota_compute_hours: float | None = None
    """Hours that its pipelines may take in a calendar month."""

    predictions_days: int = _RETENTION.predictions_days
    """Days for which predictions stay; so for labels and events, see `retention` in the manifest."""
    labels_days: int = _RETENTION.labels_days
    events_days: int = _RETENTION.events_days
    monitors_days: int | None = _RETENTION.monitors_days
    """None is as long as events."""

    approvers: People = ()
    approval: Approval = "none"
    certified_gate: bool = False
    """Whether a release needs no person while the gate that judged its model is certified."""
    validators: People = ()
    """Those of the approvers who may certify the gate; nobody in environments from before there were certificates."""
    live_test: LiveTest = "direct"
    trial: TrialKind = "direct"
    """How a successor is tried on live traffic; of what follows see `contract.trial`. Times are in seconds."""
    trial_share: float = _TRIAL.share
    trial_period: float = _TRIAL.period
    trial_labels: TrialLabels = _TRIAL.labels
    trial_wait: float = _TRIAL.wait
    trial_longest: float = _TRIAL.longest
    trial_timeout: float = _TRIAL.timeout
    trial_proxies: tuple[Proxy, ...] = ()
    trial_errors: float = _TRIAL.guards.errors
    trial_latency: float = _TRIAL.guards.latency
    capture: Capture = "required"
    """Whether a prediction that cannot be recorded is refused, or given all the same."""
    capture_columns: CaptureColumns = {}
    """By input column what is recorded of a prediction: drop, hash or keep; `*` is every other column."""
    capture_key_file: str | None = None
    """JSON with the keys that hash what is recorded, by version, mode 0600; none where it was applied before them."""
    notify: Channels = ()
    """Where people are told of problems; secrets are named by their file."""
    retraining_policy: Policy = _RETRAINING.policy
    """What becomes of a request to train that neither the schedule nor a person by hand made."""
    retraining_pace: float = _RETRAINING.pace
    """Seconds at least between two trainings that happen by themselves."""
    risk: Risk = "low"
    train_in: TrainIn = "dev"
    scoring: Scoring = "online"
    retired: str | None = None
    """Why the use case was stopped here; then nothing is released, served or scheduled until it is revived."""

    @model_validator(mode="after")
    def _nothing_secret(self) -> Self:
        for key, value in self.model_dump().items():
            if _SECRET_KEY.search(key):
                raise ValueError(f"{key} looks like a secret; name the file that holds it instead")
            if isinstance(value, str):
                _check_address(key, value)
        return self

    @model_validator(mode="after")
    def _cluster_that_may_be_spoken_to(self) -> Self:
        if self.cluster_uri is not None:
            if self.environment == names.EMBEDDED:
                raise ValueError("cluster_uri: an environment with nothing provisioned has no cluster")
            scheduler_address.check(self.cluster_uri, certificates=self.cluster_tls_file is not None)
        return self

    @model_validator(mode="after")
    def _trial_that_can_run(self) -> Self:
        self.stated_trial()
        return self

    def stated_trial(self) -> Trial:
        """How a successor is tried here, as it was applied."""
        return Trial.model_validate(
            {
                "kind": self.trial,
                **{key: getattr(self, f"trial_{key}") for key in Trial.model_fields if key not in ("kind", "guards")},
                "guards": {"errors": self.trial_errors, "latency": self.trial_latency},
            }
        )

    @property
    def login(self) -> str:
        """What `identity` is called at the services; with nothing provisioned there are no logins."""
        if self.environment == names.EMBEDDED:
            return self.identity
        return names.login(self.identity, self.use_case, self.environment)

    @property
    def serves(self) -> bool:
        """Whether a scoring service answers requests here; with nothing provisioned `serve` may run by hand."""
        return self.scoring != "batch" and self.retired is None

    @property
    def unasked(self) -> str | None:
        """What to say where people are named to approve and nobody asks them, as older manifests may have it."""
        if self.approval == "required" or not self.approvers:
            return None
        return (
            f"{self.use_case}: {self.environment} names {', '.join(self.approvers)} under approvers; approval: none "
            "asks nobody; write approval: required in factory.yaml, or take them out, then factory up "
            f"{self.environment}"
        )

    def approvals_experiment(self, person: str) -> str:
        """MLflow experiment that only `person` can write."""
        return names.approvals(self.use_case, self.environment, person)
