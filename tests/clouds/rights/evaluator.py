"""Decides as IAM does: identity policies, a boundary, a bucket's policy; an explicit deny before all else.

Knows what our documents use: Action and NotAction, Resource and NotResource, and the conditions below. Others raise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """Who asks for what: `principal` is the ARN of a role, `context` what conditions are compared with."""

    principal: str
    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)

    def value(self, key: str) -> str | None:
        """Value of a key of conditions; keys are the same in upper and lower case."""
        known = {"aws:principalarn": self.principal} | {name.lower(): value for name, value in self.context.items()}
        return known.get(key.lower())


def allowed(
    request: Request,
    identity: Sequence[Document],
    *,
    boundary: Document | None = None,
    resource: Document | None = None,
) -> bool:
    """Whether a role in the resource's account may do it.

    A deny anywhere wins. Else the role's policies have to allow, and its boundary, too; a resource's policy that names
    the role by its ARN allows beside its policies, but not beyond its boundary.
    """
    everywhere = [*identity, *([boundary] if boundary else []), *([resource] if resource else [])]
    if any(_says(document, request, "Deny") for document in everywhere):
        return False
    by_role = any(_says(document, request, "Allow") for document in identity)
    by_resource = resource is not None and _says(resource, request, "Allow")
    return (by_role or by_resource) and (boundary is None or _says(boundary, request, "Allow"))


def may_take(document: Document, request: Request, principal: Mapping[str, str]) -> bool:
    """Whether a trust policy lets `principal` (kind to name) take a role by `request.action`."""
    met = [
        one for one in _list(document["Statement"]) if _principal(one, principal) and _applies(one, request, trust=True)
    ]
    return {one["Effect"] for one in met} == {"Allow"}


def _principal(statement: Mapping[str, Any], principal: Mapping[str, str]) -> bool:
    return any(principal.get(kind) in _list(named) for kind, named in statement["Principal"].items())


def _says(document: Document, request: Request, effect: str) -> bool:
    return any(one["Effect"] == effect and _applies(one, request) for one in _list(document["Statement"]))


def _applies(statement: Mapping[str, Any], request: Request, *, trust: bool = False) -> bool:
    if not trust and "Principal" in statement and not _names(statement["Principal"], request.principal):
        return False
    actions = _matches(statement, "Action", request.action.lower(), str.lower)
    resources = trust or _matches(statement, "Resource", request.resource, lambda one: _filled(one, request))
    return (
        actions
        and resources
        and all(
            _holds(operator, key, _list(wanted), request)
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def _names(principal: str | Mapping[str, Any], asking: str) -> bool:
    whole = f"{asking.partition(':role/')[0]}:root"  # everybody of the account of who asks
    named = [] if isinstance(principal, str) else _list(principal.get("AWS", []))
    return principal == "*" or asking in named or whole in named


def _matches(statement: Mapping[str, Any], part: str, asked: str, spelled: Callable[[str], str]) -> bool:
    if part in statement:
        return any(_like(spelled(one), asked) for one in _list(statement[part]))
    return not any(_like(spelled(one), asked) for one in _list(statement[f"Not{part}"]))


def _holds(operator: str, key: str, wanted: Sequence[str], request: Request) -> bool:
    found = request.value(key)
    operator = operator.removeprefix("ForAnyValue:")  # requests here have one value of a key
    if operator == "Null":
        return wanted == [str(found is None).lower()]
    lenient = operator.endswith("IfExists")
    kind = operator.removesuffix("IfExists")
    negated = kind in ("StringNotEquals", "StringNotLike", "ArnNotEquals", "ArnNotLike")
    if found is None:
        return lenient or negated
    compare = _COMPARE[kind.replace("Not", "")]
    hit = any(compare(_filled(one, request), found) for one in wanted)
    return hit is not negated


def _filled(text: str, request: Request) -> str:
    """Variables of a policy, `${aws:PrincipalTag/login}`, by what is known of who asks; unknown ones match nothing."""
    return re.sub(r"\$\{([^}]+)\}", lambda found: request.value(found[1]) or "\0", text)


def _like(pattern: str, text: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text, re.DOTALL) is not None


_COMPARE: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, found: wanted == found,
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": lambda wanted, found: wanted.lower() == found.lower(),
    "NumericLessThan": lambda wanted, found: float(found) < float(wanted),
    "DateLessThan": lambda wanted, found: found < wanted,
}


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
