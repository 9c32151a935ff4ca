"""A home as `factory up` leaves it, made of plain files: enough for commands that only read."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from aifactory.home import Home
from tests.unit.runtime.contract.test_manifest import VALID

PASSWORD = "correct-horse-battery"
TOKEN = "consumer-token-of-prod"


def write(path: Path, content: str | dict[str, Any], mode: int = 0o600) -> Path:
    """A file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    path.chmod(mode)
    return path


def provisioned(root: Path, use_case: str = "churn") -> Home:
    """A home with the platform and one use case in dev and prod; nothing runs."""
    home = Home(root)
    write(home.passphrase, "a-passphrase-of-the-state\n")
    write(
        root / "shared" / "platform.json",
        {
            "tracking_uri": "http://127.0.0.1:25000",
            "dagster_url": "http://127.0.0.1:25001",
            "dashboard_url": "http://127.0.0.1:25004",
        },
    )
    for service in ("tracking", "dagster-daemon", f"{use_case}.dev", f"{use_case}.prod"):
        write(home.services / "logs" / f"{service}.log", f"{service} starts\n{service} runs\n")
    for environment, port in (("dev", 25002), ("prod", 25003)):
        credentials = root / "credentials" / environment / use_case
        write(credentials / "ana.json", {"identity": "ana", "login": "ana", "roles": [], "password": PASSWORD})
        write(credentials / "consumer.json", {"identity": "consumer", "login": "consumer", "token": TOKEN})
        contract = {
            "use_case": use_case,
            "environment": environment,
            "endpoint_url": f"http://127.0.0.1:{port}",
            "endpoint_token_file": str(credentials / "consumer.json") if environment == "prod" else None,
        }
        write(home.applied(use_case, environment), {"manifest": {}, "environment": contract})
    return home


def scheduled(
    home: Home,
    use_case: str,
    environment: str,
    identifier: str,
    said: str,
    *,
    status: str = "SUCCESS",
    work: str = "retraining",
) -> None:
    """A run as the orchestrator records it."""
    folder = home.root / "shared" / "dagster"
    (folder / "history").mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(folder / "history" / "runs.db") as database:
        database.execute(
            "CREATE TABLE IF NOT EXISTS runs (id INTEGER PRIMARY KEY, run_id, pipeline_name, status, create_timestamp)"
        )
        database.execute("CREATE TABLE IF NOT EXISTS run_tags (run_id, key, value)")
        database.execute(
            "INSERT INTO runs (run_id, pipeline_name, status, create_timestamp) VALUES (?, ?, ?, ?)",
            (identifier, work, status, "2026-11-21 03:00:00.184564"),
        )
        for key, value in (("use_case", use_case), ("environment", environment)):
            database.execute("INSERT INTO run_tags VALUES (?, ?, ?)", (identifier, f"aifactory/{key}", value))
    write(folder / "storage" / identifier / "compute_logs" / "abc.err", said)
    write(folder / "storage" / identifier / "compute_logs" / "abc.out", "")


def repo(folder: Path) -> Path:
    """A folder that commands take for the repo of `churn`; JSON is YAML."""
    write(folder / "factory.yaml", VALID)
    return folder
