"""Requests that wait are answered together."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from bruit.serving.batches import Batches


def test_what_comes_meanwhile_is_the_next_batch() -> None:
    batches: list[list[int]] = []
    begun, go_on = threading.Event(), threading.Event()

    def answer(jobs: Sequence[int]) -> list[int | Exception]:
        batches.append(list(jobs))
        begun.set()
        go_on.wait(30)
        return [10 * job for job in jobs]

    async def ask() -> list[int]:
        desk = Batches(answer, 3)
        first = asyncio.create_task(desk.answer(0))
        while not begun.is_set():
            await asyncio.sleep(0.01)
        others = [asyncio.create_task(desk.answer(job)) for job in range(1, 6)]
        await asyncio.sleep(0.01)
        others[0].cancel()  # a client that left
        go_on.set()
        answers = [await first, *await asyncio.gather(*others[1:])]
        desk.close()
        return answers

    assert asyncio.run(ask()) == [0, 20, 30, 40, 50]
    assert batches[0] == [0]
    assert [job for batch in batches for job in batch] == [0, 2, 3, 4, 5]
    assert max(len(batch) for batch in batches) == 3


def test_each_gets_its_own_failure() -> None:
    def answer(jobs: Sequence[str]) -> list[str | Exception]:
        if "all" in jobs:
            raise KeyError("all")
        return [ValueError(job) if job == "bad" else job for job in jobs]

    async def ask(*jobs: str) -> list[object]:
        desk = Batches(answer, 8)
        answers = await asyncio.gather(*(desk.answer(job) for job in jobs), return_exceptions=True)
        desk.close()
        return list(answers)

    good, bad = asyncio.run(ask("good", "bad"))
    assert good == "good"
    assert isinstance(bad, ValueError)
    (failed,) = asyncio.run(ask("all"))
    assert isinstance(failed, KeyError)
    with pytest.raises(ValueError, match="bad"):
        raise bad
