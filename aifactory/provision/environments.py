"""What `up`, `retire`, `preview` and `refresh` do: check, get the tools, act on the stacks, write down the result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from aifactory import emulation
from aifactory.home import Home
from aifactory.people import record, roster
from aifactory.provision import (
    applied,
    check_manifest,
    contract_formats,
    plan,
    platform_outputs,
    retirement,
    rotation,
    servers,
    tools,
)
from aifactory.provision.plan import Place, Waves
from aifactory.provision.run import Result
from aifactory.workshop import scratch
from aifactory_runtime.contract import EnvironmentContract, Manifest, names
from aifactory_runtime.errors import FactoryError
from infra.policies import manifest_rules

Say = Callable[[str], None]
Act = Callable[[str, Waves, Home], list[Result]]
"""Performs an action on waves of stacks of a home, showing its progress: `waves.act_in_waves` as a command shows it."""
Decision = Callable[[Home, str, list[str]], None]
"""Writes down what is decided of a use case in environments, before the action that follows from it."""


def up(
    place: Place, environments: Sequence[str], act: Act, say: Say, *, with_platform: bool, revive: bool
) -> list[Result]:
    """Provision the environments, missing tools included; a retired use case stays stopped unless `revive` says so."""
    if place.manifest is not None and not revive:
        for environment in plan.chosen(place, environments):
            if found := retirement.of(place.home, place.manifest.use_case, environment):
                say(f"{place.manifest.use_case}.{environment} stays {found.sentence()} (--revive brings it back)")
    return _apply(
        place,
        environments,
        act,
        say,
        get_tools=lambda: tools.fetch(say, here=place.on_this_machine),
        decide=retirement.revive if revive else None,
        with_platform=with_platform,
    )


def retire(place: Place, environments: Sequence[str], reason: str, act: Act, say: Say) -> list[Result]:
    """Stop the use case of the place in the environments and keep what it made."""
    if place.manifest is None:
        raise FactoryError("retire belongs to a use case: run this inside its repo")
    retirement.check(place.home, place.manifest.use_case, plan.chosen(place, environments), reason)

    def decide(home: Home, use_case: str, chosen: list[str]) -> None:
        retirement.retire(home, use_case, chosen, reason)

    return _apply(
        place,
        environments,
        act,
        say,
        get_tools=lambda: tools.require(here=place.on_this_machine),
        decide=decide,
        with_platform=False,
    )


def preview(place: Place, environments: Sequence[str], act: Act, say: Say, *, with_platform: bool) -> list[Result]:
    """What `up` would change. Nothing changes; where there is no home, none is made."""
    waves = _checked(place, environments, say, with_platform=with_platform)
    tools.require(here=place.on_this_machine)
    for environment in plan.chosen(place, environments) if place.manifest else ():
        sentence = manifest_rules.idle(place.manifest, environment) if place.manifest else None
        if sentence is not None:
            say(sentence)
    with _records(place.home) as home:
        return act("preview", waves, home)


def refresh(place: Place, environments: Sequence[str], act: Act, *, with_platform: bool) -> list[Result]:
    """What differs between what was applied and what is there. Nothing changes."""
    waves = _waves(place, environments, with_platform)
    plan.check(place.home, waves, applied=True)
    tools.require(here=place.on_this_machine)
    return act("refresh", waves, place.home)


def _apply(
    place: Place,
    environments: Sequence[str],
    act: Act,
    say: Say,
    *,
    get_tools: Callable[[], None],
    decide: Decision | None,
    with_platform: bool,
) -> list[Result]:
    """Check all that is cheap, get the tools, decide, act, and write down contracts and who has access."""
    interrupted = _interrupted_rotations(place)
    waves = _checked(place, environments, say, with_platform=with_platform)
    get_tools()
    if decide is not None and place.manifest is not None:
        decide(place.home, place.manifest.use_case, plan.chosen(place, environments))
        waves = _waves(place, environments, with_platform)
    results = act("up", waves, place.home)
    tell_use_cases(place, results, say)
    if place.repo is not None and emulation.asked():
        say("the repo's contracts in .factory/ stay as they are: this was emulated")
    elif place.repo is not None and place.manifest is not None:
        for result in results:
            if result.stack.startswith(f"{place.manifest.use_case}."):
                environment = result.outputs["environment"]
                if not place.on_this_machine:
                    applied.write(place.home, place.manifest, result.outputs)
                contract_formats.write(place.repo, applied.required_outputs(place, environment))
                _record_access(place.manifest, result, interrupted.get(environment, []))
    return results


def tell_use_cases(place: Place, results: list[Result], say: Say) -> None:
    """Write what the platform in a cloud made of each environment, each time: a run may have been killed before."""
    if place.platform is None or not place.platform.in_cloud:
        return
    where = platform_outputs.address(place.platform)
    for result in results:
        if result.stack in place.platform.in_cloud:
            written = platform_outputs.write(where, result.stack, result.outputs)
            say(f"written: {written}; use cases say platform: {where} in factory.yaml")


def _checked(place: Place, environments: Sequence[str], say: Say, *, with_platform: bool) -> Waves:
    """The stacks that are meant, when nothing known before the start speaks against them.

    Says which people's time has ended, as `up` takes their rights away, and what becomes of recorded inputs.
    """
    waves = _waves(place, environments, with_platform)
    plan.check(place.home, waves)
    if place.manifest is not None:
        chosen, today = plan.chosen(place, environments), roster.today()
        check_manifest.check(place, chosen, today)
        for sentence in (*roster.due(place.manifest, chosen, today), *check_manifest.remarks(place, chosen)):
            say(sentence)
    return waves


def _waves(place: Place, environments: Sequence[str], with_platform: bool) -> Waves:
    return plan.waves(place, plan.chosen(place, environments), servers.interpreter(), with_platform=with_platform)


@contextmanager
def _records(home: Home) -> Iterator[Home]:
    """Where the engine keeps its records for a look: in the home or, when there is none, in a folder that goes again.

    The home itself is never removed after a look: an `up` may have begun in it meanwhile.
    """
    if home.root.exists():
        yield home
        return
    with scratch("preview") as folder:
        yield Home(folder)


def _interrupted_rotations(place: Place) -> dict[str, list[Path]]:
    """Credentials files per environment that a killed `rotate` left to the next `up`."""
    if place.manifest is None:
        return {}
    use_case = place.manifest.use_case
    return {name: rotation.unfinished(place.home, use_case, name) for name in names.ENVIRONMENTS}


def _record_access(manifest: Manifest, result: Result, rotated: list[Path]) -> None:
    contract = EnvironmentContract.model_validate(result.outputs)
    record.access(contract, manifest, roster.today())
    if identities := rotation.done(rotated):
        record.rotated(contract, identities)
