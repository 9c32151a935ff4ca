"""A message as a line of JSON at the end of a file, which several environments may share."""

from __future__ import annotations

import fcntl
import json
import os
import stat

from aifactory_runtime import files
from aifactory_runtime.contract.channels import FileChannel, path_of
from aifactory_runtime.notify import forms
from aifactory_runtime.notify.message import Message
from aifactory_runtime.notify.undelivered import Undelivered, because


def send(channel: FileChannel, message: Message) -> None:
    """Add it; on disk when this returns, else Undelivered. What a killed writer left of a line stays, on its own."""
    path = path_of(channel.path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Undelivered(f"{path} is no file")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = os.fstat(descriptor).st_size
            torn = b"" if files.after_last_newline(descriptor, size) == size else b"\n"
            files.append(descriptor, torn + json.dumps(forms.plain(message)).encode() + b"\n")
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Undelivered(f"{path}: {because(error)}") from None
