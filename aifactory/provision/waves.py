"""Run an action over waves of stacks: one process per stack, a bounded number side by side, progress as it happens."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

from aifactory.home import Home
from aifactory.provision.children import Children
from aifactory.provision.run import Result
from aifactory.provision.stacks import Stack
from aifactory_runtime.errors import FactoryError

Say = Callable[[str], None]


def act_in_waves(action: str, waves: list[list[Stack]], home: Home, say: Say) -> list[Result]:
    """Results of `action` on every stack, wave by wave.

    A wave's stacks run side by side; the next wave starts only when all of them are done. FactoryError with every
    failure of a wave, after its other stacks have finished. Interrupted, all of them have ended when it returns.
    """
    results: list[Result] = []
    children = Children()
    try:
        for wave in waves:
            results += _wave(action, wave, home, say, children)
    except KeyboardInterrupt:
        children.stop()
        raise
    return results


def _wave(action: str, wave: list[Stack], home: Home, say: Say, children: Children) -> list[Result]:
    results: list[Result] = []
    failures: list[str] = []
    pool = ThreadPoolExecutor(max_workers=os.cpu_count() or 2)
    for future in [pool.submit(_child, action, stack, home, say, children) for stack in wave]:
        try:
            results.append(future.result())
        except FactoryError as error:
            failures.append(str(error))
    pool.shutdown()
    if failures:
        raise FactoryError("; ".join(failures))
    return results


def _child(action: str, stack: Stack, home: Home, say: Say, children: Children) -> Result:
    """Run one stack in a process of its own: the Automation API is one stack at a time per process."""
    request = {"action": action, "stack": asdict(stack), "home": str(home.root)}
    last = children.run(request, lambda line: say(f"{stack.name}:{line}"))
    if "result" in last:
        return Result(**last["result"])
    raise FactoryError(last.get("error") or f"{action} {stack.name}: {last['ended']}")
