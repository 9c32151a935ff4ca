"""Retirement and protection: what is recorded, what `up` makes of it, what is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aifactory.home import Home
from aifactory.provision import exclusive, plan, retirement, stacks
from aifactory.provision.plan import Place
from aifactory_runtime.audit import log
from aifactory_runtime.contract import EnvironmentContract, Manifest
from aifactory_runtime.errors import FactoryError, UsageProblem
from infra.services import anchoring
from tests.unit.aifactory.conftest import Factory
from tests.unit.aifactory.homes import provisioned, repo, write
from tests.unit.runtime.contract.test_manifest import VALID

CHURN = Manifest.model_validate(VALID)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose backend holds the platform and `churn` in dev and prod."""
    found = provisioned(tmp_path / "home")
    for project, names in ((stacks.PLATFORM, ("shared", "dev", "prod")), (stacks.USECASE, ("churn.dev", "churn.prod"))):
        for name in names:
            write(found.state / ".pulumi" / "stacks" / project / f"{name}.json", "{}")
    return found


def setting(home: Home, environment: str) -> str | None:
    return stacks.usecase(CHURN, environment, home, Path(sys.executable)).configuration.get("retired")


def test_given_a_use_case_when_retired_then_the_program_the_audit_log_and_people_are_told(home: Home) -> None:
    write(
        home.root / anchoring.HEADS, {"churn.prod": {"sequence": 4, "sha256": "d" * 64, "run": "r", "month": "2027-01"}}
    )
    retirement.retire(home, "churn", ["prod"], "replaced by\n churn-2")
    retirement.retire(home, "churn", ["prod"], "another reason, later")

    found = retirement.of(home, "churn", "prod")
    assert found is not None
    assert found.reason == "replaced by churn-2"
    assert (setting(home, "prod"), setting(home, "dev")) == ("replaced by churn-2", None)
    assert found.sentence().startswith("retired since 20")
    lines = log.read(home.root / "prod" / "churn" / "audit")
    assert [(line["action"], line["facts"]["reason"]) for line in lines] == [("retired", "replaced by churn-2")]
    assert lines[0]["facts"]["anchored"] == {"sequence": 4, "sha256": "d" * 64}


def test_given_a_retired_use_case_when_revived_then_it_is_as_before_and_the_audit_log_knows(home: Home) -> None:
    retirement.retire(home, "churn", ["prod"], "for a while")

    retirement.revive(home, "churn", ["dev", "prod"])

    assert retirement.of(home, "churn", "prod") is None
    assert setting(home, "prod") is None
    assert [line["action"] for line in log.read(home.root / "prod" / "churn" / "audit")] == ["retired", "revived"]
    assert log.read(home.root / "dev" / "churn" / "audit") == []


@pytest.mark.parametrize("reason", ["", "  \n", "x" * 301])
def test_given_no_real_reason_when_retired_then_it_is_refused(home: Home, reason: str) -> None:
    with pytest.raises(UsageProblem, match="--reason"):
        retirement.retire(home, "churn", ["prod"], reason)

    assert not (home.root / "retired").exists()


def test_given_an_environment_without_the_use_case_when_retired_then_nothing_is_recorded(home: Home) -> None:
    with pytest.raises(FactoryError, match="not provisioned in staging"):
        retirement.retire(home, "churn", ["dev", "staging"], "over")

    assert retirement.of(home, "churn", "dev") is None


@pytest.mark.parametrize("arguments", [("retire", "prod", "--reason", "over"), ("up", "prod", "--revive")])
def test_given_a_stack_that_is_being_changed_when_retired_or_revived_then_the_refusal_changes_nothing(
    tmp_path: Path, home: Home, factory: Factory, arguments: tuple[str, ...]
) -> None:
    revive = arguments[0] == "up"
    if revive:
        retirement.retire(home, "churn", ["prod"], "for a while")
    audit = home.root / "prod" / "churn" / "audit"
    before = log.read(audit)

    with exclusive.hold(home.lock("churn.prod"), "churn.prod"):
        done = factory(*arguments, cwd=repo(tmp_path / "churn"), home=home.root)
        with pytest.raises(FactoryError, match="is being changed"):
            (retirement.revive if revive else _retire)(home, "churn", ["dev", "prod"])

    assert (done.returncode, "is being changed by process" in done.stderr) == (1, True)
    assert (retirement.of(home, "churn", "prod") is not None) == revive
    assert retirement.of(home, "churn", "dev") is None
    assert log.read(audit) == before


