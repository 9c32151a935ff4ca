"""The Dockerfile: what goes into the image, and its steps and commands in a clean folder. No image is built."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from aifactory_runtime.config import environment, layout, yaml_model
from aifactory_runtime.contract import Manifest
from tests.fixtures import mlflow_database
from tests.fixtures.usecase_repo import commit, git
from tests.template import dockerfile
from tests.template.support import PACKAGE, files

UV = Path(sys.executable).with_name("uv")


def test_given_a_repo_with_private_files_when_its_context_is_sent_then_only_code_settings_and_locks_go(
    rendered: Path, tmp_path: Path
) -> None:
    repo = tmp_path / "repo"
    subprocess.run(["cp", "-R", str(rendered), str(repo)], check=True)
    private = [".env", "conf/.env.local", ".factory/dev.json", "data/customers.csv", "notebooks/x.ipynb", "id_rsa"]
    for name in (*private, f"src/{PACKAGE}/__pycache__/a.pyc"):
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_text("private")
    sent = set(dockerfile.context(repo))
    expected = {name for name in files(rendered) if name.startswith(("src/", "vendor/", "conf/", "requirements/"))}
    assert sent == expected | {"factory.yaml"}


def test_given_the_dockerfile_then_it_ends_as_nobody_special_with_a_health_check_and_holds_no_secret(
    rendered: Path,
) -> None:
    steps = dockerfile.steps(rendered / "Dockerfile")
    names = [name for name, _ in steps]
    assert steps[names.index("USER")][1] == "10001", "a number, so that an orchestrator can tell it is not root"
    assert names.index("USER") > max(index for index, name in enumerate(names) if name in {"RUN", "COPY"})
    assert "HEALTHCHECK" in names and "ARG" not in names and "ADD" not in names
    settings = " ".join(text for name, text in steps if name == "ENV")
    assert not re.search(r"(?i)password|secret|token|key", settings)
    assert all("--require-hashes" in text for name, text in steps if name == "RUN" and "pip install" in text)
    assert ":latest" not in dict(steps)["FROM"] and ":" in dict(steps)["FROM"]


@pytest.fixture
def trained(rendered: Path, tmp_path: Path) -> Path:
    """A repo whose model is trained and released in the embedded default."""
    repo = tmp_path / "repo"
    subprocess.run(["cp", "-R", str(rendered), str(repo)], check=True)
    git(repo, "init", "--quiet", "--initial-branch=main")
    commit(repo, "Start")
    mlflow_database.put(repo / ".factory" / "embedded" / "mlflow.db")
    for arguments in (("run",), ("release", "--to", "embedded")):
        command = [sys.executable, "-m", PACKAGE, *arguments]
        variables = {**os.environ, "PYTHONPATH": layout.python_path(repo)}
        done = subprocess.run(command, cwd=repo, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return repo


def image_folder(folder: Path) -> dockerfile.Image:
    """An empty image with an environment of its own; pip is uv's, and nobody adds a user to this machine."""
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, folder / "venv"], check=True)
    shims = folder / "shims"
    shims.mkdir()
    python = folder / "venv/bin/python"
    pip = f'[ "$1" = install ]; shift 2; exec {UV} pip install --quiet --python {python} "$@"'
    for name, line in (("pip", pip), ("useradd", "exit 0")):
        (shims / name).write_text(f"#!/bin/sh\nset -e\n{line}\n")
        (shims / name).chmod(0o755)
    return dockerfile.Image(folder, shims)


@pytest.mark.slow
def test_given_the_dockerfile_when_its_steps_and_command_run_in_a_clean_folder_then_it_predicts_and_ends_cleanly(
    trained: Path, tmp_path: Path
) -> None:
    machine = {key: value for key, value in os.environ.items() if not key.startswith(("AIFACTORY_", "PYTHON", "VIRT"))}
    image = dockerfile.build(trained, image_folder(tmp_path / "image"), machine)
    assert any("pip install --no-cache-dir" in line for line in image.ran)
    manifest = yaml_model.load(trained / "factory.yaml", Manifest)
    contract = environment.embedded(trained, manifest) | {"environment": "dev"}
    (tmp_path / "dev.json").write_text(json.dumps(contract))
    variables = image.environment(machine) | {"AIFACTORY_ENV_FILE": str(tmp_path / "dev.json")}
    service = subprocess.Popen(
        [*image.command, "--port", "0", "--host", "127.0.0.1"],
        cwd=image.inside("."),
        env=variables,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert service.stdout is not None
        address = service.stdout.readline().strip().removesuffix("/docs")
        until = time.monotonic() + 120
        while httpx.get(f"{address}/health/ready").status_code != 200 and time.monotonic() < until:
            time.sleep(0.2)
        rows = json.loads((trained / "data/request.json").read_text())
        answer = httpx.post(f"{address}/predict", json=rows)
        assert answer.status_code == 200, answer.text
        for base, code in ((address, 0), ("http://127.0.0.1:1", 1)):
            check = [part.replace("http://127.0.0.1:8000", base) for part in image.health]
            asked = subprocess.run(check, env=variables, capture_output=True, check=False)
            assert asked.returncode == code
    finally:
        service.terminate()
        code = service.wait(30)
    assert code == 0
    _serve_what_a_platform_brings(trained, image, machine, rows)
    assert not list(image.inside(".").rglob("__pycache__")), "it writes nothing beside its code"


def _serve_what_a_platform_brings(
    trained: Path, image: dockerfile.Image, machine: Mapping[str, str], rows: Mapping[str, Any]
) -> None:
    """As SageMaker does: the word serve, the model in a folder, no environment; /ping and /invocations answer."""
    (model,) = (path.parent for path in (trained / ".factory/embedded/serving/models").glob("*/MLmodel"))
    brought = image.root / "opt-ml-model" / "model"
    shutil.copytree(model, brought)
    variables = image.environment(machine) | {
        "AIFACTORY_SERVE_MODEL": str(brought.parent),
        "AIFACTORY_SERVE_PORT": "0",
        "AIFACTORY_MODEL_VERSION": "7",
        "AIFACTORY_MODEL_SHA256": model.name,
    }
    command = [*image.command[:3], "serve"]
    service = subprocess.Popen(command, cwd=image.inside("."), env=variables, stdout=subprocess.PIPE, text=True)
    try:
        assert service.stdout is not None
        address = service.stdout.readline().strip().removesuffix("/docs")
        until = time.monotonic() + 120
        while httpx.get(f"{address}/ping").status_code != 200 and time.monotonic() < until:
            time.sleep(0.2)
        records = {"dataframe_records": rows["rows"]}
        answer = httpx.post(f"{address}/invocations", json=records)
        assert answer.status_code == 200, answer.text
        assert answer.json()["model_version"] == "7"
        assert "recorded" not in answer.json()
        assert httpx.post(f"{address}/feedback", json={"labels": []}).status_code == 404
    finally:
        service.terminate()
        code = service.wait(30)
    assert code == 0
    assert not image.inside(".factory").exists()
    other = subprocess.run(
        command,
        cwd=image.inside("."),
        check=False,
        env={**variables, "AIFACTORY_MODEL_SHA256": "0" * 64},
        capture_output=True,
        text=True,
    )
    assert (other.returncode, "holds other bytes" in other.stderr) == (1, True), other.stderr
