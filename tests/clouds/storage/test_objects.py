"""Objects of a bucket as a store: what each store does, over S3's own requests."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import boto3
import pytest

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.storage import Missing, NoBucket, Store, open_store
from tests.fixtures.store_rules import StoreRules

SENTENCE = (
    "User: arn:aws:sts::123456789012:assumed-role/churn-prod-service/worker is not authorized to perform: "
    "s3:GetObject on resource: arn:aws:s3:::b/a because no identity-based policy allows it"
)
CALLS: tuple[Callable[[Store], object], ...] = (
    lambda store: store.read("a"),
    lambda store: store.put("a", b"1"),
    lambda store: store.create("a", b"1"),
    lambda store: store.replace("a", b"1", "x"),
    lambda store: list(store.list()),
)


@pytest.fixture
def bucket(aws: str) -> str:
    made = f"store-{uuid.uuid4().hex}"
    boto3.client("s3", endpoint_url=aws).create_bucket(
        Bucket=made, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    return made


@pytest.fixture
def store(bucket: str) -> Store:
    return open_store(f"s3://{bucket}/use/case")


class TestObjectStore(StoreRules):
    pass


class Refusing(BaseHTTPRequestHandler):
    """Answers every request with one error, as S3 words it."""

    answer: ClassVar[tuple[int, str, str]]

    def _refuse(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, code, message = self.answer
        content = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_DELETE = _refuse  # noqa: N815 - names that the server calls

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def refusing(aws: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Refusing]]:  # noqa: ARG001
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    yield Refusing
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("call", CALLS)
def test_given_no_bucket_when_used_then_one_line_says_what_makes_it(
    aws: str,  # noqa: ARG001
    call: Callable[[Store], object],
) -> None:
    with pytest.raises(NoBucket, match=r"^s3://never-made.*the bucket never-made is not there, factory up makes it$"):
        call(open_store("s3://never-made"))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((400, "ExpiredToken", "The provided token has expired."), "the login to AWS is over: log in"),
        ((403, "InvalidAccessKeyId", "No such key."), "AWS does not know this login"),
        ((403, "AccessDenied", SENTENCE), "churn-prod-service/worker lacks the right s3:GetObject on arn:aws:s3:::b/a"),
        ((403, "AccessDenied", "Access Denied"), "this login lacks the right to do that at s3://b"),
        ((400, "InvalidRequest", "Not so."), "s3://b.* cannot be reached: Not so."),
    ],
)
def test_given_a_refusal_of_s3_then_one_line_says_what_to_do(
    refusing: type[Refusing], call: Callable[[Store], object], answer: tuple[int, str, str], told: str
) -> None:
    refusing.answer = answer

    with pytest.raises(FactoryError, match=told) as refused:
        call(open_store("s3://b"))

    assert "\n" not in str(refused.value)
    assert not isinstance(refused.value, Missing)


def test_given_a_key_that_leads_out_of_its_folder_when_copied_then_refused(
    bucket: str, store: Store, tmp_path: Path
) -> None:
    boto3.client("s3").put_object(Bucket=bucket, Key="use/case/1/model/../../out", Body=b"x")

    with pytest.raises(FactoryError, match="do not trust this bucket"):
        store.download("1/model", tmp_path / "copy")

    assert not list(tmp_path.rglob("out"))


def test_given_a_region_when_opened_then_requests_are_signed_for_it(bucket: str) -> None:
    assert open_store(f"s3://{bucket}", "eu-central-1").client.config["region"] == "eu-central-1"  # type: ignore[attr-defined]


def test_given_keys_in_a_profile_when_opened_with_a_region_then_that_counts(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    (tmp_path / "config").write_text(
        "[profile kim]\nregion = us-west-2\naws_access_key_id = test\naws_secret_access_key = test\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "kim")

    opened = open_store(f"s3://{bucket}", "eu-west-1")

    assert opened.client.config["region"] == "eu-west-1"  # type: ignore[attr-defined]
    opened.put("a", b"1")
    assert opened.read("a").content == b"1"
