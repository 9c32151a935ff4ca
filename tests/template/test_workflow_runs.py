"""The GitHub workflow, line by line: in a clean repo, with the variables it sets, against environments of this machine.

Rung: local real. The platform, the logins and the services are those of `factory up`; GitHub itself is not there.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fixtures.machine import Machine
from tests.fixtures.usecase_repo import commit, git
from tests.template import pipelines
from tests.template.support import render

pytestmark = pytest.mark.slow
_RUN_ELSEWHERE = ("make lint", "make test")  # in test_pull_request.py, whose workflow has the same lines
_EXPRESSION = re.compile(r"\$\{\{ (.+?) \}\}")


def evaluated(text: str, variables: Mapping[str, str]) -> str:
    """The two kinds of expression that the workflow has: a variable of the repo, and the size of the sample."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        return variables[name.removeprefix("vars.")] if name.startswith("vars.") else name.rpartition("'")[0][-4:]

    return _EXPRESSION.sub(value, text)


@dataclass(frozen=True)
class Forge:
    """A repo, the home of its environments, and a runner's shell."""

    repo: Path
    machine: Machine

    @property
    def home(self) -> Path:
        """Where the environments are."""
        return self.machine.home.root

    def run(self, line: str, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """One line as a runner runs it: bash, with the machine's variables and nothing of a factory's."""
        ours = ("AIFACTORY_", "FACTORY_", "MLFLOW_", "PYTHON", "VIRTUAL_ENV", "MAKE")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        kept |= {"UV": str(Path(sys.executable).with_name("uv")), "CI": "true"}
        return subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", line],
            cwd=self.repo,
            env=kept | dict(variables),
            capture_output=True,
            text=True,
            check=False,
        )

    def factory(self, *arguments: str) -> str:
        """`factory ...` in the repo, by the person who provisions."""
        return self.machine.done(*arguments, cwd=self.repo)


@pytest.fixture(scope="module")
def forge(template: Path, machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """A provisioned use case, its contracts only where `factory outputs` prints them; all of it removed at the end."""
    found = Forge(tmp_path_factory.mktemp("forge") / "repo", machine)
    render(template, found.repo, {"approval": "required", "approvers": "kim.meyer"})
    git(found.repo, "init", "--quiet", "--initial-branch=main")
    commit(found.repo, "Start")
    try:
        found.factory("up", "--platform")
        yield found
    finally:
        found.factory("destroy", "dev", "staging", "prod", "--yes", "--unprotect", "prod")


def test_given_a_merge_when_every_line_runs_in_order_then_the_model_gets_to_prod_once_approved(forge: Forge) -> None:
    contracts = {
        f"AIFACTORY_CONTRACT_{name.upper()}": forge.factory("outputs", name) for name in ("dev", "staging", "prod")
    }
    git(forge.repo, "clean", "-ffdxq")
    for stage, commands in pipelines.github(forge.repo).items():
        for command in commands:
            if command.line in _RUN_ELSEWHERE:
                continue
            variables = {key: evaluated(value, contracts) for key, value in command.variables.items()}
            done = forge.run(command.line, variables)
            if (stage, command.line) == ("prod", "make release TO=prod"):
                assert done.returncode != 0
                assert "factory approve --env prod --as kim.meyer --version" in done.stderr
                approve = "python -m tumour_triage approve --env prod --as kim.meyer"
                approved = forge.run(f".venv/bin/{approve}", contracts)
                assert approved.returncode == 0, approved.stderr
                done = forge.run(command.line, variables)
            assert done.returncode == 0, (stage, command.line, (done.stdout + done.stderr)[-3000:])
            if command.line == "make train":
                assert ("nothing registered" in done.stdout) == (stage == "check")
    served = json.loads((forge.home / "prod/tumour-triage/serving/serving.json").read_text())["champion"]
    assert served["commit"] == git(forge.repo, "rev-parse", "HEAD")
    audit = (forge.home / "dev/tumour-triage/audit/audit.jsonl").read_text().splitlines()
    assert "retraining" in {json.loads(line)["facts"].get("aifactory.kind") for line in audit}
    assert git(forge.repo, "status", "--porcelain") == ""
