"""Approvals over SQLite."""

from __future__ import annotations

import pytest

from aifactory_runtime.registry import mlflow_runs
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


def test_given_a_clock_that_was_set_back_when_a_certificate_is_withdrawn_then_the_withdrawal_counts(
    registry: MlflowRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(11):
        registry.record_certificate("vera", f"{number}" * 64)
    monkeypatch.setattr(mlflow_runs, "now", lambda: 1_000)
    registry.record_certificate("vera", None)
    withdrawn = registry.certificate("vera")
    registry.record_certificate("vera", "f" * 64)
    again = registry.certificate("vera")

    assert withdrawn is not None and withdrawn.gate_sha256 is None
    assert again is not None and again.gate_sha256 == "f" * 64
