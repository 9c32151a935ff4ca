"""One action on one stack, in this process, by the real engine: up, preview, refresh, destroy."""

from __future__ import annotations

import os
import runpy
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from aifactory import emulation
from aifactory.home import Home
from aifactory.provision import adoption, exclusive, leftovers, pulumi_shortcuts, stacks
from aifactory.provision.engine_output import Say, Watcher, sentence
from aifactory.provision.stacks import Stack
from aifactory_runtime.contract import names
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    from pulumi import automation


@dataclass(frozen=True)
class Result:
    """What an action did: how many resources per kind of change, which ones, the outputs, seconds taken."""

    stack: str
    action: str
    changes: dict[str, int]
    changed: list[str]
    outputs: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def same(self) -> bool:
        """Nothing was or would be changed."""
        return not self.changed


def run(action: str, stack: Stack, home: Home, say: Say) -> Result:
    """Do `action` on `stack`, naming each changed resource through `say`.

    FactoryError in one line when it fails, with the command that goes on from there. Holds the stack's lock, so a
    second one on the same stack is told who holds it; whatever a killed run left behind is cleared first.
    """
    started = time.monotonic()
    home.prepare()
    only_looking = action == "preview" and not stacks.elsewhere(stack) and stack.name not in stacks.known(home)
    with exclusive.hold(home.lock(stack.name), stack.name), _plugin_environment(home):
        if not stacks.elsewhere(stack):
            leftovers.mend(home.state, stack.project, stack.name, say)
        pulumi_stack = _select(stack, home)
        watcher = Watcher(say)
        try:
            if action == "up" and stack.target != names.LOCAL:
                adoption.up(pulumi_stack, partial(_up_again, pulumi_stack, watcher), say)
            else:
                _perform(action, pulumi_stack, watcher)
        except Exception as error:
            raise FactoryError(sentence(action, emulation.label(stack.name), watcher.errors, error)) from error
        finally:
            if only_looking:
                pulumi_stack.workspace.remove_stack(stack.name)
    seconds = round(time.monotonic() - started, 2)
    return Result(stack.name, action, watcher.counts, watcher.changed, watcher.outputs, seconds)


def _perform(action: str, pulumi_stack: automation.Stack, watcher: Callable[[Any], None]) -> None:
    """Call the engine; what it did is told to the watcher."""
    packs = [str(stacks.infra_folder() / "policies")]
    if action == "preview":
        pulumi_stack.preview(on_event=watcher, policy_packs=packs)
    elif action == "up":
        pulumi_stack.up(refresh=True, on_event=watcher, policy_packs=packs)
    elif action == "refresh":
        pulumi_stack.preview_refresh(on_event=watcher, run_program=True)
    else:
        pulumi_stack.destroy(on_event=watcher, remove=True, refresh=True)


def _up_again(pulumi_stack: automation.Stack, watcher: Watcher, listen: Callable[[Any], None]) -> None:
    """One round of `up`: what earlier rounds made is counted, and what they said is settled."""
    earlier = {operation: count for operation, count in watcher.counts.items() if operation != "same"}
    watcher.errors.clear()

    def both(event: Any) -> None:
        watcher(event)
        listen(event)

    _perform("up", pulumi_stack, both)
    for operation, count in earlier.items():
        watcher.counts[operation] = watcher.counts.get(operation, 0) + count


def _select(stack: Stack, home: Home) -> automation.Stack:
    from pulumi import automation

    try:
        selected = automation.Stack.create_or_select(stack.name, workspace(stack, home))
    except automation.CommandError as error:
        raise FactoryError(sentence("select", emulation.label(stack.name), [], error)) from error
    return pulumi_shortcuts.without_questions_afterwards(selected)


def workspace(stack: Stack, home: Home) -> automation.LocalWorkspace:
    """The stack's program in its work folder, which is written, with the backend that has its state."""
    main = stack.program / "__main__.py"

    def program() -> None:
        runpy.run_path(str(main), run_name="__main__")

    return pulumi_shortcuts.workspace_class()(
        work_dir=str(stacks.write_work_folder(stack, home)),
        program=program,
        env_vars=_engine_variables(stack, home),
        secrets_provider=stack.secrets or None,
        pulumi_command=pulumi_shortcuts.engine_command(),
    )


def _engine_variables(stack: Stack, home: Home) -> dict[str, str]:
    variables = {"PULUMI_HOME": str(home.root / "pulumi"), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    if stacks.brings_plugins(stack):
        variables["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
    if stack.backend:
        variables["PULUMI_BACKEND_URL"] = stack.backend
    elif not stacks.shared_backend():
        variables["PULUMI_BACKEND_URL"] = f"file://{home.state}"
        if not os.environ.get("PULUMI_CONFIG_PASSPHRASE"):
            variables["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(home.passphrase)
    return variables


@contextmanager
def _plugin_environment(home: Home) -> Iterator[None]:
    """What plugins and policy packs inherit: our interpreter, our modules, the home, the analyzer on PATH."""
    infra = stacks.infra_folder()
    wanted = {
        "FACTORY_HOME": str(home.root),
        "AIFACTORY_PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(infra.parent), os.environ.get("PYTHONPATH")])),
        "PATH": os.pathsep.join([str(infra / "policies" / "bin"), os.environ.get("PATH", "")]),
    }
    before = {key: os.environ.get(key) for key in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
