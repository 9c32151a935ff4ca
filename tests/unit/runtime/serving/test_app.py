"""The scoring service's addresses, in one process with a real model and a real prediction log."""

from __future__ import annotations

import asyncio
import errno
import http.client
import json
import os
import resource
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.capture import compaction, find
from aifactory_runtime.capture.hashing import Keys
from aifactory_runtime.capture.redaction import NOTHING, Redaction
from aifactory_runtime.contract.recording import Treatment
from aifactory_runtime.serving import app, one_at_a_time, server
from aifactory_runtime.serving.callers import Callers
from aifactory_runtime.serving.document import ServingFolder
from aifactory_runtime.serving.fetch import Source
from aifactory_runtime.serving.loader import Loader
from aifactory_runtime.serving.one_at_a_time import OneAtATime
from aifactory_runtime.serving.recording import Recorder
from aifactory_runtime.serving.service import Service
from tests.unit.runtime.serving_parts import CODE, ROW, admit, features, make_model

TOKEN = "token-of-the-consumer"


class Setting:
    """A service with one model loaded, and a client of it."""

    def __init__(self, folder: Path, *, required: bool = True, redaction: Redaction = NOTHING) -> None:
        self.log = folder / "capture" / "predictions-000000000000001.jsonl"
        self.caller = admit(folder / "callers", TOKEN)
        served = make_model(folder / "model")
        serving = ServingFolder(folder / "serving")
        loader = Loader(
            serving.models, Source("", lambda: None), features, CODE, None, max_rows=50, redaction=lambda: redaction
        )
        recorder, callers = Recorder(self.log.parent, required=required), Callers(folder / "callers")
        self.service = Service(20_000, recorder, callers, loader.load(served), None)
        self.client = TestClient(app.create_app(self.service, "Churn"), raise_server_exceptions=True)
        self.client.headers["Authorization"] = f"Bearer {TOKEN}"

    def predict(self, *rows: Any) -> Any:
        return self.client.post("/predict", json={"rows": rows})

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    made = Setting(tmp_path_factory.mktemp("service"))
    with made.client:
        yield made


def test_given_rows_when_asked_then_each_answer_is_in_the_log_under_its_id(setting: Setting) -> None:
    answer = setting.predict(ROW, {**ROW, "age": 70})

    assert answer.status_code == 200
    body = answer.json()
    assert set(body["predictions"]) <= {"no", "yes"} and body["model_version"] == "1"
    assert [pytest.approx(1) == sum(row) for row in body["probabilities"]] == [True, True]
    likeliest = [body["classes"][row.index(max(row))] for row in body["probabilities"]]
    assert body["classes"] == ["no", "yes"] and likeliest == body["predictions"]
    first, second = setting.lines()[-2:]
    assert [first["id"], second["id"]] == body["prediction_ids"]
    assert first["inputs"] == ROW and second["inputs"]["age"] == 70
    assert first["output"] == {"prediction": body["predictions"][0], "probabilities": body["probabilities"][0]}
    assert second["sequence"] == first["sequence"] + 1
    assert first["model_sha256"] == setting.service.model.served.sha256  # type: ignore[union-attr]
    assert "redacted" not in first


KEYS = Keys({3: b"k" * 32})
RULES: list[tuple[dict[str, Treatment], dict[str, Any], dict[str, Treatment]]] = [
    (
        {"region": "hash", "mean income": "drop"},
        {"age": 40, "member": True, "region": KEYS.hash("east")},
        {"mean income": "drop", "region": "hash"},
    ),
    ({"*": "hash", "age": "keep", "member": "drop"}, {"age": 40, "mean income": None, "region": KEYS.hash("east")}, {}),
    ({"*": "drop"}, {}, dict.fromkeys(ROW, "drop")),
]


