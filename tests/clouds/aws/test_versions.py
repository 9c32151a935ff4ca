"""Versions on AWS: a registration that is killed or races is one version in the end, and torn bytes are none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest

from aifactory_runtime.aws import aliases, packages, versions
from aifactory_runtime.aws.registry import AwsRegistry, connect
from aifactory_runtime.aws.session import Session
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry import model_folder
from aifactory_runtime.registry.port import CHAMPION, GATE, STAGE
from aifactory_runtime.storage import Store
from tests.clouds.fixtures.mlflow_app import MlflowApp
from tests.clouds.fixtures.sagemaker import SageMaker

REGISTERS = """
import pathlib, sys
from aifactory_runtime.aws.registry import connect
from aifactory_runtime.contract import EnvironmentContract
contract = EnvironmentContract.model_validate_json(sys.argv[1])
connect(contract).register(pathlib.Path(sys.argv[2]), {})
"""


@pytest.fixture
def registry(contract: EnvironmentContract) -> AwsRegistry:
    return connect(contract)


@pytest.fixture
def store(contract: EnvironmentContract) -> Store:
    return Session(contract).store(contract.registry_uri)


def package(contract: EnvironmentContract, number: int) -> dict[str, Any]:
    """A package as SageMaker shows it."""
    client = boto3.client("sagemaker")
    found = client.list_model_packages(ModelPackageGroupName=contract.model_name)["ModelPackageSummaryList"]
    arn = next(one["ModelPackageArn"] for one in found if one["ModelPackageVersion"] == number)
    described: dict[str, Any] = client.describe_model_package(ModelPackageName=arn)
    return described


def at_once(many: list[Callable[[], object]]) -> None:
    """Do all of it in threads; the first error is raised."""
    failed: list[BaseException] = []

    def kept(one: Callable[[], object]) -> None:
        try:
            one()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=kept, args=(one,)) for one in many]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


@pytest.mark.parametrize("point", ["bytes", "half of the bytes", "record", "shown"])
def test_given_a_registration_that_ended_midway_when_done_again_then_it_is_one_version(
    contract: EnvironmentContract, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    registry = connect(contract)

    def ends(*_: object) -> None:
        if point == "half of the bytes":
            Session(contract).store(contract.registry_uri).put("1/model/MLmodel", b"torn")
        raise KeyboardInterrupt

    step = {"record": "_put_record", "shown": "_show"}.get(point, "_put_bytes")
    with monkeypatch.context() as patch:
        patch.setattr(versions.PackagedVersions, step, ends)
        with pytest.raises(KeyboardInterrupt):
            registry.register(model, {})
    shown = point == "shown"
    assert [version.number for version in registry.versions()] == [1] * shown
    assert package(contract, 1)["ModelApprovalStatus"] == "Rejected"
    if not shown:
        with pytest.raises(FactoryError, match="has no version 1"):
            registry.version(1)
    version = registry.register(model, {})
    registry.download(version, tmp_path / "copy")
    assert [one.number for one in registry.versions()] == [version.number] == [1]
    assert package(contract, 1)["ModelApprovalStatus"] == "PendingManualApproval"
    assert model_folder.digest(tmp_path / "copy") == version.model_sha256


@pytest.mark.parametrize("operation", ["CreateModelPackage", "UpdateModelPackage"])
def test_given_a_registration_that_is_killed_when_done_again_then_it_is_one_version(
    contract: EnvironmentContract, registry: AwsRegistry, sagemaker: SageMaker, model: Path, operation: str
) -> None:
    process: list[subprocess.Popen[bytes]] = []

    def kill() -> None:
        process[0].send_signal(signal.SIGKILL)
        process[0].wait()

    sagemaker.before[operation] = kill
    process.append(subprocess.Popen([sys.executable, "-c", REGISTERS, contract.model_dump_json(), str(model)]))
    assert process[0].wait(60) == -signal.SIGKILL
    assert registry.register(model, {}).number == 1
    assert [version.number for version in registry.versions()] == [1]


@pytest.mark.parametrize("honoured", [True, False])
def test_given_the_same_model_when_four_register_it_at_once_then_one_version(
    contract: EnvironmentContract, sagemaker: SageMaker, model: Path, monkeypatch: pytest.MonkeyPatch, honoured: bool
) -> None:
    sagemaker.honours_tokens = honoured
    found: list[int] = []
    together, create = threading.Barrier(4), packages.Packages.create

    def created(own: packages.Packages, sha256: str, content: str) -> packages.Package:
        together.wait(30)  # all four have seen that there is none
        return create(own, sha256, content)

    monkeypatch.setattr(packages.Packages, "create", created)
    at_once([lambda: found.append(connect(contract).register(model, {}).number)] * 4)
    assert found == [1] * 4
    assert [version.number for version in connect(contract).versions()] == [1]


def test_given_files_of_a_group_of_before_when_registered_then_they_are_no_part_of_it(
    registry: AwsRegistry, store: Store, model: Path, tmp_path: Path
) -> None:
    store.put("1/model/left.bin", b"of before")
    store.put(
        "1/version.json", b'{"content": "x", "model_sha256": "y", "run_id": "", "tags": {"aifactory.gate": "passed"}}'
    )
    assert registry.versions() == []
    version = registry.register(model, {})
    registry.download(version, tmp_path / "copy")
    assert not (tmp_path / "copy" / "left.bin").exists()
    assert GATE not in registry.version(1).tags


def test_given_a_package_that_somebody_else_made_when_asked_then_it_is_no_version(
    contract: EnvironmentContract, registry: AwsRegistry, model: Path
) -> None:
    boto3.client("sagemaker").create_model_package(
        ModelPackageGroupName=contract.model_name, ModelApprovalStatus="Approved", ModelPackageDescription="by hand"
    )
    assert registry.versions() == []
    with pytest.raises(FactoryError, match="has no version 1"):
        registry.set_alias(CHAMPION, 1)
    assert registry.register(model, {}).number == 2


@pytest.mark.parametrize("change", ["content", "more", "gone"])
def test_given_changed_bytes_when_downloaded_then_refused_and_no_folder_left(
    registry: AwsRegistry, store: Store, model: Path, tmp_path: Path, change: str
) -> None:
    version = registry.register(model, {})
    if change == "content":
        store.put("1/model/part/model.skops", b"\x00\x02")
    elif change == "more":
        store.put("1/model/model.pkl", b"\x80\x04.")
    else:
        for entry in list(store.list("1/model/")):
            store.delete(entry.key)
    with pytest.raises(FactoryError, match=r"sha256 differs|is missing"):
        registry.download(version, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_given_tags_and_aliases_set_at_once_then_none_is_lost(contract: EnvironmentContract, model: Path) -> None:
    registry = connect(contract)
    registry.register(model, {})
    tags = [partial(connect(contract).set_tag, 1, f"key-{number}", "x") for number in range(6)]
    moved = [partial(connect(contract).set_alias, f"alias-{number}", 1) for number in range(6)]
    at_once([*tags, *moved])
    assert set(registry.version(1).tags) >= {f"key-{number}" for number in range(6)}
    found = aliases.read(Session(contract).store(contract.registry_uri))
    assert found == {f"alias-{number}": 1 for number in range(6)}


def test_given_damaged_objects_when_read_then_one_line_names_them(
    registry: AwsRegistry, store: Store, model: Path
) -> None:
    registry.register(model, {})
    store.put("1/version.json", b"{")
    with pytest.raises(FactoryError, match=r"^models/1/version.json is damaged: put an earlier version"):
        registry.version(1)
    store.put("aliases.json", b"[]")
    with pytest.raises(FactoryError, match=r"^aliases.json of the registry is damaged"):
        registry.by_alias(CHAMPION)


def test_given_what_the_gate_found_then_the_package_says_so_and_an_alias_lets_it_be_deployed(
    contract: EnvironmentContract, registry: AwsRegistry, model: Path
) -> None:
    registry.register(model, {GATE: "refused", "aifactory.commit": "c" * 40})
    registry.register(model, {GATE: "passed", "aifactory.data.raw": "1@b", "aifactory.commit": "d (dirty), ü" * 40})
    assert package(contract, 1)["ModelApprovalStatus"] == "Rejected"
    before = package(contract, 2)
    registry.set_alias(CHAMPION, 2)
    after = package(contract, 2)
    assert (before["ModelApprovalStatus"], after["ModelApprovalStatus"]) == ("PendingManualApproval", "Approved")
    assert after["CustomerMetadataProperties"] == before["CustomerMetadataProperties"]
    assert after["CustomerMetadataProperties"]["aifactory.gate"] == "passed"
    assert after["SourceUri"] == f"{contract.registry_uri}/2/model"


def test_given_a_right_that_is_missing_or_no_group_when_registered_then_one_line(
    contract: EnvironmentContract, registry: AwsRegistry, sagemaker: SageMaker, model: Path
) -> None:
    sagemaker.denied["CreateModelPackage"] = (
        "User: arn:aws:sts::123456789012:assumed-role/job/one is not authorized to perform: "
        "sagemaker:CreateModelPackage on resource: arn:x because no identity-based policy allows it"
    )
    with pytest.raises(FactoryError, match=r"^job/one lacks the right sagemaker:CreateModelPackage on arn:x in prod:"):
        registry.register(model, {})
    sagemaker.denied.clear()
    away = connect(contract.model_copy(update={"model_name": "nowhere"}))
    with pytest.raises(FactoryError, match=r"^the model package group nowhere is not there: factory up prod makes it$"):
        away.register(model, {})


def test_given_whoever_may_write_runs_when_they_say_the_gate_passed_then_no_version_says_so(
    contract: EnvironmentContract, registry: AwsRegistry, mlflow_app: MlflowApp, model: Path
) -> None:
    run = registry.start_run("fit", {GATE: "refused"})
    version = registry.register(model, {GATE: "refused"}, run)
    registry.log(run, tags={GATE: "passed", STAGE: "champion"})
    mlflow_app.requests.clear()

    fresh = connect(contract)
    found = [fresh.version(version.number), *fresh.versions(), fresh.register(model, {GATE: "passed"}, run)]
    fresh.set_alias(CHAMPION, version.number)
    champion = fresh.by_alias(CHAMPION)
    fresh.record_approval("kim.meyer", "a" * 64, "b" * 64)
    fresh.approvals("kim.meyer")

    assert champion is not None
    assert [one.tags[GATE] for one in [*found, champion]] == ["refused"] * 4
    assert mlflow_app.requests == [], "nothing that a release goes by is asked of MLflow"


def test_given_another_target_when_its_registry_is_opened_then_nothing_of_aws_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from tests.clouds.fixtures import account\n"
        "from aifactory_runtime.registry.connect import connect\n"
        f"a = 'sqlite:///{tmp_path}/mlflow.db'\n"
        f"c = account.contract(target='local', tracking_uri=a, registry_uri=a, artifact_uri='{tmp_path}')\n"
        "connect(c, None).versions(); print(sorted(n for n in sys.modules if n in ('boto3', 'botocore', 'obstore') or "
        "n.startswith('aifactory_runtime.aws')))"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root, env=dict(os.environ)
    )
    assert done.stdout.strip() == "[]"
