"""`factory doctor`: what is there, what is missing, and the one command that mends it."""

from __future__ import annotations

import click

from aifactory.cli import output
from aifactory_runtime.contract import names


@click.command()
@click.argument("target", required=False, type=click.Choice(names.TARGETS), default=names.LOCAL)
@click.option("--mend", is_flag=True, help="Install what is missing: the engine and the platform's servers.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(target: str, mend: bool, as_json: bool) -> int:
    """Say what is installed, what is missing and the one command that mends it.

    Of this machine, or with aws of an account there: login, account, region, platform, quota, names, and the subject
    that AWS expects of the forge's tokens. Exit code 1 when something that is needed is missing.

    Example: factory doctor --mend
    """
    from aifactory import targets
    from aifactory.home import Home
    from aifactory.provision import engine, servers
    from aifactory.provision.plan import Place

    if mend:
        engine.ensure(output.say)
        servers.ensure(output.say)
    place = Place(Home.current(), None, None) if target == names.LOCAL else Place.here()
    findings = targets.named(target).doctor(place)
    if as_json:
        output.answer_json([finding.__dict__ for finding in findings])
    else:
        rows = [
            (
                finding.part,
                "ok" if finding.good else "missing" if finding.needed else "note",
                finding.found,
                finding.mend,
            )
            for finding in findings
        ]
        output.table("", ("part", "state", "found", "to mend"), rows)
    return 0 if all(finding.good or not finding.needed for finding in findings) else 1
