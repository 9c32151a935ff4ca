"""Tags that a release reads and writes on registered versions; those of a pipeline run are written by `register`."""

from __future__ import annotations

from aifactory_runtime.registry.port import (
    CAPTURED,
    CODE,
    COMMIT,
    DATA,
    DIRTY,
    FAILED,
    GATE,
    IMPORTED,
    LOCK,
    MODEL_SHA256,
    NOT_COMPARED,
    NUMERIC,
    OPERATIONS,
    PREFIX,
    PREVIOUS,
    RELEASED_WITH,
    REPORT_SHA256,
    SAME_ANSWERS,
    SCIENCE,
    STAGE,
    TRAINING_RUN,
    WINDOW,
)

__all__ = [
    "CAPTURED",
    "CODE",
    "COMMIT",
    "DIRTY",
    "FAILED",
    "IMPORTED",
    "LOCK",
    "NUMERIC",
    "OPERATIONS",
    "PREVIOUS",
    "RELEASED_WITH",
    "SAME_ANSWERS",
    "SCIENCE",
    "STAGE",
    "TRAINING_RUN",
    "WINDOW",
]

SCHEMA = PREFIX + "schema_sha256"

INTEGRATION = PREFIX + "integration_sha256"
"""Digest of the integration test's report; only a version that passed has it."""
APPROVED_BY = PREFIX + "approved_by"
FROM = PREFIX + "from"
"""`<environment>/<version>` that the bytes were copied from."""

TAKEN_BACK = PREFIX + "taken_back"
FAILED_WITH = PREFIX + "failed_with"
"""Commits of code, parted by spaces, that were rolled back here, or failed the test; see `code_history`."""
TESTED_WITH = PREFIX + "tested_with"
"""Commit of code that the integration test passed with; without it the one that the model was trained from."""
TRIAL = PREFIX + "trial"
"""The last live test of a version here, as JSON; see `live_test.Record`."""
TRIAL_KPI = PREFIX + "trial_kpi"
"""Text of kpi.py when that test began, where it works out the KPI."""
LABELS = PREFIX + "newest_labels"
"""What the newest labels of this environment said of a version before it became champion here."""
OF_ENVIRONMENT = frozenset(
    {LABELS, STAGE, PREVIOUS, APPROVED_BY, RELEASED_WITH, TAKEN_BACK, FAILED_WITH, TRIAL, TRIAL_KPI}
)
"""What an environment says for itself: a copy elsewhere does not carry it."""

TESTED = "tested"
RETIRED = "retired"
WITHDRAWN = "withdrawn"
"""Stages beside `candidate`, `champion` and `failed`: passed staging's test; replaced; rolled back."""

AUDITED = frozenset(
    {COMMIT, DIRTY, PREFIX + "kind", LOCK, CODE, SCIENCE, *DATA, MODEL_SHA256, GATE, NOT_COMPARED, REPORT_SHA256}
    | {NUMERIC, SAME_ANSWERS, INTEGRATION, FROM, WINDOW, CAPTURED}
)
"""Tags whose values every audit line of a release repeats; baseline metrics are added by their prefix."""
BASELINE = PREFIX + "baseline."
