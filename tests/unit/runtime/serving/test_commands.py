"""`python -m <package> serve`: the port is had before anything is released or loaded."""

from __future__ import annotations

import signal
import socket
import subprocess
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
        == f"factory: port {port} of 127.0.0.1 cannot be had (Address already in use): serve --port 0 takes any\n"
    )
    assert not (repo / ".factory").exists()


class _Releasing:
    """A release that is under way when Ctrl-C is pressed, and ends with `code` a moment later."""

    def __init__(self, code: int) -> None:
        self.returncode: int | None = None
        self._code = code
        self._pressed = False

    def __enter__(self) -> _Releasing:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def wait(self) -> None:
        if not self._pressed:
            self._pressed = True
            raise KeyboardInterrupt
        self.returncode = self._code


@pytest.mark.parametrize(
    ("code", "told"), [(130, SystemExit), (-signal.SIGINT, SystemExit), (0, KeyboardInterrupt), (1, KeyboardInterrupt)]
)
def test_given_ctrl_c_when_the_model_is_released_first_then_one_of_the_two_processes_says_so(
    monkeypatch: pytest.MonkeyPatch, code: int, told: type[BaseException]
) -> None:
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: _Releasing(code))
    project = SimpleNamespace(root=Path(), manifest=SimpleNamespace(package="demo_case"))

    with pytest.raises(told) as caught:
        commands._release(project)  # type: ignore[arg-type]

    assert getattr(caught.value, "code", 130) == 130
