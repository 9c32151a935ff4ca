"""What `destroy` takes away: which stacks, what keeps them from being destroyed, and what is forgotten afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aifactory.home import Home
from aifactory.provision import anchored, plan, platform_outputs, retirement, servers, stacks
from aifactory.provision.plan import Place, Waves
from aifactory.provision.run import Result
from aifactory_runtime.contract import names
from aifactory_runtime.errors import FactoryError, UsageProblem


@dataclass(frozen=True)
class Destruction:
    """Stacks of a home to destroy, in the order in which they are provisioned; `everything` is the home itself too."""

    home: Home
    waves: Waves
    everything: bool
    on_this_machine: bool = True
    """Whether it takes this machine's servers to take it away."""
    told: str = ""
    """Address where the platform in a cloud told use cases of what goes."""

    @property
    def names(self) -> list[str]:
        """Names of the stacks."""
        return [stack.name for wave in self.waves for stack in wave]

    def perform(self, act: Callable[[str, Waves, Home], list[Result]]) -> list[Result]:
        """Destroy, what was provisioned last first, forget who was retired there, and end its audit log."""
        results = act("destroy", list(reversed(self.waves)), self.home)
        for result in results:
            retirement.forget(self.home, result.stack)
            anchored.end(self.home.root, result.stack)
            if self.told and "." not in result.stack:
                platform_outputs.remove(self.told, result.stack)
        if self.everything:
            self.home.remove()
        return results


def planned(environments: Sequence[str], unprotect: Sequence[str], *, everything: bool) -> Destruction:
    """What is meant, seen from the current folder.

    FactoryError when nothing is provisioned, when use cases need it, when somebody works on it, and when a use case's
    prod is not named in `unprotect` too.
    """
    place = plan.Place.outside() if everything else plan.Place.here()
    home = place.home
    if not stacks.known(home) and (everything or not stacks.shared_backend()):
        raise FactoryError(f"nothing is provisioned in {home.root}")
    if everything:
        _refuse_unmoved(home)
        waves = plan.everything(place, servers.interpreter())
    else:
        chosen = plan.chosen(place, environments)
        _refuse_under_use_cases(place, chosen)
        waves = plan.waves(place, chosen, servers.interpreter(), with_platform=False)
        if place.manifest is None:
            waves = plan.only(waves, chosen)
    plan.check(home, waves)
    told = platform_outputs.address(place.platform) if place.platform and place.platform.in_cloud else ""
    found = Destruction(home, waves, everything, place.on_this_machine, told)
    _refuse_protected(found.names, unprotect)
    refuse_in_use(home, waves)
    return found


def refuse_in_use(home: Home, waves: Waves) -> None:
    """FactoryError where a cloud's prod is not retired: its engine protects the data there, and would stop midway."""
    clouds = [one for wave in waves for one in wave if one.target != names.LOCAL and one.name.endswith(".prod")]
    for stack in clouds:
        if retirement.of(home, stack.name.removesuffix(".prod"), "prod") is None:
            raise FactoryError(
                f"{stack.name} is in use, and what holds its data is protected: "
                "say factory retire prod --reason TEXT first, then destroy it"
            )


def _refuse_under_use_cases(place: Place, chosen: Sequence[str]) -> None:
    """The platform cannot go while use cases stand on it: in its environment or, for what is shared, anywhere."""
    if place.manifest is not None:
        return
    standing = _standing(place)
    if stacks.SHARED not in chosen:
        standing = [name for name in standing if name.rpartition(".")[2] in chosen]
    if standing:
        raise FactoryError(f"{', '.join(standing)} still stand on it: destroy them first, or say --all")


def _refuse_unmoved(home: Home) -> None:
    """What an account needs first is only known to this home while a move of its state is not done."""
    accounts = [name for name in stacks.known(home) if name.startswith(stacks.ACCOUNT)]
    kept = [one for one in accounts if stacks.in_file_backend(f"file://{home.state}", stacks.BOOTSTRAP, one)]
    if kept:
        raise FactoryError(f"the state of {', '.join(kept)} has not moved yet: factory bootstrap aws goes on with it")


def _standing(place: Place) -> list[str]:
    """Names of the stacks of use cases: in a cloud also those that other machines made."""
    if place.platform is None or not place.platform.in_cloud or stacks.in_home():
        return stacks.use_cases(place.home)
    return platform_outputs.standing(platform_outputs.address(place.platform))


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
        raise FactoryError(
            f"{', '.join(kept)} {are} protected, with models, tables, audit log: "
            f"to destroy, say {flags} (in a script --yes too)"
        )
