"""The rules of the policy pack over plain properties, good ones and bad ones side by side."""

from __future__ import annotations

from typing import Any

import pytest

from infra.conventions import tags
from infra.policies import rules

ANYWHERE = "0.0.0.0"  # noqa: S104  given to be refused
GOOD = tags.of_platform("dev")
SERVICE = "local:index:Service"


@pytest.mark.parametrize("resource_type", sorted(rules.TAGGED))
def test_given_all_tags_when_checked_then_nothing_is_said(resource_type: str) -> None:
    assert list(rules.mandatory_tags(resource_type, {"tags": GOOD})) == []


@pytest.mark.parametrize("missing", tags.MANDATORY)
def test_given_a_tag_missing_or_empty_when_checked_then_it_is_named_with_what_to_write(missing: str) -> None:
    without = {key: value for key, value in GOOD.items() if key != missing}
    for given in (without, {**GOOD, missing: ""}):
        (sentence,) = rules.mandatory_tags(SERVICE, {"tags": given})
        assert missing in sentence
        assert "write tags=" in sentence


def test_given_no_tags_when_a_resource_carries_none_then_nothing_is_said() -> None:
    assert list(rules.mandatory_tags("local:index:PortLease", {})) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_given_a_loopback_address_when_checked_then_nothing_is_said(host: str) -> None:
    assert list(rules.loopback_only(SERVICE, {"host": host, "port": 21000, "command": ["x", "--host", host]})) == []


@pytest.mark.parametrize(
    "properties",
    [
        {"host": ANYWHERE, "port": 21000},
        {"host": "192.168.1.7", "port": 21000},
        {"port": 21000},
        {"host": "127.0.0.1", "port": 21000, "command": ["server", "--bind", ANYWHERE]},
        {"command": ["server", "--bind", "::"]},
    ],
)
def test_given_an_address_others_can_reach_when_checked_then_it_says_what_to_write(properties: dict[str, Any]) -> None:
    sentences = list(rules.loopback_only(SERVICE, properties))
    assert len(sentences) == 1
    assert "127.0.0.1" in sentences[0]
