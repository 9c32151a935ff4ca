"""Which template a new repo is made from, at which commit, and the address that the repo keeps for its updates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aifactory import mirror, releases
from aifactory.scaffold import origin
from aifactory.source import Source
from aifactory_runtime import __version__
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.upgrades import markers

_USERINFO = re.compile(r"://[^/@\s]+@")


@dataclass(frozen=True)
class Template:
    """A git address to render from and the commit or tag to take; None takes the latest tag, as copier does."""

    address: str
    ref: str | None = None
    dirty: bool = False
    """Whether uncommitted changes of a checkout are taken along."""
    published: str | None = None
    """The address that the repo keeps, where it is another than the one to render from."""
    private: bool = False
    """It is this tool's own, and no address is known that others could reach."""
    unreleased: str | None = None
    """Of this tool's own, where the commit is no release: what it is, for people."""

    @property
    def kept(self) -> str:
        """The address that the repo keeps for its updates."""
        return self.published or self.address

    @property
    def shown(self) -> str:
        """Address and version, as people read it; a user name in the address is left out."""
        address = _USERINFO.sub("://", self.kept)
        version = "with uncommitted changes" if self.dirty else f"at {self.ref[:12] if self.ref else 'its latest tag'}"
        return f"{address} {version}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What the maker of a repo should know of it."""
        notes = []
        if self.dirty:
            notes.append(
                "made from uncommitted changes of the template, so it cannot follow its updates: for trying only"
            )
        if self.unreleased:
            notes.append(
                f"unreleased: made from {self.unreleased}. It was not tested as a release is; factory update "
                "follows once a release holds it. For a repo of a release: factory new --ref VERSION, as CHANGELOG.md "
                "lists them"
            )
        if self.private:
            notes.append(
                f"its updates come from {self.address}, which only this machine has; if the factory is published, "
                f"name that address in {origin.VARIABLE}"
            )
        return tuple(notes)


def locate(
    address: str | None, ref: str | None, variables: Mapping[str, str], *, allow_dirty: bool = False
) -> Template:
    """The template to take: `address`, else the tool's own, of the tool's own commit, else what the variable names.

    The tool's own is that of its checkout, or the one it carries, or lies where it was installed from. A local one gets
    an explicit commit. UsageProblem when there is none, when `ref` is not in it, or when a checkout holds changes that
    are not committed and `allow_dirty` does not ask for them.
    """
    if address:
        return _named(address, ref, allow_dirty)
    checkout = origin.checkout()
    if checkout is not None:
        source = Source(checkout, str(checkout), version=__version__)
        own = _local(source, ref, allow_dirty)
        unreleased = _name_of_other(source, own.ref) if ref and own.ref else _name_of_own()
        return _with_address(own, checkout, variables, unreleased)
    carried = origin.carried()
    if carried is not None:
        own, unreleased = _carried(*carried, ref)
        return _with_address(own, None, variables, unreleased)
    installed = origin.installed_from()
    if installed is not None:
        return _named(installed[0], _tag(ref) or installed[1], allow_dirty)
    if variables.get(origin.VARIABLE):
        return _named(variables[origin.VARIABLE], ref, allow_dirty)
    raise UsageProblem(f"no template is known: name its git address with --template ADDRESS or {origin.VARIABLE}")


def _carried(bundle: Path, commit: str, ref: str | None) -> tuple[Template, str | None]:
    """The template that an installed tool carries; what is not released of it, for people.

    A release is found by its number, whether the clone that the tool was built from had its tag or not.
    """
    if ref is None:
        return Template(str(bundle), commit), _name_of_own()
    source = Source(mirror.of(str(bundle)), "this factory", commit, __version__)
    try:
        chosen = source.commit_of(ref)
    except UsageProblem:
        known = ", ".join(one.version for one in source.releases) or "none"
        raise UsageProblem(
            f"{ref} is not in this factory, which has the releases {known} and its own commits; "
            "for others name the template's address with --template ADDRESS"
        ) from None
    return Template(str(bundle), chosen), _name_of_other(source, chosen)


def _tag(ref: str | None) -> str | None:
    """The tag of a release of the factory where `ref` is its bare number, else `ref`."""
    return f"v{ref}" if ref and releases.is_release(ref) else ref


def _name_of_own() -> str | None:
    """What the tool's own commit is, for people; None when it is a release."""
    own = f"{__version__}, which is newer than the last release of the factory"
    return None if releases.is_release(__version__) else own


def _name_of_other(source: Source, commit: str) -> str | None:
    """What a commit that somebody chose is, for people; None when it is a release."""
    found = source.release_of(commit)
    return None if found and found.commit == commit else source.name_of(commit)


def _with_address(
    own: Template, checkout: Path | None, variables: Mapping[str, str], unreleased: str | None
) -> Template:
    """The tool's own template with the address that the repo keeps."""
    if own.dirty or own.ref is None:
        return own
    found = origin.published(checkout, own.ref, variables)
    return Template(own.address, own.ref, published=found, private=found is None, unreleased=unreleased)


def _named(address: str, ref: str | None, allow_dirty: bool) -> Template:
    folder = origin.local_folder(address)
    return Template(address, ref) if folder is None else _local(Source(folder, str(folder)), ref, allow_dirty)


def _refuse_conflicts(folder: Path) -> None:
    """UsageProblem when a merge left a conflict in a file of the checkout that is not committed."""
    unmerged = _listed(folder, "diff", "--name-only", "--diff-filter=U")
    changed = _listed(folder, "diff", "--name-only", "HEAD")
    new = _listed(folder, "ls-files", "--others", "--exclude-standard")
    marked = _listed(folder, "grep", "--untracked", "--files-with-matches", "-I", "-E", markers.LINE)
    if left := sorted({*unmerged, *{*changed, *new}.intersection(marked)}):
        raise UsageProblem(f"{folder} holds conflicts that nobody has decided: {', '.join(left)}. Decide them first")


def _listed(folder: Path, *arguments: str) -> list[str]:
    """The paths that a command of git lists with -z."""
    return [one for one in origin.git(folder, arguments[0], "-z", *arguments[1:]).split("\0") if one]


def _local(source: Source, ref: str | None, allow_dirty: bool) -> Template:
    """A template on this machine at an explicit commit; a release is found by its number, with its tag or without."""
    folder = source.folder
    if ref is None and origin.git(folder, "status", "--porcelain"):
        if allow_dirty:
            _refuse_conflicts(folder)
            return Template(str(folder), "HEAD", dirty=True)
        raise UsageProblem(f"{folder} has uncommitted changes: commit them, or take them along with --allow-dirty")
    origin.git(folder, "rev-parse", "HEAD")  # says what is wrong with the folder
    try:
        return Template(str(folder), source.commit_of(ref or "HEAD"))
    except UsageProblem:
        raise UsageProblem(
            f"{ref or 'HEAD'} is not a release, commit, tag or branch of {folder}: its {releases.FILE} names releases, "
            f"git -C {folder} tag tags"
        ) from None
