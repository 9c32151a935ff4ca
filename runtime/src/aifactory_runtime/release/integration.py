"""The integration test: the service that runs, asked as a consumer asks, against what the model says without it."""

from __future__ import annotations

import hashlib
import json
import math
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry.model_folder import InputSchema
from aifactory_runtime.serving.document import write_whole

_TIMEOUT_SECONDS = 30.0
_TOLERANCE = 1e-9
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Endpoint:
    """A scoring service and the token of its consumer, None when it asks for none."""

    url: str
    token: str | None

    def predict(self, body: bytes, token: str | None) -> tuple[int, dict[str, Any]]:
        """Status and decoded answer; FactoryError when nobody answers."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        request = urllib.request.Request(f"{self.url.rstrip('/')}/predict", body, headers)  # noqa: S310
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


def run(
    endpoint: Endpoint, schema: InputSchema, rows: Sequence[Row], expected: Sequence[Sequence[float]]
) -> list[Check]:
    """Ask for `rows` and compare with the `expected` scores, a list a row; then what must be refused."""
    checks = [_same_scores(endpoint, rows, expected)]
    bad = json.dumps({"rows": [{**rows[0], schema.columns[0].name: {"not": "a value"}}]}).encode()
    checks.append(_status(endpoint, "a bad row is refused", bad, endpoint.token, 422))
    if endpoint.token is not None:
        good = json.dumps({"rows": [rows[0]]}).encode()
        checks.append(_status(endpoint, "a caller without a token is refused", good, None, 401))
    return checks


def report(checks: Sequence[Check], model_sha256: str, environment: str) -> dict[str, Any]:
    """The result as JSON values; the same checks of the same model give the same report."""
    return {
        "kind": "integration",
        "environment": environment,
        "model_sha256": model_sha256,
        "passed": all(check.passed for check in checks),
        "checks": [{"name": check.name, "passed": check.passed, "found": check.found} for check in checks],
    }


def save(path: Path, content: Mapping[str, Any]) -> str:
    """Write the report to `path`; its SHA-256."""
    encoded = json.dumps(content, indent=2, sort_keys=True).encode() + b"\n"
    write_whole(path, encoded)
    return hashlib.sha256(encoded).hexdigest()


def _same_scores(endpoint: Endpoint, rows: Sequence[Row], expected: Sequence[Sequence[float]]) -> Check:
    name = "reference rows over HTTP score as they do offline"
    status, answer = endpoint.predict(json.dumps({"rows": list(rows)}).encode(), endpoint.token)
    if status != 200:  # noqa: PLR2004 - HTTP
        return Check(name, False, f"status {status}")
    got = answer.get("probabilities") or [[number] for number in answer.get("predictions", [])]
    if len(got) != len(expected):
        return Check(name, False, f"{len(got)} answers for {len(expected)} rows")
    pairs = zip(got, expected, strict=True)
    same = sum(all(math.isclose(a, b, abs_tol=_TOLERANCE) for a, b in zip(*pair, strict=True)) for pair in pairs)
    return Check(name, same == len(expected), f"{same} of {len(expected)} rows")


def _status(endpoint: Endpoint, name: str, body: bytes, token: str | None, wanted: int) -> Check:
    status, _ = endpoint.predict(body, token)
    return Check(name, status == wanted, f"status {status}")
