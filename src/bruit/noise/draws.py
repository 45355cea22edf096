"""Random numbers that belong to an image, not to the moment when it is processed."""

from __future__ import annotations

import hashlib
from math import pi, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LOW_32 = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


class Draws:
    """A stream of random numbers for each of N images, keyed by (seed, name, id of the image).

    The numbers of an image depend on nothing else: not on the batch it comes in, its place there or the number of
    workers. Successive calls give independent numbers, so what uses a `Draws` must make its calls in a fixed order.

    seed  any int, or the key of other draws
    name  what the numbers are for, so that two kinds of noise on one image are independent
    ids   (N,) int64

    The generator is Philox-4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): the key
    is a hash of seed and name, the counter is (id, number of the call, block within the call).
    """

    def __init__(self, seed: int | tuple[int, int], name: str, ids: NDArray[np.int64]) -> None:
        digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
        self._key = (int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:8], "little"))
        self.ids = np.asarray(ids, dtype=np.int64)
        self._calls = 0

    def __len__(self) -> int:
        return len(self.ids)

    def subset(self, index: NDArray[Any] | slice) -> Draws:
        """The streams of the images at `index`, each where it stands now."""
        part = object.__new__(Draws)
        part._key, part.ids, part._calls = self._key, self.ids[index], self._calls
        return part

    def named(self, name: str) -> Draws:
        """Streams of the same images for another purpose, independent of these and of where they stand."""
        return Draws(self._key, name, self.ids)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> NDArray[np.float64]:
        """(N, *shape) numbers from the open interval (low, high), uniform in steps of its length / 2³²."""
        numbers = self._words(prod(shape)).astype(np.float64)
        numbers += 0.5
        numbers *= (high - low) * 2.0**-32
        numbers += low
        return numbers.reshape(len(self), *shape)

    def choice(self, count: int) -> NDArray[np.intp]:
        """(N,) whole numbers in 0…count − 1, equally likely."""
        return (self.uniform() * count).astype(np.intp)

    def field(self, *shape: int, low: float = 0.0, high: float = 1.0) -> NDArray[np.float32]:
        """(N, *shape) float32 from [low, high), uniform in steps of 2⁻²⁴ of its length: a number a pixel, made fast."""
        numbers = (self._many(prod(shape)) >> np.uint32(8)).astype(np.float32)
        numbers *= np.float32((high - low) * 2.0**-24)
        numbers += np.float32(low)
        return numbers.reshape(len(self), *shape)

    def normal(self, *shape: int, mean: float = 0.0, sd: float = 1.0) -> NDArray[np.float32]:
        """(N, *shape) float32 from the normal distribution, by pairs (Box and Muller 1958)."""
        half = -(-prod(shape) // 2)
        words = self._many(2 * half)
        # In (0, 1], so that its logarithm is finite.
        radius = ((words[:, :half] >> np.uint32(8)).astype(np.float32) + np.float32(1)) * np.float32(2.0**-24)
        np.log(radius, out=radius)
        radius *= np.float32(-2 * sd * sd)
        np.sqrt(radius, out=radius)
        angle = (words[:, half:] >> np.uint32(8)).astype(np.float32) * np.float32(2 * pi * 2.0**-24)
        numbers = np.empty((len(self), 2 * half), np.float32)
        np.cos(angle, out=numbers[:, :half])
        np.sin(angle, out=numbers[:, half:])
        numbers[:, :half] *= radius
        numbers[:, half:] *= radius
        numbers += np.float32(mean)
        return numbers[:, : prod(shape)].reshape(len(self), *shape)

    def shorts(self, count: int) -> NDArray[np.uint16]:
        """(N, count) uint16, every value equally likely."""
        return self._many(-(-count // 2)).view(np.uint16)[:, :count]

    def _many(self, count: int) -> NDArray[np.uint32]:
        """(N, count) uint32, cheaper by far than `_words`: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), begun for
        each image where its stream stands.
        """
        begin = self._words(2)
        state = begin[:, :1].astype(np.uint64) << _SHIFT | begin[:, 1:]
        numbers = state + np.arange(1, -(-count // 2) + 1, dtype=np.uint64) * _GOLDEN
        shifted = np.empty_like(numbers)
        for shift, factor in ((30, _MIX[0]), (27, _MIX[1])):
            np.right_shift(numbers, np.uint64(shift), out=shifted)
            numbers ^= shifted
            numbers *= factor
        np.right_shift(numbers, np.uint64(31), out=shifted)
        numbers ^= shifted
        return numbers.view(np.uint32)[:, :count]

    def _words(self, count: int) -> NDArray[np.uint32]:
        """(N, count) uint32: the next words of every stream."""
        blocks = -(-count // 4)
        ids = self.ids.view(np.uint64)[:, None]
        counter = np.empty((4, len(self), blocks), np.uint64)
        counter[0], counter[1] = ids & _LOW_32, ids >> _SHIFT
        counter[2], counter[3] = self._calls, np.arange(blocks, dtype=np.uint64)
        self._calls += 1
        words = np.stack(philox(counter, self._key), axis=-1, dtype=np.uint32, casting="unsafe")
        return words.reshape(len(self), 4 * blocks)[:, :count]


def philox(counter: NDArray[np.uint64], key: tuple[int, int]) -> tuple[NDArray[np.uint64], ...]:
    """Philox-4x32-10 of counters (4, ...) and one key; 32-bit words, held in uint64. Returns the four words."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        product0, product1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0 = (product1 >> _SHIFT) ^ c1 ^ np.uint64(k0)
        c2 = (product0 >> _SHIFT) ^ c3 ^ np.uint64(k1)
        c1, c3 = product1 & _LOW_32, product0 & _LOW_32
        k0, k1 = (k0 + _WEYL[0]) & 0xFFFFFFFF, (k1 + _WEYL[1]) & 0xFFFFFFFF
    return c0, c1, c2, c3
