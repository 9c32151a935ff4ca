"""`python -m <package> serve`: the port is had before anything is released or loaded."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

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
