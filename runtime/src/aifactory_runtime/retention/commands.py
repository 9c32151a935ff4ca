"""`python -m <package> tidy` and `keep`: what goes and what stays, said first and done when told so."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aifactory_runtime.config import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aifactory_runtime.contract import EnvironmentContract
    from aifactory_runtime.data.removals import Removal
    from aifactory_runtime.registry.port import Registry
    from aifactory_runtime.retention.tidying import Tidied

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_SHOWN, _SHORT = 3, 24


@click.command()
@options.environment
@click.option("--yes", is_flag=True, help="Do it; without, it is only said.")
@_json
def tidy(environment: str | None, yes: bool, as_json: bool) -> int:
    """Pack predictions and results of monitors, and remove runs, rows and code that nothing needs: listed first.

    The orchestrator does it by `retention.schedule` of factory.yaml. Exit code 1 when a part was not done.

    Example: tidy --env prod --yes
    """
    from aifactory_runtime.config import credentials
    from aifactory_runtime.retention import tidying

    contract = options.contract_of(environment)
    registry = partial(_registry, contract)
    done = tidying.tidy(contract, registry, credentials.login_of(contract)) if yes else tidying.look(contract, registry)
    if as_json:
        click.echo(json.dumps(_values(contract, done, done_it=yes)))
    else:
        for line in _lines(contract, done, done_it=yes):
            click.echo(line)
    for line in (*done.notes, *done.troubles):
        click.echo(f"factory: {line}", err=True)
    return 1 if done.troubles else 0


@click.group(invoke_without_command=True)
@options.environment
@_json
@click.pass_context
def keep(context: click.Context, environment: str | None, as_json: bool) -> None:
    """List what people keep beyond what the rules keep; `keep run`, `version`, `day` and `prediction` add to it.

    Example: keep --env prod
    """
    if context.invoked_subcommand is not None:
        return
    from aifactory_runtime.retention import keeping

    contract = options.contract_of(environment)
    held = keeping.held(Path(contract.audit_uri))
    if as_json:
        click.echo(json.dumps({"environment": contract.environment, "kept": [asdict(one) for one in held]}))
        return
    lines = [f"{one.kind} {one.name}: {one.why} ({one.who}, {one.since[:10]})" for one in held]
    for line in lines or [f"nobody keeps anything in {contract.environment} beyond what the rules keep"]:
        click.echo(line)


def _adding(kind: str, metavar: str, what: str, example: str) -> click.Command:
    """The command `keep <kind>`."""

    @click.command(kind, help=f"Keep {what}, until it is ended.\n\nExample: keep {kind} {example} --env prod")
    @click.argument("name", metavar=metavar)
    @click.option("--why", required=True, help="Why it is kept, or with --end why no longer.")
    @click.option("--end", is_flag=True, help="Keep it no longer.")
    @options.environment
    @options.person
    @_json
    def command(name: str, *, why: str, end: bool, environment: str | None, person: str | None, as_json: bool) -> None:
        from aifactory_runtime.config import credentials
        from aifactory_runtime.retention import keeping, subjects, tidying

        contract = options.contract_of(environment)
        who, audit = credentials.login_of(contract, person), Path(contract.audit_uri)
        with tidying.held(contract):
            there = subjects.subject(contract, kind, name, partial(_registry, contract))
            (keeping.end if end else keeping.begin)(audit, there.kind, there.name, why, who)
        if as_json:
            click.echo(json.dumps({"environment": contract.environment, **asdict(there), "kept": not end}))
            return
        click.echo(f"{there.kind} {there.name} {'is kept no longer' if end else 'is kept'} in {contract.environment}")

    return command


for _command in (
    _adding("run", "RUN", "a pipeline run with the versions of tables that it names", "20261124-101500-3f2a1b"),
    _adding("version", "VERSION", "a registered version with its run, tables and code", "7"),
    _adding("day", "DAY", "what was predicted on a day, with labels from then on", "2026-11-24"),
    _adding("prediction", "ID", "the day of a prediction, with all that it is traced to", "0199f3a2-..."),
):
    keep.add_command(_command)


def _registry(contract: EnvironmentContract) -> Registry:
    from aifactory_runtime.config import credentials
    from aifactory_runtime.registry.connect import connect

    return connect(contract, credentials.of(contract))


def _values(contract: EnvironmentContract, done: Tidied, *, done_it: bool) -> dict[str, object]:
    return {
        "environment": contract.environment,
        "predictions": done.predictions,
        "windows": done.windows,
        "removals": [{"kind": one.kind, "names": one.names, "rule": one.rule} for one in done.removals],
        "notes": done.notes,
        "troubles": done.troubles,
        "done": done_it,
    }


def _lines(contract: EnvironmentContract, done: Tidied, *, done_it: bool) -> list[str]:
    moved, removed = ("moved", "removed") if done_it else ("would be moved", "would be removed")
    lines = [f"{done.predictions} predictions of {contract.environment} {moved} from the log into the table captured"]
    if done.windows:
        lines.append(f"{done.windows} windows of monitors {'packed' if done_it else 'would be packed'}, a file a day")
    lines += [f"{_counted(one)} {removed}: {one.rule}" for one in done.removals]
    if not done_it and (done.predictions or done.windows or done.removals):
        lines.append("say --yes to do it; --json names all of it")
    return lines


_WORDS = {
    "run": ("run", "runs"),
    "captured": ("day of predictions", "days of predictions"),
    "labels": ("day of labels", "days of labels"),
    "scored": ("batch", "batches"),
    "monitors": ("day of monitors' results", "days of monitors' results"),
    "events": ("file of events", "files of events"),
    "code": ("commit of released code", "commits of released code"),
    "environment": ("environment of released code", "environments of released code"),
}


def _counted(one: Removal) -> str:
    single, many = _WORDS.get(one.kind, (f"version of table {one.kind}", f"versions of table {one.kind}"))
    return f"{len(one.names)} {single if len(one.names) == 1 else many} ({_some(one.names)})"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(name[:_SHORT] for name in names[:_SHOWN])
    return f"{shown}, ..." if len(names) > _SHOWN else shown
