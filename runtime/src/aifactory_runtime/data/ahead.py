"""Makes the next chunk of a table in a thread, while the one before it is used."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Chunk = TypeVar("Chunk")


def ahead(chunks: Iterable[Chunk]) -> Generator[Chunk, None, None]:
    """`chunks` in their order, two of them held at most; the first is begun at once.

    An error of theirs comes where it would have come.
    """
    iterator = iter(chunks)
    thread = ThreadPoolExecutor(1, "ahead")
    return _used(thread, iterator, thread.submit(_next, iterator))


def _used(
    thread: ThreadPoolExecutor, iterator: Iterator[Chunk], coming: Future[list[Chunk]]
) -> Generator[Chunk, None, None]:
    with thread:
        while found := coming.result():
            coming = thread.submit(_next, iterator)
            yield found[0]


def _next(iterator: Iterator[Chunk]) -> list[Chunk]:
    """The next chunk, or nothing; StopIteration would not pass a future."""
    return list(itertools.islice(iterator, 1))
