"""Runs the two programs by the real engine in a home of the test's own, as the `factory` command does."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pulumi import automation

from aifactory.provision import engine

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
TODAY = "2027-01-15"


@dataclass
class Bench:
    """A home with its stacks. `changes` are counts by operation, `said` what the engine reported as errors."""

    home: Path
    servers: Path
    """Interpreter of the servers' environment."""
    policies: tuple[str, ...] = ()
    today: str = TODAY
    plugins: Mapping[str, Path] = field(default_factory=lambda: {"local": INFRA / "providers" / "local"})
    said: list[str] = field(default_factory=list)

    def stack(self, project: str, name: str, config: dict[str, str]) -> automation.Stack:
        """Select or make a stack of one of the two programs."""
        return self.stack_of(project, name, config, lambda: self._run(INFRA / project / "__main__.py"))

    def stack_of(self, project: str, name: str, config: dict[str, str], program: Callable[[], Any]) -> automation.Stack:
        """Select or make a stack that runs `program`."""
        work, state = self.home / "work" / name, self.home / "state"
        for folder in (work, state):
            folder.mkdir(parents=True, exist_ok=True)
        full = f"aifactory-{project}"
        plugins = {"providers": [{"name": key, "path": str(path)} for key, path in self.plugins.items()]}
        (work / "Pulumi.yaml").write_text(yaml.safe_dump({"name": full, "runtime": "python", "plugins": plugins}))
        workspace = automation.LocalWorkspace(
            work_dir=str(work),
            program=program,
            env_vars={
                "PULUMI_BACKEND_URL": f"file://{state}",
                "PULUMI_CONFIG_PASSPHRASE": "for a test only",
                "PULUMI_SKIP_UPDATE_CHECK": "1",
                "PULUMI_HOME": str(self.home / "pulumi"),
                "AIFACTORY_PYTHON": sys.executable,
                "PYTHONPATH": str(ROOT),
                "PATH": f"{INFRA / 'policies' / 'bin'}:{os.environ['PATH']}",
            },
            pulumi_command=automation.PulumiCommand(root=str(engine.ensure(print).parent.parent)),
        )
        stack = automation.Stack.create_or_select(name, workspace)
        stack.set_all_config({f"{full}:{key}": automation.ConfigValue(value) for key, value in config.items()})
        return stack

    def platform(self, environment: str) -> automation.Stack:
        """The platform's stack of that name."""
        config = {"home": str(self.home), "environment": environment, "platformPython": str(self.servers)}
        return self.stack("platform", environment, config)

    def usecase(self, manifest: str, name: str, environment: str) -> automation.Stack:
        """Stack of one use case in one environment; `manifest` is JSON."""
        config = {
            "home": str(self.home),
            "environment": environment,
            "today": self.today,
            "manifest": manifest,
            "launcherPython": str(self.servers),
        }
        return self.stack("usecase", f"{name}.{environment}", config)

    def up(self, stack: automation.Stack) -> dict[str, int]:
        """Refresh and up; counts by operation, `same` left out."""
        result = stack.up(refresh=True, on_event=self._listen, policy_packs=list(self.policies))
        return _changed(result.summary.resource_changes or {})

    def preview(self, stack: automation.Stack) -> dict[str, int]:
        """Preview; counts by operation, `same` left out."""
        return _changed(stack.preview(on_event=self._listen, policy_packs=list(self.policies)).change_summary)

    def drift(self, stack: automation.Stack) -> dict[str, int]:
        """What refresh would find; counts by operation, `same` left out."""
        return _changed(stack.preview_refresh(run_program=True, on_event=self._listen).change_summary)

    def destroy(self, stack: automation.Stack) -> None:
        """Destroy and forget the stack."""
        stack.destroy(on_event=self._listen, remove=True, refresh=True)

    def _listen(self, event: Any) -> None:
        if event.diagnostic_event is not None and event.diagnostic_event.severity in {"error", "info#err"}:
            self.said.append(event.diagnostic_event.message)

    @staticmethod
    def _run(main: Path) -> None:
        runpy.run_path(str(main), run_name="__main__")


def _changed(counts: Any) -> dict[str, int]:
    named = {str(getattr(op, "value", op)): count for op, count in counts.items()}
    return {op: count for op, count in named.items() if op != "same"}
