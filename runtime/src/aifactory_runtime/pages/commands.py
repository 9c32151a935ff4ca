"""`python -m <package> pages`: write the pages that show how an environment stands."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from aifactory_runtime.config import options


@click.command()
@options.environment
def pages(environment: str | None) -> None:
    """Write how an environment stands as pages for a browser, and print where they begin. A tick does it, too.

    They ask for nothing else: open them from the folder, or have the dashboard show them.

    Example: pages --env prod
    """
    from aifactory_runtime.pages import render

    click.echo(render.render(options.project_of(environment), datetime.now(UTC)))
