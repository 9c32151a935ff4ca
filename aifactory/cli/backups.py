"""`factory backup | restore`: a copy of everything under FACTORY_HOME, and a home made from one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from aifactory.cli import output

_PATH = click.Path(path_type=Path)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@click.command()
@click.argument("file", metavar="[FILE]", required=False, type=_PATH)
@_JSON
def backup(file: Path | None, as_json: bool) -> None:
    """Write a consistent copy of FACTORY_HOME to FILE, a dated one beside FACTORY_HOME if none is named.

    Services go on. It holds the engine's state and passphrase, databases, models, tables, prediction and audit logs,
    released code and credentials: who has the file has everything, so it is readable by you only. Not in it: logs, and
    environments, which a restore builds from their locks.

    Example: factory backup /mnt/backups/factory.tar.gz
    """
    from aifactory import targets
    from aifactory.provision.plan import Place

    place = Place.here()
    made = targets.of(place).backup(place, file, output.say)
    if as_json:
        output.answer_json(asdict(made))
        return
    click.echo(f"{made.path}: {made.files} files, {made.bytes / 1e6:.1f} MB, mode 0600")
    output.say("It holds passwords and the passphrase: keep it where only you can read it.")


@click.command()
@click.argument("file", type=_PATH)
@click.option("--force", is_flag=True, help="Stop what is in FACTORY_HOME now and move it aside.")
@click.option("--state", "stack", metavar="STACK", help="Only the engine's record of this stack, such as churn.prod.")
@click.option("--start/--no-start", default=True, help="Start the services afterwards.", show_default=True)
@_JSON
def restore(file: Path, force: bool, stack: str | None, start: bool, as_json: bool) -> int:
    """Make FACTORY_HOME from the backup FILE, then start its services.

    Every file is checked before anything is changed. Another home or machine than the backup's is fine: the paths in it
    are changed, and `factory up` in each repo brings the rest in line. Exit code 1 when something is left to mend.

    Example: factory restore /mnt/backups/factory.tar.gz
    """
    from aifactory import targets
    from aifactory.provision.plan import Place

    place = Place.here()
    operations = targets.of(place)
    if stack:
        _say_state(operations.restore_state(place, file, stack, output.say), stack, as_json)
        return 0
    done = operations.restore(place, file, output.say, force=force, start=start)
    if as_json:
        output.answer_json(asdict(done))
    else:
        click.echo(f"{place.home.root} is as it was at {done.made}: {done.files} files")
        for trouble in done.troubles:
            output.say(f"to mend: {trouble}")
        if done.moved_from:
            output.say(f"It was {done.moved_from}: run factory up --platform in each repo, once.")
        output.say("Next: factory refresh says whether anything differs.")
    return 1 if done.troubles else 0


def _say_state(before: Path, stack: str, as_json: bool) -> None:
    if as_json:
        output.answer_json({"stack": stack, "before": str(before) if before.exists() else None})
    else:
        click.echo(f"The engine's record of {stack} is the backup's again.")
    output.say(f"Next: factory up {stack.rpartition('.')[2]} finds what changed since.")
