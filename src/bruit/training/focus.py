"""The images of an epoch, and how much each of them counts."""

from __future__ import annotations

import torch
from torch import Tensor

from bruit.training.recipe import Focus


def draw(losses: Tensor, focus: Focus | None, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """The images of one epoch in random order, from PyTorch's current random stream or another one of the processor.

    losses (N,) float: of each training image when last seen → indices (n,) int64 of the images drawn, and weights (N,)
    float32: how many images each one stands for.
    """
    n, device = len(losses), losses.device
    if focus is None:
        return torch.randperm(n, generator=generator).to(device), torch.ones(n, device=device)
    hard, others = losses.argsort(descending=True, stable=True).tensor_split([focus.n_hard(n)])
    drawn = others[torch.randperm(len(others), generator=generator)[: focus.n_drawn(n) - len(hard)].to(device)]
    weights = torch.zeros(n, device=device)
    weights[hard] = 1.0
    weights[drawn] = len(others) / max(1, len(drawn))
    both = torch.cat([hard, drawn])
    return both[torch.randperm(len(both), generator=generator).to(device)], weights
