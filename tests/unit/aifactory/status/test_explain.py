"""`factory config`: the tool's own values and where each came from, and the repo's own inside a repo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.aifactory.conftest import Factory
from tests.unit.aifactory.homes import repo, write

FACTORY = str(Path(sys.executable).with_name("factory"))


def config(cwd: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("FACTORY_")}
    return subprocess.run(
        [FACTORY, "config", *arguments],
        cwd=cwd,
        env={**kept, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_given_variables_when_explained_then_each_value_names_the_variable_that_set_it(
    tmp_path: Path, factory: Factory
) -> None:
    done = factory(
        "config",
        "--explain",
        "--json",
        cwd=tmp_path,
        FACTORY_HOME=str(tmp_path / "h"),
        FACTORY_CACHE=str(tmp_path / "c"),
        UV_INDEX_URL="https://ana:hunter2@index.example/simple",
        PULUMI_CONFIG_PASSPHRASE="open-sesame",
    )

    shown = json.loads(done.stdout)
    assert shown["home"] == {"value": str(tmp_path / "h"), "from": "FACTORY_HOME"}
    assert shown["cache"] == {"value": str(tmp_path / "c"), "from": "FACTORY_CACHE"}
    assert shown["state"] == {"value": f"file://{tmp_path / 'h' / 'state'}", "from": "home"}
    assert shown["servers"]["value"].startswith("missing: factory doctor --mend")
    assert shown["template"]["from"] == "the checkout this command runs from"
    assert shown["UV_INDEX_URL"] == {"value": "https://***@index.example/simple", "from": "environment"}
    assert shown["passphrase"] == {"value": "(not shown)", "from": "PULUMI_CONFIG_PASSPHRASE"}
    for secret in ("hunter2", "open-sesame"):
        assert secret not in done.stdout + done.stderr
    assert not (tmp_path / "h").exists()


def test_given_nothing_set_when_explained_then_defaults_are_called_defaults(
    tmp_path: Path, factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FACTORY_HOME", raising=False)

    done = factory("config", "--explain", cwd=tmp_path, HOME=str(tmp_path))

    lines = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if line}
    assert lines["home"] == [str(tmp_path / ".factory"), "default"]
    assert "\x1b" not in done.stdout


@pytest.mark.heavy
def test_given_a_repo_when_asked_then_the_repos_own_interpreter_answers_unless_the_tools_are_asked(
    tmp_path: Path,
) -> None:
    folder = repo(tmp_path / "churn")
    python = write(folder / ".venv" / "bin" / "python", '#!/bin/sh\necho "$@"\n', 0o755)

    asked = config(folder, "--explain", "--env", "dev", "--json")
    tools = config(folder, "--tool")
    python.unlink()
    without = config(folder)

    assert asked.stdout == "-m churn config --explain --json --env dev\n"
    assert tools.stdout.startswith("KEY")
    assert (without.returncode, "make setup" in without.stderr) == (1, True)


def test_given_no_repo_when_an_environment_is_named_then_it_says_where_that_belongs(
    tmp_path: Path, factory: Factory
) -> None:
    done = factory("config", "--env", "dev", cwd=tmp_path)

    assert (done.returncode, "run this inside its repo" in done.stderr) == (2, True)
