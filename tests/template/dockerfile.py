"""Runs the steps of a Dockerfile in a folder instead of a container: COPY under .dockerignore, RUN, ENV, CMD."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path


@dataclass
class Image:
    """What the steps made: `root` stands for `/`."""

    root: Path
    shims: Path
    """Programs that come first on the PATH of a RUN."""
    variables: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = "root"
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)

    def inside(self, path: str) -> Path:
        """Where a path of the image lies here."""
        return self.root / str(Path(self.workdir) / path).lstrip("/")

    def environment(self, machine: Mapping[str, str]) -> dict[str, str]:
        """The machine's variables under the image's, whose paths lie below `root`."""
        here = {key: value.replace("/app", str(self.root / "app")) for key, value in self.variables.items()}
        return {**machine, **here, "PATH": f"{self.shims}:{self.root / 'venv/bin'}:{machine['PATH']}"}


def steps(dockerfile: Path) -> list[tuple[str, str]]:
    """Instruction and its text, in order; comments left out."""
    lines = dockerfile.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    kept = [line for line in lines if line.strip() and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2].strip()) for line in kept]


def context(repo: Path) -> list[str]:
    """Files that .dockerignore lets through: the last pattern that fits decides."""
    lines = (repo / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    found = [path.relative_to(repo).as_posix() for path in repo.rglob("*") if path.is_file()]
    return sorted(name for name in found if not _ignored(name, patterns))


def _ignored(name: str, patterns: list[str]) -> bool:
    parents = [name, *(parent.as_posix() for parent in Path(name).parents)]
    ignored = False
    for pattern in patterns:
        plain = pattern.removeprefix("!").removeprefix("**/")
        fits = [fnmatch(one.rpartition("/")[2] if "**/" in pattern else one, plain) for one in parents]
        if any(fits):
            ignored = not pattern.startswith("!")
    return ignored


def build(repo: Path, image: Image, machine: Mapping[str, str]) -> Image:
    """Run all steps of the repo's Dockerfile; AssertionError for one that fails or is not known here."""
    sent = context(repo)
    for instruction, text in steps(repo / "Dockerfile"):
        if instruction == "ENV":
            image.variables |= dict(pair.split("=", 1) for pair in text.split())
        elif instruction == "WORKDIR":
            image.workdir = text
            image.inside(".").mkdir(parents=True, exist_ok=True)
        elif instruction == "COPY":
            _copy(repo, image, sent, *text.split())
        elif instruction == "RUN":
            run(repo, image, text, machine)
        elif instruction == "USER":
            image.user = text
        elif instruction == "HEALTHCHECK":
            image.health = json.loads(text.partition("CMD ")[2])
        elif instruction == "CMD":
            image.command = json.loads(text)
        else:
            assert instruction in {"FROM", "EXPOSE", "ENTRYPOINT"}, instruction
    return image


def _copy(repo: Path, image: Image, sent: list[str], *names: str) -> None:
    *sources, target = names
    for source in sources:
        files = [name for name in sent if name == source or name.startswith(f"{source}/")]
        assert files, f"nothing to copy for {source}"
        for name in files:
            place = image.inside(target) / (Path(name).name if target.endswith("/") else name.removeprefix(source)[1:])
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(repo / name, place)


def run(repo: Path, image: Image, text: str, machine: Mapping[str, str]) -> None:
    """Run one line of RUN, with what is sent of the repo where the line has it mounted."""
    bound = re.search(r"--mount=type=bind,target=(\S+) ", text)
    line = re.sub(r"--mount=\S+ ", "", text)
    with tempfile.TemporaryDirectory() as mounted:
        for name in context(repo) if bound else ():
            (Path(mounted) / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(repo / name, Path(mounted) / name)
        done = subprocess.run(
            ["sh", "-ec", line.replace(bound[1], mounted) if bound else line],
            cwd=image.inside("."),
            env=image.environment(machine),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, (line, done.stderr[-2000:])
    image.ran.append(line)
