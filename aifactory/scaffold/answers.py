"""Answers as people give them, checked before anything is fetched or written. The template checks them again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aifactory_runtime.contract import addresses, names
from aifactory_runtime.errors import UsageProblem

# The same looks as in questions/checks.jinja, which guards plain `copier copy`; a test holds the two together.
_SECRETS = tuple(
    re.compile(look)
    for look in (
        r"AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}",
        r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}",
        r"xox[abeprs]-[A-Za-z0-9-]{10,}|sk-[A-Za-z0-9_-]{20,}|AIza[A-Za-z0-9_-]{30,}",
        r"eyJ[A-Za-z0-9_-]{8,}[.]eyJ[A-Za-z0-9_-]{8,}",
        r"-----BEGIN [A-Z ]*(PRIVATE KEY|CERTIFICATE)",
        r"://[^/@\s]+:[^/@\s]+@",
        r"(?i)(password|passwd|passphrase|secret|token|api[_-]?key|account[_-]?key)[\"' ]*[=:][ ]*[^ ]",
    )
)


STAND_IN = "s3://company-platform"
"""Default of the question `platform`; there is no such platform."""


def parse(pairs: Sequence[str]) -> dict[str, str]:
    """`KEY=VALUE` pairs as a mapping; UsageProblem for one without a key."""
    answers = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator or not key.isidentifier():
            raise UsageProblem("--answer takes KEY=VALUE, such as --answer team=growth")
        answers[key] = value
    return answers


def looks_secret(text: str) -> bool:
    """Whether `text` looks like a password, a key or a token."""
    return any(look.search(text) for look in _SECRETS)


def check(answers: Mapping[str, str]) -> None:
    """Refuse answers that look like secrets, never repeating them, and names, logins and addresses that cannot be."""
    for key, value in answers.items():
        if looks_secret(value):
            raise UsageProblem(f"{key}: it looks like a secret; secrets are never answers, keep them out of the repo")
    checks = {"use_case": names.check_new_use_case, "owner": names.check_person, "data": addresses.check}
    for key, right in checks.items():
        try:
            if key in answers:
                right(answers[key])
        except ValueError as error:
            raise UsageProblem(f"{key}: {error}") from None
    check_approval(answers)


def check_approval(answers: Mapping[str, Any]) -> None:
    """Refuse people who approve where nothing is approved: one of the two is a mistake, and prod would not ask them.

    Refuse one person alone where harm is high: the author of a change would have nobody else to ask.
    """
    approvers = {login.strip() for login in str(answers.get("approvers", "")).split(",") if login.strip()}
    if answers.get("risk") == "high" and answers.get("approval") == "required" and len(approvers) == 1:
        raise UsageProblem(
            "risk: high takes two people who approve, as the author of a change cannot approve it alone; "
            "say --approver twice"
        )
    if answers.get("approval") == "none" and approvers:
        raise UsageProblem(
            "approval: none leaves the approvers unasked; say approval=required, or leave out who approves"
        )


def platform_notes(answers: Mapping[str, Any]) -> Iterator[str]:
    """That the platform's address is the template's stand-in, which nothing can be provisioned with."""
    if answers.get("platform") == STAND_IN:
        yield (
            f"platform: {STAND_IN} in factory.yaml is a stand-in: write the address that whoever set your company's "
            "platform up tells you, before factory up"
        )


def guess_owner(login: str) -> str | None:
    """The login of this machine's account as an owner: lower case, other characters as hyphens; None when none fits."""
    candidate = re.sub(r"[^a-z0-9._-]+", "-", login.lower()).strip("-._")
    try:
        return names.check_person(candidate)
    except ValueError:
        return None
