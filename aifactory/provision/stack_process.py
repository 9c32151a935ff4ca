"""Process of one stack: a JSON line on standard input asks; JSON lines on standard output are progress and result.

It leads a process group, with the engine in it, and ends when its input does: that is when the command that started it
is gone.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from aifactory.home import Home
from aifactory.provision.run import run
from aifactory.provision.stacks import Stack
from aifactory_runtime import garbage
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.interrupt import CODE


def main() -> int:
    """Do what the request asks; 0 when done, 1 with an `error` line when not, 130 when it was stopped."""
    garbage.seldom()
    asked, answers = _take_streams()
    request = json.loads(asked.readline())
    threading.Thread(target=_end_with, args=(asked,), daemon=True, name="end-with-input").start()

    def answer(**content: object) -> None:
        answers.write(json.dumps(content, default=str) + "\n")
        answers.flush()

    try:
        home = Home(Path(request["home"]))
        result = run(request["action"], Stack(**request["stack"]), home, lambda line: answer(say=line))
    except FactoryError as error:
        answer(error=str(error))
        return 1
    except KeyboardInterrupt:
        _wait_for_engine()
        os._exit(CODE)  # threads of the engine's library would be waited for
    answer(result=asdict(result))
    return 0


def _take_streams() -> tuple[TextIO, TextIO]:
    """Request and answers, out of the engine's reach: what a program prints must not be taken for an answer."""
    asked, answers = os.fdopen(os.dup(0), encoding="utf-8"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return asked, answers


def _end_with(asked: TextIO) -> None:
    """Kill this process and the engine when the input ends; a killed engine is what the next `up` mends."""
    asked.read()
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _wait_for_engine() -> None:
    """The engine was asked to stop, too, and ends what it is at; whoever waits for us kills both when it is long."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


if __name__ == "__main__":
    sys.exit(main())
