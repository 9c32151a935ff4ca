"""Where `factory` begins: nothing is imported before Ctrl-C is one line."""

from __future__ import annotations

from aifactory_runtime import interrupt


def main() -> None:
    """Entry point of the installed command."""
    with interrupt.in_one_line():
        from aifactory.cli.main import main as run

        run()
