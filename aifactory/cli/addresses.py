"""`factory open`: addresses with their login, and the browser where there is one."""

from __future__ import annotations

from dataclasses import asdict

import click

from aifactory.cli import output


@click.command("open")
@click.argument(
    "page", metavar="[mlflow|dagster|docs]", required=False, type=click.Choice(["mlflow", "dagster", "docs"])
)
@click.argument("where", metavar="[ENV]", required=False)
@click.option("--print", "only_print", is_flag=True, help="Print the address, open nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, open nothing.")
def command(page: str | None, where: str | None, only_print: bool, as_json: bool) -> None:
    """Open MLflow, Dagster, or the docs of the scoring service in ENV; without a page, list all addresses.

    Prints the address and where the login lies; passwords stay in their files. Outside a use case's repo ENV is
    USE-CASE.ENV.

    Example: factory open docs prod
    """
    from aifactory.provision.plan import Place
    from aifactory.status import addresses

    place = Place.here()
    found = [addresses.of(place, page, where)] if page else addresses.every(place)
    if as_json:
        output.answer_json([asdict(one) for one in found])
        return
    output.table("", ("page", "address", "login"), [(one.page, one.url, one.login) for one in found])
    if page is None or only_print or not addresses.has_browser():
        return
    if not addresses.show(found[0]):
        output.say("No browser could be started: open the address by hand.")
