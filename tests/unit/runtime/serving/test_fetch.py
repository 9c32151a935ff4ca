"""How the service fetches a model while its login is being rotated, or while the tracking server stumbles."""

from __future__ import annotations

import base64
import itertools
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from aifactory_runtime.config.credentials import Credentials
from aifactory_runtime.serving import fetch
from aifactory_runtime.serving.fetch import Source, Unreachable

URI = "mlflow-artifacts:/1/run/artifacts/model"


@dataclass
class Server:
    """An artefact proxy with one file, which answers with the codes in `fails` first, and knows one password."""

    password: str = "new"
    fails: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    address: str = ""


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            login = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
            state.asked.append(login)
            code = state.fails.pop(0) if state.fails else 200
            code = code if login == f"service:{state.password}" or code != 200 else 401
            listing = json.dumps({"files": [{"path": "part", "is_dir": False}]}).encode()
            body = listing if "?path=" in self.path else b"model"
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    listening = HTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{listening.server_port}"
    thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
    thread.start()
    yield state
    listening.shutdown()
    thread.join()
    listening.server_close()


def source(server: Server, *passwords: str) -> Source:
    """A source whose credentials file holds one password after the other, the last one from then on."""
    left = list(passwords)

    def read() -> Credentials:
        return Credentials("service", "service", left.pop(0) if len(left) > 1 else left[0])

    return Source(server.address, read)


def test_given_a_login_that_is_rotated_when_fetched_then_it_is_read_again_and_the_file_comes(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_PAUSE_SECONDS", 0.0)
    source(server, "old", "old", "new").fetch(URI, tmp_path)
    assert (tmp_path / "part").read_bytes() == b"model"
    assert server.asked == ["service:old", "service:old", "service:new", "service:new"]


def test_given_a_server_that_stumbles_when_fetched_then_it_is_asked_again(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_PAUSE_SECONDS", 0.0)
    server.fails = [500, 503]
    source(server, "new").fetch(URI, tmp_path)
    assert (tmp_path / "part").read_bytes() == b"model"


@pytest.mark.parametrize(
    ("fails", "password", "said"),
    [([], "wrong", "the login is refused"), ([500] * 1000, "new", "the tracking server answers 500")],
)
def test_given_a_failure_that_stays_when_fetched_then_it_is_said(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, fails: list[int], password: str, said: str
) -> None:
    clock = itertools.count(0.0, fetch._PATIENCE_SECONDS / 5)  # each look at it is a fifth of the patience later
    monkeypatch.setattr(fetch, "time", SimpleNamespace(monotonic=clock.__next__, sleep=lambda _: None))
    server.fails = fails
    with pytest.raises(Unreachable, match=said):
        source(server, password).fetch(URI, tmp_path)
    assert len(server.asked) > 1


@pytest.mark.parametrize(("code", "said"), [(403, "the login may not read it"), (404, "it is not there")])
def test_given_a_refusal_when_fetched_then_it_is_said_at_once(
    server: Server, tmp_path: Path, code: int, said: str
) -> None:
    server.fails = [code]
    with pytest.raises(Unreachable, match=said):
        source(server, "new").fetch(URI, tmp_path)
    assert len(server.asked) == 1
