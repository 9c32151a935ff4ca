"""Labels and predictions as a service records them, in folders of a test."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from aifactory_runtime.capture.log_file import LogFile
from aifactory_runtime.contract import EnvironmentContract, derived
from aifactory_runtime.labels import line as labels
from aifactory_runtime.labels.line import Line
from aifactory_runtime.labels.rules import stamp
from tests.unit.runtime.capture import lines

HOUR = 3_600


def contract(folder: Path) -> EnvironmentContract:
    """An environment whose folders are below `folder`."""
    names = dict.fromkeys(("tracking_uri", "registry_uri", "experiment", "model_name", "data_source"), "-")
    values = {"use_case": "churn", "environment": "dev", "identity": "ana", "snapshot_uri": str(folder)}
    return EnvironmentContract.model_validate({**names, **values, **derived.folders(folder)})


def at(seconds: float) -> str:
    """A moment, in seconds after the first prediction."""
    return stamp(lines.START + timedelta(seconds=seconds))


def prediction(number: int) -> str:
    """Id of the prediction that `predict` makes of this number: an hour after the one before."""
    return lines.prediction_id(number, lines.START + timedelta(seconds=number * HOUR))


def predict(folder: Path, numbers: range, **inputs: Any) -> None:
    """Record predictions, one an hour; their inputs are `age`, the number, and what is given besides."""
    log = LogFile(folder / "capture")
    for number in numbers:
        values = json.loads(lines.line(number, number * HOUR) + b"}")
        values["inputs"] |= inputs
        log.append([json.dumps(values).encode()[:-1]])
    log.close()


def label(identity: str, value: Any, received: float, **more: Any) -> Line:
    """A label that was received so many seconds after the first prediction."""
    encoded = msgspec.Raw(msgspec.json.encode(value))
    return Line(id=identity, time=at(received), by=more.pop("by", "app.churn.dev"), label=encoded, **more)


def send(folder: Path, *sent: Line) -> None:
    """Record labels."""
    log = labels.log(folder / "capture")
    log.append([labels.encoded(one) for one in sent])
    log.close()
