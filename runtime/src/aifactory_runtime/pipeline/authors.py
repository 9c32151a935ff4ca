"""Whose change a version is that is about to be registered: the login that registers it and the forge's actor.

What `release` trains by itself is of those whose code it is.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping, Sequence

from aifactory_runtime.contract import EnvironmentContract, names
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.registry import authors
from aifactory_runtime.registry.authors import Authors
from aifactory_runtime.registry.port import COMMIT, RELEASED_WITH, Version

GIVEN = "AIFACTORY_AUTHORS"
"""Variable that adds people, as `release --train` does for code that moves to prod; it can take nobody away."""

_FORGES = {
    "GITHUB_ACTIONS": ("GITHUB_ACTOR", "GITHUB_TRIGGERING_ACTOR"),
    "GITLAB_CI": ("GITLAB_USER_LOGIN",),
    "TF_BUILD": ("BUILD_REQUESTEDFOREMAIL",),
}
"""By the variable that a forge's runner sets: those that name who set it going. Of an address the part before @."""


def of(context: Context, commit: str) -> Authors:
    """Whose change it is that `commit` was trained; None when nobody knows."""
    people = _here(context, os.environ)
    return people or of_code(context.registry.versions(), commit)


def of_code(versions: Sequence[Version], commit: str) -> Authors:
    """Those of all versions that were trained from this commit, or served with it."""
    same = [one for one in versions if commit in (one.tags.get(COMMIT), *one.tags.get(RELEASED_WITH, "").split())]
    return authors.all_of(authors.of_tags(one.tags) for one in same)


def actors(variables: Mapping[str, str]) -> frozenset[str]:
    """Who set this run of a forge going, by their login there; nobody outside of a forge's runner."""
    named = (variables.get(key, "") for mark, keys in _FORGES.items() if variables.get(mark) for key in keys)
    return frozenset("_".join(name.partition("@")[0].lower().split()) for name in named if name.strip())


def _here(context: Context, variables: Mapping[str, str]) -> frozenset[str]:
    contract = context.contract
    login = context.login.login if context.login else _account(contract)
    person = login.removesuffix(names.login("", contract.use_case, contract.environment))
    by = frozenset() if person in {"", names.RELEASE, names.SERVICE} else frozenset({person})
    return by | actors(variables) | frozenset(variables.get(GIVEN, "").split())


def _account(contract: EnvironmentContract) -> str:
    """Who acts where no file has a login; empty for a machine on AWS, whose session is named for nobody."""
    if contract.target != "aws":
        return getpass.getuser()
    from aifactory_runtime.aws.session import Session

    return Session(contract).identity.person or ""
