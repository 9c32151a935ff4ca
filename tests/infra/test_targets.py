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
        assert model.model_json_schema()["properties"]["target"].get("const") == names.TARGETS[0]


def test_given_an_offer_when_it_is_read_then_the_engine_is_not_loaded() -> None:
    code = "import sys; from infra import targets; targets.offer('local'); print('pulumi' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
