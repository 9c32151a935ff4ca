"""`python -m <package> pages`: write the pages that show how an environment stands."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from aifactory_runtime.config import options


@click.command()
@options.environment
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def pages(environment: str | None, as_json: bool) -> None:
    """Write how an environment stands as pages for a browser, and print where they begin. A tick does it, too.

    They ask for nothing else: open them from the folder, or have the dashboard show them.

    Example: pages --env prod
    """
    from aifactory_runtime.pages import render

    project = options.project_of(environment)
    begin = render.render(project, datetime.now(UTC))
    known = {"environment": project.environment.contract.environment, "pages": str(begin)}
    click.echo(json.dumps(known) if as_json else str(begin))
