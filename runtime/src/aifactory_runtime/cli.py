"""The command `python -m <package>`, which Ctrl-C ends in one line from its first moment on.

Nothing is imported here that takes time: a traceback of imports would be all that is seen of an early Ctrl-C.
"""

from __future__ import annotations

from aifactory_runtime import interrupt


def main(package: str, arguments: list[str] | None = None) -> None:
    """Run the command line of the use case whose science is in `package`, and exit."""
    with interrupt.in_one_line():
        from aifactory_runtime import command_line

        command_line.main(package, arguments)
