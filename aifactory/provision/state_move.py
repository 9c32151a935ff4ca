"""Moves the engine's state of a stack from the home into a cloud's bucket; what was moved is what is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from aifactory.home import Home
from aifactory.provision import pulumi_shortcuts, stacks
from aifactory.provision.run import workspace
from aifactory.provision.stacks import Stack
from aifactory_runtime.storage import Missing, NoBucket, open_store

if TYPE_CHECKING:
    from pulumi import automation

Say = Callable[[str], None]


def lies_there(stack: Stack, home: Home) -> bool:
    """Whether the state lies in the cloud: there, and no longer in the home. FactoryError when that cannot be asked."""
    if not stack.backend:
        return True
    if stacks.in_file_backend(f"file://{home.state}", stack.project, stack.name):
        return False
    try:
        open_store(stack.backend.partition("?")[0]).read(f".pulumi/stacks/{stack.project}/{stack.name}.json")
    except (Missing, NoBucket):
        return False
    return True


def move(here: Stack, there: Stack, home: Home, say: Say) -> None:
    """Copy the state of `here` to where `there` has it, and forget it in the home; a killed move begins anew.

    Its secrets are encrypted with the key there first: state that no passphrase of the home opens is what is copied.
    """
    old = workspace(here, home)
    pulumi_shortcuts.change_secrets_provider(old, here.name, there.secrets)
    whole = old.export_stack(here.name)
    new = workspace(there, home)
    _made(new, there.name)
    new.import_stack(there.name, whole)
    say(f"{there.name}: the state is in {there.backend.partition('?')[0]} now")
    workspace(here, home).remove_stack(here.name, force=True, preserve_config=True)


def _made(place: automation.LocalWorkspace, name: str) -> None:
    """The stack there, empty; one that a killed move left is taken."""
    from pulumi import automation

    try:
        place.create_stack(name)
    except automation.StackAlreadyExistsError:
        place.select_stack(name)
