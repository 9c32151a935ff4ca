"""What `make setup` imports so that it is compiled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_CODE = """
import sys
from aifactory_runtime import warm
warm.main()
print([name for name in warm.PACKAGES if name not in sys.modules])
"""


@pytest.mark.slow
def test_given_a_new_environment_when_warmed_then_every_package_is_there_and_compiled(tmp_path: Path) -> None:
    variables = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}

    done = subprocess.run([sys.executable, "-c", _CODE], env=variables, capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n", "a package of the list is not in the lock any more"
    compiled = {path.name.partition(".")[0] for path in tmp_path.rglob("*.pyc")}
    assert {"sqlalchemy_store", "_persist", "applications"} <= compiled


def test_given_packages_that_are_missing_when_warmed_then_nothing_is_said(tmp_path: Path) -> None:
    bare = [sys.executable, "-S", "-I", "-c", "import runpy, sys; runpy.run_path(sys.argv[1], run_name='__main__')"]
    script = Path(__file__).parents[3] / "runtime" / "src" / "aifactory_runtime" / "warm.py"

    done = subprocess.run([*bare, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