@pytest.mark.parametrize(("rules", "inputs", "redacted"), RULES)
def test_given_columns_dropped_or_hashed_when_asked_then_the_answer_is_the_same_and_their_values_reach_no_disk(
    setting: Setting, tmp_path: Path, rules: dict[str, Any], inputs: dict[str, Any], redacted: dict[str, Treatment]
) -> None:
    row = {**ROW, "mean income": None if "mean income" in inputs else 98765.25}
    with (made := Setting(tmp_path, redaction=Redaction(rules, KEYS))).client:
        answer = made.predict(row, row).json()

    assert answer["probabilities"] == setting.predict(row, row).json()["probabilities"]
    first, second = made.lines()
    assert first["inputs"] == second["inputs"] == inputs
    assert first["redacted"] == (redacted or {"mean income": "hash", "member": "drop", "region": "hash"})
    assert b"98765.25" not in made.log.read_bytes() and b'"east"' not in made.log.read_bytes()
    compaction.compact(made.log.parent, tmp_path / "data")
    assert find.find(made.log.parent, tmp_path / "data", first["id"]) == first


def test_given_the_two_protocols_when_asked_then_the_answers_agree(setting: Setting) -> None:
    split = {"dataframe_split": {"columns": list(ROW), "data": [list(ROW.values())]}}

    answers = [setting.predict(ROW), setting.client.post("/invocations", json=split)]

    assert len({json.dumps(answer.json()["probabilities"]) for answer in answers}) == 1


@pytest.mark.parametrize("header", [None, "", "Bearer wrong", "Basic abc", f"Bearer {TOKEN}x", "Bearer ü"])
@pytest.mark.parametrize("path", ["/predict", "/invocations", "/explain"])
def test_given_no_or_a_wrong_token_when_asked_then_401(setting: Setting, header: str | None, path: str) -> None:
    headers = {} if header is None else {"Authorization": header.encode()}
    stranger = TestClient(setting.client.app)

    answer = stranger.post(path, json={"rows": [ROW]}, headers=headers)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/ping", "/docs", "/openapi.json"])
def test_given_no_token_when_health_or_docs_are_asked_then_200(setting: Setting, path: str) -> None:
    assert TestClient(setting.client.app).get(path).status_code == 200


def test_given_a_new_token_when_asked_then_the_old_one_no_longer_works(setting: Setting) -> None:
    callers = setting.caller.parent
    admit(callers, "another")
    refused = setting.predict(ROW).status_code
    setting.caller.write_text("broken")
    broken = setting.client.post("/predict", json={"rows": [ROW]}, headers={"Authorization": "Bearer "}).status_code
    admit(callers, TOKEN)

    assert (refused, broken, setting.predict(ROW).status_code) == (401, 401, 200)


def test_fault_31_given_a_body_above_the_limit_when_asked_then_413(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "_LINGER_SECONDS", 0.01)

    said = setting.client.post("/predict", content=b"x" * 20_001)
    unsaid = setting.client.post("/predict", content=(b"x" * 1000 for _ in range(30)))

    assert (said.status_code, unsaid.status_code) == (413, 413)


def test_fault_31_given_a_false_length_when_more_comes_then_what_comes_counts(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "_LINGER_SECONDS", 0.01)
    parts = (b"x" * 1000 for _ in range(10_000))

    answer = setting.client.post("/predict", content=parts, headers={"Content-Length": "10"})

    assert answer.status_code == 413


