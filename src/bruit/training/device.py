"""Where and how precisely to compute: found out on the machine at hand."""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Literal

import torch

Precision = Literal["bf16", "fp32"]
# Processors without bf16 arithmetic emulate it, slower than float32; those with it are 3 to 5 times faster. Between
# the two lies nothing, so the threshold does not flicker from run to run.
WORTHWHILE = 1.5


def choose_device() -> torch.device:
    """The GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@cache
def choose_precision() -> Precision:
    """bf16 where the device in use multiplies matrices in it clearly faster than in float32."""
    if choose_device().type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    return "bf16" if _seconds(torch.float32) > WORTHWHILE * _seconds(torch.bfloat16) else "fp32"


def _seconds(dtype: torch.dtype, side: int = 512, runs: int = 5) -> float:
    matrix = torch.ones(side, side, dtype=dtype)
    best = float("inf")
    for _ in range(runs + 1):  # the first one only warms up
        start = time.perf_counter()
        torch.mm(matrix, matrix)
        best = min(best, time.perf_counter() - start)
    return best


@contextmanager
def limited_threads(n: int) -> Iterator[None]:
    """n threads for PyTorch, scikit-learn and NumPy in the body; afterwards as many as before."""
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        with threadpool_limits(n):
            yield
    finally:
        torch.set_num_threads(before)


@cache
def keep_freed_memory() -> None:
    """Have glibc keep the memory of freed activations, which every training step asks for again.

    By default it gives large blocks back to the system at once, and each step pays for their pages anew: 6 to 19 % of
    the time of a small network. Elsewhere than on Linux with glibc this does nothing.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return
    trim_threshold, mmap_threshold, most = -1, -3, 2**25  # more than 32 MiB is refused
    if mallopt(mmap_threshold, most):
        mallopt(trim_threshold, 2**30)
