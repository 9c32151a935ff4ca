"""Which files of a rendered repo are its owner's: the patterns that the template states, with the answers put in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def patterns(stated: Sequence[str], answers: Mapping[str, Any]) -> tuple[str, ...]:
    """`_skip_if_exists` of the template, as git ignores files; questions/ownership.yml says what it means."""
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment()
    return tuple(environment.from_string(pattern).render(answers) for pattern in stated)
