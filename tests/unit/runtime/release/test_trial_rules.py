"""The rules of a live test are those of its begin, whatever the manifest and kpi.py say later."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aifactory_runtime.config.environment import Resolved
from aifactory_runtime.config.project import Project, Science
from aifactory_runtime.config.settings import Settings
from aifactory_runtime.contract import Manifest
from aifactory_runtime.contract.trial import Trial
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.release import trial_rules
from aifactory_runtime.release.live_test import Record
from tests.unit.runtime.contract.test_manifest import VALID
from tests.unit.runtime.release.parts import contract

TRIAL = {"kind": "ab", "share": 0.2}
GAIN = "def kpi(row, output, label):\n    return 10.0 if output['prediction'] == label else -1.0\n"


class Repo:
    """A repo whose prod tries successors, with a KPI of kpi.py; `now` is how it reads at this moment."""

    def __init__(self, folder: Path, package: str) -> None:
        self.values: dict[str, Any] = {**VALID, "kpi": {"name": "gain", "margin": 0.5}, "labels": {"wait": "2d"}}
        prod = {**VALID["environments"]["prod"], "trial": TRIAL}
        self.values["environments"] = {**VALID["environments"], "prod": prod}
        self.package, self.folder = package, folder / "src" / package
        self.folder.mkdir(parents=True)
        (self.folder / "__init__.py").touch()
        self.write(GAIN)

    def write(self, text: str) -> None:
        (self.folder / "kpi.py").write_text(text)

    def ask(self, **trial: Any) -> None:
        self.values["environments"]["prod"]["trial"] = TRIAL | trial

    @property
    def now(self) -> Project:
        manifest = Manifest.model_validate(self.values)
        return Project(
            self.folder.parents[1], manifest, Settings(), Resolved(contract("prod"), {}), Science(self.package)
        )


@pytest.fixture
def repo(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Repo:
    package = f"stated_{abs(hash(request.node.nodeid)):x}"  # of its own, as Python remembers modules
    monkeypatch.syspath_prepend(tmp_path / "src")
    monkeypatch.delitem(sys.modules, f"{package}._kept_kpi", raising=False)
    return Repo(tmp_path, package)


def begun(repo: Repo) -> tuple[Record, str | None]:
    """The record of a test that begins now, as it is read back, with the text that is kept beside it."""
    rules, source = trial_rules.of(repo.now)
    stated = Record.stated(repo.now.manifest.settings("prod").trial, "d" * 40, 2)
    record = msgspec.structs.replace(stated, wait=max(stated.wait, rules.label_wait), rules=rules)
    return msgspec.json.decode(msgspec.json.encode(record), type=Record), source


def test_given_a_test_that_began_when_manifest_and_kpi_are_edited_then_its_rules_are_those_of_then_and_it_says_so(
    repo: Repo,
) -> None:
    record, source = begun(repo)
    assert trial_rules.changes(record, source, repo.now) == ""

    repo.values |= {"kpi": {"name": "gain", "margin": 5, "direction": "down"}, "labels": {"wait": "60d", "key": "id"}}
    proxy = {"figure": "share", "of": 1, "direction": "down", "margin": 0.1}
    repo.ask(share=0.4, period="7d", guards={"errors": 0.5}, proxies=[proxy])
    repo.write("def kpi(row, output, label):\n    return 0.0\n")

    assert record.rules is not None and record.rules.stated_kpi is not None
    assert (record.rules.stated_kpi.margin, record.rules.stated_kpi.direction) == (0.5, "up")
    assert (record.rules.labels.wait, record.rules.labels.key) == (172_800, None)
    says = trial_rules.says(record.rules, source, repo.now)
    assert says is not None and says({}, {"prediction": 1}, 1) == 10.0, "kpi.py as it was"
    told = trial_rules.changes(record, source, repo.now)
    for part in (
        "kpi.margin is 5, was 0.5",
        "kpi.direction is down, was up",
        "labels.key is id, was not named",
        "labels.wait is 60d, was 2d",
        "trial.share is 0.4, was 0.2",
        "trial.period is 7d, was 1d",
        "trial.wait is 60d, was 7d",
        "trial.guards.errors is 0.5, was 0.05",
        "trial.proxies is share of 1 down by 0.1, was not named",
        "kpi.py is another",
    ):
        assert part in told
    assert told.startswith("its rules stay as they were when it began") and "\n" not in told


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda repo: repo.values.pop("kpi"), "kpi is not named, was gain"),
        (lambda repo: (repo.folder / "kpi.py").unlink(), "kpi.py is not there"),
        (lambda repo: repo.ask(kind="direct"), "trial.kind is direct, was ab"),
        (lambda repo: repo.values.update(problem="regression"), "problem is regression, was classification"),
    ],
)
def test_given_one_rule_that_is_taken_out_when_looked_at_then_that_one_is_said_and_the_kpi_guards_on(
    repo: Repo, change: Any, said: str
) -> None:
    record, source = begun(repo)
    change(repo)
    assert trial_rules.changes(record, source, repo.now).endswith(f"since then: {said}")
    assert record.rules is not None and trial_rules.says(record.rules, source, repo.now) is not None


def test_given_a_test_from_before_rules_were_kept_then_the_manifest_of_now_holds_and_it_says_so(repo: Repo) -> None:
    old = Record.stated(Trial(kind="ab"), "d" * 40, 2)
    assert trial_rules.changes(old, None, repo.now) == trial_rules.OLD
    says = trial_rules.says(trial_rules.of(repo.now)[0], None, repo.now)
    assert says is not None and says({}, {"prediction": 0}, 1) == -1.0


def test_given_people_who_extended_a_test_then_that_is_no_difference(repo: Repo) -> None:
    record, source = begun(repo)
    longer = msgspec.structs.replace(record, longest=record.longest + 60, extended=60.0)
    assert trial_rules.changes(longer, source, repo.now) == ""


def test_given_a_kept_kpi_that_is_not_the_one_of_the_begin_when_taken_then_it_is_refused(repo: Repo) -> None:
    record, _ = begun(repo)
    assert record.rules is not None
    with pytest.raises(FactoryError, match="not the one that it began with: livetest stop"):
        trial_rules.says(record.rules, GAIN + "#", repo.now)


def test_given_a_kept_kpi_that_fails_on_a_row_then_the_remedy_is_to_stop_the_test(repo: Repo) -> None:
    repo.write("def kpi(row, output, label):\n    return row['gone']\n")
    record, source = begun(repo)
    repo.write(GAIN)
    assert record.rules is not None
    says = trial_rules.says(record.rules, source, repo.now)
    with pytest.raises(FactoryError, match=r"fails on a row with KeyError: it was kept .* livetest stop"):
        says and says({"age": 30}, {}, 1)


def test_given_no_kpi_py_when_a_test_would_begin_then_it_is_refused_before(repo: Repo) -> None:
    (repo.folder / "kpi.py").unlink()
    with pytest.raises(UsageProblem, match=r"kpi\.py is not there: write it"):
        trial_rules.of(repo.now)
    brought = replace(
        repo.now, manifest=Manifest.model_validate({**repo.values, "kpi": {"name": "gain", "field": "eur"}})
    )
    rules, source = trial_rules.of(brought)
    assert source is None and rules.kpi is not None and (rules.kpi.field, rules.kpi.sha256) == ("eur", None)


def test_given_a_kpi_py_that_is_no_python_when_a_test_would_begin_then_it_is_refused_with_its_line(repo: Repo) -> None:
    repo.write("def kpi(row, output, label):\n    return (\n")
    with pytest.raises(UsageProblem, match=r"kpi\.py, line 2: .*never closed"):
        trial_rules.of(repo.now)


def test_given_a_kpi_that_imports_of_its_own_package_then_each_look_says_that_this_is_not_kept(repo: Repo) -> None:
    repo.write(
        f"import math\nfrom . import prices\nfrom {repo.package}.rates import RATE\nimport {repo.package}.taxes\n"
    )
    record, source = begun(repo)
    told = trial_rules.changes(record, source, repo.now)
    named = ", ".join(f"{repo.package}.{name}" for name in ("prices", "rates", "taxes"))
    assert told == f"kpi.py takes {named} of the repo as it is now"
