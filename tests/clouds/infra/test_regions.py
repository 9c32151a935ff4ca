"""Regions that may be asked for: those in which the vendor's own list has SageMaker."""

from __future__ import annotations

import botocore.session

from infra.conventions import regions


def test_given_the_vendors_list_when_compared_then_ours_is_the_same() -> None:
    assert list(regions.AWS) == sorted(botocore.session.get_session().get_available_regions("sagemaker"))
