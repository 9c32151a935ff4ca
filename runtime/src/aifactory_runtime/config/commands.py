"""`python -m <package> config`: every value the project runs with, and where it came from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click


@click.command()
@click.option("--env", "environment", default=None, help="dev, staging or prod; default is AIFACTORY_ENV.")
@click.option("--explain", is_flag=True, help="Say where each value came from.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def config(environment: str | None, explain: bool, as_json: bool) -> None:
    """Print the environment and settings that the project runs with.

    Example: config --env dev --explain
    """
    from aifactory_runtime.config import project

    loaded = project.load(project.find_root(Path.cwd()), environment)
    values = loaded.environment.contract.model_dump()
    origins = dict(loaded.environment.origins)
    for section, settings in loaded.settings.model_dump().items():
        for key, value in settings.items():
            name = f"{section}.{key}"
            values[name] = value
            origins[name] = loaded.settings_origin(section, key)
    _print(values, origins if explain else {}, as_json)


def _print(values: dict[str, Any], origins: dict[str, str], as_json: bool) -> None:
    if as_json:
        shown = {key: {"value": value, "from": origins[key]} if origins else value for key, value in values.items()}
        click.echo(json.dumps(shown, indent=2, default=str))
        return
    for key, value in values.items():
        source = f"\t({origins[key]})" if origins else ""
        click.echo(f"{key}\t{value}{source}")
