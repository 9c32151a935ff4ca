"""Which subject the forge's tokens have to have, and whether the account knows the forge."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from aifactory.git import attempt
from aifactory.provision.diagnosis import Finding
from aifactory.provision.plan import Place
from aifactory.update import answers
from aifactory_runtime.contract import names
from aifactory_runtime.errors import UsageProblem

_ISSUERS = {
    "github": "token.actions.githubusercontent.com",
    "azure-devops": "vstoken.dev.azure.com",
    "gitlab": "gitlab",
}
_REMOTE = re.compile(r"^(?:[a-z+]+://)?(?:[^@/]+@)?(?P<host>[^/:]+)(?::\d+)?[:/](?P<path>.+?)(?:\.git)?/?$")


def findings(place: Place, session: Any) -> Iterator[Finding]:
    """Whether the account takes the forge's tokens, and for each environment the subject that it has to expect."""
    if place.repo is None:
        return
    try:
        forge = str(answers.read(place.repo).given.get("forge", "github"))
    except UsageProblem as problem:
        yield Finding("forge", False, str(problem), "git checkout HEAD -- .copier-answers.yml", needed=False)
        return
    yield _provider(forge, session)
    remote = attempt(place.repo, "config", "--get", "remote.origin.url").stdout.decode().strip()
    repo = path_of(forge, remote)
    if repo is None:
        mend = "git remote add origin ADDRESS, then this again"
        yield Finding("subject", False, f"where the repo lies at {forge} is not known", mend, needed=False)
        return
    for name in names.ENVIRONMENTS:
        for subject in _expected(forge, repo, name):
            yield Finding(f"subject {name}", True, subject)


def path_of(forge: str, remote: str) -> str | None:
    """The repo as the forge calls it, of a remote's address; None when that does not lead to one."""
    found = _REMOTE.match(remote)
    if found is None:
        return None
    path = found["path"]
    if forge == "azure-devops":
        parts = [part for part in path.split("/") if part not in ("_git", "v3")]
        return "/".join(parts) if len(parts) == 3 else None  # noqa: PLR2004 - organisation, project, repo
    return path if "/" in path else None


def _provider(forge: str, session: Any) -> Finding:
    part, issuer = "OIDC provider", _ISSUERS.get(forge, forge)
    try:
        found = session.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    except (ClientError, BotoCoreError):
        mend = "aws iam list-open-id-connect-providers, as somebody who may"
        return Finding(part, False, "this login may not look", mend, needed=False)
    known = [one["Arn"] for one in found if issuer in one["Arn"]]
    mend = "" if known else "factory bootstrap aws, in the company's factory repo"
    return Finding(part, bool(known), ", ".join(known) or f"none of {issuer}", mend)


def _expected(forge: str, repo: str, environment: str) -> list[str]:
    """Subjects as they stand in tokens, each with when the forge sends it."""
    try:
        rules = importlib.import_module("infra.conventions.forges")
        found = [f"{one.text} ({one.when})" for one in rules.expected(forge, repo, environment)]
    except (ModuleNotFoundError, ValueError):
        return []
    if forge == "github":
        owner, _, name = repo.partition("/")
        numbers = f"gh api repos/{repo} --jq '.owner.id, .id'"
        later = f"repo:{owner}@OWNER_ID/{name}@REPO_ID:environment:{environment}"
        found.append(f"{later} (of a repo made, renamed or moved since {rules.IMMUTABLE_SINCE}; numbers: {numbers})")
    return found
