"""Where the template that a repo follows is: this tool's own, a folder, or a mirror of an address."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aifactory import mirror
from aifactory.scaffold import origin
from aifactory.source import Source
from aifactory_runtime import __version__
from aifactory_runtime.errors import UsageProblem


def locate(address: str, variables: Mapping[str, str], *, fetch: bool = True) -> Source:
    """The template at `address`: this tool's own without a network where it is that, else a mirror, brought up to date.

    With `fetch` False a mirror is taken as it is. UsageProblem or FactoryError when it is not there.
    """
    own = origin.checkout()
    if own is not None and _is(address, own, variables):
        return Source(own, address, version=__version__)
    carried = origin.carried()
    if carried is not None and address in {str(carried[0]), origin.published(None, carried[1], variables)}:
        return Source(mirror.of(str(carried[0]), fetch=fetch), address, carried[1], __version__)
    folder = _folder(address)
    if folder is not None:
        return Source(folder, address)
    place = mirror.of(address.removeprefix("git+"), fetch=fetch)
    return Source(place, address, fetched=mirror.fetched(place))


def _is(address: str, checkout: Path, variables: Mapping[str, str]) -> bool:
    """Whether `address` is that of the checkout: its folder, or where its commit was published."""
    if _folder_name(address) == checkout:
        return True
    return address == origin.published(checkout, origin.git(checkout, "rev-parse", "HEAD"), variables)


def _folder_name(address: str) -> Path | None:
    if address.startswith(("/", "~", "file://")):
        return Path(address.removeprefix("file://")).expanduser()
    return None


def _folder(address: str) -> Path | None:
    """The git repo that an address on this machine names; None for a remote one."""
    folder = _folder_name(address)
    if folder is None:
        return None
    if not folder.exists():
        raise UsageProblem(
            f"the template is not at {address} any more; if it is published, name its address: "
            "factory update --template ADDRESS"
        )
    origin.git(folder, "rev-parse", "HEAD")  # says what is wrong with the folder
    return folder
