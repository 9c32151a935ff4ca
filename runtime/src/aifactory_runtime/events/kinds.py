"""The kinds of events: how bad each is, which persona takes care of it, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aifactory_runtime.contract import names

Severity = Literal["warning", "critical"]
"""A warning leaves everything running; what is critical has stopped something."""

GATE_REFUSED = "gate_refused"
NOT_CONVERGED = "not_converged"
QUOTA_NEAR = "quota_near"
QUOTA_USED_UP = "quota_used_up"
MONITOR_FAILED = "monitor_failed"
SERVICE_DOWN = "service_down"
SERVICE_ERRORS = "service_errors"
SERVICE_SLOW = "service_slow"
NOT_RECORDED = "not_recorded"
NO_TRAFFIC = "no_traffic"
INPUTS_DO_NOT_FIT = "inputs_do_not_fit"
MISSING_VALUES = "missing_values"
OUT_OF_RANGE = "out_of_range"
STUCK_COLUMN = "stuck_column"
UNSEEN_VALUES = "unseen_values"
DRIFT = "drift"
PREDICTION_DRIFT = "prediction_drift"
SKEW = "skew"
STALE_MODEL = "stale_model"
MODEL_WORSE = "model_worse"
MISCALIBRATED = "miscalibrated"
KPI_WORSE = "kpi_worse"
UNFAIR = "unfair"
RETRAINING_WAITS = "retraining_waits"
RETRAINING_FAILED = "retraining_failed"
EXPERIMENT_TASK = "experiment_task"
DATA_FAULT = "data_fault"
MESSAGE_REFUSED = "message_refused"
CHORE_FAILED = "chore_failed"
AUDIT_BROKEN = "audit_broken"
AUDIT_RESTORED = "audit_restored"
RELEASE_WAITS = "release_waits"
RELEASE_FAILED = "release_failed"
CHALLENGER_WITHDRAWN = "challenger_withdrawn"

_SCIENTIST: names.Persona = "data-scientist"
_ENGINEER: names.Persona = "data-engineer"
_OPERATOR: names.Persona = "operator"
_WINDOW = "a window of predictions without it"
_LABELLED = "a window of labelled predictions without it"
_LOOK = "the next look without it"


@dataclass(frozen=True)
class Kind:
    """One kind of event, and when the problem that it tells of is over."""

    name: str
    severity: Severity
    owner: names.Persona
    what_to_do: str
    closed_by: str


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            GATE_REFUSED,
            "warning",
            _SCIENTIST,
            "read the reasons in the run's gate.json, then change data, features or model",
            "a candidate is registered",
        ),
        Kind(
            NOT_CONVERGED,
            "warning",
            _SCIENTIST,
            "give the training more steps, scale the columns, or change train.parameters in conf/",
            "a training converges",
        ),
        Kind(
            QUOTA_NEAR,
            "warning",
            _SCIENTIST,
            "raise the quota in factory.yaml and run factory up, or use less: at 100 % no pipeline begins",
            "a pipeline begins and less than 80 % is taken, or the quota is used up",
        ),
        Kind(
            QUOTA_USED_UP,
            "critical",
            _SCIENTIST,
            "raise the quota in factory.yaml and run factory up, remove what is not needed, or wait for the next month",
            "a pipeline begins and there is room again; that of compute also at the end of the month",
        ),
        Kind(
            MONITOR_FAILED,
            "critical",
            _SCIENTIST,
            "read the reason and mend it: until then nobody watches this",
            "the monitor works again",
        ),
        Kind(
            SERVICE_DOWN,
            "critical",
            _OPERATOR,
            "see factory status and factory logs, then factory start or factory up",
            _LOOK,
        ),
        Kind(
            SERVICE_ERRORS,
            "critical",
            _OPERATOR,
            "read factory logs; roll back if it began with a release",
            _LOOK,
        ),
        Kind(
            SERVICE_SLOW,
            "warning",
            _OPERATOR,
            "look what else runs on the machine, then raise size in factory.yaml or choose a faster model",
            _LOOK,
        ),
        Kind(
            NOT_RECORDED,
            "critical",
            _OPERATOR,
            "make room on the disk: predictions are refused, or given without a record",
            _LOOK,
        ),
        Kind(
            NO_TRAFFIC,
            "warning",
            _OPERATOR,
            "ask those who call the service whether they stopped, or raise monitoring.longest_silence_hours",
            _LOOK,
        ),
        Kind(
            INPUTS_DO_NOT_FIT,
            "critical",
            _ENGINEER,
            "compare what is sent with schema.py, and mend the source",
            _WINDOW,
        ),
        Kind(
            MISSING_VALUES,
            "warning",
            _ENGINEER,
            "find where the values are lost, and mend the source; do not retrain on such data",
            _WINDOW,
        ),
        Kind(
            OUT_OF_RANGE,
            "warning",
            _ENGINEER,
            "look for another unit or a broken sensor, and mend the source; if the values are right, acknowledge them",
            _WINDOW,
        ),
        Kind(
            STUCK_COLUMN,
            "warning",
            _ENGINEER,
            "look why the source sends one value only, and mend it",
            _WINDOW,
        ),
        Kind(
            UNSEEN_VALUES,
            "warning",
            _ENGINEER,
            "look whether the values are right; if so, acknowledge them, and train with rows that have them",
            _WINDOW,
        ),
        Kind(
            DRIFT,
            "warning",
            _SCIENTIST,
            "look whether the source or the world has changed; retrain only for the world",
            _WINDOW,
        ),
        Kind(
            PREDICTION_DRIFT,
            "warning",
            _SCIENTIST,
            "look which columns drift too, and whether labels say that the model is worse",
            _WINDOW,
        ),
        Kind(
            SKEW,
            "warning",
            _SCIENTIST,
            "look whether the model was trained on rows like those it is asked about",
            _WINDOW,
        ),
        Kind(
            STALE_MODEL,
            "warning",
            _SCIENTIST,
            "train again, or raise monitoring.max_age_days",
            "a newer model is champion",
        ),
        Kind(
            MODEL_WORSE,
            "warning",
            _SCIENTIST,
            "see in which slices and columns, then train again, or roll back if it began with a release",
            _LABELLED,
        ),
        Kind(
            MISCALIBRATED,
            "warning",
            _SCIENTIST,
            "do not act upon its probabilities, or its mean error, until it is trained again",
            _LABELLED,
        ),
        Kind(
            KPI_WORSE,
            "warning",
            _SCIENTIST,
            "look with the domain expert whether the model or the business has changed; roll back if a release did it",
            _LABELLED,
        ),
        Kind(
            UNFAIR,
            "warning",
            _SCIENTIST,
            "look with the model validator at the groups it names: roll back if a release did it, else train again",
            _LABELLED,
        ),
        Kind(
            RETRAINING_WAITS,
            "warning",
            _SCIENTIST,
            "read python -m <package> requests, then requests approve KEY or requests refuse KEY",
            "no request waits for a person",
        ),
        Kind(
            RETRAINING_FAILED,
            "warning",
            _SCIENTIST,
            "read the reason in python -m <package> requests, mend it, then python -m <package> retrain",
            "a requested training comes to an end",
        ),
        Kind(
            EXPERIMENT_TASK,
            "warning",
            _SCIENTIST,
            "the same way of training was refused three times running: try other features, data or models",
            "a candidate is registered, or a person closes it",
        ),
        Kind(
            DATA_FAULT,
            "critical",
            "data-engineer",
            "mend the source that the facts name: the drift comes from it, so no training helps",
            "the monitor finds no fault in the data any more",
        ),
        Kind(
            MESSAGE_REFUSED,
            "warning",
            "operator",
            "look at the file in inbox/.refused, and ask again with a readable file of at most 64 kB",
            "a person closes it",
        ),
        Kind(
            CHORE_FAILED,
            "warning",
            "operator",
            "read the reason: until it works nobody watches, or the disk fills",
            "the chore works again",
        ),
        Kind(
            AUDIT_BROKEN,
            "critical",
            _OPERATOR,
            "find out who wrote to the log: `audit` names the line; a backup has the log as it was",
            "a daily look at a log that holds",
        ),
        Kind(
            AUDIT_RESTORED,
            "warning",
            _OPERATOR,
            "ask who is named whether that restore was meant: anchored lines of the log went with it; then close this",
            "a person closes it",
        ),
        Kind(
            RELEASE_WAITS,
            "warning",
            "model-validator",
            "read what factory release says, then factory approve",
            "the candidate is released, or refused",
        ),
        Kind(
            RELEASE_FAILED,
            "warning",
            "ml-engineer",
            "read the reason, mend it, then factory release by hand",
            "a later candidate is released",
        ),
        Kind(
            CHALLENGER_WITHDRAWN,
            "warning",
            _SCIENTIST,
            "read the reason, then train a better one, or try it again: factory release with --version",
            "another live test begins, or a person closes it",
        ),
    )
}
"""Every kind that this runtime writes, by its name."""


def of(name: str) -> Kind:
    """The kind called `name`; a newer runtime may have written one that is not in the table."""
    unknown = "a newer version of the factory wrote this: see its docs/events.md"
    return KINDS.get(name) or Kind(name, "warning", _SCIENTIST, unknown, "as that version says")
