"""One use case on a platform of its own: what the end-to-end tests stand on, driven by public commands only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

FACTORY = str(Path(sys.executable).with_name("factory"))
USE_CASE = "breast-cancer"
REGRESSION = "diabetes"


@dataclass(frozen=True)
class Outcome:
    """Exit code and texts of one command."""

    code: int
    out: str
    err: str

    @property
    def everything(self) -> str:
        """Both texts."""
        return self.out + self.err


@dataclass(frozen=True)
class Spine:
    """A home, a repo, and the commands a person would type there."""

    folder: Path
    use_case: str = USE_CASE

    @property
    def other(self) -> Spine:
        """The demo's second use case on the same platform."""
        return Spine(self.folder, REGRESSION)

    @property
    def home(self) -> Path:
        """FACTORY_HOME of this spine."""
        return self.folder / "home"

    @property
    def repo(self) -> Path:
        """The use case's repo."""
        return self.folder / self.use_case

    @property
    def variables(self) -> dict[str, str]:
        """Our environment, with this home and without a chosen environment."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("AIFACTORY_", "MLFLOW_"))}
        return {**kept, "FACTORY_HOME": str(self.home)}

    def run(self, *command: str, cwd: Path | None = None, environment: str | None = None) -> Outcome:
        """Run one command to its end, in an environment or without one chosen."""
        done = subprocess.run(
            command,
            cwd=cwd or self.repo,
            env=self.variables | ({"AIFACTORY_ENV": environment} if environment else {}),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def factory(self, *arguments: str, cwd: Path | None = None) -> Outcome:
        """`factory ...`."""
        return self.run(FACTORY, *arguments, cwd=cwd)

    def python(self, *arguments: str, environment: str | None = None) -> Outcome:
        """`python -m <package> ...` by the repo's interpreter."""
        return self.run(".venv/bin/python", "-m", self.use_case.replace("-", "_"), *arguments, environment=environment)

    def must(self, outcome: Outcome, code: int = 0) -> Outcome:
        """The outcome, which has to have this exit code."""
        assert outcome.code == code, outcome.everything[-4000:]
        return outcome

    def contract(self, environment: str) -> dict[str, Any]:
        """Environment contract as the repo has it."""
        loaded: dict[str, Any] = json.loads((self.repo / ".factory" / f"{environment}.json").read_text())
        return loaded

    def credentials(self, environment: str, identity: str) -> dict[str, Any]:
        """Login of an identity."""
        path = self.home / "credentials" / environment / self.use_case / f"{identity}.json"
        loaded: dict[str, Any] = json.loads(path.read_text())
        return loaded

    def serving(self, environment: str) -> dict[str, Any]:
        """What release says is served."""
        path = self.home / environment / self.use_case / "serving" / "serving.json"
        loaded: dict[str, Any] = json.loads(path.read_text())
        return loaded

    def ask(self, environment: str, row: dict[str, Any], *, token: str | None = None) -> tuple[int, dict[str, Any]]:
        """Status and answer of one prediction over HTTP."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        address = f"{self.contract(environment)['endpoint_url']}/predict"
        answer = httpx.post(address, json={"rows": [row]}, headers=headers, timeout=30)
        return answer.status_code, answer.json() if answer.status_code == httpx.codes.OK else {}

    def row(self) -> dict[str, Any]:
        """One row that the model can score."""
        content = json.loads((self.repo / "data" / "request.json").read_text())
        row: dict[str, Any] = content["rows"][0]
        return row
