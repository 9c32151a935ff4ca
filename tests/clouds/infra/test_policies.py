"""The policy pack over all that the platform makes on AWS."""

from __future__ import annotations

import pytest

from infra.policies import aws_rules, rules
from tests.clouds.infra import test_platform
from tests.clouds.infra.test_platform import Recorder

engine = test_platform.engine


@pytest.mark.parametrize("environment", ["shared", "dev", "prod"])
def test_given_the_platform_when_its_resources_are_checked_then_no_policy_objects(
    engine: Recorder, environment: str
) -> None:
    test_platform.platform(engine, environment)

    vendors = [one for one in engine.asked if not one[0].startswith(rules.GROUPS)]
    made = [(f"aws-native:{kind}", name, inputs) for kind, name, inputs in vendors]
    found = {
        (name, policy): sentences
        for kind, name, inputs in made
        for policy, rule in aws_rules.RULES.items()
        # A recorder is not told the options; tests of the components look at those.
        if (sentences := list(rule(aws_rules.Seen(kind, inputs, True, frozenset({"tags"}), None))))
    }
    untagged = {
        (kind, name): lines for kind, name, inputs in made if (lines := list(rules.mandatory_tags(kind, inputs)))
    }

    assert len(made) > 5
    assert (found, untagged) == ({}, {})
