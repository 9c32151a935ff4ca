"""Which stacks there are, what each is configured with, and the generated work folder it runs in."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from aifactory.home import Home
from aifactory_runtime import files
from aifactory_runtime.contract import Manifest, names
from aifactory_runtime.errors import FactoryError
from infra import targets

SHARED = "shared"
PLATFORM = "aifactory-platform"
USECASE = "aifactory-usecase"


@dataclass(frozen=True)
class Stack:
    """One stack of one of the two programs."""

    name: str
    project: str
    environment: str
    configuration: dict[str, str] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """What it runs on; stacks from before there was a choice are of this machine."""
        return self.configuration.get("target", names.TARGETS[0])

    @property
    def program(self) -> Path:
        """Folder of the program that this stack runs."""
        return infra_folder() / self.project.removeprefix("aifactory-")


def infra_folder() -> Path:
    """Folder of the programs, in a checkout or in the installed tool."""
    import infra

    return Path(next(iter(infra.__path__)))


def platform(environment: str, home: Home, servers_python: Path) -> Stack:
    """Stack of the platform in `environment` (or `shared`)."""
    configuration = {
        "home": str(home.root),
        "environment": environment,
        "target": names.TARGETS[0],
        "platformPython": str(servers_python),
    }
    return Stack(environment, PLATFORM, environment, configuration)


def usecase(manifest: Manifest, environment: str, home: Home, servers_python: Path) -> Stack:
    """Stack of one use case in one environment."""
    configuration = {
        "home": str(home.root),
        "environment": environment,
        "target": manifest.target,
        "today": datetime.now(UTC).date().isoformat(),
        "manifest": manifest.model_dump_json(by_alias=True),
        "launcherPython": str(servers_python),
        **_retired(home.retired(manifest.use_case, environment)),
    }
    return Stack(names.stack(manifest.use_case, environment), USECASE, environment, configuration)


def _retired(record: Path) -> dict[str, str]:
    """The reason as a setting, when the use case was stopped; FactoryError when that cannot be read."""
    try:
        return {"retired": str(files.read_json(record)["reason"])}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError):
        raise FactoryError(f"{record} is damaged: remove it, then factory retire again or factory up") from None


def last_configured(name: str, home: Home) -> Stack:
    """A use case's stack as it was last worked on: enough to destroy it, whatever has become of its manifest."""
    prefix = f"{USECASE}:"
    found = _settings(name, home).get("config") or {}
    values = {key.removeprefix(prefix): value for key, value in found.items()}
    return Stack(name, USECASE, name.rpartition(".")[2], values)


def use_cases(home: Home) -> list[str]:
    """Names of the use cases' stacks that there are, half-destroyed ones too."""
    return [name for name in known(home) if "." in name]


def write_work_folder(stack: Stack, home: Home) -> Path:
    """Write the folder that the engine works in: Pulumi.yaml with absolute plugin paths, and the stack's settings.

    The engine keeps the salt of the stack's secrets in the settings file, so that line is carried over. FactoryError
    when the stack was made for a home of another path, see `_refuse_copy`.
    """
    settings = _settings(stack.name, home)
    _refuse_copy(stack, settings, home)
    folder = home.work(stack.name)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    project: dict[str, Any] = yaml.safe_load((stack.program / "Pulumi.yaml").read_text(encoding="utf-8"))
    plugins = targets.offer(stack.target).plugins(infra_folder() / "providers")
    project["plugins"] = {"providers": [{"name": name, "path": str(path)} for name, path in plugins.items()]}
    _write(folder / "Pulumi.yaml", project)
    settings["config"] = {f"{stack.project}:{key}": value for key, value in stack.configuration.items()}
    _write(_settings_path(stack.name, home), settings)
    return folder


def _settings_path(name: str, home: Home) -> Path:
    return home.work(name) / f"Pulumi.{name}.yaml"


def _settings(name: str, home: Home) -> dict[str, Any]:
    """The stack's settings as they were last written; nothing when it was never worked on, or destroyed."""
    path = _settings_path(name, home)
    return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.exists() else {}


def _refuse_copy(stack: Stack, settings: dict[str, Any], home: Home) -> None:
    """The state names folders by their paths: under another path, the engine would empty those of the first home."""
    before = (settings.get("config") or {}).get(f"{stack.project}:home", str(home.root))
    if before != str(home.root):
        raise FactoryError(
            f"{stack.name} was made in {before}, not in {home.root}: set FACTORY_HOME={before}, "
            "or bring a backup here with factory restore"
        )


def _write(path: Path, content: dict[str, Any]) -> None:
    text = yaml.safe_dump(content, sort_keys=False, width=10_000)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        files.write(path, text)


def shared_backend() -> bool:
    """Whether the state lies in a backend that PULUMI_BACKEND_URL names, instead of the home's file backend."""
    return bool(os.environ.get("PULUMI_BACKEND_URL"))


def known(home: Home) -> list[str]:
    """Names of the stacks that there are, half-destroyed ones too, platform first.

    They are those in the file backend; in a shared one, those that this home has settings of: destroyed, they are gone.
    """
    if shared_backend():
        found = [path.parent.name for path in home.root.glob("work/*/Pulumi.*.yaml")]
    else:
        found = [
            path.stem
            for project in (PLATFORM, USECASE)
            for path in (home.state / ".pulumi" / "stacks" / project).glob("*.json")
        ]
    return sorted(found, key=lambda name: ("." in name, name))


def in_file_backend(url: str, project: str, name: str) -> bool:
    """Whether the file backend at `url` holds this stack; False for any other backend."""
    folder = Path(url.removeprefix("file://")) / ".pulumi" / "stacks" / project
    return url.startswith("file://") and (folder / f"{name}.json").exists()
