"""AWS's errors as one line that says what is wrong with the login, the account, a right or the network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore import exceptions

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.storage import Denied, answers

_NO_LOGIN = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
    exceptions.ProfileNotFound,
)
_EXPIRED = (
    exceptions.SSOError,
    exceptions.TokenRetrievalError,
)
_BUSY = {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"}
_UNREACHABLE = (
    exceptions.EndpointConnectionError,
    exceptions.ConnectTimeoutError,
    exceptions.ReadTimeoutError,
    exceptions.ConnectionClosedError,
    exceptions.ProxyConnectionError,
    exceptions.SSLError,
)
_SESSION = re.compile(r"arn:aws[a-z-]*:sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/]+)/(?P<session>[^/]+)")
_LONGEST = 300


class Refused(FactoryError):
    """AWS says no for a reason of its own; `code` is AWS's name for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@contextmanager
def one_line(environment: str) -> Iterator[None]:
    """Errors of botocore in the block are FactoryErrors; `environment` is the one whose rights are short."""
    try:
        yield
    except exceptions.ClientError as error:
        raise of_answer(error.response, error.operation_name, environment) from None
    except exceptions.BotoCoreError as error:
        raise _of_client(error) from None


def of_answer(answer: Any, operation: str, environment: str) -> FactoryError:
    """What AWS answered to an operation, such as CreateModelPackage."""
    said = answer.get("Error", {})
    code, text = str(said.get("Code", "")), first_line(str(said.get("Message", "")))
    if login := answers.of_login(code):
        return login
    if code in answers.DENIED:
        return denied(text, operation, environment)
    if code in _BUSY:
        return FactoryError(f"AWS takes no more calls for now ({operation}): do this again in a minute")
    return Refused(code, f"AWS refuses {operation}: {text or code}")


def of_text(text: str, operation: str, environment: str) -> FactoryError | None:
    """What a sentence of AWS's says of the login or of a right, where no code comes with it; None when neither."""
    if answers.is_denied(text):
        return denied(text, operation, environment)
    if "security token" in text and "expired" in text:
        return FactoryError(f"the login to AWS is over: {answers.LOGIN_AGAIN}")
    if "security token" in text and "invalid" in text:
        return FactoryError(f"AWS does not know this login: {answers.LOGIN_AGAIN}")
    return None


def denied(text: str, operation: str, environment: str) -> FactoryError:
    """A right that is missing; AWS's own sentence names who asked, for what."""
    return Denied(f"{answers.lacking(text, operation)} in {environment}: {answers.ALLOWED}")


def session_of(arn: str) -> tuple[str, str, str]:
    """Account, role and name of a session; all empty for who is no session of a role."""
    found = _SESSION.fullmatch(arn)
    return (found["account"], found["role"], found["session"]) if found else ("", "", "")


def _of_client(error: exceptions.BotoCoreError) -> FactoryError:
    """What never got an answer."""
    if isinstance(error, _EXPIRED):
        return FactoryError(f"the login to AWS is over: {answers.LOGIN_AGAIN}")
    if isinstance(error, _NO_LOGIN):
        return FactoryError(f"there is no login to AWS ({first_line(str(error))}): {answers.LOGIN_AGAIN}")
    if isinstance(error, _UNREACHABLE):
        return FactoryError(f"AWS does not answer ({first_line(str(error))}): see the network, then do this again")
    return FactoryError(f"AWS cannot be asked: {first_line(str(error))}")


def first_line(text: str) -> str:
    """The first line of what AWS says, cut to what a person reads."""
    return text.strip().partition("\n")[0][:_LONGEST]
