"""The handoff of a run: what is no handoff is named, never half understood."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.pipeline import commands
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline.handoff import Handoff

WHOLE = Handoff(id="1", kind="experiment", commit="c", dirty=False, code_sha256="a", lock_sha256="b")


def test_given_a_handoff_when_saved_and_loaded_then_it_is_the_same(tmp_path: Path) -> None:
    handoffs.save(tmp_path, WHOLE)

    assert handoffs.load(tmp_path, "1") == WHOLE


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "[" * 100_000, '{"tables": []}', '{"tables": {"raw": 1}}', '{"tables": {"raw": {"x": 1}}}'],
    ids=lambda content: content[:20],
)
def test_fault_19_given_a_damaged_handoff_when_loaded_then_it_is_named_with_its_mend(
    tmp_path: Path, content: str
) -> None:
    handoffs.save(tmp_path, WHOLE)
    (tmp_path / "runs" / "1" / "handoff.json").write_text(content, encoding="utf-8")

    with pytest.raises(UsageProblem, match=r"handoff\.json is not a handoff: start again with ingest"):
        handoffs.load(tmp_path, "1")


@pytest.mark.parametrize(("positive", "said"), [(None, "f1 0.5000"), ("ja", "f1 of ja 0.5000"), (0, "f1 of 0 0.5000")])
def test_given_a_positive_class_when_a_run_is_summed_up_then_f1_says_of_which(positive: object, said: str) -> None:
    made = replace(WHOLE, metrics={"f1": 0.5, "reference.f1": 0.6}, version=3)

    assert commands.summary(made, positive) == f"run 1: version 3 registered; {said}"
