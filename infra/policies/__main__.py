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

from infra.policies import aws_rules, rules

Rule = Callable[[str, Mapping[str, Any]], Iterator[str]]


def policy(name: str, rule: Rule, description: str) -> ResourceValidationPolicy:
    """A rule as a policy of the pack."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for sentence in rule(args.resource_type, args.props):
            report(sentence, None)

    return ResourceValidationPolicy(
        name=name, description=description, enforcement_level=EnforcementLevel.MANDATORY, validate=validate
    )


def aws_policy(name: str, rule: Callable[[aws_rules.Seen], Iterator[str]]) -> ResourceValidationPolicy:
    """A rule about resources of AWS as a policy of the pack; other vendors' are let pass at once."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if not args.resource_type.startswith(aws_rules.PREFIX):
            return
        region = args.provider.props.get("region") if args.provider else None
        ignored = frozenset(args.opts.ignore_changes or ())
        for sentence in rule(aws_rules.Seen(args.resource_type, args.props, args.opts.protect, ignored, region)):
            report(sentence, None)

    level = EnforcementLevel.ADVISORY if name in aws_rules.ADVISES else EnforcementLevel.MANDATORY
    described = (rule.__doc__ or name).partition("\n")[0]
    return ResourceValidationPolicy(
        name=f"aws-{name}", description=described, enforcement_level=level, validate=validate
    )


PolicyPack(
    name="aifactory-local",
    policies=[
        policy("mandatory-tags", rules.mandatory_tags, "Everything can be put down to a use case and its owner."),
        policy("loopback-only", rules.loopback_only, "Services of this machine listen on its loopback only."),
        *(aws_policy(name, rule) for name, rule in aws_rules.RULES.items()),
    ],
)
