"""`factory doctor`: what is there, what is missing, and the one command that mends it."""

from __future__ import annotations

import click

from aifactory.cli import output


@click.command()
@click.option("--mend", is_flag=True, help="Install what is missing: the engine and the platform's servers.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(mend: bool, as_json: bool) -> int:
    """Say what is installed, what is missing and the one command that mends it.

    Exit code 1 when something that is needed is missing.

    Example: factory doctor --mend
    """
    from aifactory.provision import diagnosis, engine, servers

    if mend:
        engine.ensure(output.say)
        servers.ensure(output.say)
    findings = diagnosis.examine()
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
