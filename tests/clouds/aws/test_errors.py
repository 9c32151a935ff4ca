"""AWS's answers as one line, by what a person has to do."""

from __future__ import annotations

import pytest
from botocore import exceptions

from aifactory_runtime.aws import errors
from aifactory_runtime.errors import FactoryError

ROLE = "arn:aws:sts::123456789012:assumed-role/aifactory-churn-prod-service/worker"


def answered(code: str, message: str, operation: str = "CreateModelPackage") -> FactoryError:
    """What becomes of an answer of AWS's."""
    with pytest.raises(FactoryError) as told, errors.one_line("prod"):
        raise exceptions.ClientError({"Error": {"Code": code, "Message": message}}, operation)
    return told.value


@pytest.mark.parametrize(
    ("code", "message", "told"),
    [
        ("ExpiredToken", "The provided token has expired.", "the login to AWS is over: log in"),
        ("ExpiredTokenException", "The security token included in the request is expired", "the login to AWS is over"),
        ("InvalidClientTokenId", "The security token included in the request is invalid.", "does not know this login"),
        (
            "AccessDeniedException",
            f"User: {ROLE} is not authorized to perform: sagemaker:CreateModelPackage on resource: arn:x because no "
            "identity-based policy allows the sagemaker:CreateModelPackage action",
            "aifactory-churn-prod-service/worker lacks the right sagemaker:CreateModelPackage on arn:x in prod",
        ),
        ("AccessDenied", "Access Denied", "this login lacks the right CreateModelPackage in prod"),
        ("ThrottlingException", "Rate exceeded", "takes no more calls for now"),
        ("ValidationException", "Bad.\nMore of it", "AWS refuses CreateModelPackage: Bad."),
    ],
)
def test_given_an_answer_of_aws_then_one_line_says_what_to_do(code: str, message: str, told: str) -> None:
    found = str(answered(code, message))
    assert told in found
    assert "\n" not in found


def test_given_a_reason_of_its_own_then_its_code_is_kept() -> None:
    found = answered("ConflictException", "twice")
    assert isinstance(found, errors.Refused)
    assert found.code == "ConflictException"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (exceptions.NoCredentialsError(), "there is no login to AWS"),
        (exceptions.TokenRetrievalError(provider="sso", error_msg="Token has expired"), "the login to AWS is over"),
        (exceptions.UnauthorizedSSOTokenError(), "the login to AWS is over"),
        (exceptions.EndpointConnectionError(endpoint_url="https://x"), "AWS does not answer"),
        (exceptions.ParamValidationError(report="Unknown parameter"), "AWS cannot be asked"),
    ],
)
def test_given_no_answer_then_one_line_says_why(error: exceptions.BotoCoreError, told: str) -> None:
    with pytest.raises(FactoryError, match=told), errors.one_line("prod"):
        raise error


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            f"User: {ROLE} is not authorized to perform: sagemaker-mlflow:CreateRun",
            "sagemaker-mlflow:CreateRun in prod",
        ),
        ("The security token included in the request is expired", "the login to AWS is over"),
        ("The security token included in the request is invalid.", "does not know this login"),
    ],
)
def test_given_a_sentence_without_a_code_then_what_it_says_of_the_login_is_known(text: str, told: str) -> None:
    assert told in str(errors.of_text(text, "MLflow", "prod"))


def test_given_any_other_sentence_then_it_is_left_alone() -> None:
    assert errors.of_text("experiment prod/churn is not there", "MLflow", "prod") is None
