"""`FACTORY_EMULATE=1 factory up | preview | destroy`: the platform comes up with the stand-in, which is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from aifactory import emulation
from aifactory.home import Home
from aifactory.provision import stacks
from aifactory_runtime.errors import FactoryError, UsageProblem
from infra.providers.emulated.world import World
from tests.infra.test_platform_settings import VALID


def factory(folder: Path, *arguments: str, emulate: str = "1") -> subprocess.CompletedProcess[str]:
    """The command in the company's factory repo, with a home beside it."""
    command = Path(sys.executable).with_name("factory")
    variables = {**os.environ, "FACTORY_HOME": str(folder / "home"), emulation.VARIABLE: emulate}
    return subprocess.run(
        [command, *arguments], cwd=folder / "repo", env=variables, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_given_a_platform_when_it_is_emulated_then_it_comes_up_and_goes_in_a_state_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "platform.yaml").write_text(yaml.safe_dump(VALID), encoding="utf-8")
    seen = factory(tmp_path, "preview", "dev")
    assert seen.returncode == 0, seen.stderr
    assert emulation.NOTE in seen.stderr + seen.stdout
    assert not (tmp_path / "home").exists()
    made = factory(tmp_path, "up", "dev", "--json")
    assert made.returncode == 0, made.stderr
    assert all(result["emulated"] for result in json.loads(made.stdout))
    told = json.loads((tmp_path / "home" / "emulated" / "platform" / "dev.json").read_text(encoding="utf-8"))
    assert told["kmsKeyArn"].startswith("arn:aws:kms:eu-west-1:111122223333:key/")
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["emulated"]
    again = factory(tmp_path, "up", "dev")
    assert "dev (emulated)     no change" in " ".join(again.stdout.splitlines())
    gone = factory(tmp_path, "destroy", "--all", "--yes")
    assert gone.returncode == 0, gone.stderr
    assert World(tmp_path / "home" / "emulated" / "aws" / "world").things() == []


def test_given_a_stack_of_one_kind_when_the_other_opens_it_then_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)
    stack = stacks.Stack("dev", stacks.PLATFORM, "dev", {"target": "aws"})
    stacks.write_work_folder(stack, home)
    monkeypatch.setenv(emulation.VARIABLE, "1")
    with pytest.raises(FactoryError, match="dev is real, and FACTORY_EMULATE=1 asks for a stand-in: unset it"):
        stacks.write_work_folder(stack, home)
    other = stacks.Stack("prod", stacks.PLATFORM, "prod", {"target": "aws"})
    folder = stacks.write_work_folder(other, home)
    plugins = yaml.safe_load((folder / "Pulumi.yaml").read_text(encoding="utf-8"))["plugins"]["providers"]
    assert [plugin["name"] for plugin in plugins] == ["aws-native"]
    assert (Path(plugins[0]["path"]) / "pulumi-resource-aws-native").is_file()
    monkeypatch.delenv(emulation.VARIABLE)
    with pytest.raises(FactoryError, match="prod is emulated: set FACTORY_EMULATE=1 and"):
        stacks.write_work_folder(other, home)


def test_given_this_machine_or_an_odd_value_when_emulation_is_asked_for_then_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(emulation.VARIABLE, "1")
    assert Home(tmp_path).of("aws").root == tmp_path / "emulated" / "aws"
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://real")
    assert not stacks.shared_backend()
    with pytest.raises(FactoryError, match="stands in for a cloud, and this is target: local: unset it"):
        Home(tmp_path).of("local")
    monkeypatch.setenv(emulation.VARIABLE, "yes")
    with pytest.raises(UsageProblem, match="FACTORY_EMULATE=yes: write 1 to emulate, or unset it"):
        emulation.asked()
