"""How slow tests are dealt: files that share a platform stay together, and each file that is named is there."""

from __future__ import annotations

from pathlib import Path

from tests import distribution

ROOT = Path(__file__).parents[2]


def test_given_files_of_a_group_when_dealt_then_they_go_to_one_process_and_others_go_alone() -> None:
    for name, files in distribution.GROUPS:
        assert {distribution.group_of(file) for file in files} == {name}
        assert all((ROOT / file).is_file() for file in files)
    assert distribution.group_of("tests/unit/test_demo.py") == "tests/unit/test_demo.py"
