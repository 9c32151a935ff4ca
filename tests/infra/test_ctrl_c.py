"""Ctrl-C is one line and 130, by real signals to the process group, and the same command goes on afterwards."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aifactory_runtime.interrupt import CODE, LINE
from tests.fixtures import usecase_repo

FACTORY = str(Path(sys.executable).with_name("factory"))
OF_A_STACK = re.compile(r"(\d+ s: )?(shared|dev|demo-case\.dev)(: | \.\.\.$| \()")
"""A line of a stack: that it begins or has ended, and now and then those that work on."""
NOISE = ("Traceback", "KeyboardInterrupt", "panicked", "Exception ignored", 'File "')


def start(folder: Path, home: Path, *arguments: str) -> subprocess.Popen[str]:
    """`factory ...` as a terminal starts it: in a process group of its own."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith("AIFACTORY_")}
    return subprocess.Popen(
        [FACTORY, *arguments],
        cwd=folder,
        env={**variables, "FACTORY_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def stopped(process: subprocess.Popen[str], after: float) -> list[str]:
    """What was said by a command that got SIGINT `after` seconds; fails when it had ended before."""
    time.sleep(after)
    assert process.poll() is None, process.communicate()[0]
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == CODE, said
    assert not [word for word in NOISE if word in said], said
    return said.strip().splitlines()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """A use case's repo, and a home that is destroyed at the end."""
    folder = tmp_path_factory.mktemp("ctrl-c")
    repo = usecase_repo.make_repo(folder / "repo")
    yield repo, folder / "home"
    done = start(repo, folder / "home", "destroy", "--all", "--yes")
    said, _ = done.communicate()
    assert done.returncode == 0, said


@pytest.mark.slow
def test_given_ctrl_c_at_several_moments_of_up_then_one_line_each_time_and_the_same_command_goes_on(
    place: tuple[Path, Path],
) -> None:
    repo, home = place
    for after in (0.3, 1.0, 2.0, 3.0, 6.0):
        said = stopped(start(repo, home, "up", "dev", "--platform"), after)
        assert said[-1] == LINE
        # After what the terminal shows of the key, click begins a new line.
        assert all(OF_A_STACK.match(line) for line in said[:-1] if line), said
    done = start(repo, home, "up", "dev", "--platform")
    told, _ = done.communicate()
    assert done.returncode == 0, told
    for command in (("preview", "dev"), ("refresh", "dev")):
        assert stopped(start(repo, home, *command), 1.0)[-1] == LINE


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.15, 0.4, 0.8])
def test_given_ctrl_c_while_a_repo_is_made_then_one_line_and_nothing_is_left(tmp_path: Path, after: float) -> None:
    said = stopped(start(tmp_path, tmp_path / "home", "new", "churn", "--allow-dirty"), after)
    assert said[-1] == LINE
    assert list(tmp_path.iterdir()) == []
