"""The document of /docs against the service itself: what it describes is taken, all else is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from aifactory_runtime.labels import line
from aifactory_runtime.registry.background import Background
from aifactory_runtime.registry.model_folder import Column, InputSchema
from aifactory_runtime.serving import value_types
from aifactory_runtime.serving.app import create_app
from aifactory_runtime.serving.callers import Callers
from aifactory_runtime.serving.document import Served
from aifactory_runtime.serving.feedback import Feedback
from aifactory_runtime.serving.model import ServedModel
from aifactory_runtime.serving.recording import Recorder
from aifactory_runtime.serving.service import Service
from tests.fixtures import own_document
from tests.unit.runtime.serving_parts import admit, listening

TOKEN = "token-of-the-consumer"
SCHEMA = InputSchema(
    target="churned",
    columns=(
        Column("age", "integer", minimum=18, maximum=110),
        Column("visits", "integer", nullable=True),
        Column("mean income [€]", "number", nullable=True, minimum=-1.5, maximum=1e6),
        Column("member", "boolean"),
        Column("anyOf", "boolean", nullable=True),
        Column("region", "category", categories=("west", "east")),
        Column("enum", "category", nullable=True, categories=("only",)),
        Column("note", "text", minimum=2, maximum=30),
        Column("remark", "text", nullable=True),
        Column("since", "date"),
        Column("until", "date", nullable=True),
    ),
    features=("age",),
    classes=("no", "yes"),
    ignored=("customer id",),
)

BACKGROUND = Background(
    {
        column.name: (None,) * 20 if column.nullable else (value_types.example(column),) * 20
        for column in SCHEMA.columns
    },
    made_up=True,
)


class _Halves:
    """A classifier that finds both classes equally likely."""

    def predict_proba(self, values: np.ndarray) -> np.ndarray:
        return np.full((len(values), 2), 0.5)


def _features(columns: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"age": columns["age"]}


@pytest.fixture
def service(tmp_path: Path) -> Service:
    admit(tmp_path / "callers", TOKEN)
    served = Served(version="1", sha256="a" * 64, uri="", commit="b" * 40, code_sha256="c" * 64)
    model = replace(ServedModel.make(served, SCHEMA, _Halves(), _features, max_rows=5), background=BACKGROUND)
    made = Service(1_000_000, Recorder(tmp_path / "log"), Callers(tmp_path / "callers"), model, None)
    made.feedback = Feedback(Recorder(tmp_path / "log", log=line.log), key="customer", most=5)
    return made


@pytest.fixture
def client(service: Service) -> Iterator[TestClient]:
    with TestClient(create_app(service, "Churn"), headers={"Authorization": f"Bearer {TOKEN}"}) as made:
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("examples", [20, pytest.param(300, marks=pytest.mark.long)])
def test_given_the_document_when_requests_are_made_of_it_and_against_it_then_there_is_no_finding(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, examples: int
) -> None:
    monkeypatch.chdir(tmp_path)
    with listening(create_app(service, "Churn")) as (host, port):
        assert own_document.findings(f"http://{host}:{port}", TOKEN, examples) == set()


@pytest.mark.parametrize("path", ["/predict", "/invocations", "/explain", "/feedback"])
def test_given_the_example_when_sent_then_it_is_taken(client: TestClient, path: str) -> None:
    content = _operation(client, path)["requestBody"]["content"]["application/json"]

    assert client.post(path, json=content["schema"]["example"]).status_code == 200


@pytest.mark.parametrize("path", ["/predict", "/invocations"])
def test_given_each_status_that_the_service_answers_when_the_document_is_read_then_it_is_there(
    client: TestClient, path: str
) -> None:
    assert set(_operation(client, path)["responses"]) == {"200", "401", "413", "415", "422", "503"}
    assert "403" in _operation(client, "/feedback")["responses"]


def test_given_a_model_with_and_without_background_when_explained_then_the_document_has_status_and_columns(
    service: Service, client: TestClient
) -> None:
    operation = _operation(client, "/explain")
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    example = operation["requestBody"]["content"]["application/json"]["schema"]["example"]
    answer = client.post("/explain", json=example).json()
    (one,) = answer["explanations"]
    assert set(answer) == set(schema["required"])
    assert set(one["columns"]) == set(
        schema["properties"]["explanations"]["items"]["properties"]["columns"]["required"]
    )

    assert service.model is not None
    service.model = replace(service.model, background=None)
    status = client.post("/explain", json=example).status_code
    assert {"200", "401", "409", "413", "415", "422", "503"} == set(operation["responses"]) and status == 409


def test_given_a_service_that_asks_for_no_token_when_described_then_401_is_not_there(service: Service) -> None:
    service.callers = None

    with TestClient(create_app(service, "Churn")) as client:
        assert "401" not in _operation(client, "/predict")["responses"]


def test_given_columns_of_each_kind_when_described_then_limits_nulls_and_unused_columns_are_there(
    client: TestClient,
) -> None:
    row = client.get("/openapi.json").json()["components"]["schemas"]["Row"]

    said = row["properties"]
    assert said["age"] == {"type": "integer", "minimum": 18, "maximum": 110}
    assert said["visits"]["nullable"] is True and said["visits"]["maximum"] == 2**63 - 1
    assert said["mean income [€]"] == {"type": "number", "nullable": True, "minimum": -1.5, "maximum": 1e6}
    assert said["region"] == {"type": "string", "enum": ["east", "west"]}
    assert said["enum"] == {"type": "string", "nullable": True, "enum": ["only", None]}
    assert said["note"] == {"type": "string", "minLength": 2, "maxLength": 30}
    assert said["remark"]["maxLength"] == 100_000
    assert said["since"]["anyOf"] == [{"format": "date"}, {"format": "date-time"}]
    assert "not used" in said["customer id"]["description"] and "not used" in said["churned"]["description"]
    assert row["required"] == [column.name for column in SCHEMA.columns]
    assert row["additionalProperties"] is False


@pytest.mark.parametrize(
    ("classes", "described"),
    [
        (("no", "yes"), {"type": "string", "enum": ["no", "yes"]}),
        ((0, 1), {"type": "integer", "enum": [0, 1]}),
        ((0, "none"), {"enum": [0, "none"]}),
    ],
)
def test_given_classes_of_texts_or_numbers_when_labels_are_described_then_so_is_their_type(
    service: Service, classes: tuple[Any, ...], described: dict[str, Any]
) -> None:
    assert service.model is not None
    service.model = replace(service.model, schema=replace(SCHEMA, classes=classes))

    with TestClient(create_app(service, "Churn")) as client:
        schema = _operation(client, "/feedback")["requestBody"]["content"]["application/json"]["schema"]

    label = schema["properties"]["labels"]["items"]["properties"]["label"]
    assert {**label, "enum": sorted(label["enum"], key=str)} == described


def test_given_no_model_when_described_then_rows_are_any_objects(service: Service) -> None:
    service.model = None

    with TestClient(create_app(service, "Churn")) as client:
        document = client.get("/openapi.json").json()

    assert document["components"]["schemas"]["Row"] == {"type": "object"}
    assert document["info"]["version"] == "no model yet"


def test_given_a_regression_when_described_then_its_answers_are_numbers(service: Service) -> None:
    assert service.model is not None
    service.model = replace(service.model, schema=replace(SCHEMA, classes=()))

    with TestClient(create_app(service, "Churn")) as client:
        answer = _operation(client, "/predict")["responses"]["200"]["content"]["application/json"]["schema"]

    assert answer["properties"]["predictions"]["items"] == {"type": "number"}
    assert "probabilities" not in json.dumps(answer)


def _operation(client: TestClient, path: str) -> Any:
    return client.get("/openapi.json").json()["paths"][path]["post"]
