"""Options of `factory new` and `factory adopt` as answers: the company's platform comes from a variable, once."""

from __future__ import annotations

import pytest

from aifactory.cli.use_case import PLATFORM, Given


def answers(**said: str) -> dict[str, str]:
    given = Given({"owner": "ana", **said}, (), None, (), None, (), (), None, None, allow_dirty=False)
    return given.answers("churn", "factory new churn")


def test_given_the_companys_platform_in_a_variable_then_a_repo_for_a_cloud_gets_it_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(PLATFORM, "s3://aifactory-platform-123456789012")

    assert answers(target="aws")["platform"] == "s3://aifactory-platform-123456789012"
    assert answers(target="aws", platform="s3://other")["platform"] == "s3://other"
    assert "platform" not in answers()
    assert "platform" not in answers(target="local")


def test_given_no_variable_then_the_templates_default_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PLATFORM, raising=False)

    assert answers(target="aws") == {"owner": "ana", "target": "aws", "use_case": "churn"}
