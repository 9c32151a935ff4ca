"""Tokens of three forges, asked of a server as each forge answers, become a file that boto3 logs in with."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from aifactory_runtime.aws import forge_token
from aifactory_runtime.errors import FactoryError, UsageProblem

ROLE = "arn:aws:iam::123456789012:role/aifactory-churn-dev-release"


class Forge(BaseHTTPRequestHandler):
    """Answers as GitHub does to GET and Azure DevOps to POST; refuses another bearer than its own."""

    asked: list[tuple[str, str]] = []  # noqa: RUF012 - emptied for each test

    def do_GET(self) -> None:
        self._answer({"value": f"github-{len(self.asked)}"})

    def do_POST(self) -> None:
        self._answer({"oidcToken": "azure"})

    def _answer(self, body: Any) -> None:
        self.asked.append((self.command, self.path))
        good = self.headers["Authorization"] == "Bearer job"
        self.send_response(200 if good else 401)
        self.end_headers()
        self.wfile.write(json.dumps(body if good else {}).encode())

    def log_message(self, *_arguments: object) -> None:
        """Nothing."""


@pytest.fixture
def forge() -> Iterator[str]:
    Forge.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Forge)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/token"
    server.shutdown()
    server.server_close()


def test_given_github_when_asked_then_the_token_is_for_aws(forge: str) -> None:
    url = {"ACTIONS_ID_TOKEN_REQUEST_URL": f"{forge}?api=1", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "job"}
    assert forge_token.token(url) == "github-0"
    assert Forge.asked == [("GET", "/token?api=1&audience=sts.amazonaws.com")]


def test_given_azure_devops_when_asked_then_the_token_is_of_the_service_connection(forge: str) -> None:
    job = {"SYSTEM_OIDCREQUESTURI": forge, "SYSTEM_ACCESSTOKEN": "job", "AIFACTORY_SERVICE_CONNECTION": "id-1"}
    assert forge_token.token(job) == "azure"
    assert Forge.asked == [("POST", "/token?api-version=7.1&serviceConnectionId=id-1")]
    with pytest.raises(UsageProblem, match="AIFACTORY_SERVICE_CONNECTION is empty"):
        forge_token.token({**job, "AIFACTORY_SERVICE_CONNECTION": ""})


def test_given_gitlab_then_its_job_has_the_token_and_none_is_asked_for() -> None:
    job = {"AIFACTORY_ID_TOKEN": "gitlab"}
    assert (forge_token.token(job), forge_token.renewed(job), forge_token.renewed({})) == ("gitlab", False, True)


def test_given_no_job_or_a_refusal_then_one_line_says_so(forge: str) -> None:
    with pytest.raises(UsageProblem, match=r"id-token: write at GitHub.*aws sso login"):
        forge_token.token({})
    with pytest.raises(FactoryError, match=r"it answers 401\): may the job ask"):
        forge_token.token({"ACTIONS_ID_TOKEN_REQUEST_URL": f"{forge}?a", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "other"})
    with pytest.raises(UsageProblem, match="AWS_ROLE_ARN is empty"):
        forge_token.write({"AIFACTORY_ID_TOKEN": "gitlab"})


def test_given_the_file_then_boto3_is_the_role_and_the_file_is_renewed(
    forge: str, aws: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    job = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{forge}?a",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "job",
        "AWS_ROLE_ARN": ROLE,
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
    }
    path = forge_token.write(job)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("github-0", 0o600)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.setenv(name, job[name])
    said = boto3.Session().client("sts", endpoint_url=aws).get_caller_identity()["Arn"]
    assert "assumed-role/aifactory-churn-dev-release/" in said

    forge_token.keep(job, seconds=0.01, longest=0.01)
    assert path.read_text() == "github-1"
