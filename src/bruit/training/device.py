"""Where and how precisely to compute: found out on the machine at hand."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, Literal

import torch

Precision = Literal["bf16", "fp32"]
# Instructions that compute in bf16 itself, 3 to 5 times faster than in float32; without them it is emulated, slower.
# Of other architectures nothing was measured.
BF16 = ("avx512_bf16", "amx_bf16")


def choose_device() -> torch.device:
    """The GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def choose_precision() -> Precision:
    """bf16 where the device in use has arithmetic for it: asked of the device and not measured, so that a busy machine
    chooses as an idle one, and the same seed gives the same weights.
    """
    if choose_device().type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # an older PyTorch cannot be asked
    return "bf16" if any(capabilities.get(name) for name in BF16) else "fp32"


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
