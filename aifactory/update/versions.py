"""From which commit of the template to which: where the repo stands, where it can go, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from aifactory import releases
from aifactory.source import Source
from aifactory.update import answers as answers_file
from aifactory.update import source
from aifactory.update.answers import AnswersFile
from aifactory_runtime import __version__
from aifactory_runtime.errors import UsageProblem

_SHALLOW = (
    "this clone is shallow and lacks the commit of the last update, so an answer that was corrected since may not be "
    "seen: git fetch --unshallow"
)


@dataclass(frozen=True)
class Way:
    """An update's two ends."""

    source: Source
    answers: AnswersFile
    applied: AnswersFile
    """The answers as the last update applied them: the old end is rendered with these."""
    address: str
    """What the repo keeps as the template's address."""
    old: str
    """Commit of the template that the repo was rendered from."""
    new: str
    notes: tuple[str, ...] = ()

    @cached_property
    def old_name(self) -> str:
        """The old end, for people."""
        return self.source.name_of(self.old)

    @cached_property
    def new_name(self) -> str:
        """The new end, for people."""
        return self.source.name_of(self.new)

    @property
    def readdressed(self) -> bool:
        """Whether the repo is to keep another address than before."""
        return self.address != self.applied.address

    @property
    def title(self) -> str:
        """Both ends, for people."""
        return f"{self.old_name} to {self.new_name}"

    @property
    def changelog(self) -> str:
        """What the changelog says to owners of the releases on the way; empty when there is none."""
        old, new = self.source.release_of(self.old), self.source.release_of(self.new)
        if new is None or self.old == self.new:
            return ""
        return releases.between(self.source.changelog(self.new), old.version if old else "0.0.0", new.version)


def find(repo: Path, to: str | None, address: str | None, variables: Mapping[str, str], *, fetch: bool = True) -> Way:
    """The way from where `repo` stands to the release `to`, or to the newest that this tool is for.

    `address` names the template's place anew; without `fetch` what is known of a remote one serves. UsageProblem says
    what is in the way: a changed address, a commit that the template does not have, an older version.
    """
    answers = answers_file.read(repo)
    before = answers_file.applied(repo, answers)
    if address is None:
        _refuse_changed_address(answers, before.answers.address)
    template = source.locate(address or answers.address, variables, fetch=fetch)
    old = _old(template, answers)
    new, notes = (template.commit_of(to), ()) if to else _newest(template, old)
    if new != old and not template.contains(new, old):
        raise UsageProblem(
            f"this repo is at {template.name_of(old)}, and {template.name_of(new)} is not after it. An update only "
            "goes forward; the way back is to revert the commit of the update"
        )
    if not before.certain:
        notes = (*notes, _SHALLOW)
    return Way(template, answers, before.answers, address or answers.address, old, new, notes)


def _refuse_changed_address(answers: AnswersFile, before: str) -> None:
    if before != answers.address:
        raise UsageProblem(
            f"{answers_file.FILE} names {answers.address} as the template; at the last update it was {before}. "
            f"If the template really moved: factory update --template {answers.address}"
        )


def _old(template: Source, answers: AnswersFile) -> str:
    try:
        return template.commit_of(answers.commit)
    except UsageProblem:
        raise UsageProblem(
            f"the template at {template.address} has no {answers.commit}, which this repo was made from. Where it was "
            f"made from uncommitted changes, make it again with factory new; else write a commit that it equals into "
            f"_commit of {answers_file.FILE} and commit that"
        ) from None


def _newest(template: Source, old: str) -> tuple[str, tuple[str, ...]]:
    """The newest release that this tool is for, or where the repo is when that is past it; and what to say."""
    known = template.releases
    if not known:
        raise UsageProblem(f"the template at {template.address} has no release yet: name a commit with --to")
    ours = releases.number(__version__.removesuffix(".dev0"))
    fitting = [one for one in known if releases.number(one.version) <= ours]
    notes: tuple[str, ...] = ()
    if known[-1] not in fitting:
        notes = (
            f"release {known[-1].version} is there; this factory is {__version__}, so install that one to go there",
        )
    newest = fitting[-1].commit if fitting else old
    return (old if template.contains(old, newest) else newest), notes
