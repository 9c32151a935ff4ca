"""Policies as documents, put together of statements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    """A policy of these statements."""
    return {"Version": "2012-10-17", "Statement": [dict(one) for one in statements]}


def by_service(service: str, account: str) -> dict[str, Any]:
    """Trust in a service of the vendor that acts for this account, and for no other."""
    return policy(
        {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        }
    )
