"""The newest labels of prod: the champion's recorded answers beside what the candidate's code says of the same rows."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aifactory_runtime.capture.log_file import LogFile
from aifactory_runtime.gate.labelled_window import Window
from aifactory_runtime.labels import line as labels
from aifactory_runtime.labels.line import Line
from aifactory_runtime.labels.rules import stamp
from aifactory_runtime.release import code_history, newest_labels
from aifactory_runtime.release.candidate import Candidate
from aifactory_runtime.release.side import Side, open_side
from tests.fixtures.usecase_repo import write_customers
from tests.unit.runtime.environments import Environments

ROWS = 150
pytestmark = pytest.mark.slow


class Prod:
    """A candidate of dev, and prod with a champion that has answered nobody yet."""

    def __init__(self, made: Environments, folder: Path) -> None:
        self.folder, self.sent = folder, 0
        dev = open_side(made.repo, "dev")
        self.side: Side = open_side(made.repo, "prod")
        self.candidate = Candidate(dev, dev.registry.version(1))
        commit = self.candidate.commit
        self.side.snapshots.extract(made.repo, commit)
        self.side.snapshots.prepare(commit, code_history.lock(dev, self.candidate.version, commit))
        dev.registry.download(self.candidate.version, folder / "model")
        self.champion = self.side.registry.register(folder / "model", dict(self.candidate.version.tags))

    def answered(self, *, right: bool, without: str | None = None) -> None:
        """Predictions of the champion, all right or all wrong, with what came true of them."""
        write_customers(self.folder / "more.csv", ROWS, seed=5)
        with (self.folder / "more.csv").open(encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        predicted, labelled = [], []
        now = datetime.now(UTC) - timedelta(hours=1)
        for number, row in enumerate(rows, self.sent):
            moment = now + timedelta(seconds=number)
            inputs: dict[str, Any] = {"age": int(row["age"]), "income": float(row["income"]) if row["income"] else None}
            inputs |= {"member": row["member"] == "True", "region": row["region"]}
            if without:
                del inputs[without]
            label = int(row["churned"])
            said = label if right else 1 - label
            values: dict[str, Any] = {
                "id": f"p{number}",
                "time": stamp(moment),
                "model_version": "1",
                "commit": "b" * 40,
            }
            values |= {"model_sha256": self.champion.model_sha256, "role": "champion", "inputs": inputs}
            values |= {"output": {"prediction": said, "probabilities": [0.9 - 0.8 * said, 0.1 + 0.8 * said]}}
            predicted.append(json.dumps(values).encode()[:-1])
            encoded = msgspec.Raw(b"%d" % label)
            line = Line(f"l{number}", stamp(moment), "app", encoded, prediction_id=f"p{number}")
            labelled.append(labels.encoded(line))
        self.sent += ROWS
        for log, lines in (
            (LogFile(Path(self.side.contract.capture_uri)), predicted),
            (labels.log(Path(self.side.contract.capture_uri)), labelled),
        ):
            log.append(lines)
            log.close()

    def judge(self, learned: str | None = None) -> Window:
        """With what the candidate says of the labels that it may have learned from."""
        version = self.candidate.version
        more = {} if learned is None else {"aifactory.captured": learned}
        chosen = replace(self.candidate, version=replace(version, tags={**version.tags, **more}))
        return newest_labels.judge(chosen, self.side, self.champion)


def test_given_labels_in_prod_when_a_candidate_is_judged_then_beside_what_the_champion_answered(
    tmp_path: Path,
) -> None:
    made = Environments(tmp_path, scoring="batch")
    made.train()
    prod = Prod(made, tmp_path)
    none = prod.judge()
    assert (none.verdict, none.why[:41]) == ("not judged", "captured labels of prod: 0 rows that no m")

    prod.answered(right=False)
    found = prod.judge()
    assert (found.verdict, found.champion) == ("better", 0.0) and found.candidate is not None and found.candidate > 0.8
    assert found.rows is not None and (found.rows.source, found.rows.rows) == ("captured labels of prod", ROWS)
    assert prod.judge(f"dev@{ROWS}").verdict == "better", "labels of another environment"
    assert prod.judge(f"prod@{ROWS}").verdict == "not judged", "what it may have learned from does not count"

    prod.answered(right=True)
    found = prod.judge(f"prod@{ROWS}")
    assert (found.verdict, found.champion) == ("worse", 1.0)

    prod.answered(right=True, without="age")
    assert prod.judge(f"prod@{2 * ROWS}").verdict == "not judged", "rows without what the candidate takes"
