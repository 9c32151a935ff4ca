"""What builds an environment is found by the name of its target, and nothing of another target is loaded."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from aifactory_runtime.contract import EnvironmentContract, Manifest, names
from infra import targets
from infra.conventions import sizes

PROVIDERS = Path(targets.__file__).parent / "providers"
COMPONENTS = Path(targets.__file__).parent / "components"
VENDORS = ("pulumi_aws_native", "boto3", "botocore", "obstore")
"""Packages that only a command about AWS may load, and only when it builds or asks something there."""


@pytest.mark.parametrize("name", names.TARGETS)
def test_given_a_target_when_it_is_found_then_it_has_all_that_the_programs_call(name: str) -> None:
    for protocol, found in ((targets.Target, targets.target(name)), (targets.Offer, targets.offer(name))):
        for part, wanted in inspect.getmembers(protocol, inspect.isfunction):
            if not part.startswith("_"):
                asked = [*inspect.signature(wanted).parameters][1:]
                assert [*inspect.signature(getattr(found, part)).parameters] == asked, part


@pytest.mark.parametrize("name", names.TARGETS)
def test_given_a_target_when_its_offer_is_read_then_every_size_has_a_price_and_every_plugin_is_there(name: str) -> None:
    offer = targets.offer(name)

    assert all(offer.service_month(size) > 0 for size in sizes.SIZES)
    assert [path.is_dir() for path in offer.plugins(PROVIDERS).values()] == [True] * len(offer.plugins(PROVIDERS))


@pytest.mark.parametrize("find", [targets.target, targets.offer])
def test_given_a_target_that_is_not_there_when_it_is_looked_for_then_those_that_are_there_are_named(
    find: object,
) -> None:
    assert callable(find)
    with pytest.raises(ValueError, match=f"moon is none of {', '.join(names.TARGETS)}"):
        find("moon")


def test_given_the_folders_of_components_when_listed_then_each_is_a_target_of_the_contract() -> None:
    folders = {path.name for path in COMPONENTS.iterdir() if path.is_dir() and path.name != "__pycache__"}

    assert folders == set(names.TARGETS)
    for model in (Manifest, EnvironmentContract):
        assert model.model_json_schema()["properties"]["target"]["enum"] == [*names.TARGETS]


@pytest.mark.parametrize("name", names.TARGETS)
def test_given_an_offer_when_it_is_read_then_the_engine_is_not_loaded(name: str) -> None:
    assert {module.partition(".")[0] for module in loaded(f"targets.offer('{name}')")} & {"pulumi", *VENDORS} == set()


@pytest.mark.parametrize("name", names.TARGETS)
def test_given_a_target_when_it_is_found_then_nothing_of_another_target_or_vendor_is_loaded(name: str) -> None:
    others = tuple(
        f"infra.{part}.{other}" for part in ("components", "providers") for other in {*names.TARGETS} - {name}
    )

    found = loaded(f"targets.target('{name}'); targets.offer('{name}')")

    assert [module for module in found if module.startswith((*others, *VENDORS))] == []
    assert f"infra.components.{name}.target" in found


def loaded(code: str) -> list[str]:
    """Names of the modules that a new interpreter has after `code`."""
    whole = f"import sys; from infra import targets; {code}; print(*sys.modules)"
    return subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, check=True).stdout.split()
