"""`factory up | preview | refresh | destroy | outputs`: environments by the real engine."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aifactory.cli import output
from aifactory_runtime.errors import FactoryError, NeedsPerson, UsageProblem

if TYPE_CHECKING:
    from aifactory.home import Home
    from aifactory.provision.plan import Place, Waves
    from aifactory.provision.run import Result
    from aifactory_runtime.contract import Manifest

_ENVIRONMENTS = click.argument("environments", metavar="[ENV]...", nargs=-1)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
_VERBOSE = click.option("--verbose", is_flag=True, help="A line for every resource, instead of one per environment.")
_PLATFORM = click.option("--platform", "with_platform", is_flag=True, help="The platform under it, too.")

Decision = Callable[[str, list[str]], None]
"""Writes down what is decided of a use case in environments, before `up` acts on it."""


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
    from aifactory.provision import plan, retirement

    here = plan.Place.here()
    if here.manifest is not None and not revive:
        for environment in plan.chosen(here, environments):
            if found := retirement.of(here.home, here.manifest.use_case, environment):
                output.say(f"{here.manifest.use_case}.{environment} stays {found.sentence()} (--revive brings it back)")

    def decide(use_case: str, chosen: list[str]) -> None:
        if revive:
            retirement.revive(here.home, use_case, chosen)

    _apply(environments, with_platform, verbose, as_json, tools=_fetch, decide=decide)


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
    from aifactory.provision import plan, retirement

    here = plan.Place.here()
    if here.manifest is None:
        raise FactoryError("retire belongs to a use case: run this inside its repo")
    retirement.check(here.home, here.manifest.use_case, plan.chosen(here, environments), reason)

    def decide(use_case: str, chosen: list[str]) -> None:
        retirement.retire(here.home, use_case, chosen, reason)

    _apply(environments, False, verbose, as_json, tools=_require, decide=decide)


def _apply(
    environments: tuple[str, ...],
    with_platform: bool,
    verbose: bool,
    as_json: bool,
    *,
    tools: Callable[[], None],
    decide: Decision,
) -> None:
    asked = _rotations_asked()
    place, results = _act("up", environments, tools, with_platform, verbose, decide=decide)
    if place.repo is not None and place.manifest is not None:
        for result in results:
            if result.stack.startswith(f"{place.manifest.use_case}."):
                environment = result.outputs["environment"]
                _write_contract(place.repo, _applied_contract(place.home, place.manifest, environment))
                _record_access(place.manifest, result, asked.get(environment, []))
    _report(results, as_json, "applied")


@click.command()
@_ENVIRONMENTS
@_PLATFORM
@_JSON
def preview(environments: tuple[str, ...], with_platform: bool, as_json: bool) -> None:
    """Show what `up` would create, change or delete. Changes nothing.

    Example: factory preview prod
    """
    with _looked_from() as home:
        _place, results = _act("preview", environments, _require, with_platform, True, records=home)
    _report(results, as_json, "would change")


@contextmanager
def _looked_from() -> Iterator[Home]:
    """Where the engine keeps its records for a look: in the home or, when there is none, in a folder that goes again.

    The home itself is never removed after a look: an `up` may have begun in it meanwhile.
    """
    from aifactory.home import Home

    home = Home.current()
    if home.root.exists():
        yield home
        return
    with tempfile.TemporaryDirectory(prefix="factory-preview-") as folder:
        yield Home(Path(folder))


@click.command()
@_ENVIRONMENTS
@_PLATFORM
@_JSON
def refresh(environments: tuple[str, ...], with_platform: bool, as_json: bool) -> None:
    """Compare what was applied with what is there; drift is named and gives exit code 3. Changes nothing.

    Example: factory refresh prod
    """
    _place, results = _act("refresh", environments, _require, with_platform, True)
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
    from aifactory.home import Home
    from aifactory.provision import plan, retirement, servers, stacks

    home = Home.current()
    if not everything and not environments:
        raise click.UsageError("name the environments to destroy, or say --all")
    if not stacks.known(home) and (everything or not stacks.shared_backend()):
        raise FactoryError(f"nothing is provisioned in {home.root}")
    if everything:
        waves = plan.everything(home, servers.interpreter())
    else:
        place = plan.Place.here()
        chosen = plan.chosen(place, environments)
        _refuse_under_use_cases(place, chosen)
        waves = plan.waves(place, chosen, servers.interpreter(), with_platform=False)
        if place.manifest is None:
            waves = plan.only(waves, chosen)
    plan.check(home, waves)
    names = [stack.name for wave in waves for stack in wave]
    _refuse_protected(names, unprotect)
    _require()
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError(f"this destroys {', '.join(names)}: say --yes")
        if not click.confirm(f"Destroy {', '.join(names)} in {home.root}?"):
            raise FactoryError("nothing was destroyed")
    results = _act_on("destroy", list(reversed(waves)), home, verbose)
    for result in results:
        retirement.forget(home, result.stack)
    if everything:
        home.remove()
    _report(results, as_json, "destroyed")


@click.command()
@click.argument("environment")
@click.option("--format", "form", type=click.Choice(["json", "dotenv", "github"]), default="json", show_default=True)
@click.option("--write", is_flag=True, help="Write .factory/<env>.json of this repo instead of printing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as without --format.")
def outputs(environment: str, form: str, write: bool, as_json: bool) -> None:
    """Print what ENVIRONMENT tells this repo: the environment contract, without secrets.

    Example: factory outputs dev --format dotenv
    """
    from aifactory.provision import contract_formats, plan

    if as_json and form != "json":
        raise click.UsageError(f"--json and --format {form} are two formats: choose one")
    place = plan.Place.here()
    if place.repo is None or place.manifest is None:
        raise FactoryError("outputs belong to a use case: run this inside its repo")
    plan.chosen(place, [environment])
    contract = _applied_contract(place.home, place.manifest, environment)
    if write:
        output.say(f"written: {_write_contract(place.repo, contract)}")
        return
    click.echo(contract_formats.FORMATS[form](contract))


def _fetch() -> None:
    """Install the engine and the servers when they are missing."""
    from aifactory.provision import engine, servers

    engine.ensure(output.say)
    servers.ensure(output.say)


def _require() -> None:
    """FactoryError when the engine or the servers are missing."""
    from aifactory.provision import engine, servers

    if engine.find() is None:
        raise FactoryError("the Pulumi engine is missing: factory doctor --mend")
    if servers.find() is None:
        raise FactoryError("the platform's servers are not installed: factory doctor --mend")


def _act(
    action: str,
    environments: tuple[str, ...],
    tools: Callable[[], None],
    with_platform: bool,
    verbose: bool,
    *,
    records: Home | None = None,
    decide: Decision | None = None,
) -> tuple[Place, list[Result]]:
    """Check all that is cheap, see to the `tools`, and only then act; the engine's `records` are else the home's.

    What is to be written down before the action, `decide` does when nothing refuses the command any more.
    """
    from aifactory.provision import plan, servers

    place = plan.Place.here()
    chosen = plan.chosen(place, environments)
    waves = plan.waves(place, chosen, servers.interpreter(), with_platform=with_platform)
    plan.check(place.home, waves, applied=action == "refresh")
    if action != "refresh":
        _check_asked(place, chosen)
    tools()
    if decide is not None and place.manifest is not None:
        decide(place.manifest.use_case, chosen)
        waves = plan.waves(place, chosen, servers.interpreter(), with_platform=with_platform)
    return place, _act_on(action, waves, records or place.home, verbose)


def _check_asked(place: Place, environments: list[str]) -> None:
    """Refuse what may not be asked for; name those whose time has ended, who lose their rights by `up`."""
    if place.manifest is None:
        return
    from aifactory.people import roster
    from aifactory.provision import check_manifest

    today = roster.today()
    check_manifest.check(place, environments, today)
    for sentence in roster.due(place.manifest, environments, today):
        output.say(sentence)


def _rotations_asked() -> dict[str, list[Path]]:
    """Credentials files per environment that a killed `rotate` left to the next `up`."""
    from aifactory.provision import plan, rotation
    from aifactory_runtime.contract import names

    place = plan.Place.here()
    if place.manifest is None:
        return {}
    return {name: rotation.asked(place.home, place.manifest.use_case, name) for name in names.ENVIRONMENTS}


def _record_access(manifest: Manifest, result: Result, rotated: list[Path]) -> None:
    from aifactory.people import record, roster
    from aifactory.provision import rotation
    from aifactory_runtime.contract import EnvironmentContract

    contract = EnvironmentContract.model_validate(result.outputs)
    record.access(contract, manifest, roster.today())
    if identities := rotation.done(rotated):
        record.rotated(contract, identities)


def _act_on(action: str, waves: Waves, home: Home, verbose: bool) -> list[Result]:
    """Results of the action on every stack, with as much progress as was asked for."""
    from aifactory.cli.progress import Progress
    from aifactory.provision.waves import act_in_waves

    if verbose:
        return act_in_waves(action, waves, home, output.say)
    progress = Progress()
    try:
        return act_in_waves(action, waves, home, progress)
    finally:
        progress.end()


def _report(results: list[Result], as_json: bool, word: str) -> None:
    if as_json:
        output.answer_json([result.__dict__ for result in results])
        return
    rows = []
    for result in results:
        what = f"{len(result.changed)} {word}" if result.changed else "no change"
        rows.append((result.stack, what, f"{result.seconds:.1f} s"))
    output.table("", ("stack", "result", "time"), rows)


def _applied_contract(home: Home, manifest: Manifest, environment: str) -> dict[str, Any]:
    """What was applied, as the record has it: the engine's outputs leave out what is not set."""
    from aifactory.provision import applied

    try:
        return applied.outputs(home, manifest.use_case, environment)
    except FileNotFoundError:
        raise FactoryError(f"{environment} is not provisioned: factory up {environment}") from None


