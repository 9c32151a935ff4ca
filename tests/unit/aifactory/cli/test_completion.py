"""Completion in the shell: commands with their lines, options, environments; nothing heavy is imported for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FACTORY = str(Path(sys.executable).with_name("factory"))


def completed(*words: str) -> list[str]:
    """What the shell is told for the last of `words`."""
    variables = {"COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1), "_FACTORY_COMPLETE": "bash_complete"}
    done = subprocess.run([FACTORY], env={**os.environ, **variables}, capture_output=True, text=True, check=True)
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("factory", "rel"), ["release"]),
        (("factory", "st"), ["status", "start", "stop"]),
        (("factory", "up", "--pl"), ["--platform"]),
        (("factory", "up", "st"), ["staging"]),
        (("factory", "nothing-like-it"), []),
    ],
)
def test_given_the_beginning_of_a_word_then_what_it_can_become_is_told(
    words: tuple[str, ...], expected: list[str]
) -> None:
    assert completed(*words) == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_given_a_shell_then_its_script_calls_this_command(shell: str) -> None:
    done = subprocess.run([FACTORY, "completion", shell], capture_output=True, text=True, check=True)
    assert f"_FACTORY_COMPLETE={shell}_complete" in done.stdout
