"""`factory target`: the use case's environments run on something else from now on."""

from __future__ import annotations

import os
from pathlib import Path

import click

from aifactory.cli import output
from aifactory_runtime.contract import names
from aifactory_runtime.errors import NeedsPerson


@click.command()
@click.argument("target", type=click.Choice(names.TARGETS))
@click.option("--platform", help="Where the company's platform in that cloud wrote its outputs, as s3://bucket.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(target: str, platform: str | None, as_json: bool) -> None:
    """Let the use case whose repo this is run on TARGET.

    Commits the target in factory.yaml and in the template's answers, and stages what follows from it: CI, locks, image.
    What was trained stays where it is: release anew on TARGET. Refused while an environment stands.

    Example: factory target aws --platform s3://acme-aifactory
    """
    from aifactory import update
    from aifactory.home import Home
    from aifactory.update import target as targets

    plan = targets.change(
        update.top(Path.cwd()), target, platform, home=Home.current(), variables=os.environ, say=output.say
    )
    paths = sorted(change.path for change in plan.change_set.changes)
    conflicts = [change.path for change in plan.change_set.conflicts]
    if as_json:
        output.answer_json({"target": target, "files": paths, "conflicts": conflicts})
    else:
        output.table(f"Files that follow from target {target}", ("file",), [(path,) for path in paths])
        output.say(f'They are staged. Look at them with git diff --cached, then: git commit -m "Files for {target}"')
    if conflicts:
        raise NeedsPerson(
            f"{', '.join(conflicts)}: yours and the factory's differ; decide, then factory update --continue"
        )