def _write_contract(repo: Path, contract: dict[str, Any]) -> Path:
    """Write the contract to `.factory/` of the repo, and say where; `up` and `outputs --write` write the same."""
    from aifactory.provision import contract_formats

    text = contract_formats.as_json(contract)
    folder = repo / ".factory"
    folder.mkdir(exist_ok=True)
    target = folder / f"{contract['environment']}.json"
    temporary = target.with_suffix(".tmp")
    temporary.write_text(text + "\n", encoding="utf-8")
    return temporary.replace(target)


def _refuse_under_use_cases(place: Place, chosen: Sequence[str]) -> None:
    """The platform cannot go while use cases stand on it: in its environment or, for what is shared, anywhere."""
    from aifactory.provision import stacks

    if place.manifest is not None:
        return
    standing = stacks.use_cases(place.home)
    if stacks.SHARED not in chosen:
        standing = [name for name in standing if name.rpartition(".")[2] in chosen]
    if standing:
        raise FactoryError(f"{', '.join(standing)} still stand on it: destroy them first, or say --all")


def _refuse_protected(stacks: Sequence[str], unprotect: Sequence[str]) -> None:
    """What a use case has in prod goes only when it is named once more: no habit, no script takes it along."""
    protected = [name for name in stacks if name.endswith(".prod")]
    for name in unprotect:
        if name not in ("prod", *protected):
            raise UsageProblem(f"--unprotect {name}: protected here is {', '.join(protected) or 'nothing'}")
    kept = [name for name in protected if not {name, "prod"} & set(unprotect)]
    if kept:
        flags = " ".join(f"--unprotect {name}" for name in kept)
        are = "is" if len(kept) == 1 else "are"
        raise FactoryError(f"{', '.join(kept)} {are} protected, with models, tables, audit log: to destroy, {flags}")
