"""What MLflow and its database answer, as one line that says what to do."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from aifactory_runtime.config.credentials import Credentials
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.registry import looking
from aifactory_runtime.registry.mlflow import MlflowRegistry, connect


@pytest.mark.parametrize("number", [7, 401, 403])
def test_given_no_such_version_when_asked_for_then_one_line(registry: MlflowRegistry, number: int) -> None:
    with pytest.raises(FactoryError, match="not found") as caught:
        registry.version(number)
    assert "\n" not in str(caught.value) and "login" not in str(caught.value)


@contextmanager
def answering(status: int, body: str) -> Iterator[str]:
    """Address of a server that answers everything with `status` and `body`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("status", "body", "refused"),
    [
        (401, "You are not authenticated.", True),
        (403, "Permission denied", True),
        (403, '{"error_code": "PERMISSION_DENIED", "message": "no"}', True),
        (404, '{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Model Version 401 not found"}', False),
        (400, '{"error_code": "INVALID_PARAMETER_VALUE", "message": "run 4030 has no such tag"}', False),
    ],
)
def test_given_an_answer_of_the_server_when_it_is_told_then_only_a_refusal_is_called_one(
    context: Context, status: int, body: str, refused: bool
) -> None:
    with answering(status, body) as address:
        contract = context.contract.model_copy(update={"tracking_uri": address, "registry_uri": address})
        ana = Credentials("ana", "ana.demo-case.dev", "secret-of-ana")
        with pytest.raises(FactoryError) as caught:
            connect(contract, ana).version(1)
        with pytest.raises(FactoryError) as looked:
            looking.at(contract, ana).version(1)

    for error in (caught, looked):
        assert ("refuses this login" in str(error.value)) is refused, str(error.value)
        assert str(error.value).count("\n") == 0


@pytest.mark.heavy
def test_fault_44_given_no_server_when_asked_then_one_line_says_how_to_start_it(context: Context) -> None:
    contract = context.contract.model_copy(
        update={"tracking_uri": "http://127.0.0.1:9", "registry_uri": "http://127.0.0.1:9"}
    )
    registry = connect(contract, Credentials("ana", "ana.demo-case.dev", "secret-of-ana"))
    with pytest.raises(FactoryError, match="does not answer: run factory start") as caught:
        registry.versions()
    assert "secret-of-ana" not in str(caught.value)
    with pytest.raises(FactoryError, match="does not answer: run factory start"):
        looking.at(contract, None).anchored()


@pytest.mark.heavy
def test_given_a_failure_that_speaks_of_connections_when_asked_then_it_is_not_taken_for_a_silent_server(
    context: Context,
) -> None:
    absent = context.contract.model_copy(update={"model_name": "Connection refused"})

    with pytest.raises(FactoryError, match="Connection refused") as caught:
        connect(absent, None).version(1)

    assert "does not answer" not in str(caught.value)
