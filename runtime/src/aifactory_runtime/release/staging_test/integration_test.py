"""The integration test of a release: the source's rows, what is said of them offline, and what the target answers."""

from __future__ import annotations

import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from aifactory_runtime.config import consumer
from aifactory_runtime.config.settings import Settings
from aifactory_runtime.contract import names
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry import model_folder
from aifactory_runtime.registry.port import Version
from aifactory_runtime.release import released
from aifactory_runtime.release.candidate import Candidate
from aifactory_runtime.release.side import Side
from aifactory_runtime.release.staging_test import batches, checks, online, same_answers
from aifactory_runtime.release.staging_test.checks import Check

_ROWS = 50
REPORT = "integration.json"


def integration_test(candidate: Candidate, target: Side, version: Version) -> tuple[dict[str, Any], str]:
    """Test what the pattern has in `target`, a service, batches or both; the report and its SHA-256.

    `version` is the candidate's copy in `target`. With other code than it passed with before, its answers are compared.

    Rows come from the target's own source, never from where the model was trained: those may be data that the target
    must not see.
    """
    with tempfile.TemporaryDirectory(prefix="aifactory-") as temporary:
        model = Path(temporary) / "model"
        candidate.source.registry.download(candidate.version, model)
        results = _checks(candidate, target, version, model)
    report = checks.report(results, candidate.sha256, target.name, candidate.commit)
    return report, checks.save(report_path(target, candidate), report)


def report_path(target: Side, candidate: Candidate) -> Path:
    """Where the report of a model lies; one with other code than it was trained from has a folder of that commit."""
    place = Path(target.contract.artifact_uri) / "releases" / candidate.sha256
    return (place if candidate.commit == candidate.trained_from else place / candidate.commit) / REPORT


def _checks(candidate: Candidate, target: Side, version: Version, model: Path) -> list[Check]:
    commit, before = candidate.commit, same_answers.code_before(candidate, version)
    rows = same_answers.ROWS if before else _ROWS
    with ThreadPoolExecutor(1) as thread:
        earlier = thread.submit(_said_before, target, version, before, model) if before else None
        try:
            offline = json.loads(_said(target, commit, model, rows))
        except FactoryError as error:
            return [Check("the source's rows can be scored", False, str(error))]
        results = [] if before is None or earlier is None else [same_answers.check(before, earlier, offline)]
    offline = {key: None if said is None else said[:_ROWS] for key, said in offline.items()}
    relied = consumer.load(target.snapshots.of(commit))
    if target.contract.serves:
        endpoint = _endpoint(target)
        results += online.run(endpoint, model_folder.read_schema(model), offline, relied)
        if relied is not None and relied.request is not None:
            results.append(_example(endpoint, target.snapshots.of(commit) / relied.request, relied))
        settings = Settings.load(target.snapshots.of(commit) / "conf", target.contract.environment)
        if settings.gate.limits.latency_ms is not None:
            results.append(online.in_time(endpoint, offline["rows"][0], settings.gate.limits.latency_ms))
        if model_folder.read_background(model) is not None:
            results.append(online.explained(endpoint, offline["rows"][0]))
    if target.contract.scoring != "online":
        results += batches.run(target, commit, offline, relied)
    return results


def _said_before(target: Side, version: Version, commit: str, model: Path) -> str:
    same_answers.prepare(target, version, commit)
    return _said(target, commit, model, same_answers.ROWS)


def _said(target: Side, commit: str, model: Path, rows: int) -> str:
    """What the code of a commit says of the first rows of the target's source, as JSON."""
    return released.run(target, commit, names.RELEASE, "aifactory_runtime.release.offline", str(model), str(rows))


def _endpoint(target: Side) -> checks.Endpoint:
    contract = target.contract
    if contract.endpoint_url is None:
        raise FactoryError(f"{target.name} has no scoring service: run factory up {target.name}")
    return checks.Endpoint(contract.endpoint_url, checks.read_token(contract.endpoint_token_file))


def _example(endpoint: checks.Endpoint, request: Path, relied: consumer.Consumer) -> Check:
    if not request.is_file():
        return Check(online.EXAMPLE, False, f"the commit does not hold {relied.request}, which {consumer.FILE} names")
    return online.example(endpoint, request.read_bytes(), relied)
