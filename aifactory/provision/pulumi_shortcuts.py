"""Ways round the Automation API that save starts of the engine, about a second a stack.

They rely on what Pulumi does not promise: a command made without its constructor, and methods that are replaced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aifactory.provision import engine, stacks
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    from pulumi import automation


def without_questions_afterwards(selected: automation.Stack) -> automation.Stack:
    """Keep the stack from asking for outputs and history after an update: the events have told both already.

    That saves three starts of the engine, about 0.8 s a stack.
    """
    setattr(selected, "outputs", dict)  # noqa: B010 (an instance's own method in place of the class's)
    setattr(selected, "info", lambda *_, **__: "told by the events")  # noqa: B010
    return selected


def change_secrets_provider(workspace: automation.LocalWorkspace, stack: str, provider: str) -> None:
    """Encrypt the secrets in a stack's state anew; the library has no method of its own for this command."""
    workspace._run_pulumi_cmd_sync(["stack", "change-secrets-provider", provider, "--stack", stack])


def engine_command() -> automation.PulumiCommand:
    """The engine as found, whose version is known; asking it again costs a start of it, 0.1 s a stack."""
    from pulumi import automation
    from semver import VersionInfo

    found = engine.find()
    if found is None:
        raise FactoryError("the Pulumi engine is missing: factory doctor says how to get it")
    command = automation.PulumiCommand.__new__(automation.PulumiCommand)
    command.command = str(found)
    command.version = VersionInfo.parse(engine.version())
    return command


def workspace_class() -> type[automation.LocalWorkspace]:
    """A workspace that starts the engine less often; made here, so that Pulumi is imported late."""
    from pulumi import automation

    class Workspace(automation.LocalWorkspace):
        """Does not select a stack that is there: every command names its stack, and selecting costs 0.2 s."""

        def select_stack(self, stack_name: str) -> None:
            project = self.project_settings().name
            if not stacks.in_file_backend(self.env_vars.get("PULUMI_BACKEND_URL", ""), project, stack_name):
                super().select_stack(stack_name)

    return Workspace
