"""`factory config`: in a use case's repo what the repo runs with, elsewhere what the tool itself runs with."""

from __future__ import annotations

import click

from aifactory.cli import output


@click.command()
@click.option("--explain", is_flag=True, help="Say where each value came from.")
@click.option("--env", "environment", help="dev, staging or prod; in a repo, default is AIFACTORY_ENV.")
@click.option("--tool", is_flag=True, help="The tool's own values, also inside a repo.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(explain: bool, environment: str | None, tool: bool, as_json: bool) -> None:
    """Print every value in use; with --explain also where it came from.

    In a use case's repo: its environment and settings, by `python -m <package> config`. Elsewhere, or with --tool:
    home, cache, template, engine, servers, and what is set for the network.

    Example: factory config --explain
    """
    from aifactory.cli.repo import run_in_repo
    from aifactory.provision.plan import Place
    from aifactory.status import explain as explained
    from aifactory_runtime.errors import UsageProblem

    if not tool and Place.here().repo is not None:
        flags = [*(["--explain"] if explain else []), *(["--json"] if as_json else [])]
        run_in_repo("config", (*flags, *(("--env", environment) if environment else ())))
    if environment:
        raise UsageProblem("--env belongs to a use case: run this inside its repo")
    values = explained.values()
    if as_json:
        shown = {one.key: {"value": one.value, "from": one.origin} if explain else one.value for one in values}
        output.answer_json(shown)
        return
    columns = ("key", "value", "from") if explain else ("key", "value")
    output.table("", columns, [(one.key, one.value, one.origin)[: len(columns)] for one in values])
