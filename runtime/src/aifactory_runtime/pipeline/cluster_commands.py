"""`python -m <package> scheduler | worker`: the processes of a Dask cluster, by the same commands wherever it runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from aifactory_runtime.cluster.certificates import Certificates
    from aifactory_runtime.cluster.facts import Released
    from aifactory_runtime.cluster.processes import WorkerOptions

_PORT, _LOOPBACK = 8786, "127.0.0.1"
_tls = click.option(
    "--tls",
    type=click.Path(path_type=Path),
    default=None,
    help="JSON with ca, cert and key, each the path of a PEM file.",
)
_stdin = click.option(
    "--until-stdin-ends", "with_stdin", is_flag=True, help="End when standard input does, as with who started it."
)


@click.command()
@click.option("--host", default=_LOOPBACK, show_default=True, help="Address; any but loopback needs --tls.")
@click.option("--port", type=click.IntRange(0, 65535), default=_PORT, show_default=True, help="0 takes any.")
@click.option("--dashboard-address", "dashboard", default=None, help="Where its pages are, as 127.0.0.1:8787.")
@_tls
@_stdin
def scheduler(host: str, port: int, dashboard: str | None, tls: Path | None, with_stdin: bool) -> None:
    """Be the scheduler of a cluster: workers and runs of this commit find it at its address.

    Code that is sent to it runs on the workers, so it is on loopback, or asks for certificates.

    Example: scheduler --host 10.0.0.5 --tls /etc/churn/tls.json
    """
    from aifactory_runtime.cluster import processes
    from aifactory_runtime.cluster.processes import SchedulerOptions

    certificates = _certificates(tls)
    _check(f"{'tls' if certificates else 'tcp'}://{_in_address(host)}:{port}", certificates)
    options = SchedulerOptions(host, port, dashboard, certificates)
    processes.scheduler(options, _released(), with_stdin=with_stdin, say=_say)


@click.command()
@click.argument("address", default="", metavar="[SCHEDULER]")
@click.option("--scheduler", "asked", default=None, help="Its address; else SCHEDULER or DASK_SCHEDULER_ADDRESS.")
@click.option("--nthreads", "threads", type=click.IntRange(1), default=1, show_default=True, help="At a time.")
@click.option("--memory-limit", "memory", default="auto", show_default=True, help="Bytes it may take, as 2GiB.")
@click.option("--name", default=None, help="What it is called.")
@click.option("--death-timeout", type=float, default=60.0, show_default=True, help="Seconds without a scheduler.")
@click.option("--local-directory", "folder", default=None, help="For its own files; it writes few.")
@click.option("--interface", default=None, help="Network interface, as ib0.")
@click.option("--dashboard/--no-dashboard", "shown", default=False, help="Whether it has pages of its own.")
@click.option("--dashboard-address", default=":0", show_default=True, help="Where they are.")
@click.option("--nanny", is_flag=True, help="As it always is: started again when it dies.")
@_tls
@click.option("--tls-ca-file", type=click.Path(path_type=Path), default=None, help="In place of --tls, with the next.")
@click.option("--tls-cert", type=click.Path(path_type=Path), default=None)
@click.option("--tls-key", type=click.Path(path_type=Path), default=None)
@_stdin
def worker(**given: Any) -> None:
    """Be a worker of a cluster with the code of this commit, on any machine that reaches its scheduler.

    Options are those of Dask's own worker, so dask-jobqueue and dask-kubernetes start it too: docs/cluster.md.

    Example: worker --scheduler tls://10.0.0.5:8786 --memory-limit 2GiB --tls /etc/churn/tls.json
    """
    from aifactory_runtime.cluster import processes

    options = _worker_options(given)
    processes.worker(options, _released(), with_stdin=given["with_stdin"], say=_say)


def _worker_options(given: Mapping[str, Any]) -> WorkerOptions:
    """What the options of the command come to; UsageProblem without a scheduler, or for one that is open to all."""
    from aifactory_runtime.cluster.certificates import Certificates
    from aifactory_runtime.cluster.processes import WorkerOptions

    address = given["asked"] or given["address"] or os.environ.get("DASK_SCHEDULER_ADDRESS", "")
    if not address:
        raise click.UsageError("of which scheduler? Say worker --scheduler tls://10.0.0.5:8786")
    parts = [given[name] for name in ("tls_ca_file", "tls_cert", "tls_key")]
    certificates = Certificates(*parts) if all(parts) else _certificates(given["tls"])
    _check(address, certificates)
    return WorkerOptions(
        address,
        certificates=certificates,
        dashboard=given["dashboard_address"] if given["shown"] else None,
        **{name: given[name] for name in ("threads", "memory", "name", "interface", "folder", "death_timeout")},
    )


def _certificates(tls: Path | None) -> Certificates | None:
    from aifactory_runtime.cluster import certificates

    return None if tls is None else certificates.read(tls)


def _check(address: str, certificates: Certificates | None) -> None:
    from aifactory_runtime.contract import scheduler_address
    from aifactory_runtime.errors import UsageProblem

    try:
        scheduler_address.check(address, certificates=certificates is not None)
    except ValueError as error:
        raise UsageProblem(str(error)) from None


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _released() -> Released | None:
    """The commit and lock of the tree here; None where who started this says it by the variable."""
    from aifactory_runtime.cluster import facts

    if os.environ.get(facts.RELEASED):
        return None
    from aifactory_runtime.cluster.facts import Released
    from aifactory_runtime.config import project as projects
    from aifactory_runtime.errors import UsageProblem
    from aifactory_runtime.pipeline.reproduction import provenance

    project = projects.load(projects.find_root(Path.cwd()))
    found = provenance.collect(project.root, project.manifest.package)
    if found.dirty:
        raise UsageProblem("files are not committed, and a cluster runs the code of a commit: commit them first")
    return Released(found.commit, found.lock_sha256)


def _say(line: str) -> None:
    click.echo(line, err=True)
