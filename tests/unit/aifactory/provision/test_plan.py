"""Which stacks a command means, the folder each runs in, and the lock that keeps two runs apart."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from aifactory.home import Home
from aifactory.provision import exclusive, plan, stacks, uv, waves
from aifactory.provision.plan import Place
from aifactory_runtime.contract import Manifest
from aifactory_runtime.errors import FactoryError, UsageProblem
from tests.unit.runtime.contract.test_manifest import VALID

PYTHON = Path(sys.executable)
MANIFEST = Manifest.model_validate(VALID)


def names_of(waves: plan.Waves) -> list[list[str]]:
    """Stack names, wave by wave."""
    return [[stack.name for stack in wave] for wave in waves]


def applied_stacks(home: Home, *names: str) -> None:
    """Pretend that the backend holds these platform stacks."""
    folder = home.state / ".pulumi" / "stacks" / stacks.PLATFORM
    folder.mkdir(parents=True)
    for name in names:
        (folder / f"{name}.json").write_text("{}")


def test_given_no_repo_when_nothing_is_named_then_the_platform_comes_up_shared_first(tmp_path: Path) -> None:
    place = Place(Home(tmp_path), None, None)

    waves = plan.waves(place, plan.chosen(place, []), PYTHON, with_platform=False)

    assert names_of(waves) == [["shared"], ["dev", "staging", "prod"]]


def test_given_a_repo_when_an_environment_is_named_then_only_its_stack_is_meant(tmp_path: Path) -> None:
    home = Home(tmp_path)
    applied_stacks(home, "shared", "dev")
    place = Place(home, tmp_path, MANIFEST)

    assert names_of(plan.waves(place, ["dev"], PYTHON, with_platform=False)) == [["churn.dev"]]
    assert names_of(plan.waves(place, ["dev"], PYTHON, with_platform=True)) == [["shared"], ["dev"], ["churn.dev"]]


def test_given_a_repo_without_platform_when_up_then_it_says_what_to_add(tmp_path: Path) -> None:
    place = Place(Home(tmp_path), tmp_path, MANIFEST)

    with pytest.raises(FactoryError, match=r"no shared, prod yet: add --platform"):
        plan.waves(place, ["prod"], PYTHON, with_platform=False)


@pytest.mark.parametrize("name", ["qa", "shared", "../x"])
def test_given_an_unknown_environment_when_named_in_a_repo_then_the_valid_ones_are_listed(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(UsageProblem, match="use one of dev, staging, prod"):
        plan.chosen(Place(Home(tmp_path), tmp_path, MANIFEST), [name])


def test_given_a_stack_when_its_folder_is_written_again_then_the_salt_stays(tmp_path: Path) -> None:
    home = Home(tmp_path)
    stack = stacks.usecase(MANIFEST, "dev", home, PYTHON)
    folder = stacks.write_work_folder(stack, home)
    settings = folder / "Pulumi.churn.dev.yaml"
    settings.write_text("encryptionsalt: v1:abc\n" + settings.read_text())

    stacks.write_work_folder(stack, home)

    content = yaml.safe_load(settings.read_text())
    assert content["encryptionsalt"] == "v1:abc"
    assert json.loads(content["config"]["aifactory-usecase:manifest"])["use_case"] == "churn"
    plugin = yaml.safe_load((folder / "Pulumi.yaml").read_text())["plugins"]["providers"][0]["path"]
    assert Path(plugin).is_absolute()


def test_given_a_copied_home_when_worked_on_then_it_is_refused_because_its_state_names_the_first_ones_folders(
    tmp_path: Path,
) -> None:
    home, copy = Home(tmp_path / "home"), Home(tmp_path / "copy")
    settings = stacks.write_work_folder(stacks.platform("prod", home, PYTHON), home) / "Pulumi.prod.yaml"
    shutil.copytree(home.root, copy.root)

    with pytest.raises(FactoryError, match=f"prod was made in {home.root}, not in {copy.root}: set FACTORY_HOME="):
        stacks.write_work_folder(stacks.platform("prod", copy, PYTHON), copy)

    assert (copy.work("prod") / settings.name).read_text() == settings.read_text()


def test_given_a_shared_backend_when_asked_what_there_is_then_the_homes_own_settings_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}/elsewhere")
    home = Home(tmp_path / "home")
    for stack in (stacks.platform("prod", home, PYTHON), stacks.usecase(MANIFEST, "prod", home, PYTHON)):
        stacks.write_work_folder(stack, home)
    home.work("dev").mkdir()  # destroyed: the engine took its settings away

    assert stacks.known(home) == ["prod", "churn.prod"]
    assert names_of(plan.everything(Place(home, None, None), PYTHON)) == [["prod"], ["churn.prod"]]


def test_given_a_new_home_when_prepared_then_only_its_owner_can_read_it(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")

    home.prepare()
    first = home.passphrase.read_text()
    home.prepare()

    assert (home.root.stat().st_mode & 0o777, home.passphrase.stat().st_mode & 0o777) == (0o700, 0o600)
    assert home.passphrase.read_text() == first
    assert len(first) > 30


def test_given_a_home_with_a_file_of_somebody_else_when_removed_then_that_file_stays(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    (home.root / "thesis.txt").write_text("years of work")

    home.remove()

    assert [path.name for path in home.root.iterdir()] == ["thesis.txt"]


def test_fault_45_given_state_without_its_passphrase_when_prepared_then_no_new_one_is_made(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    (home.state / ".pulumi").mkdir()
    home.passphrase.unlink()

    home.prepare()

    assert not home.passphrase.exists()


def test_fault_42_given_a_stack_in_use_when_taken_again_then_the_loser_is_told_who_holds_it(tmp_path: Path) -> None:
    script = (
        "import sys, time, pathlib\nfrom aifactory.provision import exclusive\n"
        "with exclusive.hold(pathlib.Path(sys.argv[1]), 'churn.dev'):\n"
        "    print('held', flush=True)\n    time.sleep(30)\n"
    )
    path = tmp_path / "lock"
    holder = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(FactoryError, match=f"churn.dev is being changed by process {holder.pid}"),
            exclusive.hold(path, "churn.dev"),
        ):
            pass
    finally:
        holder.kill()
        holder.communicate()

    with exclusive.hold(path, "churn.dev"):
        assert path.read_text() == str(os.getpid())


@pytest.mark.parametrize("works", [True, False])
def test_given_an_environment_that_another_home_made_meanwhile_when_moved_there_then_it_stays_if_it_works(
    tmp_path: Path, works: bool
) -> None:
    wanted = tmp_path / "lock.txt"
    wanted.write_text("")
    target = tmp_path / "platform" / "env"
    uv.make_environment(wanted, target, print)
    (target / "in-use").write_text("")
    if not works:
        (target / "bin" / "python").unlink()
        (target / "bin" / "python").symlink_to(tmp_path / "gone")

    uv.make_environment(wanted, target, print)

    assert (target / "in-use").exists() is works
    assert subprocess.run([target / "bin" / "python", "-c", ""], check=False).returncode == 0
    assert [path.name for path in target.parent.iterdir()] == ["env"]


def test_given_a_lock_that_was_let_go_when_taken_again_then_the_holder_before_is_not_named(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with pytest.raises(ZeroDivisionError), exclusive.hold(path, "churn.dev"):
        raise ZeroDivisionError

    assert path.read_text() == ""


def test_given_a_file_named_like_a_module_where_the_command_is_typed_when_a_stack_has_its_process_then_it_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('not the tool')\n")
    home = tmp_path / "home"
    home.write_text("a file\n")
    monkeypatch.chdir(tmp_path)
    stack = stacks.platform("dev", Home(home), PYTHON)

    with pytest.raises(FactoryError, match=f"{home} is not a folder"):
        waves.act_in_waves("up", [[stack]], Home(home), print)
