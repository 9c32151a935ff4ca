"""The command of a repo: a table of lazy subcommands, failures in one line, exit codes."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from aifactory_runtime import cli, command_line, interrupt
from aifactory_runtime.errors import FactoryError, NeedsPerson, UsageProblem
from tests.fixtures import usecase_repo


@pytest.mark.parametrize("name", list(command_line.COMMANDS))
def test_given_the_table_when_a_command_is_looked_up_then_it_is_there_and_has_an_example(name: str) -> None:
    module, _, attribute = command_line.COMMANDS[name].partition(":")
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command)
    assert f"Example: {name}" in (command.help or "")


@pytest.mark.parametrize(("error", "code"), [(FactoryError, 1), (UsageProblem, 2), (NeedsPerson, 3)])
def test_given_a_failure_when_a_command_runs_then_one_line_and_its_exit_code(
    error: type[FactoryError], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error("what is wrong: what to do")

    monkeypatch.setattr(click.Group, "main", fail)
    with pytest.raises(SystemExit) as caught:
        cli.main("demo_case", ["run"])
    assert caught.value.code == code
    assert capsys.readouterr().err == "factory: what is wrong: what to do\n"


def test_given_a_bug_when_a_command_runs_then_one_line_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("division by zero\nmore")

    monkeypatch.setattr(click.Group, "main", fail)
    with pytest.raises(SystemExit) as caught:
        cli.main("demo_case", ["run"])
    assert caught.value.code == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_given_a_file_that_cannot_be_written_when_a_command_runs_then_its_place_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system", "/repo/.factory/pipeline.lock")

    monkeypatch.setattr(click.Group, "main", fail)
    with pytest.raises(SystemExit) as caught:
        cli.main("demo_case", ["run"])
    assert caught.value.code == 1
    told = capsys.readouterr().err
    assert told.startswith(
        "factory: /repo/.factory/pipeline.lock: Read-only file system: see its place, rights and space"
    )
    assert told.count("\n") == 1


@pytest.mark.parametrize("arguments", [["nonsense"], ["train"], ["run", "--kind", "other"]])
def test_given_wrong_usage_when_a_command_runs_then_exit_code_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main("demo_case", arguments)
    assert caught.value.code == 2


def test_given_no_repo_when_run_then_one_line_says_where_to_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        cli.main("demo_case", ["run"])
    assert caught.value.code == 2
    assert "factory.yaml" in capsys.readouterr().err


def test_given_help_when_asked_then_nothing_heavy_is_imported() -> None:
    program = (
        "import sys; from aifactory_runtime import cli\n"
        "try: cli.main('demo_case', ['run', '--help'])\n"
        "except SystemExit: pass\n"
        "print([n for n in ('numpy', 'pandas', 'mlflow', 'sklearn', 'deltalake', 'pydantic') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("given", [["--debug", "run"], ["run", "--debug"]])
@pytest.mark.parametrize(("error", "code"), [(NeedsPerson, 3), (UsageProblem, 2), (FactoryError, 1), (OSError, 1)])
def test_given_debug_anywhere_when_a_command_fails_then_a_traceback_and_the_same_exit_code(
    given: list[str],
    error: type[Exception],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_: click.Group, arguments: list[str], **__: object) -> None:
        assert arguments == ["run"]
        raise error("what is wrong")

    monkeypatch.setattr(click.Group, "main", fail)
    with pytest.raises(SystemExit) as caught:
        cli.main("demo_case", given)
    assert caught.value.code == code
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("where", ["import", "run", "prompt"])
def test_given_ctrl_c_when_a_command_begins_or_runs_then_one_line_and_130(
    where: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def press(*_: object, **__: object) -> None:
        raise click.Abort if where == "prompt" else KeyboardInterrupt

    handlers = []
    monkeypatch.setattr(signal, "signal", lambda number, handler: handlers.append((number, handler)))
    monkeypatch.setattr(command_line if where == "import" else click.Group, "main", press)

    with pytest.raises(SystemExit) as caught:
        cli.main("demo_case", ["run"])

    assert caught.value.code == 130
    assert capsys.readouterr().err == f"{interrupt.LINE}\n"
    assert {number for number, _ in handlers} == {signal.SIGINT}


def test_given_the_command_when_it_is_imported_then_nothing_that_takes_time_comes_with_it() -> None:
    program = "import sys; from aifactory_runtime import cli; print('click' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"


@pytest.mark.slow
def test_given_ctrl_c_when_a_pipeline_runs_then_one_line_no_traceback_and_it_goes_on_afterwards(tmp_path: Path) -> None:
    repo = usecase_repo.make_repo(tmp_path / "repo")
    process = subprocess.Popen(
        usecase_repo.command("run"),
        cwd=repo,
        env=usecase_repo.environment(),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    done = (line for line in process.stderr if line.startswith("ingest") and not line.endswith("...\n"))
    assert next(done, None), "ingest did not end"

    os.killpg(process.pid, signal.SIGINT)

    told = process.stderr.read().splitlines()
    assert process.wait(60) in (130, -signal.SIGINT)
    assert told[-1] == interrupt.LINE
    assert [line for line in told if "Traceback" in line or "KeyboardInterrupt" in line] == []
    assert usecase_repo.run(repo, "validate", "--run", _only_run(repo)).returncode == 0


@pytest.mark.slow
def test_given_a_hook_of_another_repo_when_a_step_runs_then_the_run_names_its_own_repo(
    tmp_path: Path,
) -> None:
    repo = usecase_repo.make_repo(tmp_path / "repo")
    other = usecase_repo.make_repo(tmp_path / "other", seed=2)
    variables = {"GIT_DIR": str(other / ".git"), "GIT_INDEX_FILE": str(other / ".git" / "index")}

    done = usecase_repo.run(repo, "ingest", variables=variables)

    assert done.returncode == 0, done.stderr
    noted = json.loads(next((repo / ".factory").rglob("handoff.json")).read_text())
    assert (noted["commit"], noted["dirty"]) == (usecase_repo.git(repo, "rev-parse", "HEAD"), False)


def _only_run(repo: Path) -> str:
    (found,) = (repo / ".factory" / "embedded" / "artifacts" / "runs").iterdir()
    return found.name
