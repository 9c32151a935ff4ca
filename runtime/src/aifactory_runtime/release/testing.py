"""The integration test of a release: rows of the frozen reference, their offline scores, and the service's answers."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from aifactory_runtime.contract import names
from aifactory_runtime.data import tables
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry import model_folder
from aifactory_runtime.registry.model_folder import Column
from aifactory_runtime.registry.port import PREFIX
from aifactory_runtime.release import integration
from aifactory_runtime.release.candidate import Candidate
from aifactory_runtime.release.side import Side

_ROWS = 50
_TIMEOUT_SECONDS = 120
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")


def integration_test(candidate: Candidate, target: Side) -> tuple[dict[str, Any], str]:
    """Test the service of `target` with rows of the candidate's reference; the report and its SHA-256."""
    contract = target.contract
    if contract.endpoint_url is None:
        raise FactoryError(f"{target.name} has no scoring service: run factory up {target.name}")
    endpoint = integration.Endpoint(contract.endpoint_url, integration.read_token(contract.endpoint_token_file))
    with tempfile.TemporaryDirectory(prefix="aifactory-") as temporary:
        model = Path(temporary) / "model"
        candidate.source.registry.download(candidate.version, model)
        schema = model_folder.read_schema(model)
        rows = _reference_rows(candidate, schema.columns)
        expected = _offline(target.snapshots.of(candidate.commit), contract.use_case, model, rows)
        checks = integration.run(endpoint, schema, rows, expected)
    report = integration.report(checks, candidate.sha256, target.name)
    path = Path(contract.artifact_uri) / "releases" / candidate.sha256 / "integration.json"
    return report, integration.save(path, report)


def _reference_rows(candidate: Candidate, columns: Sequence[Column]) -> list[dict[str, Any]]:
    """The first rows of the reference that the candidate's gate used, as a consumer would send them."""
    version = int(candidate.tag(PREFIX + "data.reference").partition("@")[0])
    frame = tables.read(Path(candidate.source.contract.data_uri), tables.REFERENCE, version).head(_ROWS)
    kinds = {"number": float, "integer": int, "boolean": bool, "category": str, "text": str, "date": _iso}
    made: dict[str, list[Any]] = {}
    for column in columns:
        series = frame[column.name]
        kind: Any = kinds[column.kind]
        present = series.notna()
        made[column.name] = [kind(value) if there else None for value, there in zip(series, present, strict=True)]
    return [dict(zip(made, values, strict=True)) for values in zip(*made.values(), strict=True)]


def _iso(date: datetime) -> str:
    return date.isoformat()


def _offline(snapshot: Path, use_case: str, model: Path, rows: Sequence[Mapping[str, Any]]) -> list[list[float]]:
    """What the released code says of the rows, in a process of its own."""
    command = [str(snapshot / ".venv" / "bin" / "python"), "-m", "aifactory_runtime.release.offline"]
    variables = {key: os.environ[key] for key in _KEPT if key in os.environ} | {"PYTHONPATH": str(snapshot / "src")}
    done = subprocess.run(
        [*command, names.package(use_case), str(model)],
        cwd=snapshot,
        env=variables,
        input=json.dumps(rows),
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_SECONDS,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise FactoryError(f"the released code cannot score the reference: {last}")
    scores: list[list[float]] = json.loads(done.stdout)
    return scores
