"""What is secret of a channel: the only line of a file that nobody else can read. Errors name the file alone."""

from __future__ import annotations

import os
import stat

from aifactory_runtime.contract.channels import path_of
from aifactory_runtime.notify.undelivered import Undelivered

_OTHERS = 0o077
_MOST_BYTES = 4096


def read(place: str) -> str:
    """The line in the file that `place` names; Undelivered when it is missing, open to others or no single line."""
    path = path_of(place)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise Undelivered(f"{path} cannot be read ({error.strerror}): put the secret there, mode 0600") from None
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise Undelivered(f"{path} is no file")
        if mode & _OTHERS:
            raise Undelivered(f"{path} can be read by others: chmod 600 it, and have the secret changed")
        content = os.read(descriptor, _MOST_BYTES + 1)
    finally:
        os.close(descriptor)
    line = content.decode("ascii", "replace").strip()
    if not line or len(content) > _MOST_BYTES or not line.isprintable() or "\ufffd" in line:
        raise Undelivered(f"{path} holds no secret: write it as the only line, of plain letters, digits and signs")
    return line
