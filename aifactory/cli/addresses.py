"""`factory open`: addresses with their login, and the browser where there is one."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from aifactory.cli import output

if TYPE_CHECKING:
    from aifactory.provision.plan import Place


@click.command("open")
@click.argument(
    "page",
    metavar="[dashboard|mlflow|dagster|docs|cluster]",
    required=False,
    type=click.Choice(["dashboard", "mlflow", "dagster", "docs", "cluster"]),
)
@click.argument("where", metavar="[ENV]", required=False)
@click.option("--print", "only_print", is_flag=True, help="Print the address, open nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, open nothing.")
def command(page: str | None, where: str | None, only_print: bool, as_json: bool) -> None:
    """Open the dashboard, MLflow, Dagster, the docs of the service in ENV or its cluster; without a page, list all.

    Prints the address and where the login lies; passwords stay in their files. Outside a use case's repo ENV is
    USE-CASE.ENV. In a repo the dashboard opens at the last environment, MLflow at its runs; with nothing provisioned,
    or with ENV embedded, MLflow's pages are served from here until Ctrl-C, on a copy of what the repo recorded.

    Example: factory open docs prod
    """
    from aifactory import targets
    from aifactory.provision.plan import Place
    from aifactory.status import addresses

    place = Place.here()
    if addresses.own_runs(place, page, where) and not as_json:
        _serve_own_runs(place, only_print)
        return
    found = targets.of(place).open(place, page, where)
    if as_json:
        output.answer_json([asdict(one) for one in found])
        return
    output.table("", ("page", "address", "login"), [(one.page, one.url, one.login) for one in found])
    if page is None or only_print or not addresses.has_browser():
        return
    if not addresses.show(found[0]):
        output.say("No browser could be started: open the address by hand.")


def _serve_own_runs(place: Place, only_print: bool) -> None:
    """Serve MLflow's pages on the repo's own runs until Ctrl-C, which is the way to end it."""
    from aifactory.status import addresses, own_runs

    if place.repo is None or place.manifest is None:
        return
    with own_runs.served(place.repo, place.manifest, output.say) as url, suppress(KeyboardInterrupt):
        click.echo(url)
        output.say("No login; what is changed there is not kept. Ctrl-C ends it.")
        if not only_print and addresses.has_browser():
            addresses.show(addresses.Address("mlflow", url, ""))
        while True:
            time.sleep(3600)
