"""`kpi` of the manifest."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from aifactory_runtime.contract.kpi import Kpi


def test_given_a_name_alone_when_read_then_more_is_better_and_the_repo_works_it_out() -> None:
    found = Kpi.model_validate({"name": "profit"})
    assert (found.direction, found.margin, found.field) == ("up", 0.0, None)


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"name": "Profit a row"}, "name"),
        ({"name": "profit", "direction": "better"}, "direction"),
        ({"name": "profit", "margin": -1}, "margin"),
        ({"name": "profit", "field": "label"}, "label is what a label says of itself"),
        ({"name": "profit", "feild": "profit"}, "feild"),
    ],
)
def test_given_what_cannot_be_when_read_then_it_is_refused(said: dict[str, object], where: str) -> None:
    with pytest.raises(ValidationError, match=where):
        Kpi.model_validate(said)
