"""What `make setup` imports so that it is compiled."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

RUNTIME = Path(__file__).parents[3] / "runtime" / "src"

_CODE = """
import sys
from aifactory_runtime import warm
warm.import_all()
print([name for name in warm.PACKAGES if name not in sys.modules])
"""


@pytest.mark.slow
def test_given_a_new_environment_when_warmed_then_every_package_is_there_and_compiled(tmp_path: Path) -> None:
    variables = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}

    done = subprocess.run([sys.executable, "-c", _CODE], env=variables, capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n", "a package of the list is not in the lock any more"
    compiled = {path.name.partition(".")[0] for path in tmp_path.rglob("*.pyc")}
    assert {"sqlalchemy_store", "_persist", "applications"} <= compiled


def setup(environment: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    """What `make setup` does with an environment once its packages are installed."""
    variables = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPATH": str(RUNTIME), "FACTORY_CACHE": str(cache)}
    command = [str(environment / "bin" / "python"), "-m", "aifactory_runtime.warm"]
    return subprocess.run(command, env=variables, cwd=cache.parent, capture_output=True, text=True, check=False)


def environment(place: Path) -> Path:
    """An environment with one package of those that are wanted, whose import is counted and fails half way."""
    venv.create(place, symlinks=True)
    (packages,) = place.glob("lib/*/site-packages")
    (packages / "pandera").mkdir()
    for name, text in {
        "__init__": "",
        "pandas": f"open({str(place / 'imported')!r}, 'a').write('x')\nfrom . import used\n1 / 0\n",
        "used": "",
    }.items():
        (packages / "pandera" / f"{name}.py").write_text(text)
        os.utime(packages / "pandera" / f"{name}.py", (1, 1))
    return place


@pytest.mark.heavy
def test_given_a_second_environment_with_the_same_packages_when_set_up_then_it_gets_what_the_first_compiled(
    tmp_path: Path,
) -> None:
    one, other = environment(tmp_path / "a"), environment(tmp_path / "b")

    for each in (one, other):
        done = setup(each, tmp_path / "cache")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    assert (one / "imported").read_text() == "x" and not (other / "imported").exists()
    compiled = [sorted(path.name for path in each.rglob("pandera/__pycache__/*.pyc")) for each in (one, other)]
    assert compiled[0] == compiled[1] and len(compiled[0]) == 3


@pytest.mark.heavy
def test_given_a_cache_that_cannot_be_written_when_set_up_then_packages_are_compiled_and_nothing_is_said(
    tmp_path: Path,
) -> None:
    one = environment(tmp_path / "a")
    (tmp_path / "cache").write_text("a file where the folder should be")

    done = setup(one, tmp_path / "cache")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len([*one.rglob("pandera/__pycache__/*.pyc")]) == 3
