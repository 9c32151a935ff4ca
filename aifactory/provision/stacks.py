"""Which stacks there are, what each is configured with, and the generated work folder it runs in."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from aifactory import emulation
from aifactory.home import Home
from aifactory.provision import cloud_state
from aifactory_runtime import files
from aifactory_runtime.contract import Manifest, names
from aifactory_runtime.errors import FactoryError
from infra import targets
from infra.providers.emulated import vendors

if TYPE_CHECKING:
    from infra.components.aws.outputs import PlatformOutputs
    from infra.platform.settings import PlatformSettings

SHARED = "shared"
PLATFORM = "aifactory-platform"
USECASE = "aifactory-usecase"
BOOTSTRAP = "aifactory-bootstrap"
_EMULATED = "emulated"
"""Setting of a stack that was made with the stand-in."""
ACCOUNT = "account-"
"""How names of stacks of that program begin."""


@dataclass(frozen=True)
class Stack:
    """One stack of one of the two programs."""

    name: str
    project: str
    environment: str
    configuration: dict[str, str] = field(default_factory=dict)
    provider: dict[str, Any] = field(default_factory=dict)
    """Settings of the vendor's plugin, by their full names: `aws-native:region`."""
    backend: str = ""
    """Where the state lies when it is neither in the home nor where PULUMI_BACKEND_URL says."""
    secrets: str = ""
    """What secrets in that state are encrypted with."""

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


def cloud_platform(environment: str, settings: PlatformSettings) -> Stack:
    """Stack of the platform in `environment` (or `shared`), on what platform.yaml says."""
    from infra.components.aws.platform import naming

    site = settings.site(environment)
    state = cloud_state.of(
        naming.platform_bucket(str(settings.shared.account)), str(settings.shared.region), naming.STATE_ALIAS
    )
    configuration = {
        "environment": environment,
        "target": site.target,
        "platform": settings.entry(environment).model_dump_json(),
    }
    provider = _plugin_settings(str(site.account), str(site.region))
    return Stack(environment, PLATFORM, environment, configuration, provider, state.backend, state.secrets)


def cloud_usecase(
    manifest: Manifest,
    environment: str,
    home: Home,
    platform: PlatformOutputs,
    *,
    subjects: Mapping[str, Sequence[str]] | None = None,
    beside: Mapping[str, PlatformOutputs] | None = None,
) -> Stack:
    """Stack of one use case in one environment, on what the platform wrote of it.

    `subjects` are those of the forge's tokens that may take a role, by role; `beside` is what the platform wrote of the
    environments that models come from (`earlier`) and go to (`later`).
    """
    from infra.components.aws.platform import naming

    state = cloud_state.of(platform.bucket, platform.state_region or platform.region, naming.STATE_ALIAS)
    configuration = {
        "environment": environment,
        "target": manifest.target,
        "today": datetime.now(UTC).date().isoformat(),
        "manifest": manifest.model_dump_json(by_alias=True),
        "platform": platform.model_dump_json(by_alias=True),
        **({"subjects": json.dumps(subjects, sort_keys=True)} if subjects else {}),
        **{key: told.model_dump_json(by_alias=True) for key, told in (beside or {}).items()},
        **_retired(home.retired(manifest.use_case, environment)),
    }
    name = names.stack(manifest.use_case, environment)
    provider = _plugin_settings(platform.account, platform.region)
    return Stack(name, USECASE, environment, configuration, provider, state.backend, state.secrets)


def cloud_account(account: str, region: str, content: Mapping[str, Any]) -> Stack:
    """Stack of what an account needs before the platform; `content` is its setting."""
    from infra.components.aws.platform import naming

    state = cloud_state.of(naming.platform_bucket(account), region, naming.STATE_ALIAS)
    configuration = {"target": "aws", "account": json.dumps(content)}
    provider = _plugin_settings(account, region)
    return Stack(f"{ACCOUNT}{account}", BOOTSTRAP, SHARED, configuration, provider, state.backend, state.secrets)


def _plugin_settings(account: str, region: str) -> dict[str, Any]:
    """Where the vendor's plugin works; with a login to any other account it refuses."""
    return {"aws-native:region": region, "aws-native:allowedAccountIds": [account]}


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
    prefix, settings = f"{USECASE}:", _settings(name, home)
    found = settings.get("config") or {}
    values = {key.removeprefix(prefix): value for key, value in found.items() if key.startswith(prefix)}
    provider = {key: value for key, value in found.items() if not key.startswith(prefix)}
    state = _state_of(values) if settings.get("secretsprovider") else cloud_state.State()
    return Stack(name, USECASE, name.rpartition(".")[2], values, provider, state.backend, state.secrets)


