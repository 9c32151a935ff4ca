"""`factory sample`: the rows that a repo holds for its tests, made again from its table."""

from __future__ import annotations

import dataclasses

import click

from aifactory.cli import output
from aifactory.cli.repo import place_and_python


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(*, as_json: bool) -> None:
    """Make data/sample.csv and data/request.json of this repo again, from dev's table as it is now.

    Real rows where data_classification is public, else rows made up from the table's figures. Nothing is written when
    schema.py does not fit the table any more.

    Example: factory sample
    """
    from aifactory.scaffold.science.renew import renew

    repo, manifest, python = place_and_python("sample")
    if not as_json:
        output.say(f"Reading {manifest.settings('dev').data_source} ...")
    done = renew(repo, manifest, python)
    if as_json:
        output.answer_json(dataclasses.asdict(done))
        return
    rows = "rows of the table" if done.real else "made-up rows"
    click.echo(f"data/sample.csv: {done.rows} {rows}; data/request.json: one of them, as the service is asked")
    for note in done.notes:
        click.echo(f"note: {note}")
