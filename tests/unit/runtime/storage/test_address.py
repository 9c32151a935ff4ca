"""Which store an address means, and that a folder costs no library."""

from __future__ import annotations

import subprocess
import sys

import pytest

from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.storage import delta_options, open_store


@pytest.mark.parametrize(
    "address", ["", "file://", "gs://b", "https://b/c", "s3://", "s3:///a", "az://", "s3://k:s@b/c"]
)
def test_given_an_address_of_another_kind_when_opened_then_it_is_refused_in_one_line(address: str) -> None:
    for use in (open_store, delta_options):
        with pytest.raises(UsageProblem) as refused:
            use(address)
        assert "\n" not in str(refused.value)


def test_given_a_folder_when_asked_for_delta_then_it_needs_nothing() -> None:
    assert delta_options("/data/tables") is None


def test_given_a_stand_in_when_asked_for_delta_then_its_address_goes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert delta_options("s3://bucket/tables") == {"aws_conditional_put": "etag"}

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert delta_options("s3://bucket/tables") == {
        "aws_conditional_put": "etag",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ALLOW_HTTP": "true",
    }


def test_given_a_folder_when_its_store_is_opened_then_no_library_of_a_cloud_is_loaded() -> None:
    opening = "from aifactory_runtime.storage import open_store; open_store('/x')"
    seen = f"import sys; {opening}; print('obstore' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
