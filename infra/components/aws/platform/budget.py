"""Component Budget: what the platform may cost a month, with notices at 50, 80 and 100 percent."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws_native as aws

from infra.components.aws.part import Part, tagged
from infra.components.aws.platform import naming

NOTICES = (50, 80, 100)
_BY_TAG = ("use_case", "environment")


class Budget(Part):
    """Counts by the tags use_case and environment, which have to be activated for billing once."""

    def __init__(
        self,
        name: str,
        *,
        environment: str,
        month: float,
        topic: pulumi.Input[str],
        tags: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`month` is in USD; `topic` is the address of the topic that hears of it."""
        super().__init__(name, opts)
        subscriber = aws.budgets.BudgetSubscriberArgs(subscription_type="SNS", address=topic)
        self.budget = aws.budgets.Budget(
            f"{name}-month",
            budget=aws.budgets.BudgetDataArgs(
                budget_name=naming.named(environment, "budget"),
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=aws.budgets.BudgetSpendArgs(amount=month, unit="USD"),
                filter_expression=_filter(tags),
            ),
            notifications_with_subscribers=[
                aws.budgets.BudgetNotificationWithSubscribersArgs(
                    notification=aws.budgets.BudgetNotificationArgs(
                        comparison_operator="GREATER_THAN",
                        notification_type="ACTUAL",
                        threshold=float(share),
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[subscriber],
                )
                for share in NOTICES
            ],
            resource_tags=tagged(tags),
            # Its notices cannot be changed in place, and a second budget cannot have the same name.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.register_outputs({})


def _filter(tags: Mapping[str, str]) -> aws.budgets.BudgetExpressionArgs:
    return aws.budgets.BudgetExpressionArgs(
        and_=[
            aws.budgets.BudgetExpressionArgs(
                tags=aws.budgets.BudgetTagValuesArgs(key=key, values=[tags[key]], match_options=["EQUALS"])
            )
            for key in _BY_TAG
        ]
    )
