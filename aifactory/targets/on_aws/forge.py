"""Which subject the forge's tokens have to have, and whether the account knows the forge."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from aifactory.provision import forge_subjects
from aifactory.provision.diagnosis import Finding
from aifactory.provision.plan import Place
from aifactory_runtime.contract import names
from infra.conventions import forges

_ISSUERS = {
    "github": forges.GITHUB,
    "azure-devops": forges.AZURE_DEVOPS,
    "gitlab": "gitlab",
}


def findings(place: Place, session: Any, providers: Collection[str]) -> Iterator[Finding]:
    """Whether the account takes the forge's tokens, and for each environment the subject that it has to expect.

    `providers` are the ARNs that the platform names; where none is known the forge's own issuer is looked for.
    """
    if place.repo is None:
        return
    forge = forge_subjects.forge(place.repo)
    yield _provider(forge, session, providers)
    repo = forge_subjects.path_of(forge, forge_subjects.remote(place.repo))
    if repo is None:
        mend = "git remote add origin ADDRESS, then this again"
        yield Finding("subject", False, f"where the repo lies at {forge} is not known", mend, needed=False)
        return
    for name in names.ENVIRONMENTS:
        for subject in _expected(forge, repo, name):
            yield Finding(f"subject {name}", True, subject)


def _provider(forge: str, session: Any, providers: Collection[str]) -> Finding:
    part, issuer = "OIDC provider", _ISSUERS.get(forge, forge)
    try:
        found = session.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    except (ClientError, BotoCoreError):
        mend = "aws iam list-open-id-connect-providers, as somebody who may"
        return Finding(part, False, "this login may not look", mend, needed=False)
    there = [one["Arn"] for one in found]
    known = [one for one in there if (one in providers if providers else issuer in one)]
    mend = "" if known else "factory bootstrap aws, in the company's factory repo"
    return Finding(part, bool(known), ", ".join(known) or f"none of {issuer}", mend)


def _expected(forge: forges.Forge, repo: str, environment: str) -> list[str]:
    """Subjects as they stand in tokens, each with when the forge sends it."""
    try:
        found = [f"{one.text} ({one.when})" for one in forges.expected(forge, repo, environment)]
    except ValueError as error:
        return [str(error)]
    if forge == "github":
        owner, _, name = repo.partition("/")
        numbers = f"git config {forge_subjects.IDS} $(gh api repos/{repo} --jq '\"\\(.owner.id)/\\(.id)\"')"
        later = f"repo:{owner}@OWNER_ID/{name}@REPO_ID:environment:{environment}"
        found.append(f"{later} (of a repo made, renamed or moved since {forges.IMMUTABLE_SINCE}; then first {numbers})")
    return found
