"""`factory up | preview | refresh | destroy | outputs`: environments by the real engine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from aifactory import emulation
from aifactory.cli import output
from aifactory_runtime.errors import FactoryError, NeedsPerson

if TYPE_CHECKING:
    from aifactory.home import Home
    from aifactory.provision.environments import Act
    from aifactory.provision.plan import Waves
    from aifactory.provision.run import Result


def _names(_context: click.Context, _argument: click.Parameter, incomplete: str) -> list[str]:
    """Environments for the shell's completion."""
    return [name for name in ("dev", "staging", "prod", "shared") if name.startswith(incomplete)]


_ENVIRONMENTS = click.argument("environments", metavar="[ENV]...", nargs=-1, shell_complete=_names)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
_VERBOSE = click.option("--verbose", is_flag=True, help="A line for every resource, instead of one per environment.")
_PLATFORM = click.option("--platform", "with_platform", is_flag=True, help="The platform under it, too.")


@click.command()
@_ENVIRONMENTS
@_PLATFORM
@click.option("--revive", is_flag=True, help="Bring back what `factory retire` stopped.")
@_VERBOSE
@_JSON
def up(environments: tuple[str, ...], with_platform: bool, revive: bool, verbose: bool, as_json: bool) -> None:
    """Provision ENV: dev, staging, prod; all of them when none is named.

    In a use case's repo its own stacks, and it says so when the platform is missing; elsewhere the platform's. What
    differs from the last time is repaired. Running it again is the way on after any interruption.

    Example: factory up dev --platform
    """
    from aifactory.provision import environments as provisioning
    from aifactory.provision import next_step
    from aifactory.provision.plan import Place

    place = Place.here()
    results = provisioning.up(
        place, environments, _acting(verbose), output.say, with_platform=with_platform, revive=revive
    )
    _report(results, as_json, "applied")
    if not as_json and not emulation.asked():
        use_case = place.manifest.use_case if place.manifest else None
        click.echo(f"Next: {next_step.after_up(use_case, results)}")


@click.command()
@_ENVIRONMENTS
@click.option("--reason", required=True, help="Why it is stopped; people read it in `factory status`.")
@_VERBOSE
@_JSON
def retire(environments: tuple[str, ...], reason: str, verbose: bool, as_json: bool) -> None:
    """Stop the use case whose repo this is in ENV (all when none is named), and keep all it made.

    Its service and schedules stop and releases are refused. Models, tables, audit log and logins stay; `factory status`
    shows the reason and the date. `factory up` leaves it stopped; `factory up --revive` brings it back.

    Example: factory retire prod --reason "replaced by churn-2"
    """
    from aifactory.provision import environments as provisioning
    from aifactory.provision.plan import Place

    results = provisioning.retire(Place.here(), environments, reason, _acting(verbose), output.say)
    _report(results, as_json, "applied")


@click.command()
@_ENVIRONMENTS
@_PLATFORM
@_JSON
def preview(environments: tuple[str, ...], with_platform: bool, as_json: bool) -> None:
    """Show what `up` would create, change or delete. Changes nothing.

    Example: factory preview prod
    """
    from aifactory.provision import environments as provisioning
    from aifactory.provision.plan import Place

    results = provisioning.preview(Place.here(), environments, _acting(True), output.say, with_platform=with_platform)
    _report(results, as_json, "would change")


@click.command()
@_ENVIRONMENTS
@_PLATFORM
@_JSON
def refresh(environments: tuple[str, ...], with_platform: bool, as_json: bool) -> None:
    """Compare what was applied with what is there; drift is named and gives exit code 3. Changes nothing.

    Example: factory refresh prod
    """
    from aifactory.provision import environments as provisioning
    from aifactory.provision.plan import Place

    results = provisioning.refresh(Place.here(), environments, _acting(True), with_platform=with_platform)
    _report(results, as_json, "differs")
    drifted = [result.stack for result in results if not result.same]
    if drifted:
        raise NeedsPerson(f"drift in {', '.join(drifted)}: factory up repairs it")


@click.command()
@_ENVIRONMENTS
@click.option("--all", "everything", is_flag=True, help="Every use case and the platform of this home.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--unprotect", multiple=True, metavar="NAME", help="A use case's prod to destroy: churn.prod, or prod.")
@_VERBOSE
@_JSON
def destroy(
    *,
    environments: tuple[str, ...],
    everything: bool,
    yes: bool,
    unprotect: tuple[str, ...],
    verbose: bool,
    as_json: bool,
) -> None:
    """Remove ENV with everything in it: models, data, logs. Interrupted, the same command again finishes it.

    What a use case has in prod is protected: it is destroyed only when --unprotect names it too. To stop a use case and
    keep what it made: factory retire.

    Example: factory destroy dev
    """
    from aifactory.provision import destruction, tools

    if not everything and not environments:
        raise click.UsageError("name the environments to destroy, or say --all")
    planned = destruction.planned(environments, unprotect, everything=everything)
    tools.require(here=planned.on_this_machine)
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError(f"this destroys {', '.join(planned.names)}: say --yes")
        if not click.confirm(f"Destroy {', '.join(planned.names)} in {planned.home.root}?"):
            raise FactoryError("nothing was destroyed")
    _report(planned.perform(_acting(verbose)), as_json, "destroyed")


@click.command()
@click.argument("environment")
@click.option("--format", "form", type=click.Choice(["json", "dotenv", "github"]), default="json", show_default=True)
@click.option("--write", is_flag=True, help="Write .factory/<env>.json of this repo instead of printing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as without --format.")
def outputs(environment: str, form: str, write: bool, as_json: bool) -> None:
    """Print what ENVIRONMENT tells this repo: the environment contract, without secrets.

    Example: factory outputs dev --format dotenv
    """
    from aifactory.provision import applied, contract_formats, plan

    if as_json and form != "json":
        raise click.UsageError(f"--json and --format {form} are two formats: choose one")
    place = plan.Place.here()
    if place.manifest is not None:
        plan.chosen(place, [environment])
    contract = applied.required_outputs(place, environment)
    if write and place.repo is not None:
        output.say(f"written: {contract_formats.write(place.repo, contract)}")
        return
    click.echo(contract_formats.FORMATS[form](contract))


def _acting(verbose: bool) -> Act:
    """Performs an action on waves of stacks, with as much progress as was asked for."""
    from aifactory.cli.progress import Progress
    from aifactory.provision.waves import act_in_waves

    def act(action: str, waves: Waves, home: Home) -> list[Result]:
        if emulation.asked():
            output.say(emulation.NOTE)
        if verbose:
            return act_in_waves(action, waves, home, output.say, _say_stage)
        with Progress() as progress:
            return act_in_waves(action, waves, home, progress, progress.told)

    return act


def _say_stage(stack: str, seconds: float | None) -> None:
    output.say(f"{stack} ..." if seconds is None else f"{stack}: {seconds:.0f} s")


def _report(results: list[Result], as_json: bool, word: str) -> None:
    if as_json:
        mark = {"emulated": True} if emulation.asked() else {}
        output.answer_json([{**result.__dict__, **mark} for result in results])
        return
    rows = []
    for result in results:
        what = f"{len(result.changed)} {word}" if result.changed else "no change"
        rows.append((emulation.label(result.stack), what, f"{result.seconds:.1f} s"))
    output.table("", ("stack", "result", "time"), rows)
