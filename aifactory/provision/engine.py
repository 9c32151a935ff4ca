"""Find the Pulumi engine, or get it: our cache, PATH, Pulumi's installer, else a build with the Go toolchain."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from aifactory import home
from aifactory_runtime.errors import FactoryError

Say = Callable[[str], None]


def version() -> str:
    """Version of the engine that the tool is built for: that of Pulumi's Python package."""
    return importlib.metadata.version("pulumi")


def root() -> Path:
    """Folder in our cache whose `bin/pulumi` is the engine."""
    return home.cache() / "pulumi" / version()


def find() -> Path | None:
    """The engine's executable when a fitting one is there, else None."""
    cached = root() / "bin" / "pulumi"
    if cached.is_file():
        return cached
    on_path = shutil.which("pulumi")
    if on_path and _version_of(Path(on_path)) == version():
        return Path(on_path)
    return None


def ensure(say: Say) -> Path:
    """The engine's executable, installed or built when it is missing; FactoryError says what to install."""
    found = find()
    if found:
        return found
    say(f"The Pulumi engine {version()} is missing; trying Pulumi's installer ...")
    try:
        return _install()
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        say(f"Pulumi's installer cannot be reached ({type(error).__name__}).")
    go = shutil.which("go")
    if go is None:
        raise FactoryError(
            f"no Pulumi engine: put Pulumi {version()} on PATH, or install Go 1.26 and have it built here"
        )
    say("Building the engine with the Go toolchain, once; a cold build takes 3 to 8 minutes ...")
    return _build(go, say)


def _version_of(executable: Path) -> str:
    try:
        done = subprocess.run(
            [str(executable), "version"],
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip().removeprefix("v")


def _install() -> Path:
    from pulumi.automation import PulumiCommand

    PulumiCommand.install(root=str(root()))
    return root() / "bin" / "pulumi"


def _build(go: str, say: Say) -> Path:
    """Build the pinned module in `infra/engine`; the result appears under its final name only when it is complete."""
    import infra

    source = Path(next(iter(infra.__path__))) / "engine"
    build = home.cache() / "pulumi" / f".build-{os.getpid()}"
    shutil.rmtree(build, ignore_errors=True)
    build.mkdir(parents=True)
    for name in ("go.mod", "go.sum"):
        shutil.copy(source / name, build / name)
    stamp = f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{version()}"
    command = [go, "build", "-v", "-trimpath", "-tags", "osusergo,grpcnotrace", "-ldflags", stamp, "-o", "bin/", "tool"]
    try:
        _run_with_progress(command, build, say)
        target = root()
        shutil.rmtree(target, ignore_errors=True)
        (build / "bin").chmod(0o755)
        build.rename(target)
    finally:
        shutil.rmtree(build, ignore_errors=True)
    return target / "bin" / "pulumi"


def _run_with_progress(command: list[str], folder: Path, say: Say) -> None:
    """Run the build; every two hundredth line that it prints is a sign of life."""
    environment = {**os.environ, "CGO_ENABLED": "0"}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        seen, tail = 0, ""
        for line in process.stderr or ():
            seen, tail = seen + 1, line.strip()
            if seen % 200 == 0:
                say(f"  {seen} modules and packages ...")
        code = process.wait()
    if code != 0:
        raise FactoryError(f"building the Pulumi engine failed: {tail}; see that Go 1.26 reaches its module proxy")
