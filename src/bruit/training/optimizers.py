"""Optimisers: PyTorch's own, and Muon for the kernels of convolutions."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from bruit.training.recipe import Recipe

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


class Muon(torch.optim.Optimizer):
    """Momentum whose steps are made orthogonal: every direction of a kernel moves, not only the loudest ones.

    For parameters of two dimensions or more; kernels (out, in, height, width) count as matrices (out, the rest).
    A parameter may be those of `networks` networks, one after the other: each of them is a matrix of its own.
    Source: K. Jordan et al., Muon (2024); the coefficients are theirs.
    """

    def __init__(
        self,
        parameters: list[nn.Parameter],
        learning_rate: float,
        momentum: float,
        weight_decay: float,
        networks: int = 1,
    ) -> None:
        super().__init__(parameters, {"lr": learning_rate, "momentum": momentum, "weight_decay": weight_decay})
        self.networks = networks

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["momentum"] = torch.zeros_like(parameter)
                momentum = state["momentum"].mul_(group["momentum"]).add_(parameter.grad)
                nesterov = parameter.grad.add(momentum, alpha=group["momentum"])
                matrix = nesterov.flatten(1)
                if self.networks > 1:
                    matrix = matrix.unflatten(0, (self.networks, -1))
                update = orthogonal(matrix).reshape(parameter.shape)
                tall = max(1.0, len(parameter) / self.networks / parameter[0].numel()) ** 0.5
                parameter.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"] * tall)


def orthogonal(matrix: Tensor, steps: int = 4) -> Tensor:
    """Nearly the closest matrix with singular values of 1, by Newton and Schulz's iteration: (…, M, N) → the same.

    Each step multiplies the matrix by a polynomial of its Gram matrix, and these all commute: they are multiplied
    with each other, small as they are, and only their product with the wide matrix.
    """
    a, b, c = NEWTON_SCHULZ
    tall = matrix.shape[-2] > matrix.shape[-1]
    x: Tensor = matrix.mT if tall else matrix
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    gram = x @ x.mT
    one = torch.eye(gram.shape[-1], device=gram.device)
    product = one
    for _ in range(steps):
        polynomial = a * one + b * gram + c * gram @ gram
        product = polynomial @ product
        gram = polynomial @ gram @ polynomial
    x = product @ x
    return x.mT if tall else x


def make_optimizers(module: nn.Module, recipe: Recipe, networks: int = 1) -> list[torch.optim.Optimizer]:
    """The optimisers of `recipe` for so many networks in one; each parameter group keeps its learning rate at the
    schedule's height as "peak".
    """
    parameters = list(module.parameters())
    # The first convolution sees one channel: too narrow for its directions to be balanced.
    kernels = [p for p in parameters if recipe.optimizer == "muon" and p.ndim == 4 and p.shape[1] > 1]
    taken = {id(p) for p in kernels}
    # Only matrices and kernels decay: pulling biases and batch norm's scales to zero helps nothing.
    groups: list[dict[str, Any]] = [
        {"params": [p for p in parameters if p.ndim >= 2 and id(p) not in taken], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimizers: list[torch.optim.Optimizer] = []
    match recipe.optimizer:
        case "adam":
            optimizers.append(torch.optim.Adam(groups, recipe.learning_rate, eps=1e-7, fused=True))
        case "adamw" | "muon":
            optimizers.append(torch.optim.AdamW(groups, recipe.learning_rate, fused=True))
        case "rmsprop":
            optimizers.append(torch.optim.RMSprop(groups, recipe.learning_rate, alpha=0.9, eps=1e-7))
    if kernels:
        rate = recipe.learning_rate if recipe.muon_learning_rate is None else recipe.muon_learning_rate
        decay = recipe.weight_decay if recipe.muon_weight_decay is None else recipe.muon_weight_decay
        optimizers.append(Muon(kernels, rate, momentum=0.9, weight_decay=decay, networks=networks))
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return optimizers


def optimizer_tensors(optimizers: list[torch.optim.Optimizer]) -> dict[str, Tensor]:
    """All that the optimisers remember, by name."""
    return {
        f"{number}.{index}.{key}": value
        for number, optimizer in enumerate(optimizers)
        for index, state in optimizer.state_dict()["state"].items()
        for key, value in state.items()
    }


def load_optimizer_tensors(optimizers: list[torch.optim.Optimizer], tensors: dict[str, Tensor]) -> None:
    """Give them back what `optimizer_tensors` took. Raises KeyError, IndexError or RuntimeError if it does not fit."""
    for number, optimizer in enumerate(optimizers):
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            owner, index, key = name.split(".")
            if int(owner) != number:
                continue
            parameter = parameters[int(index)]
            # Fused optimisers walk through memory: averages must lie there as their parameter does, channels last.
            same_layout = torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape else value
            state.setdefault(int(index), {})[key] = same_layout
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
