"""The parts of an integration test: a check, a scoring service as its consumer calls it, the report and its digest."""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError

_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Endpoint:
    """A scoring service and the token of its consumer, None when it asks for none."""

    url: str
    token: str | None

    def predict(self, body: bytes, token: str | None) -> tuple[int, dict[str, Any]]:
        """Status and decoded answer of `/predict`; FactoryError when nobody answers."""
        return self._post("/predict", body, token)

    def explain(self, body: bytes, token: str | None) -> tuple[int, dict[str, Any]]:
        """Status and decoded answer of `/explain`; FactoryError when nobody answers."""
        return self._post("/explain", body, token)

    def _post(self, path: str, body: bytes, token: str | None) -> tuple[int, dict[str, Any]]:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        request = urllib.request.Request(f"{self.url.rstrip('/')}{path}", body, headers)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, {}
        except (OSError, ValueError) as error:
            raise FactoryError(f"{self.url} does not answer as a scoring service ({error}): factory status") from None


@dataclass(frozen=True)
class Check:
    """One thing that was tried, and what came of it."""

    name: str
    passed: bool
    found: str


def read_token(path: str | None) -> str | None:
    """The consumer's token in the file that the contract names."""
    if path is None:
        return None
    try:
        return str(json.loads(Path(path).read_text(encoding="utf-8"))["token"])
    except (OSError, ValueError, KeyError):
        raise FactoryError(f"{path} holds no token: run factory up") from None


def report(checks: Sequence[Check], model_sha256: str, environment: str, commit: str) -> dict[str, Any]:
    """The result as JSON values; the same checks of the same model and code give the same report."""
    return {
        "kind": "integration",
        "environment": environment,
        "model_sha256": model_sha256,
        "commit": commit,
        "passed": all(check.passed for check in checks),
        "checks": [{"name": check.name, "passed": check.passed, "found": check.found} for check in checks],
    }


def save(path: Path, content: Mapping[str, Any]) -> str:
    """Write the report to `path`; its SHA-256."""
    encoded = json.dumps(content, indent=2, sort_keys=True).encode() + b"\n"
    files.write(path, encoded)
    return hashlib.sha256(encoded).hexdigest()
