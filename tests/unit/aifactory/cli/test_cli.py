"""The command line as a whole: start-up, help, one line per failure, exit codes."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from aifactory.cli import environments, main, start
from aifactory.home import Home
from aifactory.provision import exclusive, stacks, tools, waves
from aifactory_runtime import command_line
from aifactory_runtime.errors import FactoryError
from tests.unit.runtime.contract.test_manifest import VALID

COMMANDS = [name for section in main.SECTIONS.values() for name in section]
FACTORY = str(Path(sys.executable).with_name("factory"))


def factory(*arguments: str, cwd: Path, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `factory` to its end."""
    variables = {**os.environ, "FACTORY_HOME": str(home or cwd / "home")}
    return subprocess.run([FACTORY, *arguments], cwd=cwd, env=variables, capture_output=True, text=True, check=False)


def test_given_help_when_asked_then_every_command_is_listed_and_nothing_heavy_is_imported(tmp_path: Path) -> None:
    heavy = "{'pulumi', 'copier', 'rich', 'httpx', 'yaml', 'pydantic', 'mlflow', 'pandas'}"
    script = (
        "import sys\nfrom click.testing import CliRunner\nfrom aifactory.cli.main import factory\n"
        "print(CliRunner().invoke(factory, ['--help']).output)\n"
        f"print('imported:', sorted({heavy} & set(sys.modules)))\n"
    )

    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert "imported: []" in done.stdout
    for name in COMMANDS:
        assert f"  {name}" in done.stdout
    for heading in main.SECTIONS:
        assert f"\n{heading}:\n" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_given_a_command_when_its_help_is_asked_then_it_shows_an_example(name: str) -> None:
    done = CliRunner().invoke(main.factory, [name, "--help"], prog_name="factory")

    assert done.exit_code == 0
    assert f"Example: factory {name}" in done.output


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command below `group` with its name as it is typed."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if isinstance(found, click.Group):
            yield from commands(found, *path, name)
        elif found is not None:
            yield " ".join((*path, name)), found


def test_given_every_command_when_asked_for_json_then_it_has_it_as_the_documentation_says() -> None:
    passed_on = {"release", "approve", "certify", "rollback", "trace", "audit"}
    without = {name for name, command in commands(main.factory) if not _has_json(command)}
    assert without - passed_on == {"person add", "person remove"}

    always_json, servers = {"due"}, {"serve", "scheduler", "worker"}
    without = {name for name, command in commands(command_line.commands) if not _has_json(command)}
    assert without - always_json == servers


def _has_json(command: click.Command) -> bool:
    return any("--json" in option.opts for option in command.params)


def test_given_an_applied_environment_when_its_outputs_are_asked_for_then_json_is_a_format_like_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACTORY_HOME", str(tmp_path / "home"))
    (tmp_path / "factory.yaml").write_text(json.dumps(VALID))
    applied = Home(tmp_path / "home").applied("churn", "dev")
    applied.parent.mkdir(parents=True)
    contract = {"use_case": "churn", "environment": "dev"}
    applied.write_text(json.dumps({"environment": contract}))

    plain, as_json, both, unknown, written = (
        CliRunner().invoke(environments.outputs, arguments)
        for arguments in (
            ["dev"],
            ["dev", "--json"],
            ["dev", "--json", "--format=dotenv"],
            ["embedded"],
            ["dev", "--write"],
        )
    )

    assert json.loads(as_json.stdout) == json.loads(plain.stdout) == contract
    place = tmp_path / ".factory" / "dev.json"
    assert (json.loads(place.read_text()), written.stderr) == (contract, f"written: {place}\n")
    assert (both.exit_code, both.stdout) == (2, "")
    assert "choose one" in both.stderr
    assert "use one of dev, staging, prod" in str(unknown.exception)


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["launch"], 2, "factory: No such command 'launch'."),
        (["staus"], 2, "factory: No such command 'staus'. Did you mean status or start?"),
        (["up", "--plattform"], 2, "factory: No such option '--plattform'. Did you mean '--platform'?"),
        (["up", "qa"], 2, "use one of shared, dev, staging, prod"),
        (["outputs", "dev"], 1, "run this inside its repo"),
        (["release", "--to", "prod"], 1, "run this inside its repo"),
        (["status"], 1, "nothing is provisioned"),
        (["start"], 1, "nothing is provisioned"),
        (["stop"], 1, "nothing is provisioned"),
        (["destroy"], 2, "name the environments"),
        (["destroy", "--all", "--yes"], 1, "nothing is provisioned"),
        (["rotate", "--overlap", "nan"], 2, "not a number of seconds"),
    ],
)
def test_given_a_command_that_cannot_work_here_when_run_then_one_line_and_the_documented_code(
    tmp_path: Path, arguments: list[str], code: int, sentence: str
) -> None:
    done = factory(*arguments, cwd=tmp_path)

    assert done.returncode == code, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "home").exists()


@pytest.mark.heavy
@pytest.mark.parametrize("arguments", [["--debug", "status"], ["status", "--debug"]])
def test_given_debug_anywhere_when_a_command_fails_then_the_traceback_comes_and_the_code_stays(
    tmp_path: Path, arguments: list[str]
) -> None:
    done = factory(*arguments, cwd=tmp_path)

    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("factory: nothing is provisioned")