@pytest.mark.slow
@pytest.mark.parametrize("said", [True, False])
def test_fault_31_given_40_mib_over_a_socket_when_sent_to_the_end_then_the_413_is_read_and_memory_stays(
    setting: Setting, said: bool
) -> None:
    listener = server.listen(0, "127.0.0.1")
    config = uvicorn.Config(setting.client.app, log_level="warning", ws="none", lifespan="off")
    running = server.DrainingServer(config, lambda: None)
    thread = threading.Thread(target=running.run, args=([listener],))
    thread.start()
    parts = [b"x" * 65_536] * 640
    body = iter(parts) if not said else b"".join(parts)
    call = http.client.HTTPConnection("127.0.0.1", listener.getsockname()[1], timeout=30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        call.request("POST", "/predict", body, {"Authorization": f"Bearer {TOKEN}"}, encode_chunked=not said)
        answer = call.getresponse()
        assert (answer.status, "is larger than 20000 bytes" in answer.read().decode()) == (413, True)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024
    finally:
        call.close()
        running.should_exit = True
        thread.join()


@pytest.mark.parametrize("value", [1e308, 1.7e308])
def test_fault_33_given_a_value_that_overflows_in_the_features_when_asked_then_422(
    setting: Setting, value: float
) -> None:
    before = len(setting.lines()) if setting.log.exists() else 0

    answer = setting.predict({**ROW, "mean income": value})

    assert answer.status_code == 422
    assert "308" not in answer.text
    assert (len(setting.lines()) if setting.log.exists() else 0) == before


def test_given_a_null_when_the_column_takes_it_then_it_is_scored(setting: Setting) -> None:
    assert setting.predict({**ROW, "mean income": None}).status_code == 200


def test_given_many_rows_when_asked_then_they_score_as_each_alone(setting: Setting) -> None:
    rows = [{**ROW, "age": 18 + number} for number in range(40)]

    together = setting.predict(*rows).json()["probabilities"]
    alone = [setting.predict(row).json()["probabilities"][0] for row in rows[:5]]

    assert len(together) == 40
    assert together[:5] == pytest.approx(np_rows(alone))


def np_rows(rows: list[list[float]]) -> list[Any]:
    return [pytest.approx(row) for row in rows]


def test_fault_40_given_a_full_disk_when_asked_then_503_and_no_torn_line(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    setting.predict(ROW)
    before = setting.log.read_bytes()
    real = os.write

    def short_then_full(descriptor: int, content: Any) -> int:
        if len(content) < 100:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, bytes(content)[:-60])

    with monkeypatch.context() as full:
        full.setattr(os, "write", short_then_full)
        answer, *_ = [setting.predict(ROW) for _ in range(3)]

    assert caplog.messages == [f"{setting.log.parent} takes no predictions, callers get 503: No space left on device"]
    assert answer.status_code == 503 and "recorded" in answer.text
    assert setting.log.read_bytes() == before
    assert setting.predict(ROW).status_code == 200


def test_given_a_full_disk_when_a_record_is_no_must_then_the_answer_is_given_says_so_and_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    setting = Setting(tmp_path, required=False)
    assert "recorded" not in setting.predict(ROW).json()

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "write", full)
        answers = [setting.predict(ROW) for _ in range(2)]

    assert [(answer.status_code, answer.json()["recorded"]) for answer in answers] == [(200, False)] * 2
    said = f"{setting.log.parent} takes no predictions, they are given without a record: No space left on device"
    assert caplog.messages == [said], "once, not a line a request"
    text = setting.client.get("/metrics").text
    assert "aifactory_not_recorded_total 2.0" in text and "aifactory_rows_scored_total 1.0" in text
    assert "recorded" not in setting.predict(ROW).json() and len(setting.lines()) == 2


def test_given_a_damaged_log_when_asked_then_503_the_log_is_left_alone_and_the_service_says_why(
    setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    setting.predict(ROW)
    before = setting.log.read_bytes()
    setting.log.write_bytes(before + b"somebody wrote here\n")

    answer = setting.predict(ROW)

    assert answer.status_code == 503
    assert setting.log.read_bytes() == before + b"somebody wrote here\n"
    assert [f"{setting.log.parent} takes no predictions" in message for message in caplog.messages] == [True]
    setting.log.write_bytes(before)
    assert setting.predict(ROW).status_code == 200


@pytest.mark.heavy
def test_given_many_callers_at_once_when_asked_then_every_id_is_in_the_log_once(setting: Setting) -> None:
    before = len(setting.lines()) if setting.log.exists() else 0
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: setting.predict(ROW), range(80)))

    ids = [answer.json()["prediction_ids"][0] for answer in answers]
    lines = setting.lines()[before:]
    assert sorted(line["id"] for line in lines) == sorted(ids) and len(set(ids)) == 80
    sequences = [line["sequence"] for line in lines]
    assert sequences == list(range(sequences[0], sequences[0] + 80))


