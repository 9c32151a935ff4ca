"""By which subject a forge's tokens name a repo and an environment, so that a cloud lets in exactly that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

Forge = Literal["github", "azure-devops", "gitlab"]
FORGES: tuple[Forge, ...] = get_args(Forge)

READS = "-read"
"""What the forge's environment of jobs that only preview ends in: `prod-read`. It asks nobody; `prod` does."""

GITHUB = "token.actions.githubusercontent.com"
AZURE_DEVOPS = "vstoken.dev.azure.com"
IMMUTABLE_SINCE = "15 July 2026"
"""Repos at GitHub that were made, renamed or moved since have the numbers of owner and repo in their subject."""
TIERS = {"dev": "development", "staging": "staging", "prod": "production"}
READING_TIER = "other"
COMPONENTS = ("project_path", "ref_type", "ref", "deployment_tier")
"""What GitLab's subject has to be made of (setting `ci_id_token_sub_claim_components`, GitLab 18.7): by itself it names
a branch and no environment."""

_PART = r"[A-Za-z0-9_.-]+"
_SHAPES = {
    "github": (re.compile(rf"{_PART}/{_PART}"), "owner/name"),
    "azure-devops": (re.compile(rf"{_PART}/[A-Za-z0-9_. -]+/{_PART}"), "organisation/project/repo"),
    "gitlab": (re.compile(rf"{_PART}(/{_PART})+"), "group/project"),
}


@dataclass(frozen=True)
class Ids:
    """Numbers of a repo's owner and of the repo itself at GitHub: `gh api repos/OWNER/NAME`, `owner.id` and `id`."""

    owner: int
    repo: int


@dataclass(frozen=True)
class Subject:
    """A subject as it stands in tokens, and what makes the forge send it."""

    text: str
    when: str


def expected(
    forge: Forge, repo: str, environment: str, *, reads: bool = False, ids: Ids | None = None, branch: str = "main"
) -> list[Subject]:
    """Subjects that jobs of a repo have in an environment: of the role that applies, or with `reads` that which reads.

    `repo` is `owner/name`, `organisation/project/repo` or `group/project`. At GitHub that is the old form, and with
    `ids` the new one, too; trust only that which the repo sends. ValueError says what `repo` has to look like.

    A fork is another repo with another subject. Pull requests have none of these: they run in no environment.
    """
    shape, described = _SHAPES[forge]
    if not shape.fullmatch(repo):
        raise ValueError(f"{repo}: name the repo at {forge} as {described}")
    at = f"{environment}{READS}" if reads else environment
    if forge == "github":
        return _github(repo, at, ids)
    if forge == "azure-devops":
        organisation, project, name = repo.split("/")
        said = f"the service connection {name}-{at}, used by pipelines of that repo alone, with branch control on main"
        return [Subject(f"sc://{organisation}/{project}/{name}-{at}", said)]
    tier = READING_TIER if reads else TIERS[environment]
    text = f"project_path:{repo}:ref_type:branch:ref:{branch}:deployment_tier:{tier}"
    said = f"jobs on {branch} in an environment with deployment_tier: {tier}, once the setting "
    return [Subject(text, f"{said}ci_id_token_sub_claim_components is {', '.join(COMPONENTS)}")]


def _github(repo: str, at: str, ids: Ids | None) -> list[Subject]:
    owner, name = repo.split("/")
    job = f"jobs with environment: {at}"
    found = [Subject(f"repo:{repo}:environment:{at}", f"{job}, of a repo from before {IMMUTABLE_SINCE}")]
    if ids is not None:
        new = f"repo:{owner}@{ids.owner}/{name}@{ids.repo}:environment:{at}"
        found.append(Subject(new, f"{job}, of a repo made, renamed or moved since {IMMUTABLE_SINCE}"))
    return found


def audience(issuer: str) -> str:
    """What tokens of an issuer (host and path, without https://) have to be made for."""
    if issuer == GITHUB:
        return "sts.amazonaws.com"
    return "api://AzureADTokenExchange" if issuer.startswith(f"{AZURE_DEVOPS}/") else f"https://{issuer}"
