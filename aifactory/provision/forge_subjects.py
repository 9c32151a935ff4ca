"""What tokens of a repo's forge say of its jobs, by what git and the template's answers know of the repo."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

from aifactory.git import attempt
from aifactory_runtime.config import yaml_model
from aifactory_runtime.errors import UsageProblem
from infra.conventions import forges

ANSWERS = ".copier-answers.yml"
IDS = "factory.github-ids"
"""Setting of git with the numbers of owner and repo at GitHub, as 123/456: then only tokens that hold them count."""
_REMOTE = re.compile(r"^(?:[a-z+]+://)?(?:[^@/]+@)?(?P<host>[^/:]+)(?::\d+)?[:/](?P<path>.+?)(?:\.git)?/?$")
_IDS = re.compile(r"(\d+)/(\d+)")
RELEASE, READS, APPLIES = "release", "ci-read", "ci-apply"
"""Roles that a forge's jobs take."""


def of(repo: Path, environment: str) -> dict[str, list[str]]:
    """Role to the subjects that may take it; nothing where no remote says where the repo lies.

    UsageProblem for numbers that are none.
    """
    at, path = forge(repo), path_of(forge(repo), remote(repo))
    if path is None:
        return {}
    known = _ids(repo) if at == "github" else None
    try:
        found = {reads: forges.expected(at, path, environment, reads=reads, ids=known) for reads in (False, True)}
    except ValueError:
        return {}
    own, reading = ([one.text for one in found[reads]][-1:] for reads in (False, True))
    return {RELEASE: own, READS: reading, APPLIES: own}


def forge(repo: Path) -> forges.Forge:
    """Which forge the repo's CI is for; GitHub where that is not known."""
    try:
        said = yaml_model.read_yaml(repo / ANSWERS).get("forge", forges.FORGES[0])
    except UsageProblem:
        return forges.FORGES[0]
    return cast("forges.Forge", said) if said in forges.FORGES else forges.FORGES[0]


def remote(repo: Path) -> str:
    """Address of the repo's origin; empty without one."""
    return attempt(repo, "config", "--get", "remote.origin.url").stdout.decode().strip()


def path_of(at: str, address: str) -> str | None:
    """The repo as the forge calls it, of a remote's address; None when that does not lead to one."""
    found = _REMOTE.match(address)
    if found is None:
        return None
    path = found["path"]
    if at == "azure-devops":
        parts = [part for part in path.split("/") if part not in ("_git", "v3")]
        return "/".join(parts) if len(parts) == 3 else None  # noqa: PLR2004 - organisation, project, repo
    return path if "/" in path else None


def _ids(repo: Path) -> forges.Ids | None:
    said = attempt(repo, "config", "--get", IDS).stdout.decode().strip()
    if not said:
        return None
    found = _IDS.fullmatch(said)
    if found is None:
        raise UsageProblem(f"git config {IDS} is {said}: write the numbers of owner and repo, as 123/456")
    return forges.Ids(int(found[1]), int(found[2]))
