"""Explanations run one after the other; more than a few are not taken, and none takes longer than its time."""

from __future__ import annotations

import asyncio
import threading

import pytest

from aifactory_runtime.serving import one_at_a_time
from aifactory_runtime.serving.one_at_a_time import Busy, Check, OneAtATime, TooSlow


def test_given_many_at_once_when_run_then_one_runs_at_a_time_and_more_than_the_queue_holds_are_not_taken() -> None:
    running: list[int] = []
    most: list[int] = []
    begin = threading.Event()

    def work(check: Check) -> int:
        check()
        running.append(1)
        begin.wait(10)
        most.append(len(running))
        running.pop()
        return 1

    async def ask() -> list[object]:
        queue = OneAtATime(30)
        asked = [asyncio.create_task(queue.run(work)) for _ in range(one_at_a_time.MOST_UNDER_WAY + 3)]
        await asyncio.sleep(0)
        begin.set()
        found: list[object] = list(await asyncio.gather(*asked, return_exceptions=True))
        assert await queue.run(work) == 1, "there is room again"
        return found

    found = asyncio.run(ask())

    assert found.count(1) == one_at_a_time.MOST_UNDER_WAY and set(most) == {1}
    assert [type(one) for one in found[-3:]] == [Busy] * 3


def test_given_work_whose_time_is_over_when_run_then_it_ends_at_its_check_and_what_waited_never_begins() -> None:
    ended, told = threading.Event(), threading.Event()
    begun: list[str] = []

    def slow(check: Check) -> None:
        begun.append("slow")
        try:
            while True:
                check()
        finally:
            ended.set()
            told.wait(10)

    def late(_: Check) -> None:
        begun.append("late")

    async def ask() -> list[object]:
        queue = OneAtATime(0.05)
        found: list[object] = list(await asyncio.gather(queue.run(slow), queue.run(late), return_exceptions=True))
        told.set()
        return found

    found = asyncio.run(ask())

    assert [type(one) for one in found] == [TooSlow] * 2 and "serving.explain_seconds" in str(found[0])
    assert ended.wait(10) and begun == ["slow"]


def test_given_work_that_fails_when_run_then_its_error_is_told_and_the_next_one_runs() -> None:
    def broken(_: Check) -> None:
        raise ValueError("no")

    async def ask() -> int:
        queue = OneAtATime(30)
        with pytest.raises(ValueError, match="no"):
            await queue.run(broken)
        return await queue.run(lambda _: 7)

    assert asyncio.run(ask()) == 7
