"""Cron expressions as EventBridge writes them: the same minutes, two where cron means either, and what has no form."""

from __future__ import annotations

import pytest

from infra.components.aws import cron

MANY = ",".join(map(str, range(59)))


@pytest.mark.parametrize(
    ("schedule", "found"),
    [
        ("0 3 * * 1", ["cron(0 3 ? * MON *)"]),
        ("*/15 * * * *", ["cron(0/15 * * * ? *)"]),
        ("23 3 * * *", ["cron(23 3 * * ? *)"]),
        ("0 6-8 1,15 * *", ["cron(0 6,7,8 1,15 * ? *)"]),
        ("0 0 * jan-mar 0", ["cron(0 0 ? 1,2,3 SUN *)"]),
        ("0 0 * * 7", ["cron(0 0 ? * SUN *)"]),
        ("0 0 * * mon-fri", ["cron(0 0 ? * MON,TUE,WED,THU,FRI *)"]),
        ("0 0 * * 0-6", ["cron(0 0 * * ? *)"]),
        ("0 0 L * *", ["cron(0 0 L * ? *)"]),
        ("0 0 * * 5#3", ["cron(0 0 ? * 6#3 *)"]),
        ("0 0 * * 5L", ["cron(0 0 ? * 6L *)"]),
        ("0 0 13 * 5", ["cron(0 0 13 * ? *)", "cron(0 0 ? * FRI *)"]),
    ],
)
def test_given_a_schedule_when_it_is_for_aws_then_it_says_the_same(schedule: str, found: list[str]) -> None:
    assert cron.expressions(schedule) == found


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ("0 3 */2 * 1", "no word for"),
        ("0 3 * * 1#1,3#1", "of one weekday only"),
        (
            f"{MANY} {MANY[:59].rstrip(',')} {MANY[2:79]} * *",
            "takes 256 characters",
        ),
    ],
)
def test_given_a_schedule_that_aws_has_no_form_for_when_asked_then_it_says_what_to_write(
    schedule: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        cron.expressions(schedule)
