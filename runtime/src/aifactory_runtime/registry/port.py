"""What the pipeline and a release ask of a tracking server and model registry, whatever product stands behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

PREFIX = "aifactory."
COMMIT = PREFIX + "commit"
"""Commit that a model was trained from."""
DIRTY = PREFIX + "dirty"
LOCK = PREFIX + "lock_sha256"
CODE = PREFIX + "code_sha256"
SCIENCE = PREFIX + "science_sha256"
"""See `pipeline.reproduction.science`; a version from before there was one has none."""
NUMERIC = PREFIX + "numeric"
"""Numeric packages with their versions that a model was trained with."""
OPERATIONS = PREFIX + "operations."
"""Begins the tags that say what ran the science: version and digest of the runtime, digest of the factory's lock."""
SAME_ANSWERS = PREFIX + "same_answers_with"
"""Other such packages that the model was found to answer alike with: digests, parted by spaces, the last one newest."""
IMPORTED = PREFIX + "imported"
MODEL_SHA256 = PREFIX + "model_sha256"
METRIC = PREFIX + "metric."
"""The model's own figures on the test rows; the baseline's beside them carry `baseline.`."""
FIGURES = PREFIX + "figures"
"""What to know before the figures of a run or version are read; absent where there is nothing to say."""
GATE = PREFIX + "gate"
"""Verdict of the gate on a run and on the version registered from it: `passed` or `refused`."""
GATE_PASSED = "passed"
NOT_COMPARED = PREFIX + "not_compared"
"""Why the gate did not hold a run, and the version registered from it, against the champion that was there."""
WINDOW = PREFIX + "window"
"""What the newest labelled rows said of a run, and of the version registered from it, in a sentence."""
CAPTURED = PREFIX + "captured"
"""`<environment>@<sequence>`: labels of captured predictions up to this one may be among the rows of a version."""
REPORT_SHA256 = PREFIX + "gate_sha256"
EXPECTED = PREFIX + "expected"
"""What the gate found on the test rows, with its noise, as JSON: monitors hold the model's labelled traffic against it.
A version from before there was one has none."""
DATA_OF = PREFIX + "data."
"""Begins the tags that say which version of a table was used; the table's name follows."""
DATA = (DATA_OF + "raw", DATA_OF + "prepared", DATA_OF + "reference")
AUTHORS = PREFIX + "authors"
"""Whose change a version is: see `registry.authors`."""
APPROVED_MODEL = PREFIX + "approves.model_sha256"
APPROVED_REPORT = PREFIX + "approves.report_sha256"
CERTIFIED_GATE = PREFIX + "certifies.gate_sha256"
"""Digest of the gate that a validator certified; `WITHDRAWN_GATE` once they took that back."""
WITHDRAWN_GATE = "withdrawn"
CERTIFIED_COUNT = PREFIX + "certifies.count"
"""Which of a validator's certificates and withdrawals it is, as ten digits: the highest counts, whatever clocks say."""

STAGE = PREFIX + "stage"
RELEASED_WITH = PREFIX + "released_with"
"""Commits of code, parted by spaces, that a version was served with since it became champion; the last one is now."""
PREVIOUS = PREFIX + "previous"
"""Version that was champion before this one."""
FAILED = "failed"
"""Stage of a version that did not pass its environment's test."""
PIPELINE_RUN = PREFIX + "pipeline_run"
TRAINING_RUN = PREFIX + "training_run"
"""MLflow run that trained the model, as `<environment>/<run id>`; a release into another environment writes it."""

CHAMPION = "champion"
CHALLENGER = "challenger"
"""An alias is moved, never deleted (that needs rights nobody has): on the champion it means there is no challenger."""


@dataclass(frozen=True)
class Version:
    """One registered version; `tags` carry their full names."""

    number: int
    model_sha256: str
    run_id: str
    tags: Mapping[str, str]

    def trained(self, environment: str) -> tuple[str, str]:
        """Environment that it was trained in, and its pipeline run there, empty without one.

        `environment` is the one that this version is registered in.
        """
        return self.tags.get(TRAINING_RUN, environment).partition("/")[0], self.tags.get(PIPELINE_RUN, "")


@dataclass(frozen=True)
class Head:
    """Number and digest of a line of an audit log, as they were written where the log's writers cannot write."""

    sequence: int
    sha256: str
    at: datetime | None = None
    """When it was written there; None for one from before that was kept."""


@dataclass(frozen=True)
class Approval:
    """A person's yes to one model and one gate report. Only that person can write where it lies."""

    person: str
    model_sha256: str
    report_sha256: str
    user_id: str
    """Whose login wrote it, as the tracking server or the cloud says."""
    time: int
    """Milliseconds since 1970, by the server."""


@dataclass(frozen=True)
class Certificate:
    """What a validator said last of the gate. Only that person can write where it lies."""

    person: str
    gate_sha256: str | None
    """None when they took their certificate back."""
    user_id: str
    """Who the tracking server says started the run."""


class Registry(Protocol):
    """Tracking and registry of one environment, under one identity. Every call raises FactoryError in one line."""

    def start_run(self, name: str, tags: Mapping[str, str], parent: str | None = None) -> str:
        """Begin a run in the environment's experiment, below the run `parent` if there is one, and return its id."""

    def log(
        self,
        run_id: str,
        params: Mapping[str, object] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Add to a run; a parameter once written cannot change."""

    def log_file(self, run_id: str, name: str, content: bytes) -> None:
        """Keep a small file with the run."""

    def log_data(
        self, run_id: str, name: str, digest: str, columns: Mapping[str, str], about: Mapping[str, Any]
    ) -> None:
        """Say which table a run learned from: its columns with their Arrow types, and what else leads to it."""

    def judge_by(self, metric: str, *, lower_is_better: bool) -> None:
        """Say which figure decides, so that lists of runs show it first."""

    def finish_run(self, run_id: str, failed: bool = False) -> None:
        """End a run."""

    def register(self, folder: Path, tags: Mapping[str, str], run_id: str | None = None) -> Version:
        """Register the model folder, once: equal model and data give the version that is there.

        Where files lie with runs, those without `run_id` go to a run of their own in the environment's experiment.
        """

    def versions(self) -> Sequence[Version]:
        """All versions, oldest first."""

    def version(self, number: int) -> Version:
        """One version; FactoryError when there is none of that number."""

    def by_alias(self, alias: str) -> Version | None:
        """The version an alias points at."""

    def set_alias(self, alias: str, number: int) -> None:
        """Point an alias at a version."""

    def set_tag(self, number: int, key: str, value: str) -> None:
        """Set one tag of a version."""

    def artifact_address(self, version: Version) -> str:
        """Where the files lie: a folder on disk, an `mlflow-artifacts:` or an `s3:` address."""

    def download(self, version: Version, folder: Path) -> None:
        """Copy the files to `folder` and check them against the version's digest; FactoryError leaves no folder."""

    def record_approval(self, person: str, model_sha256: str, report_sha256: str) -> None:
        """Write an approval where only `person` can."""

    def approvals(self, person: str) -> Sequence[Approval]:
        """What `person` approved, newest first; empty when there is no place for it."""

    def anchored(self) -> Sequence[Head] | None:
        """Heads of this environment's audit log, oldest first; None where there is no place for any."""

    def record_certificate(self, person: str, gate_sha256: str | None) -> None:
        """Write a certificate of the gate, or None that it is withdrawn, where only `person` can."""

    def certificate(self, person: str) -> Certificate | None:
        """What `person` said last of the gate; None when they never did, or there is no place for it."""
