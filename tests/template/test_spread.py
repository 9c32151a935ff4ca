"""Fifty sets of answers by plain copier, no trust: each a valid repo; scanners find nothing of medium or more."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from aifactory_runtime.config import yaml_model
from aifactory_runtime.contract import Manifest
from tests.template.support import VENDORS, files, render
from tests.template.test_vendors import SCHEMAS, check_schema, ci_files, zizmor

pytestmark = pytest.mark.slow
# Bandit calls these low: assert, a subprocess without a shell, a program by its name, random numbers.
LOW = "S101,S311,S404,S603,S607"
RISKS = {"quick": "low", "standard": "low", "regulated": "high"}
TEXTS = (
    "Größe — 数据 😀",
    "Mr. O'Keefe's \"best\": 100% & more # {x}",
    "- [ ] todo",
    "${{ github.token }}",
    "$(id) `id` ; id",
)


def drawn(sets: int) -> list[dict[str, str]]:
    """Every forge with every profile in turn; the rest by chance, always the same."""
    draw = random.Random(50)  # noqa: S311 - which answers, not a secret
    found = []
    for number in range(sets):
        answers = {
            "forge": list(VENDORS)[number % 3],
            "profile": list(RISKS)[number // 3 % 3],
            "use_case": draw.choice(["no", "y", "tumour-triage-2", "a-use-case-whose-name-is-40-letters-long"]),
            "owner": draw.choice(["ana.lopez", "null", "bo"]),
            "approvers": draw.choice(["kim.meyer", "kim.meyer, bo"]),
            "target": "aws" if number % 9 in {0, 4, 8} else "local",  # at each forge, in each profile
        }
        if answers["profile"] != "regulated" and number % 2:
            answers["approvers"] = ""  # and then nobody approves; regulated needs somebody
        for question in ("title", "description", "team"):
            if draw.random() < 0.7:
                answers[question] = draw.choice(TEXTS)
        found.append(answers)
    return found


@pytest.fixture(scope="module", params=[9, pytest.param(50, marks=pytest.mark.long)])
def repos(
    template: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> list[tuple[dict[str, str], Path]]:
    """Answers and what was rendered of them."""
    folder = tmp_path_factory.mktemp("spread")
    found = [(answers, folder / str(number)) for number, answers in enumerate(drawn(request.param))]
    for answers, repo in found:
        assert not render(template, repo, answers).unsafe
    return found


def test_given_fifty_sets_then_each_manifest_says_what_was_answered_and_its_profile_chose_the_rest(
    repos: list[tuple[dict[str, str], Path]],
) -> None:
    assert len({(answers["forge"], answers["profile"]) for answers, _ in repos}) == 9
    for answers, repo in repos:
        manifest = yaml_model.load(repo / "factory.yaml", Manifest)
        assert manifest.use_case == answers["use_case"]
        assert manifest.title == answers.get("title", manifest.title)
        assert manifest.risk == RISKS[answers["profile"]]
        assert manifest.settings("prod").approval == ("required" if answers["approvers"] else "none")
        assert VENDORS[answers["forge"]] <= files(repo)
        others = {name for vendor, names in VENDORS.items() if vendor != answers["forge"] for name in names}
        assert not (others - VENDORS[answers["forge"]]) & files(repo)


def test_given_fifty_sets_then_the_forges_files_fit_and_the_scanner_finds_nothing_of_medium_or_more(
    repos: list[tuple[dict[str, str], Path]],
) -> None:
    for vendor in VENDORS:
        paths = [repo / name for answers, repo in repos if answers["forge"] == vendor for name in ci_files(vendor)]
        assert len(paths) >= len(repos) // 3
        done = check_schema(SCHEMAS[vendor][0], paths)
        assert done.returncode == 0, done.stdout[-2000:]
    on_github = [repo for answers, repo in repos if answers["forge"] == "github"]
    done = zizmor(*on_github)
    found = [
        one for one in json.loads(done.stdout) if one["determinations"]["severity"] not in {"Informational", "Low"}
    ]
    assert found == []
    assert len(re.findall(r"completed .*workflows/", done.stderr)) == 2 * len(on_github), "skipped counts as failed"


def test_given_fifty_sets_then_no_code_in_them_has_a_security_finding_of_medium_or_more(
    repos: list[tuple[dict[str, str], Path]], tmp_path: Path
) -> None:
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "S", "--ignore", LOW]
    ruff += ["--extend-exclude", "aifactory_runtime"]  # the same in all of them, and linted where it is written
    done = subprocess.run([*ruff, *(repo for _, repo in repos)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    (tmp_path / "planted.py").write_text("import subprocess\nsubprocess.run('ls', shell=True)\n")
    planted = subprocess.run([*ruff, str(tmp_path)], capture_output=True, text=True, check=False)
    assert "S602" in planted.stdout