def _retire(home: Home, use_case: str, environments: list[str]) -> None:
    retirement.retire(home, use_case, environments, "over")


@pytest.mark.parametrize("content", ["{", "[]", '{"why": 1}'])
def test_given_a_damaged_record_when_read_then_it_is_named(home: Home, content: str) -> None:
    path = write(home.retired("churn", "prod"), content)

    with pytest.raises(FactoryError, match=f"{path} is damaged"):
        retirement.of(home, "churn", "prod")
    with pytest.raises(FactoryError, match=f"{path} is damaged"):
        setting(home, "prod")


def test_given_a_retired_environment_when_its_contract_is_read_then_nothing_is_served() -> None:
    values = dict.fromkeys(("tracking_uri", "registry_uri", "experiment", "model_name", "data_source", "data_uri"), "x")
    values |= dict.fromkeys(("artifact_uri", "capture_uri", "release_uri", "snapshot_uri", "audit_uri"), "x")
    values |= {"events_uri": "x", "logs_uri": "x", "use_case": "churn", "environment": "prod", "identity": "ana"}

    assert EnvironmentContract.model_validate(values).serves
    assert not EnvironmentContract.model_validate({**values, "retired": "over"}).serves


@pytest.mark.parametrize(
    ("arguments", "in_repo"),
    [(("prod", "--yes"), True), (("--all", "--yes"), False), (("dev", "prod", "--yes"), True)],
)
def test_fault_46_given_a_use_case_in_prod_when_destroyed_without_naming_it_twice_then_it_is_refused(
    tmp_path: Path, home: Home, factory: Factory, arguments: tuple[str, ...], in_repo: bool
) -> None:
    before = stacks.known(home)

    done = factory("destroy", *arguments, cwd=repo(tmp_path / "churn") if in_repo else tmp_path, home=home.root)

    assert done.returncode == 1
    assert "churn.prod is protected" in done.stderr
    assert "--unprotect churn.prod" in done.stderr
    assert stacks.known(home) == before


@pytest.mark.parametrize("named", ["churn.prod", "prod"])
def test_fault_46_given_a_use_case_in_prod_when_named_twice_then_the_protection_no_longer_stands_in_the_way(
    tmp_path: Path, home: Home, factory: Factory, named: str
) -> None:
    done = factory("destroy", "prod", "--yes", "--unprotect", named, cwd=repo(tmp_path / "churn"), home=home.root)

    # In a fast test there is no engine, which is what stops it now.
    assert "the Pulumi engine is missing" in done.stderr


@pytest.mark.parametrize("named", ["churn", "other.prod", "dev", "churn.dev"])
def test_fault_46_given_another_name_when_unprotected_then_what_is_protected_is_listed(
    tmp_path: Path, home: Home, factory: Factory, named: str
) -> None:
    done = factory("destroy", "prod", "--yes", "--unprotect", named, cwd=repo(tmp_path / "churn"), home=home.root)

    assert done.returncode == 2
    assert "protected here is churn.prod" in done.stderr


def test_given_a_use_case_in_dev_when_an_environment_of_the_platform_is_destroyed_then_only_it_is_counted(
    tmp_path: Path, home: Home, factory: Factory
) -> None:
    for environments, standing in ((("dev",), "churn.dev"), (("shared",), "churn.dev, churn.prod")):
        done = factory("destroy", *environments, "--yes", cwd=tmp_path, home=home.root)

        assert done.returncode == 1
        assert f"{standing} still stand on it" in done.stderr


def test_fault_47_given_a_use_case_half_destroyed_when_everything_is_planned_then_its_stack_is_still_meant(
    home: Home,
) -> None:
    write(home.work("churn.prod") / "Pulumi.churn.prod.yaml", "config:\n  aifactory-usecase:home: /h\n")
    home.applied("churn", "prod").unlink()

    waves = plan.everything(Place(home, None, None), Path(sys.executable))

    assert [[stack.name for stack in wave] for wave in waves] == [
        ["shared"],
        ["dev", "prod"],
        ["churn.dev", "churn.prod"],
    ]
    assert waves[-1][-1].configuration == {"home": "/h"}


def test_given_one_environment_of_the_platform_when_planned_to_go_then_what_is_shared_stays(home: Home) -> None:
    place = Place(home, None, None)

    planned = plan.only(plan.waves(place, ["dev"], Path(sys.executable), with_platform=False), ["dev"])

    assert [[stack.name for stack in wave] for wave in planned] == [["dev"]]
