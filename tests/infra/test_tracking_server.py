"""The tracking server started by hand: killed while it makes its databases, the next start makes them anew."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from aifactory.provision import servers

pytestmark = pytest.mark.slow

SERVER = Path(__file__).parents[2] / "infra" / "services" / "tracking.py"


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """The server, with its log in the folder."""
    python = servers.find()
    assert python is not None, "make tools"
    admin, key = folder / "admin.json", folder / "key.json"
    admin.write_text(json.dumps({"login": "admin", "password": "x" * 16}))
    key.write_text(json.dumps({"token": "k" * 16}))
    command = [str(python), str(SERVER), "--folder", str(folder), "--admin", str(admin), "--session-key", str(key)]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen([*command, "--host", "127.0.0.1", "--port", str(port)], stdout=log, stderr=log)


def test_given_a_server_killed_in_its_migrations_when_started_again_then_it_answers(tmp_path: Path) -> None:
    port = free_port()
    first = start(tmp_path, port)
    making = tmp_path / ".mlflow.db.making"
    while not (making.exists() and making.stat().st_size > 0):
        assert first.poll() is None, (tmp_path / "log").read_text()[-2000:]
        time.sleep(0.01)
    first.kill()
    first.wait()
    assert not (tmp_path / "mlflow.db").exists()

    second = start(tmp_path, port)
    try:
        status, deadline = 0, time.monotonic() + 120
        while status != httpx.codes.OK and time.monotonic() < deadline and second.poll() is None:
            time.sleep(0.2)
            try:
                status = httpx.get(f"http://127.0.0.1:{port}/health", timeout=5).status_code
            except httpx.HTTPError:
                status = 0
        assert status == httpx.codes.OK, (tmp_path / "log").read_text()[-2000:]
    finally:
        second.kill()
        second.wait()
    assert not making.exists()
