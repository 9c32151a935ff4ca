"""Content types and encodings of a request, asked of the whole application."""

from __future__ import annotations

import gzip
import itertools
import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.serving import app, request_body
from aifactory_runtime.serving.loader import Loader
from aifactory_runtime.serving.recording import Recorder
from aifactory_runtime.serving.service import Service
from tests.unit.runtime.serving_parts import CODE, ROW, features, make_model

LIMIT = 20_000
ROWS = json.dumps({"rows": [ROW]}).encode()
RECORDS = json.dumps({"dataframe_records": [ROW]}).encode()
TABLE = b"age,mean income,member,region\n40,1000.5,true,east\n"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    from aifactory_runtime.serving.fetch import Source

    folder = tmp_path_factory.mktemp("service")
    loader = Loader(folder / "models", Source("", lambda: None), features, CODE, None, max_rows=50)
    model = loader.load(make_model(folder / "model"))
    with TestClient(app.create_app(Service(LIMIT, Recorder(folder / "log"), None, model, None), "Churn")) as made:
        yield made


def _post(client: TestClient, path: str, body: bytes, kind: str | None, **headers: str) -> Any:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(path, content=body, headers=sent if kind is None else {"Content-Type": kind, **sent})


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/predict", ROWS, None),
        ("/predict", ROWS, "application/json"),
        ("/predict", ROWS, "Application/JSON; charset=UTF-8"),
        ("/predict", ROWS, "application/x-www-form-urlencoded"),
        ("/invocations", RECORDS, None),
        ("/invocations", RECORDS, 'application/json; charset="utf-8"'),
        ("/invocations", TABLE, "text/csv"),
        ("/invocations", TABLE, "text/csv; charset=utf-8"),
        ("/invocations", TABLE, "text/csv; header=present"),
        ("/invocations", TABLE, 'text/csv; charset=utf-8; Header="present"'),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_given_a_type_that_is_taken_when_sent_then_the_answers_are_the_same(
    client: TestClient, path: str, body: bytes, kind: str | None, packed: bool
) -> None:
    expected = client.post("/predict", json={"rows": [ROW]}).json()["probabilities"]

    if packed:
        answer = _post(client, path, gzip.compress(body), kind, Content_Encoding="gzip")
    else:
        answer = _post(client, path, body, kind)

    assert (answer.status_code, answer.json()["probabilities"]) == (200, expected)


@pytest.mark.parametrize(
    ("path", "kind", "says"),
    [
        ("/invocations", "application/xml", "application/json or text/csv"),
        ("/invocations", "application/vnd.apache.parquet", "application/json or text/csv"),
        ("/invocations", "application/x-www-form-urlencoded", "application/json or text/csv"),
        ("/invocations", "text/plain", "application/json or text/csv"),
        ("/invocations", "text/csv; charset=latin-1", "in UTF-8"),
        ("/invocations", "application/json; format=pandas-split", "without further parameters"),
        ("/invocations", "text/csv; header=absent", "with a header of column names"),
        ("/invocations", "application/json; header=present", "without further parameters"),
        ("/predict", "text/csv", "send application/json; text/csv belongs to /invocations"),
        ("/predict", "secret/Zq9secret", "send application/json"),
    ],
)
def test_given_another_type_when_sent_then_415_names_those_that_are_taken(
    client: TestClient, path: str, kind: str, says: str
) -> None:
    answer = _post(client, path, ROWS, kind)

    assert answer.status_code == 415
    assert says in answer.json()["detail"] and "secret" not in answer.text
    assert answer.headers["accept"].startswith("application/json")


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd"])
def test_given_another_encoding_when_sent_then_415(client: TestClient, encoding: str) -> None:
    answer = _post(client, "/invocations", RECORDS, "application/json", Content_Encoding=encoding)

    assert answer.status_code == 415
    assert "gzip" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body", [b"", b"no gzip", gzip.compress(RECORDS, mtime=0)[:-4], gzip.compress(RECORDS, mtime=0) + b"x"]
)
def test_given_a_damaged_gzip_when_sent_then_422(client: TestClient, body: bytes) -> None:
    answer = _post(client, "/invocations", body, "application/json", Content_Encoding="gzip")

    assert answer.status_code == 422


@pytest.mark.parametrize("members", [1, 5])
def test_given_a_body_that_unpacks_to_more_than_the_limit_when_sent_then_413_and_no_more_is_unpacked(
    client: TestClient, members: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "_LINGER_SECONDS", 0.01)
    unpacked = []
    real = zlib.decompressobj

    class Counting:
        def __init__(self, window: int) -> None:
            self._inner = real(window)

        def decompress(self, packed: bytes, most: int) -> bytes:
            made = self._inner.decompress(packed, most)
            unpacked.append(len(made))
            return made

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

    monkeypatch.setattr("zlib.decompressobj", Counting)
    bomb = gzip.compress(b" " * 10_000_000 if members == 1 else b" " * (LIMIT // 4)) * members
    assert len(bomb) < LIMIT

    answer = _post(client, "/predict", bomb, "application/json", Content_Encoding="gzip")

    assert answer.status_code == 413
    assert sum(unpacked) == LIMIT + 1


@given(content=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=3))
def test_given_any_bytes_in_any_members_when_unpacked_then_they_come_back(content: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    packed = b"".join(gzip.compress(content[start:end]) for start, end in itertools.pairwise(places))

    assert request_body._unpacked(packed, len(content)) == content
    if content:
        with pytest.raises(request_body.TooLarge):
            request_body._unpacked(packed, len(content) - 1)