def test_fault_37_given_a_draining_service_when_asked_then_live_and_answering_but_not_ready(setting: Setting) -> None:
    setting.service.draining = True
    try:
        ready, ping = setting.client.get("/health/ready"), setting.client.get("/ping")
        assert (ready.status_code, ping.status_code) == (503, 503)
        assert "draining" in ready.json()["reason"]
        assert setting.client.get("/health/live").status_code == 200
        assert setting.predict(ROW).status_code == 200
    finally:
        setting.service.draining = False


def test_fault_29_given_no_model_when_asked_then_503_with_the_reason(setting: Setting) -> None:
    model, setting.service.model = setting.service.model, None
    setting.service.reason = "version 2 was changed after its release"
    try:
        assert setting.predict(ROW).status_code == 503
        ready = setting.client.get("/health/ready")
        assert ready.status_code == 503 and "changed" in ready.json()["reason"]
        assert setting.client.get("/version").status_code == 503
        assert setting.client.get("/openapi.json").status_code == 200
    finally:
        setting.service.model, setting.service.reason = model, None


def test_given_a_model_when_the_docs_are_asked_then_its_columns_and_a_row_that_is_taken(setting: Setting) -> None:
    document = setting.client.get("/openapi.json").json()

    schema = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    row = document["components"]["schemas"]["Row"]
    assert schema["properties"]["rows"]["items"] == {"$ref": "#/components/schemas/Row"}
    assert row["required"] == list(ROW) and row["additionalProperties"] is False
    assert setting.client.post("/predict", json=schema["example"]).status_code == 200


def test_given_a_regression_when_asked_then_numbers_without_probabilities_here_and_in_the_docs(
    setting: Setting,
) -> None:
    model = setting.service.model
    assert model is not None
    schema = replace(model.schema, classes=())
    try:
        setting.service.model = replace(model, schema=schema, estimator=_Sum())
        body = setting.client.post("/predict", json={"rows": [ROW, {**ROW, "age": 41}]}).json()
        answer = setting.client.get("/openapi.json").json()["paths"]["/predict"]["post"]["responses"]["200"]
    finally:
        setting.service.model = model
    assert body["predictions"] == [2043.0, 2044.0]
    assert not {"probabilities", "classes"} & set(body)
    properties = answer["content"]["application/json"]["schema"]["properties"]
    assert properties["predictions"]["items"] == {"type": "number"}
    assert "probabilities" not in properties


class _Sum:
    """A regressor that adds its features."""

    def predict(self, values: np.ndarray) -> np.ndarray:
        return values.sum(axis=1)


def test_given_a_version_when_asked_then_model_and_code_are_named(setting: Setting) -> None:
    found = setting.client.get("/version").json()

    assert found["model_version"] == "1" and found["code_sha256"] == CODE


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.sampled_from([*ROW, "rows", "x"]), part, max_size=4),
    max_leaves=10,
)


@given(
    row=st.fixed_dictionaries({name: st.just(value) | JSON_VALUES for name, value in ROW.items()}),
    extra=st.none() | JSON_VALUES,
    path=st.sampled_from(["/predict", "/invocations", "/explain"]),
)
def test_figure_6_given_any_body_when_asked_then_200_or_422(setting: Setting, row: Any, extra: Any, path: str) -> None:
    value = {"rows": [row], "dataframe_records": [row]} if extra is None else extra

    answer = setting.client.post(path, content=json.dumps(value).encode())

    assert answer.status_code in (200, 422)


def test_given_a_row_when_explained_then_it_is_recorded_as_a_prediction_and_the_values_sum_to_its_answer(
    setting: Setting,
) -> None:
    before = len(setting.lines())
    answers = [setting.client.post("/explain", json={"rows": [ROW]}) for _ in range(2)]
    predicted = setting.predict(ROW).json()

    assert [answer.status_code for answer in answers] == [200, 200]
    first, second = (answer.json() for answer in answers)
    (one,) = first["explanations"]
    assert first["explanations"] == second["explanations"], "the same request, the same explanation"
    assert one["answer"] == max(predicted["probabilities"][0]) and first["predictions"] == predicted["predictions"]
    assert one["background_mean"] + sum(one["columns"].values()) == pytest.approx(one["answer"])
    assert set(one["columns"]) == set(ROW) and first["background"] == {"rows": 20, "made_up": True}
    lines = setting.lines()[before:]
    assert [line["id"] for line in lines[:2]] == [*first["prediction_ids"], *second["prediction_ids"]]
    assert lines[0]["output"] == lines[2]["output"] and lines[0]["inputs"] == ROW
    assert 'path="/explain",status="200"' in setting.client.get("/metrics").text


