"""The policy pack over all that the platform and a use case make on AWS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from aifactory_runtime.contract import names
from infra.policies import aws_rules, rules
from tests.clouds.infra import test_platform, test_use_case

engine = test_platform.engine


def objections(asked: Sequence[tuple[str, str, dict[str, Any]]]) -> dict[tuple[str, str], list[str]]:
    """What the pack says of recorded resources, by kind and policy.

    A recorder is not told the options; tests of the components look at those.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for kind, _, inputs in asked:
        if kind.startswith(rules.GROUPS):
            continue
        seen = aws_rules.Seen(f"{aws_rules.PREFIX}{kind}", inputs, True, frozenset({"tags"}), None)
        said = {policy: list(rule(seen)) for policy, rule in aws_rules.RULES.items()}
        said["mandatory-tags"] = list(rules.mandatory_tags(seen.type, inputs))
        found |= {(kind, policy): lines for policy, lines in said.items() if lines}
    return found


@pytest.mark.parametrize("environment", ["shared", "dev", "prod"])
def test_given_the_platform_when_its_resources_are_checked_then_no_policy_objects(
    engine: test_platform.Recorder, environment: str
) -> None:
    test_platform.platform(engine, environment)

    assert len(engine.asked) > 5
    assert objections(engine.asked) == {}


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("environment", names.ENVIRONMENTS)
def test_given_a_use_case_when_its_resources_are_checked_then_no_policy_objects(environment: str) -> None:
    recorder = test_use_case.Recorder()
    test_use_case.use_case(recorder, environment)

    assert len(recorder.asked) > 20
    assert objections(recorder.asked) == {}
