"""What a store's answer says of the login and of rights, from the long text of its client."""

from __future__ import annotations

import pytest

from aifactory_runtime.storage import answers

REPORT = (
    "Generic S3 error: Error performing GET https://b.s3.amazonaws.com/a in 3ms - Server returned non-2xx status code: "
    '400 Bad Request: <?xml version="1.0"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>\n\n'
    "Debug source:\nGeneric {{ retries: 0 }}"
)
SENTENCE = (
    "User: arn:aws:sts::123456789012:assumed-role/aifactory-churn-prod-service/worker is not authorized to perform: "
    "s3:GetObject on resource: arn:aws:s3:::b/a because no identity-based policy allows it"
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (REPORT.format(code="ExpiredToken", message="The provided token has expired."), "the login to AWS is over"),
        (REPORT.format(code="InvalidAccessKeyId", message="None."), "does not know this login (InvalidAccessKeyId)"),
        (
            REPORT.format(code="AccessDenied", message=SENTENCE),
            "aifactory-churn-prod-service/worker lacks the right s3:GetObject on arn:aws:s3:::b/a: log in as who may",
        ),
        (
            REPORT.format(code="AccessDenied", message="Access Denied"),
            "this login lacks the right to do that at s3://b/a: log in as who may",
        ),
        ("Received None from session.get_credentials", "there is no login to AWS"),
        ("External error: UnauthorizedSSOTokenError: The SSO session has expired or is invalid", "is over"),
    ],
)
def test_given_a_clients_report_of_a_login_or_a_right_then_one_line_says_what_to_do(text: str, told: str) -> None:
    found = str(answers.of_text(text, "s3://b/a"))
    assert told in found
    assert "\n" not in found


@pytest.mark.parametrize("text", [REPORT.format(code="SlowDown", message="Reduce your rate."), "error sending request"])
def test_given_any_other_report_then_it_is_left_alone(text: str) -> None:
    assert answers.of_text(text, "s3://b/a") is None


def test_given_a_report_with_a_message_then_that_is_the_reason_else_its_first_line() -> None:
    assert answers.reason(REPORT.format(code="SlowDown", message="Reduce your rate.")) == "Reduce your rate."
    assert answers.reason("error sending request\nDebug source") == "error sending request"
