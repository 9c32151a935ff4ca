"""The tool as people install it: a wheel in an environment of its own, no checkout at hand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from tests.fixtures.usecase_repo import git
from tests.template.support import CHECKOUT

pytestmark = pytest.mark.slow
ADDRESS = "https://git.example/factory"
SCRIPTS = ("infra/providers/local/pulumi-resource-local", "infra/policies/bin/pulumi-analyzer-policy-python")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout's commit, built from an sdist as installers may do, in a clone without tags."""
    folder = tmp_path_factory.mktemp("dist")
    clone = tmp_path_factory.mktemp("clone") / "factory"
    subprocess.run(["git", "clone", "--quiet", "--no-tags", str(CHECKOUT), str(clone)], check=True)
    variables = {**os.environ, "FACTORY_TEMPLATE": ADDRESS}
    uv, python = Path(sys.executable).with_name("uv"), sys.executable
    build = [str(uv), "build", "--quiet", "--no-build-isolation", "--python", python, "-o", str(folder), str(clone)]
    subprocess.run(build, check=True, env=variables)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the commands of an environment that has the tool's lock and the wheel, nothing else."""
    environment = tmp_path_factory.mktemp("tool") / "env"
    uv = str(Path(sys.executable).with_name("uv"))
    python = str(environment / "bin" / "python")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(environment)], check=True)
    lock = str(CHECKOUT / "requirements" / "tool.txt")
    subprocess.run([uv, "pip", "install", "--quiet", "--require-hashes", "--python", python, "-r", lock], check=True)
    # With its dependencies: what the lock has must be all that the wheel asks for.
    subprocess.run([uv, "pip", "install", "--quiet", "--offline", "--python", python, str(wheel)], check=True)
    return environment / "bin"


def factory(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`factory ...` of the installed tool in `folder`, with nothing of this checkout in its environment."""
    kept = {key: os.environ[key] for key in ("HOME", "LANG") if key in os.environ}
    variables = {**kept, "PATH": f"{installed}:/usr/bin:/bin", "FACTORY_HOME": str(folder / "home"), "LOGNAME": "ana"}
    command = [str(installed / "factory"), *arguments]
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)


def test_given_the_wheel_then_runtime_template_and_scripts_are_inside_and_no_own_name_is_asked_of_an_index(
    wheel: Path,
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
        (metadata,) = [name for name in modes if name.endswith("/METADATA")]
        needs = [line for line in archive.read(metadata).decode().splitlines() if line.startswith("Requires-Dist")]
        origin = json.loads(archive.read("aifactory/scaffold/carried/origin.json"))
    assert {"aifactory_runtime/cli.py", "infra/engine/go.mod", "infra/services/requirements.txt"} <= set(modes)
    assert all(modes[script] & 0o111 for script in SCRIPTS)
    assert needs
    assert not any("aifactory" in line for line in needs)
    assert origin == {"commit": git(CHECKOUT, "rev-parse", "HEAD"), "address": ADDRESS}


def test_given_an_empty_folder_then_the_installed_tool_makes_a_repo_that_says_where_its_updates_come_from(
    installed: Path, tmp_path: Path
) -> None:
    shutil.copy(CHECKOUT / "aifactory" / "samples" / "diabetes.csv", tmp_path / "table.csv")
    made = factory(installed, tmp_path, "new", "patients", "--data", "table.csv", "--target-column", "progression")

    assert made.returncode == 0, made.stderr
    repo = tmp_path / "patients"
    assert git(repo, "log", "--format=%s") == "Start patients from the factory's template"
    assert git(repo, "status", "--porcelain") == ""
    answers = yaml.safe_load((repo / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert answers["_src_path"] == f"git+{ADDRESS}"
    assert git(CHECKOUT, "rev-parse", answers["_commit"]) == git(CHECKOUT, "rev-parse", "HEAD")
    assert "which only this machine has" not in made.stdout


def test_given_no_tag_then_the_installed_tool_makes_a_repo_of_a_release_by_its_number_and_brings_it_to_the_newest(
    installed: Path, tmp_path: Path
) -> None:
    absent = factory(installed, tmp_path, "new", "patients", "--ref", "0.7.0")
    assert absent.returncode == 2
    assert "0.7.0 is not in this factory, which has the releases 0.1.0, 0.2.0" in absent.stderr
    made = factory(installed, tmp_path, "new", "patients", "--ref", "0.1.0")
    assert made.returncode == 0, made.stderr
    assert "unreleased" not in made.stdout
    repo = tmp_path / "patients"

    followed = factory(installed, repo, "update", "--to", "0.2.0")

    assert followed.returncode == 0, followed.stderr
    assert "Went from 0.1.0 to 0.2.0" in followed.stdout
    assert git(repo, "diff", "--cached", "--name-only")


def test_given_the_installed_tool_then_every_command_answers_and_the_programs_are_found(
    installed: Path, tmp_path: Path
) -> None:
    for arguments in (("--help",), ("up", "--help"), ("release", "--help"), ("--version",), ("config",)):
        done = factory(installed, tmp_path, *arguments)
        assert done.returncode == 0, done.stderr
        assert done.stdout
    examined = factory(installed, tmp_path, "doctor", "--json")
    parts = {finding["part"]: finding for finding in json.loads(examined.stdout)}
    assert parts["git"]["good"], examined.stderr
    code = (
        "import os; from pathlib import Path; from aifactory.provision import servers, stacks;"
        "infra = stacks.infra_folder(); assert 'site-packages' in str(infra);"
        "assert (infra / 'usecase' / '__main__.py').is_file() and servers.lock().is_file();"
        f"assert all(os.access(infra.parent / script, os.X_OK) for script in {SCRIPTS})"
    )
    subprocess.run([str(installed / "python"), "-P", "-c", code], check=True, cwd=tmp_path)
