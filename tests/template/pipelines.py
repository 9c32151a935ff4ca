"""The forges' files as one shape: stages in order, each with its commands and the variables that they see."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

STAGES = ("check", "register", "staging", "prod")


@dataclass(frozen=True)
class Command:
    """One line that the forge runs, with the variables the file sets for it (expressions as they stand)."""

    line: str
    variables: dict[str, str]


Stages = dict[str, list[Command]]


def read(path: Path) -> Any:
    """YAML, with `on` as a key and not as true."""
    text = path.read_text(encoding="utf-8")
    return yaml.safe_load(text.replace("\non:", '\n"on":', 1))


def github(repo: Path) -> Stages:
    """Jobs of the release workflow."""
    found = {}
    for name, job in read(repo / ".github/workflows/release.yml")["jobs"].items():
        steps = [step for step in job["steps"] if "run" in step]
        found[name] = [Command(step["run"], {**job.get("env", {}), **step.get("env", {})}) for step in steps]
    return found


def pull_request(repo: Path) -> list[Command]:
    """Lines of the workflow that every pull request goes through on GitHub."""
    job = read(repo / ".github/workflows/ci.yml")["jobs"]["check"]
    return [Command(step["run"], step.get("env", {})) for step in job["steps"] if "run" in step]


def azure(repo: Path) -> Stages:
    """Stages of the pipeline."""
    found = {}
    for stage in read(repo / "azure-pipelines.yml")["stages"]:
        (job,) = stage["jobs"]
        steps = job["steps"] if "steps" in job else job["strategy"]["runOnce"]["deploy"]["steps"]
        found[stage["stage"]] = [
            Command(step["script"], {**job.get("variables", {}), **step.get("env", {})})
            for step in steps
            if "script" in step
        ]
    return found


def gitlab(repo: Path) -> Stages:
    """Jobs of the pipeline, what they extend included."""
    content = read(repo / ".gitlab-ci.yml")
    found = {}
    for name in content["stages"]:
        job = content[name]
        base = content.get(job.get("extends", ""), {})
        lines = [*base.get("before_script", []), *job["script"]]
        found[name] = [Command(line, job.get("variables", {})) for line in lines]
    return found


READERS = {"github": github, "azure-devops": azure, "gitlab": gitlab}
