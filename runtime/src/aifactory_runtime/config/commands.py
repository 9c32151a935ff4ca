"""`python -m <package> config`: every value the project runs with, and where it came from."""

from __future__ import annotations

import json
import sys
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

    loaded = project.load(project.find_root(Path.cwd()), environment, anywhere=True)
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
    lines = [[key, str(value), *([f"({origins[key]})"] if origins else [])] for key, value in values.items()]
    for line in _aligned(lines) if sys.stdout.isatty() else lines:
        click.echo("\t".join(line))


def _aligned(lines: list[list[str]]) -> list[list[str]]:
    """For eyes: each line as one text, its columns one below the other."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()] for line in lines]
