"""How a successor is tried: the manifest says it in days and minutes, the contract flat and in seconds."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from aifactory_runtime.contract import derived
from aifactory_runtime.contract.trial import Trial, written
from tests.unit.runtime.release.parts import contract


def test_given_a_stated_trial_when_applied_then_the_contract_says_the_same_and_the_old_key_stays_direct() -> None:
    stated = Trial.model_validate(
        {"kind": "ab", "share": 0.2, "period": "7d", "wait": "90m", "guards": {"errors": 0.1}}
    )

    applied = contract("prod", **derived.of_trial(stated))

    assert applied.stated_trial() == stated
    assert (stated.period, stated.wait) == (604_800, 5_400)
    assert applied.live_test == "direct", "what releases up to 0.2.0 read"


def test_given_proxies_when_applied_then_the_contract_says_the_same() -> None:
    share = {"figure": "share", "of": 1, "direction": "down", "margin": 0.1}
    stated = Trial.model_validate({"kind": "ab", "proxies": [share, {**share, "of": "yes"}]})
    values = json.loads(json.dumps(derived.of_trial(stated)))
    assert contract("prod", **values).stated_trial() == stated
    assert [one.name for one in stated.proxies] == ["share of 1", "share of yes"]


@pytest.mark.parametrize(
    "said",
    [
        {"figure": "share", "direction": "down", "margin": 0.1},
        {"figure": "confidence", "of": 1, "direction": "down", "margin": 0.1},
        {"figure": "share", "of": 1, "margin": 0.1},
        {"figure": "share", "of": 1, "direction": "down", "margin": -0.1},
        {"figure": "clicks", "direction": "down", "margin": 0.1},
    ],
)
def test_given_a_proxy_that_cannot_be_when_read_then_it_is_refused(said: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Trial.model_validate({"kind": "ab", "proxies": [said]})


@pytest.mark.parametrize(("seconds", "said"), [(604_800, "7d"), (5_400, "90m"), (0.5, "0.5s"), (0, "0s")])
def test_given_a_length_of_time_when_written_then_a_person_would_type_it_so(seconds: float, said: str) -> None:
    assert written(seconds) == said


def test_given_a_contract_from_before_when_read_then_a_successor_becomes_champion_at_once() -> None:
    assert contract("prod").stated_trial() == Trial()
    assert Trial().kind == "direct"


def test_given_a_contract_whose_trial_cannot_run_when_read_then_it_is_refused() -> None:
    with pytest.raises(ValidationError, match="longest is shorter than a period"):
        contract("prod", trial="ab", trial_period=10.0, trial_longest=5.0)
