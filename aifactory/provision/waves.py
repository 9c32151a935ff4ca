"""Run an action over waves of stacks: one process per stack, a bounded number side by side, progress as it happens."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

from aifactory.home import Home
from aifactory.provision.children import Children
from aifactory.provision.run import Result
from aifactory.provision.stacks import Stack
from aifactory_runtime.errors import FactoryError

Say = Callable[[str], None]
Told = Callable[[str, float | None], None]
"""Hears the name of a stack that begins, with None, and of one that has ended, with the seconds it took."""


def act_in_waves(
    action: str, waves: list[list[Stack]], home: Home, say: Say, told: Told = lambda _stack, _seconds: None
) -> list[Result]:
    """Results of `action` on every stack, wave by wave; `told` hears when each begins and ends.

    A wave's stacks run side by side; the next wave starts only when all of them are done. FactoryError with every
    failure of a wave, after its other stacks have finished. Interrupted, all of them have ended when it returns.
    """
    results: list[Result] = []
    children = Children()

    def act(stack: Stack) -> Result:
        began = time.monotonic()
        told(stack.name, None)
        try:
            return _child(action, stack, home, say, children)
        finally:
            told(stack.name, time.monotonic() - began)

    try:
        for wave in waves:
            results += _wave(wave, act)
    except KeyboardInterrupt:
        children.stop()
        raise
    return results


def _wave(wave: list[Stack], act: Callable[[Stack], Result]) -> list[Result]:
    results: list[Result] = []
    failures: list[str] = []
    pool = ThreadPoolExecutor(max_workers=os.cpu_count() or 2)
    for future in [pool.submit(act, stack) for stack in wave]:
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
