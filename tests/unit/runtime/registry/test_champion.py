"""A version that failed its test is never the champion: what was there before it is, or nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.contract import names
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline import champion as pipeline_champion
from aifactory_runtime.pipeline import score
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.registry import champion as champions
from aifactory_runtime.registry.port import CHAMPION, Registry
from tests.unit.runtime.release.parts import Known


@st.composite
def registries(draw: st.DrawFn) -> Registry:
    """Any history, those included that go in circles, as rollbacks and releases by number make them."""
    count = draw(st.integers(1, 6))
    before = st.none() | st.integers(1, count)
    versions = {number: (draw(st.booleans()), draw(before)) for number in range(1, count + 1)}
    return cast("Registry", Known(versions, draw(before)))


@given(registry=registries())
def test_given_any_history_when_asked_for_the_champion_then_it_is_none_that_failed(registry: Registry) -> None:
    found, holder = champions.champion(registry), registry.by_alias(CHAMPION)

    assert not champions.did_fail(found)
    if holder is not None and not champions.did_fail(holder):
        assert found == holder


def context(registry: Known, environment: str = "staging") -> Context:
    contract = SimpleNamespace(environment=environment, model_name="churn")
    return cast("Context", SimpleNamespace(registry=registry, contract=contract))


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ({1: (False, None), 2: (False, 1)}, 2),
        ({1: (False, None), 2: (True, 1)}, 1),
        ({1: (False, None), 2: (True, 1), 3: (True, 2)}, 1),
    ],
)
def test_given_a_failed_release_when_a_batch_is_scored_then_by_what_was_champion_before(
    versions: dict[int, tuple[bool, int | None]], expected: int
) -> None:
    assert score._model(context(Known(versions, max(versions)))).number == expected


def test_given_only_failed_versions_when_asked_then_nothing_scores_and_nothing_is_compared_with() -> None:
    registry = Known({1: (True, None)}, 1)
    with pytest.raises(FactoryError, match="has no champion"):
        score._model(context(registry))
    none = pipeline_champion.compare(context(registry), cast("Any", None), (), cast("Any", None))
    assert none == pipeline_champion.Comparison()


def test_given_nothing_provisioned_and_only_a_failed_champion_when_scored_then_by_the_newest() -> None:
    registry = Known({1: (True, None), 2: (False, None)}, 1)
    assert score._model(context(registry, names.EMBEDDED)).number == 2
