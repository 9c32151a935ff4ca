"""The file that names the certificates: what is refused of it, in which words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aifactory_runtime.cluster import certificates
from aifactory_runtime.errors import UsageProblem
from tests.fixtures.cluster import MakeCertificates


def test_given_all_three_when_read_then_paths_are_beside_the_file(
    tmp_path: Path, make_certificates: MakeCertificates
) -> None:
    found = certificates.read(make_certificates(tmp_path / "tls"))
    assert found.ca == tmp_path / "tls" / "ca.pem"
    assert found.key == tmp_path / "tls" / "key.pem"


def test_given_a_key_that_others_can_read_when_read_then_it_is_refused(
    tmp_path: Path, make_certificates: MakeCertificates
) -> None:
    path = make_certificates(tmp_path / "tls")
    (tmp_path / "tls" / "key.pem").chmod(0o644)
    with pytest.raises(UsageProblem, match=r"key\.pem may be read by others: chmod 600"):
        certificates.read(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "no JSON"),
        (json.dumps({"ca": "ca.pem", "cert": "cert.pem"}), "lacks key"),
        (json.dumps({"ca": "ca.pem", "cert": "cert.pem", "key": "gone.pem"}), "ca, which is not there"),
    ],
)
def test_given_a_broken_file_when_read_then_one_line_says_what_it_lacks(
    tmp_path: Path, content: str, said: str
) -> None:
    path = tmp_path / "tls.json"
    path.write_text(content)
    with pytest.raises(UsageProblem, match=said):
        certificates.read(path)


def test_given_no_file_when_read_then_one_line_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="No such file"):
        certificates.read(tmp_path / "none.json")
