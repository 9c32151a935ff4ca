"""`python -m <package> erase`: one person's predictions are counted, then erased with --yes."""

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
@click.option("--as", "who", default=None, help="Who does it; default is the environment's own identity.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def erase(
    predictions: tuple[str, ...],
    *,
    where: str | None,
    environment: str | None,
    yes: bool,
    reason: str | None,
    who: str | None,
    as_json: bool,
) -> None:
    """Erase one person's predictions from the log, the table captured and scored batches, for good.

    A value is found as it came and as its hash. Tables that models learned from, models and backups are not touched.

    Example: erase --env prod --where customer_id=4711 --reason "request 12" --yes
    """
    from aifactory_runtime.capture import erasure, hashing, person
    from aifactory_runtime.contract.recording import treatment

    column, value = _condition(where)
    if not predictions and column is None:
        raise click.UsageError("name predictions by their ids, or say --where COLUMN=VALUE")
    if yes and not reason:
        raise click.UsageError("an erasure is for good: say --reason, for the audit log")
    contract = options.contract_of(environment)
    if column is not None and treatment(contract.capture_columns, column) == "drop":
        note = f"note: {column} is not recorded in {contract.environment}: only what is older than that rule has it"
        click.echo(note, err=True)
    meant = person.of(predictions, column, value, hashing.of(contract) if column else None)
    if yes and reason:
        found = erasure.erase(contract, meant, who or contract.identity, reason)
    else:
        found = erasure.find(contract, meant)
    if as_json:
        click.echo(json.dumps({"environment": contract.environment, **found.counts, "ids": found.ids, "done": yes}))
        return
    counted = ", ".join(f"{found.counts[place]} {said}" for place, said in _PLACES.items())
    click.echo(f"predictions of {contract.environment} {'erased' if yes else 'that would be erased'}: {counted}")
    if found.ids and not yes:
        click.echo("say --yes and --reason to do it")


def _condition(where: str | None) -> tuple[str | None, str | None]:
    """Column and value of `COLUMN=VALUE`; the value may hold more of these marks."""
    if where is None:
        return None, None
    column, parted, value = where.partition("=")
    if not parted or not column or not value:
        raise click.UsageError(f"--where {where}: write COLUMN=VALUE")
    return column, value
