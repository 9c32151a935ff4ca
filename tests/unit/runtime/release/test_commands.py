"""The commands of a release: versions that cannot be are refused at once."""

from __future__ import annotations

import click
import pytest

from aifactory_runtime.release import commands


@pytest.mark.parametrize("number", ["0", str(2**31), "9" * 30, "x"])
@pytest.mark.parametrize("command", [["release", "--to", "staging"], ["approve", "--env", "prod", "--as", "kim"]])
def test_given_a_version_that_no_registry_has_when_asked_for_then_it_is_refused_before_anything_is_asked(
    command: list[str], number: str
) -> None:
    with pytest.raises(click.BadParameter, match=number):
        getattr(commands, command[0]).main([*command[1:], "--version", number], standalone_mode=False)
