"""`factory completion`: the script that makes a shell complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.option("--json", "as_json", is_flag=True, help="Print the script as JSON.")
def command(shell: str, as_json: bool) -> None:
    """Print the script that makes SHELL complete commands and options; docs/install.md says where it goes.

    Example: factory completion bash > ~/.local/share/bash-completion/completions/factory
    """
    from aifactory.cli import output
    from aifactory.cli.main import factory

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"{shell} is not known to this click")
    script = found(factory, {}, "factory", "_FACTORY_COMPLETE").source()
    if as_json:
        output.answer_json({"shell": shell, "script": script})
        return
    click.echo(script)
