"""The installed tool has what its lock has: no module of it may need more when it is imported."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
_SCRIPT = """
import importlib, pkgutil, sys
from importlib import metadata

foreign = set({foreign!r})
blocked = {{
    name
    for name, makers in metadata.packages_distributions().items()
    if makers and all(maker.lower().replace("_", "-").replace(".", "-") in foreign for maker in makers)
}}

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError("not in the tool's lock: " + name)

sys.meta_path.insert(0, Block())
import aifactory
for module in pkgutil.walk_packages(aifactory.__path__, "aifactory."):
    if not module.name.startswith({of_extras!r}):
        importlib.import_module(module.name)
print("all of it")
"""
OF_EXTRAS = ("aifactory.targets.on_aws.",)
"""Modules that need an extra of the tool, and are imported where it is there."""


def pinned(lock: str) -> set[str]:
    """Distributions that a lock pins, as indexes compare them."""
    found = re.findall(
        r"^([A-Za-z0-9._-]+)==", (ROOT / "requirements" / lock).read_text(encoding="utf-8"), re.MULTILINE
    )
    return {re.sub(r"[-_.]+", "-", name).lower() for name in found}


@pytest.mark.heavy
def test_given_only_what_the_tools_lock_has_then_every_module_of_the_tool_can_be_imported() -> None:
    foreign = pinned("clouds.txt") - pinned("tool.txt")
    assert {"mlflow-skinny", "scikit-learn", "pytest", "boto3"} <= foreign
    script = _SCRIPT.format(foreign=sorted(foreign), of_extras=OF_EXTRAS)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "all of it\n", done.stderr
