"""What an approver reads before they agree: figures beside baseline and champion, code, data, reports."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.gate import slices
from aifactory_runtime.gate.chance import Answers
from aifactory_runtime.gate.slices import Judged, Placed
from aifactory_runtime.registry.port import Version
from aifactory_runtime.release import approval_summary
from aifactory_runtime.release.approval_summary import summarize
from aifactory_runtime.release.candidate import Candidate
from tests.fixtures.usecase_repo import git

SHA256 = "a" * 64
MADE_UP = "made-up rows: says nothing about the model"


def version(number: int, commit: str, figure: str, data: str, **more: str) -> Version:
    found = {
        "commit": commit,
        "metric.roc_auc": figure,
        "baseline.roc_auc": "0.5",
        "data.raw": data,
        "pipeline_run": "r1",
        "training_run": "dev/r1",
        **more,
    }
    return Version(number, SHA256, "run", {f"aifactory.{key}": value for key, value in found.items()})


def repo(folder: Path) -> tuple[str, str]:
    """A repo with two commits; their digests."""
    git(folder, "init", "-q")
    commits = []
    for name in ("first.py", "second.py"):
        (folder / name).write_text(name)
        git(folder, "add", ".")
        git(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", name)
        commits.append(git(folder, "rev-parse", "HEAD"))
    return commits[0], commits[1]


def told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    champion: bool,
    remarks: Sequence[str] = (),
    part: Any = None,
    principles: Any = None,
    **more: str,
) -> list[str]:
    first, second = repo(tmp_path)
    artifacts = tmp_path / "artifacts"
    for place in (
        artifacts / "releases" / SHA256 / second / "integration.json",
        artifacts / "runs" / "r1" / "gate.json",
        artifacts / "runs" / "r1" / "model_card.html",
    ):
        place.parent.mkdir(parents=True, exist_ok=True)
        known = {"slices": part, "principles": None if principles is None else {"found": principles}}
        place.write_text(json.dumps({"remarks": remarks} | {key: one for key, one in known.items() if one is not None}))
    contract = SimpleNamespace(artifact_uri=str(artifacts), data_uri=str(tmp_path / "tables"))
    project = SimpleNamespace(root=tmp_path, environment=SimpleNamespace(contract=contract))
    monkeypatch.setattr("aifactory_runtime.config.project.load", lambda *_: project)
    monkeypatch.setattr("aifactory_runtime.data.tables.count", lambda *_: 1200)
    before = version(4, first, "0.91", "2@" + "b" * 64, **more) if champion else None
    source: Any = SimpleNamespace(name="staging", contract=contract)
    target: Any = SimpleNamespace(name="prod", project=project, registry=SimpleNamespace(by_alias=lambda _: before))
    chosen = Candidate(source, version(7, first, "0.93", "3@" + "c" * 64, **more), second)
    return list(summarize(chosen, target).lines())


def test_given_a_champion_then_figures_code_data_and_reports_are_told_before_any_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = told(tmp_path, monkeypatch, champion=True)

    assert lines[0].startswith("version 7 of staging, commit ")
    assert ", trained from commit " in lines[0] and lines[0].endswith("champion: version 4 of prod")
    assert lines[1:5] == [
        "test roc_auc 0.93 (baseline 0.5; champion 0.91, on its own test rows)",
        "code since the champion: 1 commits, 1 files",
        "  second.py",
        "data raw: version 3 (cccccccc), 1,200 rows; champion: version 2 (bbbbbbbb)",
    ]
    assert [line.rpartition("/")[2] for line in lines[5:]] == ["integration.json", "gate.json", "model_card.html"]


def test_given_principles_in_the_gate_s_report_then_those_that_did_not_hold_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        {"principle": "Fairness", "check": "", "result": "not checked", "found": "no protected columns are named"},
        {"principle": "Transparency", "check": "", "result": "held", "found": "they agree"},
    ]
    lines = told(tmp_path, monkeypatch, champion=True, principles=found)
    assert "principle Fairness: not checked: no protected columns are named" in lines
    assert not any("Transparency" in line for line in lines)


def test_given_figures_of_made_up_rows_then_it_is_told_below_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = told(tmp_path, monkeypatch, champion=True, figures=MADE_UP)

    assert lines[1].startswith("test roc_auc 0.93")
    assert lines[2:4] == [MADE_UP, f"of the champion's figures: {MADE_UP}"]


def test_given_a_champion_that_it_was_not_compared_with_then_why_is_told_once_beside_what_the_gate_remarks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    why = "the champion, version 3, reads fee, which schema.py lists in IGNORED"
    remarks = ["income alone nearly tells churned", f"not compared with the champion: {why}"]
    lines = told(tmp_path, monkeypatch, champion=True, remarks=remarks, not_compared=why)
    assert lines[2:4] == [
        f"the gate did not compare it with the champion of that time: {why}",
        "the gate remarks: income alone nearly tells churned",
    ]
    assert sum(why in line for line in lines) == 1


def test_given_what_the_newest_labelled_rows_said_then_it_is_told_below_the_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = (
        "roc_auc 0.93 on the newest 500 rows of captured labels of prod, 2026-11-01 to 2026-11-27, is better than ..."
    )
    assert told(tmp_path, monkeypatch, champion=True, window=said)[2] == said


def test_given_a_model_that_answers_alike_with_other_packages_then_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = told(tmp_path, monkeypatch, champion=True, same_answers_with="1" * 64)
    said = "with other numeric packages than it was trained with its predictions on reference rows were the same"
    assert lines[2] == said


def test_given_no_champion_then_it_is_the_first_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = told(tmp_path, monkeypatch, champion=False)

    assert "champion: none yet" in lines[0]
    assert "test roc_auc 0.93 (baseline 0.5)" in lines
    assert "code: the first release" in lines


def test_given_slices_in_the_gate_s_report_then_the_worst_are_told_below_the_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = np.repeat([0, 1, 2], [12, 100, 200])
    labels = np.random.default_rng(0).normal(scale=5.0, size=len(where))
    off = np.random.default_rng(1).normal(scale=0.1, size=len(where))
    rows = Judged(
        "the frozen reference",
        labels,
        Answers(labels + off + (where == 1), None),
        Answers(np.zeros(len(where)), None),
        Answers(labels - off, None),
    )
    placed = Placed("region", ("region = west", "region = north", "region = south"), where)
    found = slices.of("mae", rows, [placed], lambda truth, said: float(np.abs(truth - said.predicted).mean()))

    lines = told(tmp_path, monkeypatch, champion=True, part=found.report() | {"notes": ["no slices of fee: why"]})

    assert lines[2] == "slices of the frozen reference, mae beside the champion's, the worst first:"
    north, south = found.found[1], found.found[2]
    assert lines[3] == (
        f"  region = north: {north.candidate:.4g} (champion {north.champion:.4g}; baseline {north.baseline:.4g}), "
        "100 rows: worse than the champion, and no chance"
    )
    assert lines[4].startswith(f"  region = south: {south.candidate:.4g} (champion ") and lines[4].endswith("200 rows")
    assert lines[5:7] == ["slices of too few rows to judge: region = west (12)", "no slices of fee: why"]


def test_given_more_slices_than_are_read_then_five_are_told_and_how_many_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = {"column": "c", "rows": 40, "candidate": 0.9, "champion": None, "baseline": 0.5, "p": None, "worse": False}
    found = [{**one, "name": f"c = {number}", "few": False} for number in range(7)]
    part = {"metric": "roc_auc", "rows": "the test rows", "against": "baseline", "found": found, "notes": []}
    lines = told(tmp_path, monkeypatch, champion=False, part=part)
    assert lines[2] == "slices of the test rows, roc_auc beside the baseline's, the 5 worst of 7:"
    assert lines[3] == "  c = 0: 0.9 (baseline 0.5), 40 rows"
    assert sum(line.startswith("  c = ") for line in lines) == 5


@pytest.mark.parametrize("part", [None, [], {"found": [{}]}, {"found": 3, "metric": "mae"}])
def test_given_a_report_without_slices_or_with_what_is_none_then_the_rest_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: Any
) -> None:
    lines = told(tmp_path, monkeypatch, champion=True, part=part)
    assert not any("slices" in line for line in lines) and lines[-2].endswith("gate.json")


def test_given_what_cannot_be_found_then_the_summary_is_there_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> None:
        raise FactoryError("not here")

    monkeypatch.setattr("aifactory_runtime.config.project.load", missing)
    assert approval_summary._rows(tmp_path, "dev", "raw", "3@x") is None
    assert approval_summary._changed(tmp_path, "0" * 40, "1" * 40) == (None, None)
