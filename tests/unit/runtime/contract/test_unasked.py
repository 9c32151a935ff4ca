"""People who are named to approve and whom nobody asks: said, as older manifests may have it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.runtime.release.test_approvals import prod


@pytest.mark.parametrize(
    ("approvers", "approval", "said"),
    [(("ben",), "none", True), (("ben",), "required", False), ((), "none", False)],
)
def test_given_approvers_then_a_note_is_there_only_where_nobody_asks_them(
    tmp_path: Path, approvers: tuple[str, ...], approval: str, said: bool
) -> None:
    note = prod(tmp_path, *approvers).model_copy(update={"approval": approval}).unasked
    assert bool(note) == said
    assert note is None or ("ben" in note and "write approval: required in factory.yaml" in note)
