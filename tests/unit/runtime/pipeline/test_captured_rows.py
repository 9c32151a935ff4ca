"""Labelled predictions are added to the rows of the data source; what is not added is counted, or refused by name."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandera.pandas as pandera
import pytest

from aifactory_runtime.audit import log
from aifactory_runtime.capture import reading
from aifactory_runtime.capture.log_file import LogFile
from aifactory_runtime.config import environment
from aifactory_runtime.config.settings import Settings
from aifactory_runtime.contract.manifest import Labels
from aifactory_runtime.data import tables
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline import data_steps, executing
from aifactory_runtime.pipeline.handoff import Handoff
from tests.unit.runtime.capture import lines
from tests.unit.runtime.labels.parts import HOUR, contract, label, predict, prediction, send

HANDOFF = Handoff(id="1", kind="experiment", commit="c", dirty=False, code_sha256="c", lock_sha256="l")
COLUMNS = {
    "id": pandera.Column(int, nullable=True),
    "day": pandera.Column("datetime64[us]"),
    "age": pandera.Column(int),
    "name": pandera.Column(str, nullable=True),
    "churned": pandera.Column(int),
}


class Place:
    """A repo whose table has two rows, and an environment with predictions of ages 0 to 3."""

    def __init__(self, folder: Path, **data: Any) -> None:
        self.folder = folder
        (folder / "table.csv").write_text("id,day,age,name,churned\n1,2026-01-01,41,a,0\n2,2026-01-02,42,b,1\n")
        predict(folder, range(4))
        self.columns = dict(COLUMNS)
        self.settings = Settings.model_validate({"data": data})
        self.contract = contract(folder).model_copy(update={"data_source": "table.csv"})
        self.manifest = SimpleNamespace(labels=Labels(), data_classification="internal", package="churn")

    def ingest(self) -> Any:
        science = SimpleNamespace(
            schema=lambda: pandera.DataFrameSchema(self.columns),
            target=lambda: "churned",
            ignored=lambda: ("id", "day"),
            time=lambda: "day",
        )
        project = SimpleNamespace(
            root=self.folder,
            settings=self.settings,
            manifest=self.manifest,
            science=science,
            environment=SimpleNamespace(contract=self.contract),
        )
        places = {"tables": Path(self.contract.data_uri), "artifacts": Path(self.contract.artifact_uri)}
        found: Any = SimpleNamespace(project=project, settings=self.settings, contract=self.contract, **places)
        found.session = executing.Session(found)
        self.handoff = data_steps.ingest(found, HANDOFF)
        return self.handoff.tables["raw"]

    def rows(self) -> list[tuple[Any, ...]]:
        frame = tables.read(Path(self.contract.data_uri), tables.RAW)
        return list(frame[["age", "name", "churned"]].itertuples(index=False, name=None))


def test_given_labelled_predictions_when_ingested_then_they_are_rows_and_the_same_labels_are_the_same_version(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = Place(tmp_path, add_captured=True)
    before = place.ingest()
    assert place.rows() == [(41, "a", 0), (42, "b", 1)] and before == place.ingest()

    send(
        tmp_path,
        label("a", 1, 9 * HOUR, prediction_id=prediction(3)),
        label("b", 0, 9 * HOUR, prediction_id=prediction(1)),
        label("of none", 0, 9 * HOUR, prediction_id="0" * 32),
    )
    after = place.ingest()

    assert after == place.ingest() != before
    assert place.rows() == [(41, "a", 0), (42, "b", 1), (1, "Å", 0), (3, "Å", 1)]
    raw = tables.read(Path(place.contract.data_uri), tables.RAW)
    assert list(raw["id"].isna()) == [False, False, True, True]
    assert str(raw["day"][3])[:13] == "2026-11-27 02", "no model sees the time: it is when the prediction was made"
    assert "note: 2 labelled predictions of dev are added" in caplog.text and "1 unknown" in caplog.text
    assert place.handoff.captured == {"environment": "dev", "upto": 3, "rows": 2}
    times = np.load(Path(place.contract.artifact_uri) / "runs" / "1" / "captured_times.npy")
    assert times.astype("datetime64[us]").tolist() == [
        lines.START.replace(tzinfo=None) + timedelta(hours=n) for n in (1, 3)
    ]
    read = [(line["action"], line["who"], line["facts"]["from"]) for line in log.read(tmp_path / "audit")]
    assert read == [("captured rows read", "ana.churn.dev", "dev")] * 4, "one of each ingest"
    off = Place(tmp_path)
    assert off.ingest().sha256 == before.sha256 and len(off.rows()) == 2


def test_given_labels_of_either_kind_when_ingested_then_each_log_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, frames = Place(tmp_path, add_captured=True), reading.frames
    read: list[str] = []

    def noted(*given: Any, **named: Any) -> Any:
        read.append(given[2].table)
        return frames(*given, **named)

    monkeypatch.setattr(reading, "frames", noted)
    send(tmp_path, *[label(f"l{n}", 1, 9 * HOUR, prediction_id=prediction(n)) for n in (1, 3)])
    place.ingest()
    assert sorted(read) == ["captured", "labels"]

    place.manifest.labels = Labels(key="name")
    read.clear()
    send(tmp_path, label("by key", 0, 9 * HOUR, key="Å"))
    place.ingest()
    assert sorted(read) == ["captured", "captured", "labels"], "a key is looked for among all predictions first"


def test_given_a_column_that_is_dropped_or_hashed_when_ingested_then_its_rows_are_left_out_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = Place(tmp_path, add_captured=True)
    writer = LogFile(tmp_path / "capture")
    values = json.loads(lines.line(4, 4 * HOUR) + b"}") | {"redacted": {"name": "hash"}}
    writer.append([json.dumps(values).encode()[:-1]])
    writer.close()
    send(tmp_path, *[label(f"l{n}", 1, 9 * HOUR, prediction_id=prediction(n)) for n in (3, 4)])

    place.ingest()

    assert place.rows()[2:] == [(3, "Å", 1)]
    assert "note: 1 labelled predictions are left out: name not recorded as it came" in caplog.text


def test_given_an_ignored_column_that_may_not_be_missing_when_ingested_then_it_is_named(tmp_path: Path) -> None:
    place = Place(tmp_path, add_captured=True)
    place.columns["id"] = pandera.Column(int)
    with pytest.raises(FactoryError, match="requests bring no id, which"):
        place.ingest()


def test_given_rows_of_prod_when_ingested_elsewhere_then_only_public_or_internal_ones_and_audited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, prod = tmp_path / "dev", tmp_path / "prod"
    here.mkdir()
    place = Place(here, add_captured_from_prod=True)
    predict(prod, range(7, 8))
    send(prod, label("a", 1, 9 * HOUR, prediction_id=prediction(7)))
    there = SimpleNamespace(contract=contract(prod).model_copy(update={"environment": "prod"}))
    monkeypatch.setattr(environment, "resolve", lambda *_, **__: there)

    place.ingest()
    assert place.rows()[2:] == [(7, "Å", 1)]
    (entry,) = log.read(here / "audit")
    assert (entry["action"], entry["who"], entry["facts"]["from"]) == ("captured rows read", "ana.churn.dev", "prod")

    place.manifest.data_classification = "confidential"
    with pytest.raises(UsageProblem, match="rows of prod stay there, as data are confidential"):
        place.ingest()
