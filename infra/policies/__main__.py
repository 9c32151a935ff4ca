"""The policy pack: a violation fails the preview, so nothing of it is ever made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)

from infra.policies import rules

Rule = Callable[[str, Mapping[str, Any]], Iterator[str]]


def policy(name: str, rule: Rule, description: str) -> ResourceValidationPolicy:
    """A rule as a policy of the pack."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for sentence in rule(args.resource_type, args.props):
            report(sentence, None)

    return ResourceValidationPolicy(
        name=name, description=description, enforcement_level=EnforcementLevel.MANDATORY, validate=validate
    )


PolicyPack(
    name="aifactory-local",
    policies=[
        policy("mandatory-tags", rules.mandatory_tags, "Everything can be put down to a use case and its owner."),
        policy("loopback-only", rules.loopback_only, "Services of this machine listen on its loopback only."),
    ],
)
