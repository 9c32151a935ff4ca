"""Names at a cloud that programs make and releases, jobs and alarms meet again. No I/O."""

from __future__ import annotations

from typing import Literal, get_args

Work = Literal["train", "score", "tidy", "tick"]
WORK: tuple[Work, ...] = get_args(Work)
"""Kinds of work with a pipeline: training, scoring a table, removing what need not stay, a look at all else."""

CHAMPION_VARIANT = "champion"
"""The variant that alarms look at."""
ERRORS_ALARM, LATENCY_ALARM = "errors", "latency"

METRICS = "AIFactory"
"""Namespace of the figures that the runtime reports."""
OPEN_PROBLEMS = "OpenProblems"
"""How many problems a monitor (dimension `monitor`: service, data or model) has open; also by use_case, environment."""
MODEL_FIGURE = "ModelFigure"
"""A figure of the champion; dimensions use_case, environment, figure."""
COMPUTE_HOURS = "ComputeHours"
"""Hours of pipelines in this month; dimensions use_case, environment."""


def pipeline(pipeline_name: str, work: Work) -> str:
    """Pipeline of a kind of work; that of training has the contract's `pipeline_name` itself."""
    return pipeline_name if work == "train" else f"{pipeline_name}-{work}"


def alarm(endpoint_name: str, alarm: str) -> str:
    """An alarm of an environment."""
    return f"{endpoint_name}-{alarm}"


def rollback_alarms(endpoint_name: str) -> tuple[str, ...]:
    """Alarms of an endpoint at which a deployment goes back."""
    return alarm(endpoint_name, ERRORS_ALARM), alarm(endpoint_name, LATENCY_ALARM)