def _state_of(configuration: dict[str, str]) -> cloud_state.State:
    """Where the state of a use case in a cloud lies, by what the platform wrote for it."""
    from infra.components.aws.outputs import PlatformOutputs
    from infra.components.aws.platform import naming

    platform = PlatformOutputs.model_validate_json(configuration["platform"])
    return cloud_state.of(platform.bucket, platform.state_region or platform.region, naming.STATE_ALIAS)


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
    _refuse_other_kind(stack, settings)
    folder = home.work(stack.name)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    project: dict[str, Any] = yaml.safe_load((stack.program / "Pulumi.yaml").read_text(encoding="utf-8"))
    plugins = _plugins(stack)
    project["plugins"] = {"providers": [{"name": name, "path": str(path)} for name, path in plugins.items()]}
    _write(folder / "Pulumi.yaml", project)
    own = {f"{stack.project}:{key}": value for key, value in stack.configuration.items()}
    if emulation.asked():
        own[f"{stack.project}:{_EMULATED}"] = "true"
    settings["config"] = {**own, **stack.provider}
    if stack.secrets:
        settings["secretsprovider"] = stack.secrets
    _write(_settings_path(stack.name, home), settings)
    return folder


def _plugins(stack: Stack) -> Mapping[str, Path]:
    providers = infra_folder() / "providers"
    if emulation.asked():
        return {name: providers / "emulated" for name, target in vendors.VENDORS.items() if target == stack.target}
    return targets.offer(stack.target).plugins(providers)


def brings_plugins(stack: Stack) -> bool:
    """Whether the plugins come with the tool; those of a vendor are fetched by the engine."""
    return bool(_plugins(stack))


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


def _refuse_other_kind(stack: Stack, settings: dict[str, Any]) -> None:
    """A real stack is never opened with the stand-in, nor an emulated one with a vendor's plugin."""
    config = settings.get("config")
    emulated = f"{stack.project}:{_EMULATED}" in (config or {})
    if config and emulated != emulation.asked():
        mend = f"set {emulation.VARIABLE}=1 and FACTORY_HOME to the folder above" if emulated else "unset it"
        is_what = "is emulated" if emulated else f"is real, and {emulation.VARIABLE}=1 asks for a stand-in"
        raise FactoryError(f"{stack.name} {is_what}: {mend}")


def _write(path: Path, content: dict[str, Any]) -> None:
    text = yaml.safe_dump(content, sort_keys=False, width=10_000)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        files.write(path, text)


def shared_backend() -> bool:
    """Whether the state lies in a backend that PULUMI_BACKEND_URL names, instead of the home's file backend."""
    return bool(os.environ.get("PULUMI_BACKEND_URL")) and not emulation.asked()


def in_home() -> bool:
    """Whether this home knows every stack there is on a cloud: one of its own backend, or an emulated one."""
    return shared_backend() or emulation.asked()


def elsewhere(stack: Stack) -> bool:
    """Whether the state of this stack lies outside the home."""
    return bool(stack.backend) or shared_backend()


def _in_cloud(home: Home) -> set[str]:
    """Names of the stacks whose state lies in a cloud, as this home worked on them."""
    mark = "secretsprovider:"
    found = home.root.glob("work/*/Pulumi.*.yaml")
    return {path.parent.name for path in found if mark in path.read_text(encoding="utf-8")}


def known(home: Home) -> list[str]:
    """Names of the stacks that there are, half-destroyed ones too, platform first.

    They are those in the file backend; in a shared one and in a cloud, those that this home has settings of: destroyed,
    they are gone.
    """
    found: list[str]
    if shared_backend():
        found = [path.parent.name for path in home.root.glob("work/*/Pulumi.*.yaml")]
    else:
        found = [
            path.stem
            for project in (BOOTSTRAP, PLATFORM, USECASE)
            for path in (home.state / ".pulumi" / "stacks" / project).glob("*.json")
        ]
    return sorted({*found, *_in_cloud(home)}, key=lambda name: ("." in name, name))


def in_file_backend(url: str, project: str, name: str) -> bool:
    """Whether the file backend at `url` holds this stack; False for any other backend."""
    folder = Path(url.removeprefix("file://")) / ".pulumi" / "stacks" / project
    return url.startswith("file://") and (folder / f"{name}.json").exists()
