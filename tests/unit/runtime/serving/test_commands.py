"""`python -m <package> serve`: the port is had before anything is released or loaded."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from aifactory_runtime.serving import commands
from tests.fixtures import usecase_repo


@pytest.mark.slow
def test_given_a_port_in_use_when_a_second_service_starts_then_one_line_and_nothing_is_made(tmp_path: Path) -> None:
    repo = usecase_repo.make_repo(tmp_path / "repo", rows=3)
    with socket.socket() as first:
        first.bind(("127.0.0.1", 0))
        first.listen()
        port = first.getsockname()[1]

        done = usecase_repo.run(repo, "serve", "--port", str(port))

    assert done.returncode == 1
    assert (
        done.stderr
        == f"Error: port {port} of 127.0.0.1 cannot be had (Address already in use): serve --port 0 takes any\n"
    )
    assert not (repo / ".factory").exists()


@pytest.mark.parametrize(
    ("ending", "told"), [("exit 130", SystemExit), ("kill -INT $$", SystemExit), ("exit 0", KeyboardInterrupt)]
)
def test_given_ctrl_c_when_the_model_is_released_first_then_one_of_the_two_processes_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, told: type[BaseException]
) -> None:
    release = tmp_path / "python"
    release.write_text(f"#!/bin/sh\nkill -INT $PPID\nsleep 0.05\n{ending}\n")
    release.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(release))
    project = SimpleNamespace(root=tmp_path, manifest=SimpleNamespace(package="demo_case"))

    with pytest.raises(told) as caught:
        commands._release(project)  # type: ignore[arg-type]

    assert getattr(caught.value, "code", 130) == 130
