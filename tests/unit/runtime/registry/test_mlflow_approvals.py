"""Approvals over SQLite."""

from __future__ import annotations

from aifactory_runtime.registry.mlflow import MlflowRegistry


def test_given_approvals_when_read_then_newest_first_with_who_wrote_them(registry: MlflowRegistry) -> None:
    assert registry.approvals("kim.meyer") == []
    registry.record_approval("kim.meyer", "a" * 64, "b" * 64)
    (found,) = registry.approvals("kim.meyer")
    assert (found.person, found.model_sha256, found.report_sha256) == ("kim.meyer", "a" * 64, "b" * 64)
    assert found.user_id == "local"


def test_given_certificates_between_approvals_when_read_then_the_last_word_of_that_person(
    registry: MlflowRegistry,
) -> None:
    assert registry.certificate("vera") is None
    registry.record_certificate("vera", "a" * 64)
    registry.record_certificate("otto", "c" * 64)
    registry.record_approval("vera", "a" * 64, "b" * 64)
    first = registry.certificate("vera")
    registry.record_certificate("vera", None)
    last = registry.certificate("vera")

    assert first is not None and (first.person, first.gate_sha256, first.user_id) == ("vera", "a" * 64, "local")
    assert last is not None and last.gate_sha256 is None
    assert len(registry.approvals("vera")) == 1, "a certificate is no approval"
