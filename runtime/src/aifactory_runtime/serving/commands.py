"""`python -m <package> serve`: the scoring service on this machine."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.interrupt import CODE as INTERRUPTED

if TYPE_CHECKING:
    from aifactory_runtime.config.project import Project

_HOST, _PORT = "127.0.0.1", 8000


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=None, envvar="AIFACTORY_SERVE_PORT", help=f"Port; default {_PORT}."
)
@click.option(
    "--host",
    default=_HOST,
    envvar="AIFACTORY_SERVE_HOST",
    show_default=True,
    help="Address; 0.0.0.0 in a container, nowhere else.",
)
@click.option(
    "--model",
    "brought_to",
    type=click.Path(path_type=Path),
    default=None,
    envvar="AIFACTORY_SERVE_MODEL",
    help="A folder that a platform puts the model into, which then records answers, too.",
)
@click.option("--fd", type=int, default=None, help="A listening socket, given by the launcher.")
@click.option("--challenger", "at", default=None, help="Be the challenger's worker on this socket, for the launcher.")
def serve(*, port: int | None, host: str, brought_to: Path | None, fd: int | None, at: str | None) -> None:
    """Answer requests with the released model; with nothing provisioned, with the newest one that passed its gate.

    Example: serve --port 8000
    """
    from aifactory_runtime.serving import lean

    lean.block_unused()
    from aifactory_runtime.config import project as projects
    from aifactory_runtime.contract import names
    from aifactory_runtime.serving import process, server

    process.prepare()
    project = projects.load(projects.find_root(Path.cwd()))
    if project.settings.train.trusted_types:
        lean.unblock()
    if at is not None:
        process.second(project).run(Path(at))
        return
    if fd is not None:
        worker = process.Worker(project)
        worker.load_first()
        worker.answer(socket.socket(fileno=fd))
        return
    wanted = _PORT if port is None else port
    try:
        listener = server.listen(wanted, host)
    except OSError as error:
        where = f"port {wanted} of {host}"
        raise FactoryError(f"{where} cannot be had ({error.strerror}): serve --port 0 takes any") from None
    if brought_to is not None:
        from aifactory_runtime.serving import brought

        worker = process.Worker(brought.released(project, brought_to), brought.Elsewhere())
    else:
        if project.environment.contract.environment == names.EMBEDDED:
            _release(project)
        worker = process.Worker(project)
    address, number = listener.getsockname()
    click.echo(f"http://{address}:{number}/docs")
    if worker.answer(listener):
        click.echo("stopped", err=True)
        sys.exit(INTERRUPTED)


def _release(project: Project) -> None:
    """Release what was trained last, in a process of its own: this one stays free of MLflow."""
    command = [sys.executable, "-m", project.manifest.package, "release", "--to", "embedded"]
    with subprocess.Popen(command, cwd=project.root) as releasing:
        interrupted = False
        while releasing.returncode is None:
            try:
                releasing.wait()
            except KeyboardInterrupt:  # it was pressed for the release too, which says so and ends
                interrupted = True
    if releasing.returncode in {INTERRUPTED, -signal.SIGINT}:
        sys.exit(INTERRUPTED)
    if interrupted:
        raise KeyboardInterrupt
    if releasing.returncode:
        raise FactoryError("there is no model to serve (see above)")
