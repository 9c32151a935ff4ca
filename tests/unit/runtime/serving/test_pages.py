"""`/` and `/docs`: whole without any other host, as a service on a closed network has to be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from aifactory_runtime.serving.app import create_app
from aifactory_runtime.serving.recording import Recorder
from aifactory_runtime.serving.service import Service


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    return TestClient(create_app(Service(1_000, Recorder(tmp_path / "log")), "Churn"))


def test_given_the_root_when_opened_then_it_says_what_this_is_and_each_address_it_names_is_there(
    client: TestClient,
) -> None:
    found = client.get("/").json()

    assert found["service"] == "Churn"
    named = {value for value in found.values() if value.startswith("/")}
    assert {"/docs", "/predict", "/invocations"} <= named
    assert [path for path in named if client.get(path).status_code == 404] == []


def test_given_the_docs_when_opened_then_every_file_comes_from_the_service_itself(client: TestClient) -> None:
    page = client.get("/docs")

    assert page.status_code == 200
    assert re.search(r"(https?:)?//\w", page.text) is None
    files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(files) == 3
    assert [client.get(f"/{file}").status_code for file in files] == [200] * 3
    assert client.get(f"/{files[0]}").headers["content-type"].startswith("text/css")


def test_given_the_docs_when_opened_then_the_browser_is_told_to_ask_no_other_host(client: TestClient) -> None:
    page = client.get("/docs")

    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert '"validatorUrl": null' in page.text


def test_given_the_docs_when_opened_then_the_document_is_of_a_version_that_the_page_can_show(
    client: TestClient,
) -> None:
    script = client.get("/docs/swagger-ui-bundle.js").text
    version = client.get("/openapi.json").json()["openapi"]

    assert "openapi: 3.0.n" in script.replace("<code>", "").replace("</code>", "")
    assert version.startswith("3.0.")


@pytest.mark.parametrize("path", ["/redoc", "/docs/index.html", "/docs/..%2f__init__.py", "/docs/none.js"])
def test_given_another_file_when_asked_then_it_is_not_there(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404
