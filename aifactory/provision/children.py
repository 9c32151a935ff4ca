"""The processes of stacks: each in a process group of its own, so that Ctrl-C reaches them from here, and in order.

The terminal would send it to all of them at once, and each would answer with a traceback of its own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aifactory_runtime.errors import FactoryError

_COMMAND = (sys.executable, "-P", "-m", "aifactory.provision.stack_process")
"""-P: what lies in the folder that the command is typed in is not the tool's code."""
_STOP_SECONDS = 20.0
"""How long the engine may take to end what it is at; what is killed then, the next `up` mends."""


class Children:
    """Processes of stacks that one command started."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[str]] = []
        self._lock = threading.Lock()
        self._stopped = False

    def run(self, request: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
        """The last answer: `result`, `error`, or how it `ended` without one; progress on the way goes to `say`.

        The process' standard input stays open while this one lives: closed, it ends. Its standard error is of use only
        when it ends without an answer.
        """
        with tempfile.TemporaryFile("w+") as told:
            process = self._start(told.fileno())
            if process.stdin is None or process.stdout is None:
                raise FactoryError("the process of a stack has no pipes")
            with process, suppress(BrokenPipeError):
                process.stdin.write(json.dumps(request) + "\n")
                process.stdin.flush()
                last: dict[str, Any] = {}
                for line in process.stdout:
                    last = json.loads(line)
                    if "say" in last:
                        say(last["say"])
                process.wait()
            if "result" in last or "error" in last:
                return last
            told.seek(0)
            said = told.read().strip().splitlines()
            return {"ended": ": ".join([f"its process ended with code {process.returncode}", *said[-1:]])}

    def stop(self) -> None:
        """End all of them: asked first, killed when they take too long or when a person asks again."""
        with self._lock:
            self._stopped = True
        try:
            self._signal(signal.SIGINT)
            until = time.monotonic() + _STOP_SECONDS
            while any(process.poll() is None for process in self._running) and time.monotonic() < until:
                time.sleep(0.05)
        finally:
            self._signal(signal.SIGKILL)

    def _start(self, told: int) -> subprocess.Popen[str]:
        with self._lock:
            if self._stopped:
                raise FactoryError("stopped before it began")
            process = subprocess.Popen(
                _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=told, text=True, process_group=0
            )
            self._running.append(process)
            return process

    def _signal(self, number: signal.Signals) -> None:
        for process in self._running:
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
