"""Random numbers of PyTorch's: of one training, or of each of several that run as one."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass
class Stream:
    """Where a training takes its random numbers from.

    order   a generator of the processor, for the order of its images
    pixels  one of the device, for all that happens there; on a CPU the same one
    n       images of the batch at hand; what fills it up beyond them takes no random numbers
    """

    order: torch.Generator
    pixels: torch.Generator
    n: int = 0

    @classmethod
    def current(cls, device: torch.device) -> Stream:
        """PyTorch's own, which layers take from that are told nothing else."""
        common = torch.default_generator
        if device.type != "cuda":
            return cls(common, common)
        index = torch.cuda.current_device() if device.index is None else device.index
        return cls(common, torch.cuda.default_generators[index])

    @classmethod
    def apart(cls, device: torch.device) -> Stream:
        """One that gives the numbers which PyTorch's own would give after the same seed."""
        order = torch.Generator()
        return cls(order, order if device.type == "cpu" else torch.Generator(device))

    def seed(self, seed: int) -> None:
        self.order.manual_seed(seed)
        self.pixels.manual_seed(seed)