def test_given_a_command_when_it_is_interrupted_then_the_code_is_the_one_shells_expect(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(type(main.factory), "get_command", lambda *_: interrupted)
    monkeypatch.setattr(sys, "argv", ["factory", "up"])
    monkeypatch.setattr(signal, "signal", lambda *_: None)

    with pytest.raises(SystemExit) as ended:
        start.main()

    assert ended.value.code == 130
    assert capsys.readouterr().err.strip() == "factory: stopped; run the same command again to go on"


def test_given_a_question_when_the_answer_is_no_then_nothing_is_destroyed_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "state" / ".pulumi" / "stacks" / stacks.PLATFORM / "shared.json"
    record.parent.mkdir(parents=True)
    record.write_text("{}")
    monkeypatch.setenv("FACTORY_HOME", str(tmp_path))
    monkeypatch.setattr(tools, "require", lambda **_: None)
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))

    with pytest.raises(FactoryError, match=r"^nothing was destroyed$"):
        environments.destroy.main(["--all"], standalone_mode=False)

    assert record.exists()


class Terminal(io.StringIO):
    """Standard input at which somebody types."""

    def isatty(self) -> bool:
        return True


def test_given_a_home_that_holds_other_files_when_up_then_it_is_refused_and_nothing_is_touched(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.txt").write_text("years of work")

    done = factory("up", "shared", cwd=tmp_path, home=home)

    assert done.returncode == 1
    assert "holds other files" in done.stderr
    assert [path.name for path in home.iterdir()] == ["thesis.txt"]


def test_fault_42_given_a_stack_in_use_when_up_then_it_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.prepare()

    with exclusive.hold(home.lock("dev"), "dev"):
        done = factory("up", "dev", cwd=tmp_path, home=home.root)

    assert done.returncode == 1
    assert f"dev is being changed by process {os.getpid()}" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("made", "refusal"), [("churn.prod", "churn.prod is protected"), (None, "nothing is provisioned in")]
)
def test_given_a_shared_backend_when_all_is_destroyed_then_nothing_goes_that_was_not_seen_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: str | None, refusal: str
) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}/elsewhere")
    home = Home(tmp_path / "home")
    home.prepare()
    table = home.root / "prod" / "churn" / "table"
    table.parent.mkdir(parents=True)
    table.write_text("years of work")
    if made:
        home.work(made).mkdir()
        (home.work(made) / f"Pulumi.{made}.yaml").write_text("config: {}\n")

    done = factory("destroy", "--all", "--yes", cwd=tmp_path, home=home.root)

    assert done.returncode == 1
    assert refusal in done.stderr
    assert table.exists()


@pytest.mark.heavy
def test_given_an_empty_cache_when_previewed_then_the_engine_is_named_and_not_fetched(tmp_path: Path) -> None:
    done = factory("preview", "shared", cwd=tmp_path)

    assert done.returncode == 1
    assert "the Pulumi engine is missing: factory doctor --mend" in done.stderr
    assert not (tmp_path / "home").exists()


def test_given_no_home_yet_when_previewed_then_an_up_that_began_meanwhile_keeps_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home")
    looked: list[Path] = []

    def look(_action: str, _waves: object, records: Home, *_told: object) -> list[object]:
        looked.append(records.root)
        home.prepare()  # as an `up` does first
        return []

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACTORY_HOME", str(home.root))
    monkeypatch.setattr(tools, "require", lambda **_: None)
    monkeypatch.setattr(waves, "act_in_waves", look)

    done = CliRunner().invoke(environments.preview, ["shared"])

    assert done.exit_code == 0, done.output
    assert home.passphrase.exists() and home.state.is_dir()
    assert looked != [home.root] and not looked[0].exists()


@pytest.mark.heavy
def test_given_a_home_that_is_a_file_when_up_then_one_line_says_so(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("")

    done = factory("up", "shared", cwd=tmp_path, home=home)

    assert done.returncode == 1
    assert "is not a folder" in done.stderr


def test_given_a_folder_that_is_gone_when_a_command_runs_there_then_one_line_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()

    done = subprocess.run(
        ["sh", "-c", f"rmdir {folder}; {FACTORY} status"], cwd=folder, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert done.stderr == "factory: the current folder is gone: cd to one that is there\n"


@pytest.mark.heavy
@pytest.mark.parametrize("content", ["[]", "{", '{"environment": 1}'])
def test_given_a_damaged_record_when_status_is_asked_then_it_is_named_with_its_mend(
    tmp_path: Path, content: str
) -> None:
    home = tmp_path / "home"
    (home / "services" / "conf.d").mkdir(parents=True)
    (home / "services" / "conf.d" / "tracking.conf").write_text("")
    (home / "usecases").mkdir()
    (home / "usecases" / "churn.dev.json").write_text(content)

    done = factory("status", cwd=tmp_path, home=home)

    assert done.returncode == 1
    assert "churn.dev.json is damaged: factory up dev in the repo of churn" in done.stderr


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_given_damaged_leases_when_status_is_asked_then_one_line_names_the_file(tmp_path: Path, content: str) -> None:
    home = tmp_path / "home"
    (home / "services" / "conf.d").mkdir(parents=True)
    (home / "services" / "ports.json").write_text(content)

    done = factory("status", cwd=tmp_path, home=home)

    assert done.returncode == 1
    assert done.stderr.startswith(f"factory: {home}/services/ports.json is damaged")


def test_given_a_broken_manifest_when_any_command_runs_then_file_and_line_are_named(tmp_path: Path) -> None:
    (tmp_path / "factory.yaml").write_text("schema: 1\nuse_case: churn\nowner: [\n")

    done = factory("up", "dev", cwd=tmp_path)

    assert done.returncode == 2
    assert "factory.yaml:4" in done.stderr


@pytest.mark.parametrize("typed", ["new churn --answer nonsense <&-", "doctor >&-"])
def test_given_a_closed_standard_stream_when_a_command_runs_then_it_ends_as_with_an_open_one(
    tmp_path: Path, typed: str
) -> None:
    line = f"FACTORY_HOME={tmp_path}/home {FACTORY} {typed}"

    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert "unexpected" not in done.stderr
    assert "nonsense" not in typed or "--answer" in done.stderr
