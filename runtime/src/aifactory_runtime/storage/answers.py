"""What a store's answer says of the login, a right or the bucket, as one line. No I/O, no vendor's package."""

from __future__ import annotations

import re

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.storage.port import Denied

LOGIN_AGAIN = "log in to AWS again (aws sso login, or the keys that your company gives), then do this again"
ALLOWED = "log in as who may, or have it given (docs/access.md)"
OVER = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
UNKNOWN = frozenset(
    {
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "AuthFailure",
    }
)
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403"})
NO_BUCKET = frozenset({"NoSuchBucket", "ContainerNotFound"})

_CODE, _MESSAGE = re.compile(r"<Code>([^<]*)</Code>"), re.compile(r"<Message>([^<]*)</Message>")
_NO_LOGIN = re.compile(
    r"None from session\.get_credentials|/latest/(?:api/token|meta-data)|config profile .* not be found"
)
_LOGIN_OVER = re.compile(r"(?i)(?:token|session)[^\n]{0,80}expired")
_NOT_ALLOWED = re.compile(
    r"User: (?P<who>\S+) is not authorized to perform: (?P<action>[\w:*-]+)(?: on resource: (?P<resource>[^\s\"<]+))?"
)


def code(text: str) -> str:
    """The code of an error that a store answered in XML; empty when there is none."""
    found = _CODE.search(text)
    return found[1] if found else ""


def of_login(named: str) -> FactoryError | None:
    """What a code of AWS's says of the login; None when it says something else."""
    if named in OVER:
        return FactoryError(f"the login to AWS is over: {LOGIN_AGAIN}")
    if named in UNKNOWN:
        return FactoryError(f"AWS does not know this login ({named}): {LOGIN_AGAIN}")
    return None


def lacking(text: str, otherwise: str) -> str:
    """Who lacks which right, as AWS's own sentence says; that this login lacks `otherwise` where it says nothing."""
    found = _NOT_ALLOWED.search(text)
    if not found:
        return f"this login lacks the right {otherwise}"
    where = f" on {found['resource']}" if found["resource"] else ""
    return f"{short(found['who'])} lacks the right {found['action']}{where}"


def is_denied(text: str) -> bool:
    """Whether the text has AWS's sentence about a right that is missing."""
    return _NOT_ALLOWED.search(text) is not None


def short(arn: str) -> str:
    """What people call an identity: role and session of an assumed role, else what follows the account's number."""
    return arn.rpartition(":")[2].removeprefix("assumed-role/").removeprefix("user/")


def of_text(text: str, where: str) -> FactoryError | None:
    """What a client's long error says of the login or a right at `where`; None when neither."""
    named = code(text)
    if login := of_login(named):
        return login
    if named in DENIED:
        return Denied(f"{lacking(text, f'to do that at {where}')}: {ALLOWED}")
    if named:
        return None
    if _NO_LOGIN.search(text):
        return FactoryError(f"there is no login to AWS: {LOGIN_AGAIN}")
    return of_login("ExpiredToken") if _LOGIN_OVER.search(text) else None


def reason(text: str, longest: int = 300) -> str:
    """What the store itself says is wrong, else the first line of the client's report."""
    said = _MESSAGE.search(text)
    return (said[1] if said and said[1] else text.strip().partition("\n")[0])[:longest]
