"""Requests that wait are answered together, by one thread: one batch at a time, of all that came meanwhile."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

J = TypeVar("J")
A = TypeVar("A")


class Batches(Generic[J, A]):
    """`answer` is called in a thread with up to `at_once` jobs, and gives for each its answer, or an exception.

    A job that finds the thread idle starts at once, so nobody waits for others to come.
    """

    def __init__(self, answer: Callable[[Sequence[J]], list[A | Exception]], at_once: int) -> None:
        self._answer, self._at_once = answer, at_once
        self._waiting: deque[tuple[J, asyncio.Future[A]]] = deque()
        self._thread = ThreadPoolExecutor(1)
        self._at_work = False

    async def answer(self, job: J) -> A:
        """What `answer` gives for this job; raises what it raises."""
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, future))
        if not self._at_work:
            self._next()
        return await future

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _next(self) -> None:
        batch: list[tuple[J, asyncio.Future[A]]] = []
        while self._waiting and len(batch) < self._at_once:
            job, future = self._waiting.popleft()
            if not future.cancelled():  # else whoever asked has left
                batch.append((job, future))
        if not batch:
            return
        self._at_work = True
        jobs = [job for job, _ in batch]
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._answer, jobs)
        work.add_done_callback(lambda done: self._done(batch, done))

    def _done(self, batch: list[tuple[J, asyncio.Future[A]]], done: asyncio.Future[list[A | Exception]]) -> None:
        self._at_work = False
        failed = done.exception()
        answers = [failed] * len(batch) if failed is not None else done.result()
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.cancelled():
                continue
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        if self._waiting:
            self._next()
