"""`factory backup | restore`: a copy of everything under FACTORY_HOME, and a home made from one."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aifactory.cli import output
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    from aifactory.home import Home

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
    from aifactory.home import Home
    from aifactory.local import backup as backups

    home = Home.current()
    beside = home.root.with_name(f"factory-{datetime.now(UTC):%Y%m%dT%H%M%S}.tar.gz")
    made = backups.make(home, (file or beside).absolute(), output.say)
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
    from aifactory.home import Home
    from aifactory.local import boot
    from aifactory.local import restore as restoring
    from aifactory.provision import servers

    home = Home.current()
    if stack:
        _restore_state(home, file, stack, as_json)
        return 0
    servers.ensure(output.say)
    done = restoring.restore(file.absolute(), home, output.say, force=force)
    troubles = list(done.troubles)
    if start:
        try:
            boot.start(home, output.say)
        except FactoryError as error:
            troubles.append(str(error))
    if as_json:
        output.answer_json({**asdict(done), "troubles": troubles})
    else:
        click.echo(f"{home.root} is as it was at {done.made}: {done.files} files")
        for trouble in troubles:
            output.say(f"to mend: {trouble}")
        if done.moved_from:
            output.say(f"It was {done.moved_from}: run factory up --platform in each repo, once.")
        output.say("Next: factory refresh says whether anything differs.")
    return 1 if troubles else 0


def _restore_state(home: Home, file: Path, stack: str, as_json: bool) -> None:
    from aifactory.local import restore as restoring

    before = restoring.restore_state(file.absolute(), home, stack, output.say)
    if as_json:
        output.answer_json({"stack": stack, "before": str(before) if before.exists() else None})
    else:
        click.echo(f"The engine's record of {stack} is the backup's again.")
    output.say(f"Next: factory up {stack.rpartition('.')[2]} finds what changed since.")
