"""`python -m <package> erase`: one person's records are counted, then erased with --yes."""

from __future__ import annotations

import json

import click

from aifactory_runtime.config import options

_PLACES = {"logged": "in the log", "captured": "in the table captured", "scored": "in scored batches"}


@click.command()
@click.argument("predictions", metavar="[PREDICTION_ID]...", nargs=-1)
@click.option("--where", default=None, metavar="COLUMN=VALUE", help="All whose input column has the value.")
@options.environment
@click.option("--yes", is_flag=True, help="Do it; without, it is only said.")
@click.option("--reason", default=None, help="Why, for the audit log; it must not tell who the person is.")
@options.person
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def erase(
    predictions: tuple[str, ...],
    *,
    where: str | None,
    environment: str | None,
    yes: bool,
    reason: str | None,
    person: str | None,
    as_json: bool,
) -> None:
    """Erase one person's predictions from the log, the table captured and scored batches, and their labels, for good.

    A value is found as it came and as its hash. Tables that models learned from, models and backups are not touched.

    Example: erase --env prod --where customer_id=4711 --reason "request 12" --yes
    """
    from aifactory_runtime.capture import hashing
    from aifactory_runtime.config import credentials
    from aifactory_runtime.contract.recording import treatment
    from aifactory_runtime.erasure import person as persons
    from aifactory_runtime.erasure import places

    column, value = _condition(where)
    if not predictions and column is None:
        raise click.UsageError("name predictions by their ids, or say --where COLUMN=VALUE")
    if yes and not reason:
        raise click.UsageError("an erasure is for good: say --reason, for the audit log")
    project = options.project_of(environment)
    contract, joined_by = project.environment.contract, project.manifest.labels.key
    if column is not None and treatment(contract.capture_columns, column) == "drop":
        note = f"note: {column} is not recorded in {contract.environment}: only what is older than that rule has it"
        click.echo(note, err=True)
    meant = persons.of(predictions, column, value, hashing.of(contract) if column else None, joined_by)
    if yes and reason:
        found = places.erase(contract, meant, credentials.login_of(contract, person), reason)
    else:
        found = places.find(contract, meant)
    if as_json:
        click.echo(json.dumps({"environment": contract.environment, **found.counts, "ids": found.ids, "done": yes}))
        return
    counted = ", ".join(f"{found.counts[place]} {said}" for place, said in _PLACES.items())
    said = "erased" if yes else "that would be erased"
    click.echo(f"predictions of {contract.environment} {said}: {counted}; labels: {len(found.labels)}")
    if (found.ids or found.labels) and not yes:
        click.echo("say --yes and --reason to do it")


def _condition(where: str | None) -> tuple[str | None, str | None]:
    """Column and value of `COLUMN=VALUE`; the value may hold more of these marks."""
    if where is None:
        return None, None
    column, parted, value = where.partition("=")
    if not parted or not column or not value:
        raise click.UsageError(f"--where {where}: write COLUMN=VALUE")
    return column, value
