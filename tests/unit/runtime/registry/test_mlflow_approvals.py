"""Approvals over SQLite."""

from __future__ import annotations

from aifactory_runtime.registry.mlflow import MlflowRegistry


def test_given_approvals_when_read_then_newest_first_with_who_wrote_them(registry: MlflowRegistry) -> None:
    assert registry.approvals("kim.meyer") == []
    registry.record_approval("kim.meyer", "a" * 64, "b" * 64)
    (found,) = registry.approvals("kim.meyer")
    assert (found.person, found.model_sha256, found.report_sha256) == ("kim.meyer", "a" * 64, "b" * 64)
    assert found.user_id == "local"
