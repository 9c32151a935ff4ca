"""Component Budget: what a month may cost by the manifest, with notices before it is used up."""

from __future__ import annotations

import pulumi
from pulumi_aws_native import budgets

from infra.components.aws.notices import Notices
from infra.components.aws.part import Part, tagged
from infra.components.aws.settings import UseCaseSettings

NOTICES = (50, 80, 100)
"""Shares of the budget in percent at which its owner is told."""


class Budget(Part):
    """Counts what carries the tags of use case and environment, once both are activated for billing."""

    def __init__(
        self,
        name: str,
        settings: UseCaseSettings,
        notices: Notices,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        limit = settings.manifest.settings(settings.environment).budget_month
        owner = {"subscription_type": "SNS", "address": notices.arns[settings.manifest.owner]}
        tags = [
            {"tags": {"key": key, "values": [settings.tags[key]], "match_options": ["EQUALS"]}}
            for key in ("use_case", "environment")
        ]
        budgets.Budget(
            f"{name}-month",
            budget={
                "budget_name": settings.name,
                "budget_type": "COST",
                "time_unit": "MONTHLY",
                "budget_limit": {"amount": limit, "unit": "USD"},
                "filter_expression": {"and_": tags},
            },
            notifications_with_subscribers=[
                {
                    "notification": {
                        "comparison_operator": "GREATER_THAN",
                        "notification_type": "ACTUAL",
                        "threshold": share,
                        "threshold_type": "PERCENTAGE",
                    },
                    "subscribers": [owner],
                }
                for share in NOTICES
            ],
            resource_tags=tagged(settings.tags),
            # Its name is its identity, so a new one cannot be made beside the old one.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.register_outputs({})
