"""Where a release takes its candidate from."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from aifactory_runtime.release.side import Side, source_of
from tests.unit.runtime.release.parts import contract


@pytest.mark.parametrize(
    ("environment", "train_in", "source"),
    [
        ("embedded", "dev", "embedded"),
        ("dev", "dev", "dev"),
        ("dev", "prod", "dev"),
        ("staging", "dev", "dev"),
        ("staging", "prod", "prod"),
        ("prod", "dev", "staging"),
        ("prod", "prod", "staging"),
    ],
)
def test_given_where_training_happens_when_released_then_staging_takes_from_there(
    environment: str, train_in: str, source: str
) -> None:
    target = SimpleNamespace(name=environment, contract=contract(environment, train_in=train_in))

    assert source_of(cast("Side", target)) == source
