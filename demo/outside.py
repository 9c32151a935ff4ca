"""Looks at a use case from outside: registry and orchestrator by their APIs, audit log, problems, requests."""

from __future__ import annotations

import base64
import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.demo import UseCase, contract, environment

_TIMEOUT_SECONDS = 30.0
_RUNS = "{ runsOrError(filter: {tags: [%s]}) { ... on Runs { results { runId status jobName } } } }"


@dataclass(frozen=True)
class Outside:
    """One use case in one environment."""

    use_case: UseCase
    name: str

    @property
    def contract(self) -> dict[str, Any]:
        """The environment contract, as the repo has it."""
        return contract(self.use_case, self.name)

    @property
    def token(self) -> str:
        """The consumer's token."""
        return str(_read(Path(self.contract["endpoint_token_file"]))["token"])

    def champion(self) -> int | None:
        """Version that the registry's alias `champion` names, by MLflow's API; None for none."""
        query = urllib.parse.urlencode({"name": self.contract["model_name"], "alias": "champion"})
        found = self._registry(f"registered-models/alias?{query}")
        return int(found["model_version"]["version"]) if found else None

    def versions(self) -> list[int]:
        """Versions that the registry holds, by MLflow's API."""
        query = urllib.parse.urlencode({"filter": f"name='{self.contract['model_name']}'"})
        found = self._registry(f"model-versions/search?{query}") or {}
        return sorted(int(one["version"]) for one in found.get("model_versions", []))

    def audit(self, action: str, **facts: object) -> list[dict[str, Any]]:
        """Lines of the audit log with this action and these facts, oldest first."""
        path = Path(self.contract["audit_uri"]) / "audit.jsonl"
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return [one for one in lines if one["action"] == action and facts.items() <= one["facts"].items()]

    def audit_holds(self) -> str:
        """What `audit` says of the log's chain; empty when it does not hold."""
        done = self._python("audit")
        return done.stdout.strip() if done.returncode == 0 else ""

    def problems(self) -> list[dict[str, Any]]:
        """Problems, as `events --problems` lists them."""
        return list(self.said("events", "--problems", "--env", self.name).get("problems", []))

    def requests(self) -> list[dict[str, Any]]:
        """Requests to train again, oldest first, as `requests` lists them."""
        return list(self.said("requests", "--env", self.name, "--last", "100").get("requests", []))

    def orchestrated(self) -> list[dict[str, Any]]:
        """Ticks of this environment that the orchestrator ran to a good end, by its GraphQL API."""
        tags = {"aifactory/use_case": self.use_case.name, "aifactory/environment": self.name}
        wanted = ", ".join(f'{{key: "{key}", value: "{value}"}}' for key, value in tags.items())
        found = _asked(f"{self.contract['orchestrator_url']}/graphql", {"query": _RUNS % wanted})
        runs = found["data"]["runsOrError"].get("results", [])
        return [one for one in runs if (one["jobName"], one["status"]) == ("tick", "SUCCESS")]

    def said(self, *arguments: str) -> dict[str, Any]:
        """What a command of the repo says as JSON, whatever its exit code; {} when it says none."""
        done = self._python(*arguments, "--json")
        last = (done.stdout.splitlines() or ["{}"])[-1]
        found: dict[str, Any] = json.loads(last)
        return found

    def _python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = (".venv/bin/python", "-m", self.use_case.package, *arguments)
        variables = environment() | {"AIFACTORY_ENV": self.name}
        return subprocess.run(
            command, cwd=self.use_case.repo, env=variables, capture_output=True, text=True, check=False
        )

    def _registry(self, path: str) -> dict[str, Any] | None:
        login = _read(Path(self.contract["credentials_file"]))
        basic = base64.b64encode(f"{login['login']}:{login['password']}".encode()).decode()
        address = f"{self.contract['tracking_uri']}/api/2.0/mlflow/{path}"
        try:
            return _asked(address, None, {"Authorization": f"Basic {basic}"})
        except urllib.error.HTTPError:
            return None


def _asked(address: str, body: object | None, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json", **(headers or {})})
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
