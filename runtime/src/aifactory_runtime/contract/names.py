"""Every name that repo, programs and services must agree on, derived from use case and environment. No I/O."""

from __future__ import annotations

import keyword
import re
import sys
from typing import Literal, get_args

from aifactory_runtime.contract.installed import IMPORT_NAMES

ENVIRONMENTS = ("dev", "staging", "prod")
"""In the order in which models are promoted."""
"""Environments of a use case, in the order a release walks them."""

EMBEDDED = "embedded"
"""The environment a repo has with nothing provisioned: SQLite and folders inside the project."""

Target = Literal["local", "aws"]
TARGETS: tuple[Target, ...] = get_args(Target)
"""What an environment may run on; `infra/targets.py` finds the programs of each."""
LOCAL: Target = "local"
"""This machine; every other target is a cloud, with a platform that others set up."""

SAMPLE = "data/sample.csv"
"""Rows that a repo holds for tests and for trying: real ones of a public table, else made-up ones."""

RELEASE = "release"
SERVICE = "service"
CONSUMER = "consumer"
ANCHOR = "anchor"
"""Identity of a home that writes the heads of audit logs, and name of the only experiment that it may write."""
CAPTURE_KEY = "capture-key"
"""Nobody's login: what the keys that hash recorded columns are rotated by."""
DATA_SCIENTIST = "data-scientist"
APPROVER = "approver"
MODEL_VALIDATOR = "model-validator"
DOMAIN_EXPERT = "domain-expert"
ROLES = (DATA_SCIENTIST, APPROVER, RELEASE, SERVICE)
"""What an identity may hold in one environment of a use case; `infra/conventions/personas.py` says what each may do."""

Persona = Literal[
    "data-engineer",
    "data-scientist",
    "ml-engineer",
    "ai-engineer",
    "software-engineer",
    "domain-expert",
    "model-validator",
    "operator",
    "stakeholder",
]
PERSONAS: tuple[Persona, ...] = get_args(Persona)
"""What a person may be on a use case; one person may be several."""

MAX_USE_CASE = 40
_USE_CASE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PERSON = re.compile(r"[a-z][a-z0-9]*([._-][a-z0-9]+)*")
_TAKEN = frozenset({"test", "tests", "src", "conf", "docs", "data", "site", "aifactory", "aifactory-runtime", "infra"})


def check_use_case(name: str) -> str:
    """Return `name` if it can name a use case, a package, a model and a folder; else raise ValueError saying why."""
    if not name:
        raise ValueError("the name is empty; use lower-case letters, digits and hyphens, such as customer-churn")
    if len(name) > MAX_USE_CASE:
        raise ValueError(f"the name has {len(name)} characters; use at most {MAX_USE_CASE}")
    if not _USE_CASE.fullmatch(name):
        raise ValueError("the name may hold only a-z, 0-9 and single hyphens, starting with a letter: customer-churn")
    module = package(name)
    if keyword.iskeyword(module) or keyword.issoftkeyword(module):
        raise ValueError(f"{module} is a Python keyword; add a word: {name}-model")
    if module in sys.stdlib_module_names or name in _TAKEN:
        raise ValueError(f"{module} is the name of a module that Python or the factory uses; add a word: {name}-model")
    return name


def check_new_use_case(name: str) -> str:
    """`check_use_case` for a repo that is to be made: nor may its package hide one that its locks install.

    A manifest is not held to this, as a lock that has grown since must not lock a repo out of its environments.
    """
    if package(check_use_case(name)) in IMPORT_NAMES:
        raise ValueError(f"{package(name)} is the name of a package that the repo installs; add a word: {name}-model")
    return name


def check_person(name: str) -> str:
    """Return `name` if it can be a login; else raise ValueError saying what would be right."""
    reserved = {RELEASE, SERVICE, CONSUMER, ANCHOR, CAPTURE_KEY, APPROVER, "admin", *PERSONAS}
    if not _PERSON.fullmatch(name) or len(name) > MAX_USE_CASE or name in reserved:
        raise ValueError(f"{name!r} is not a login; use lower-case letters, digits, dots, hyphens, such as ana.lopez")
    return name


def package(use_case: str) -> str:
    """Python package of the use case's science: `customer-churn` -> `customer_churn`."""
    return use_case.replace("-", "_")


def stack(use_case: str, environment: str) -> str:
    """Pulumi stack of one use case in one environment."""
    return f"{use_case}.{environment}"


def experiment(use_case: str, environment: str) -> str:
    """MLflow experiment that holds the runs of one environment."""
    return f"{environment}/{use_case}"


def approvals(use_case: str, environment: str, person: str) -> str:
    """MLflow experiment only this approver can write: a run in it is an approval."""
    return f"{experiment(use_case, environment)}/approvals/{person}"


def model(use_case: str, environment: str) -> str:
    """Registered model of one environment."""
    return f"{use_case}.{environment}"


def login(identity: str, use_case: str, environment: str) -> str:
    """User name, at the services, of an identity or person in one environment of one use case."""
    return f"{identity}.{use_case}.{environment}"


def odd_folder(path: str) -> str | None:
    """Why tables cannot lie below `path`, in a sentence; None when they can. The table library takes it for an URL."""
    found = re.search(r"[#?\[\]\\^|\x00-\x1f]|%[0-9A-Fa-f]{2}", path)
    if found is None:
        return None
    return f"{path} holds {found.group()!r}, with which tables cannot be stored: give the folder another name"


def before(environment: str) -> str | None:
    """The environment whose models are promoted to this one; none of the first."""
    index = ENVIRONMENTS.index(environment)
    return ENVIRONMENTS[index - 1] if index else None


def after(environment: str) -> str | None:
    """The environment that models are promoted to from this one; none of the last."""
    return next((one for one in ENVIRONMENTS if before(one) == environment), None)
