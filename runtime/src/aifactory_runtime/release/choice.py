"""Which version a release takes, and with which commit of code: the newest of this science that may be released."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline.reproduction import provenance, same_science, science
from aifactory_runtime.pipeline.reproduction.provenance import Provenance
from aifactory_runtime.pipeline.reproduction.same_science import Likeness
from aifactory_runtime.pipeline.reproduction.science import Science
from aifactory_runtime.registry import champion as champions
from aifactory_runtime.registry.port import Version
from aifactory_runtime.release import candidate, code_history, tags
from aifactory_runtime.release.candidate import Candidate
from aifactory_runtime.release.side import Side

Say = Callable[[str], None]
_SHORT = 12


def choose(source: Side, environment: str, number: int | None, say: Say) -> Candidate:
    """Version `number` of the source; else for the `environment` prod what staging serves, else the newest that may go.

    It goes with the code of this commit if that is of its science, to prod with the code that staging tested. Versions
    that are skipped are named; FactoryError when none is left.
    """
    if environment == "prod":
        found = champions.champion(source.registry) if number is None else source.registry.version(number)
        if found is None:
            raise _none(source, "run release --to staging first")
        return Candidate(source, found, code_history.current(found))
    choice = _Choice(source, say)
    return choice.newest() if number is None else choice.with_code(source.registry.version(number))


class _Choice:
    """The commit that is checked out here, held against versions of the source."""

    def __init__(self, source: Side, say: Say) -> None:
        self._source = source
        self._root, self._package = source.project.root, source.project.manifest.package
        self._say = say

    def newest(self) -> Candidate:
        """The newest version that may be released from here; FactoryError, which names one that may otherwise."""
        versions = list(reversed(self._source.registry.versions()))
        if not versions:
            raise _none(self._source, self._trains())
        refusals: list[str] = []
        for version in versions:
            refusal = self._refusal(version)
            if refusal is None:
                for line in refusals:
                    self._say(f"skipped: {line}")
                return self.with_code(version)
            refusals.append(f"version {version.number} of {self._source.name}: {refusal}")
        raise FactoryError(f"nothing of {self._source.name} can be released from here: {self._why(refusals, versions)}")

    def with_code(self, version: Version) -> Candidate:
        """The version with the code here, or with that of its own commit where the science here is other."""
        if self._likeness(version) is not Likeness.SAME:
            return Candidate(self._source, version)
        if self._made_from.dirty and not self._source.embedded:
            self._say(f"note: files here are not committed; what goes is the code of commit {self._commit[:_SHORT]}")
        return Candidate(self._source, version, self._commit)

    def _refusal(self, version: Version) -> str | None:
        """Why the version may not be released from here; None when it may."""
        of_gate = candidate.gate_refusal(Candidate(self._source, version), _silent)
        if of_gate is not None:
            return of_gate
        if not self._source.embedded and version.tags.get(tags.DIRTY) != "false":
            return candidate.NOT_COMMITTED
        likeness = self._likeness(version)
        if likeness in {Likeness.SAME, Likeness.UNKNOWN}:
            return None  # where nobody can tell, it is held against its own commit
        if likeness is Likeness.NUMERIC:
            return same_science.with_other_packages(
                same_science.recorded(version.tags, self._root, self._package), self._here
            )
        commit = version.tags.get(tags.COMMIT, "")[:_SHORT]
        here = "in this folder" if self._source.embedded else f"in commit {self._commit[:_SHORT]} here"
        return f"it was trained with other science (commit {commit}) than is {here}"

    def _why(self, refusals: list[str], versions: list[Version]) -> str:
        """The newest version's reason, and the version that can be released when it is named."""
        may = next((version.number for version in versions if self._may_alone(version)), None)
        named = "" if may is None else f", or release --version {may}, with the code of its own commit"
        return f"{refusals[0]}; {self._trains()}{named}"

    def _may_alone(self, version: Version) -> bool:
        """Whether it may be released with the code of its own commit."""
        if self._source.embedded or version.tags.get(tags.DIRTY) != "false":
            return False
        return candidate.gate_refusal(Candidate(self._source, version), _silent) is None

    def _trains(self) -> str:
        if self._source.name == "prod":
            return "release --train --env prod trains one"
        chosen = "" if self._source.embedded else f"AIFACTORY_ENV={self._source.name} "
        return f"{chosen}python -m {self._package} run trains one"

    def _likeness(self, version: Version) -> Likeness:
        return same_science.likeness(version.tags, self._here, self._root, self._package)

    @cached_property
    def _made_from(self) -> Provenance:
        return provenance.collect(self._root, self._package)

    @property
    def _commit(self) -> str:
        return self._made_from.commit

    @cached_property
    def _here(self) -> Science:
        """The science of the commit here; with nothing provisioned that of the folder, which is what is served."""
        found = None if self._source.embedded else science.of_commit(self._root, self._commit, self._package)
        return found or science.of_folder(self._root, self._package)


def _silent(_: str) -> None:
    """What is said of a version is said when it is released."""


def _none(source: Side, hint: str) -> FactoryError:
    return FactoryError(f"there is no model in {source.name} yet: {hint}")
