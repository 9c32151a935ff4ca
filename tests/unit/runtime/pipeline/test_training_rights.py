"""Who may train in which environment."""

from __future__ import annotations

import pytest

from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.pipeline import training_rights
from tests.unit.runtime.release.parts import contract


@pytest.mark.parametrize(
    ("environment", "train_in", "identity", "says"),
    [
        ("embedded", "prod", "local", None),
        ("dev", "dev", "ana", None),
        ("dev", "prod", "ana", None),
        ("prod", "prod", "release", None),
        ("prod", "prod", "ana", "factory release --train --env prod"),
        ("prod", "prod", "service", "only its release identity"),
        ("prod", "dev", "release", "train in dev"),
        ("staging", "prod", "release", "train in prod"),
        ("staging", "dev", "release", "nothing is trained in staging"),
    ],
)
def test_given_an_identity_when_it_trains_then_only_where_it_may(
    environment: str, train_in: str, identity: str, says: str | None
) -> None:
    asked = contract(environment, train_in=train_in, identity=identity)
    if says is None:
        training_rights.check(asked)
        return
    with pytest.raises(UsageProblem, match=says):
        training_rights.check(asked)
