"""What `factory status` says of the repo itself: its version, what an update would change, what was edited."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any

import click

from aifactory.cli import output
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    from aifactory.provision.plan import Place


def of(place: Place) -> dict[str, Any]:
    """Where the repo stands, as `repo`; as `repo_waits` what an update waits for; as `repo_unknown` why nobody knows.

    While an update waits it stands where that brings it; what is half written stands nowhere. Empty outside a repo.
    """
    if place.repo is None or place.manifest is None:
        return {}
    from aifactory.update import interrupted, top, waiting
    from aifactory.update.standing import standing

    waits: dict[str, Any] = {}
    try:
        repo = top(place.repo)
        if (sentence := waiting(repo)) is not None:
            waits = {"repo_waits": sentence}
        if interrupted(repo):  # what is half written compares with nothing
            return waits
        found = standing(place.repo, place.manifest.model_dump(mode="json"), os.environ, staged=bool(waits))
    except FactoryError as error:
        return {**waits, "repo_unknown": str(error)}
    return {**waits, "repo": dataclasses.asdict(found)}


def say(known: dict[str, Any]) -> None:
    """Print it, as `of` found it."""
    if "repo_waits" in known:
        click.echo(f"Factory: {known['repo_waits']}")
    if "repo_unknown" in known:
        click.echo(f"note: where this repo stands is not known: {known['repo_unknown']}")
    if "repo" not in known:
        return
    repo = known["repo"]
    state = _state(repo)
    version = f"{repo['version']}{', once that is committed' if 'repo_waits' in known else ''}"
    click.echo(f"Factory {version}: {state} (says {repo['known']})")
    if repo["behind"]:
        click.echo(f"{repo['changelog']}\nSee it file by file: factory update --dry-run".lstrip())
    rows = [(one["path"], one["since"], one["will"]) for one in repo["edited"]]
    if rows:
        output.table("Files of the factory that you edited", ("file", "since", "update"), rows)
    for note in (*repo["untrue"], *repo["notes"]):
        click.echo(f"note: {note}")


def _state(repo: dict[str, Any]) -> str:
    if repo["conflicts"]:
        return f"conflict in {', '.join(repo['conflicts'])}, for you to decide"
    return f"an update to {repo['newest']} would change it" if repo["behind"] else "nothing to update"
