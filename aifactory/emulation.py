"""FACTORY_EMULATE=1: a stand-in for the cloud's plugin, and a state of its own, in place of the real ones."""

from __future__ import annotations

import os

from aifactory_runtime.errors import UsageProblem

VARIABLE = "FACTORY_EMULATE"
FOLDER = "emulated"
"""Where all that is emulated lies in FACTORY_HOME: state, outputs of the platform, the emulated cloud itself."""
NOTE = f"emulated ({VARIABLE}=1): a stand-in answers, nothing of this is in a cloud"


def asked() -> bool:
    """Whether the variable asks for it; UsageProblem for a value that says neither yes nor no."""
    value = os.environ.get(VARIABLE, "")
    if value not in ("", "0", "1"):
        raise UsageProblem(f"{VARIABLE}={value}: write 1 to emulate, or unset it")
    return value == "1"


def label(stack: str) -> str:
    """Name of a stack as people read it: what is emulated says so."""
    return f"{stack} (emulated)" if asked() else stack
