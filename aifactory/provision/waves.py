"""Run an action over waves of stacks: one process per stack, a bounded number side by side, progress as it happens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from aifactory.home import Home
from aifactory.provision.run import Result, run
from aifactory.provision.stacks import Stack
from aifactory_runtime.errors import FactoryError

Say = Callable[[str], None]


def act_in_waves(action: str, waves: list[list[Stack]], home: Home, say: Say) -> list[Result]:
    """Results of `action` on every stack, wave by wave.

    A wave's stacks run side by side; the next wave starts only when all of them are done. FactoryError with every
    failure of a wave, after its other stacks have finished.
    """
    results: list[Result] = []
    for wave in waves:
        results += _wave(action, wave, home, say)
    return results


def _wave(action: str, wave: list[Stack], home: Home, say: Say) -> list[Result]:
    if len(wave) == 1:
        return [run(action, wave[0], home, lambda line: say(f"{wave[0].name}:{line}"))]
    results: list[Result] = []
    failures: list[str] = []
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        for future in [pool.submit(_child, action, stack, home, say) for stack in wave]:
            try:
                results.append(future.result())
            except FactoryError as error:
                failures.append(str(error))
    if failures:
        raise FactoryError("; ".join(failures))
    return results


def _child(action: str, stack: Stack, home: Home, say: Say) -> Result:
    """Run one stack in a process of its own: the Automation API is one stack at a time per process."""
    # -P: what lies in the folder that the command is typed in is not the tool's code.
    request = json.dumps({"action": action, "stack": asdict(stack), "home": str(home.root)})
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "aifactory.provision.stack_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise FactoryError(f"{stack.name}: its process has no pipes")
        process.stdin.write(request)
        process.stdin.close()
        last: dict[str, Any] = {}
        for line in process.stdout:
            last = json.loads(line)
            if "say" in last:
                say(f"{stack.name}:{last['say']}")
        process.wait()
    if "result" in last:
        return Result(**last["result"])
    raise FactoryError(last.get("error") or f"{action} {stack.name}: its process ended with code {process.returncode}")
