"""Reads the recorded rows of a live test: what was answered, what the other model says, and what came true."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from aifactory_runtime.labels.joined import JOINED, Window, joined
from aifactory_runtime.livetest.rows import Row
from aifactory_runtime.serving.trial import scores_log
from aifactory_runtime.serving.trial.running import Mark

if TYPE_CHECKING:
    from aifactory_runtime.contract import EnvironmentContract
    from aifactory_runtime.contract.manifest import Labels
    from aifactory_runtime.release.live_test import Record

_MARK = msgspec.json.Decoder(Mark)


def rows(contract: EnvironmentContract, settings: Labels, record: Record, now: datetime) -> list[Row]:
    """The rows that belong to the test, with the labels that count `now`; `settings` are `labels` of the manifest."""
    others = {score.id: score.output for score in scores_log.read(Path(contract.capture_uri), record.id)}
    return list(_rows(contract, settings, record, others, now))


def _rows(
    contract: EnvironmentContract, settings: Labels, record: Record, others: dict[str, Any], now: datetime
) -> Iterator[Row]:
    began = datetime.fromisoformat(record.began)
    for frame in joined(contract, settings, Window(began, now + timedelta(milliseconds=1)), now=now):
        for line in frame[frame["trial"] != ""].to_dict("records"):
            mark = _MARK.decode(line["trial"])
            if mark.id != record.id:
                continue
            known, other = line["state"] == JOINED, others.get(line["prediction_id"])
            yield Row(
                asked=_since(began, line["time"]),
                labelled=_since(began, line["label_time"]) if known else math.nan,
                label=msgspec.json.decode(line["label"]) if known else None,
                key=mark.key,
                turn=mark.arm,
                role=line["role"],
                given=msgspec.json.decode(line["output"])["prediction"],
                other=other["prediction"] if other else None,
            )


def _since(began: datetime, time: str) -> float:
    return (datetime.fromisoformat(time) - began).total_seconds()
