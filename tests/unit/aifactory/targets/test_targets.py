"""Operations by target: the same on each, found by the manifest's target, and nothing of another one loaded."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import click.testing
import pytest
import yaml

from aifactory import targets
from aifactory.cli.main import factory
from aifactory.home import Home
from aifactory.provision.plan import Place
from aifactory_runtime.contract import Manifest, names
from aifactory_runtime.errors import UsageProblem
from tests.unit.runtime.contract.test_manifest import VALID

TOOL = Path(targets.__file__).parents[1]
OPERATIONS = [name for name, _ in inspect.getmembers(targets.Operations, inspect.isfunction) if name[0] != "_"]
ON_AWS: dict[str, Any] = {**VALID, "target": "aws", "platform": "s3://acme-platform"}


@pytest.mark.parametrize("name", names.TARGETS)
def test_given_a_target_then_it_has_each_operation_in_the_same_form(name: str) -> None:
    module = importlib.import_module(f"aifactory.targets.{name}")

    for operation in OPERATIONS:
        asked = list(inspect.signature(getattr(targets.Operations, operation)).parameters.values())[1:]
        takes = list(inspect.signature(getattr(module, operation)).parameters.values())
        refuses_whatever_is_asked = takes[0].kind is inspect.Parameter.VAR_POSITIONAL
        assert refuses_whatever_is_asked or takes == asked, operation


def test_given_a_manifest_then_its_target_does_it_and_without_one_this_machine() -> None:
    def found(manifest: dict[str, Any] | None) -> str:
        said = None if manifest is None else Manifest.model_validate(manifest)
        return str(targets.of(Place(Home(Path("/none")), None, said)).__name__)  # type: ignore[attr-defined]

    assert found(None) == found(VALID) == "aifactory.targets.local"
    assert found(ON_AWS) == "aifactory.targets.aws"
    with pytest.raises(UsageProblem, match="moon is no target; there are: local, aws"):
        targets.named("moon")


def test_given_the_command_then_one_module_of_it_speaks_to_the_provider_of_this_machine() -> None:
    speaking = {
        path.relative_to(TOOL).as_posix()
        for path in TOOL.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("infra.providers.local")
    }

    assert speaking == {"machine.py"}


@pytest.mark.parametrize("name", names.TARGETS)
def test_given_a_target_when_it_is_found_then_nothing_of_another_one_or_of_a_vendor_is_loaded(name: str) -> None:
    code = f"import sys; from aifactory import targets; targets.named('{name}'); print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    others = tuple(f"aifactory.targets.{one}" for one in {*names.TARGETS} - {name})
    assert [one for one in loaded if one.startswith((*others, "boto3", "botocore", "obstore", "infra.providers"))] == []
    assert f"aifactory.targets.{name}" in loaded


@pytest.mark.parametrize(
    ("arguments", "instead"),
    [
        (["start"], "factory release"),
        (["stop"], "factory retire ENV"),
        (["backup"], "docs/aws.md"),
        (["restore", "factory.tar.gz"], "docs/aws.md"),
        (["restore", "factory.tar.gz", "--state", "churn.dev"], "docs/aws.md"),
        (["rotate"], "factory person"),
    ],
)
def test_given_a_repo_on_aws_when_a_command_of_this_machine_is_typed_then_it_says_what_replaces_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], instead: str
) -> None:
    (tmp_path / "factory.yaml").write_text(yaml.safe_dump(ON_AWS))
    monkeypatch.chdir(tmp_path)

    done = click.testing.CliRunner().invoke(factory, arguments)

    assert isinstance(done.exception, UsageProblem)
    assert "has no meaning with target: aws" in str(done.exception)
    assert instead in str(done.exception)