@pytest.mark.parametrize("body", [{"rows": [ROW, ROW]}, {"rows": []}, {"rows": [{**ROW, "age": "old"}]}, [ROW]])
def test_given_no_or_two_rows_or_a_bad_one_when_explained_then_422_and_nothing_is_recorded(
    setting: Setting, body: Any
) -> None:
    before = len(setting.lines())
    answer = setting.client.post("/explain", json=body)

    assert answer.status_code == 422 and len(setting.lines()) == before
    assert "row" in answer.json()["detail"]


def test_given_a_model_from_before_when_explained_then_409_says_what_to_do_and_nothing_is_recorded(
    setting: Setting,
) -> None:
    model, before = setting.service.model, len(setting.lines())
    assert model is not None
    setting.service.model = replace(model, background=None)
    try:
        answer = setting.client.post("/explain", json={"rows": [ROW]})
    finally:
        setting.service.model = model

    assert answer.status_code == 409 and len(setting.lines()) == before
    assert answer.json()["detail"].endswith("train and release it again")


def test_given_no_time_or_a_full_queue_when_explained_then_503_later_and_predictions_go_on(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"rows": [ROW]}
    monkeypatch.setattr(setting.service, "explainer", OneAtATime(0.0))
    late = setting.client.post("/explain", json=body)
    monkeypatch.setattr(one_at_a_time, "MOST_UNDER_WAY", 0)
    monkeypatch.setattr(setting.service, "explainer", OneAtATime(10.0))
    full = setting.client.post("/explain", json=body)

    assert [(one.status_code, one.headers["retry-after"]) for one in (late, full)] == [(503, "1")] * 2
    assert "explain_seconds" in late.json()["detail"] and "too many" in full.json()["detail"]
    assert setting.predict(ROW).status_code == 200


@given(income=st.floats(min_value=0, allow_infinity=False))
def test_figure_6_given_any_finite_number_when_asked_then_200_with_finite_scores_or_422(
    setting: Setting, income: float
) -> None:
    answer = setting.predict({**ROW, "mean income": income})

    assert answer.status_code in (200, 422)
    if answer.status_code == 200:
        assert sum(answer.json()["probabilities"][0]) == pytest.approx(1)


@given(body=st.binary(max_size=200))
def test_figure_6_given_any_bytes_when_asked_then_422(setting: Setting, body: bytes) -> None:
    assert setting.client.post("/predict", content=body).status_code == 422


def test_given_requests_when_metrics_are_asked_for_then_they_are_counted_and_a_token_is_needed(tmp_path: Path) -> None:
    setting = Setting(tmp_path)
    with setting.client as client:
        setting.predict(ROW, ROW)
        client.get("/nowhere")
        text = client.get("/metrics").text
        assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401

    assert 'aifactory_requests_total{path="/predict",status="200"} 1.0' in text
    assert 'aifactory_requests_total{path="other",status="404"} 1.0' in text
    assert "aifactory_rows_scored_total 2.0" in text
    assert "aifactory_model_version 1.0" in text


def test_given_a_caller_that_hangs_up_while_it_sends_then_the_service_goes_on_without_a_traceback(
    setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    parts = iter([{"type": "http.request", "body": b'{"ro', "more_body": True}, {"type": "http.disconnect"}])
    headers = [(b"authorization", f"Bearer {TOKEN}".encode()), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/predict", "headers": headers, "query_string": b""}
    sent: list[Any] = []

    async def receive() -> Any:
        return next(parts)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(setting.client.app({**scope, "raw_path": b"/predict", "server": ("t", 80)}, receive, send))  # type: ignore[arg-type]

    assert caplog.records == [] and sent[0]["status"] == 422
