"""Asks the launcher of an environment for its cluster, and has it as long as the block lasts."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aifactory_runtime.errors import FactoryError

_ANSWER_SECONDS = 10.0


@contextmanager
def held(launcher: Path, commit: str, run: str, say: Callable[[str], None]) -> Iterator[str]:
    """The address of a scheduler whose workers run `commit`, started now and ended with the block.

    `launcher` is its socket. While another run has the cluster this one waits, and `say` is told for whom. FactoryError
    when the launcher does not answer or refuses.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_ANSWER_SECONDS)
        try:
            connection.connect(str(launcher))
            request = {"commit": commit, "run": run, "pid": os.getpid()}
            connection.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise FactoryError(
                f"the launcher of the cluster does not answer ({error.strerror or error}): factory start, or factory "
                "up brings it again"
            ) from None
        connection.settimeout(None)  # another run may take hours
        yield _address(connection, say)


def _address(connection: socket.socket, say: Callable[[str], None]) -> str:
    """What it answers at last."""
    with connection.makefile("r", encoding="utf-8") as answers:
        for line in answers:
            said: dict[str, Any] = json.loads(line)
            if said["state"] == "ready":
                return str(said["address"])
            if said["state"] == "refused":
                raise FactoryError(f"the cluster cannot be started: {said['reason']}")
            say(f"the cluster is taken by {said['for']}: this run waits for it")
    raise FactoryError("the launcher of the cluster ended: factory start, then the same command again")
