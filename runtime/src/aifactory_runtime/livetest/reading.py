"""Reads the recorded rows of a live test: what was answered, what the other model says, and what came true."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from aifactory_runtime.labels.joined import JOINED, Window, joined
from aifactory_runtime.livetest import proxies
from aifactory_runtime.livetest.rows import Row
from aifactory_runtime.serving.trial import scores_log
from aifactory_runtime.serving.trial.running import Mark

if TYPE_CHECKING:
    import pandas as pd

    from aifactory_runtime.contract import EnvironmentContract
    from aifactory_runtime.contract.kpi import Says
    from aifactory_runtime.contract.manifest import Labels
    from aifactory_runtime.release.live_test import Record

_MARK = msgspec.json.Decoder(Mark)


def rows(
    contract: EnvironmentContract, settings: Labels, record: Record, now: datetime, says: Says | None = None
) -> list[Row]:
    """The rows that belong to the test, with the labels that count `now`; `settings` are `labels` of its rules.

    `says` is the repo's `kpi`; without it the figure that a label brings is the KPI of the answer that was given.
    """
    others = {score.id: score.output for score in scores_log.read(Path(contract.capture_uri), record.id)}
    frames = joined(contract, settings, Window(_began(record), now + timedelta(milliseconds=1)), now=now)
    return [row for frame in frames for row in _rows(frame, record, others, says)]


def _rows(frame: pd.DataFrame, record: Record, others: dict[str, Any], says: Says | None) -> Iterator[Row]:
    began, watched = _began(record), record.stated_proxies
    for line in frame[frame["trial"] != ""].to_dict("records"):
        mark = _MARK.decode(line["trial"])
        if mark.id != record.id:
            continue
        known, other = line["state"] == JOINED, others.get(line["prediction_id"])
        given = msgspec.json.decode(line["output"])
        label = msgspec.json.decode(line["label"]) if known else None
        yield Row(
            asked=_since(began, line["time"]),
            labelled=_since(began, line["label_time"]) if known else math.nan,
            label=label,
            key=mark.key,
            turn=mark.arm,
            role=line["role"],
            given=given["prediction"],
            other=other["prediction"] if other else None,
            figures=proxies.values(watched, given),
            other_figures=proxies.values(watched, other),
            **(_kpi(line, (given, other), label, says) if known else {}),
        )


def _kpi(line: Mapping[Any, Any], outputs: tuple[Any, Any], label: Any, says: Says | None) -> dict[str, float]:
    """What the row is worth with the answer that was given, and with the other one."""
    import pandas as pd

    if says is None:
        return {} if pd.isna(line["kpi"]) else {"kpi": float(line["kpi"])}
    inputs = msgspec.json.decode(line["inputs"])
    given, other = (says(inputs, output, label) if output else math.nan for output in outputs)
    return {"kpi": given, "other_kpi": other}


def _began(record: Record) -> datetime:
    return datetime.fromisoformat(record.began)


def _since(began: datetime, time: str) -> float:
    return (datetime.fromisoformat(time) - began).total_seconds()
