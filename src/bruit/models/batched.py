"""Several networks of one kind as one, which a GPU computes nearly as fast as one of them: k times the channels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bruit.models.networks import Reading
from bruit.training.stream import Stream


class Linears(nn.Module):
    """The dense layers of k networks: (N, k · in) → (N, k · out)."""

    def __init__(self, one: nn.Linear, k: int) -> None:
        super().__init__()
        self.k = k
        self.weight = nn.Parameter(one.weight.new_empty(k * one.out_features, one.in_features))
        bias: Tensor | None = one.bias  # PyTorch's own types know of no layer without
        self.bias = None if bias is None else nn.Parameter(bias.new_empty(k * one.out_features))

    def forward(self, x: Tensor) -> Tensor:
        inputs = x.view(len(x), self.k, -1).transpose(0, 1)
        weights = self.weight.view(self.k, -1, inputs.shape[2]).mT
        if self.bias is None:
            outputs = torch.bmm(inputs, weights)
        else:
            outputs = torch.baddbmm(self.bias.view(self.k, 1, -1), inputs, weights)
        return outputs.transpose(0, 1).flatten(1)


class Dropouts(nn.Module):
    """Dropout of k networks, each by a random stream of its own: (N, k · width) → the same."""

    def __init__(self, p: float, streams: Sequence[Stream]) -> None:
        super().__init__()
        self.p, self.streams = p, streams

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        k = len(self.streams)
        kept = x.new_zeros(k, len(x), x.shape[1] // k)
        for one, stream in zip(kept, self.streams, strict=True):
            one[: stream.n].bernoulli_(1 - self.p, generator=stream.pixels)
        return x * kept.div_(1 - self.p).transpose(0, 1).flatten(1)


def batched(modules: Sequence[Reading], streams: Sequence[Stream]) -> Reading:
    """k networks of the same layers as one: `from_pixels` takes (N, k, H, W) and gives (N, k · C), and nothing of one
    network enters what another one gives.

    Its tensors are those of the networks, one after the other along the first dimension. These become views of it: what
    is done to a tensor here is done to theirs, and the other way round.
    """
    k, first = len(modules), modules[0]
    whole = Reading(nn.Sequential(*(_layer(layer, streams) for layer in first.body.children())))
    whole.mean, whole.std = torch.empty(2, k, 1, 1)
    whole.to(first.mean.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    theirs = [_tensors(module) for module in modules]
    with torch.no_grad():
        for name, tensor in _tensors(whole).items():
            parts = [named[name] for named in theirs]
            if name == "temperature":  # comes after training
                continue
            if tensor.ndim == 0:  # the number of batches, the same for all
                tensor.copy_(parts[0])
                views = [tensor] * k
            else:
                tensor.copy_(torch.cat([part.reshape(-1, *tensor.shape[1:]) for part in parts]))
                views = [view.view(part.shape) for view, part in zip(tensor.chunk(k), parts, strict=True)]
            for part, view in zip(parts, views, strict=True):
                part.data = view.detach()
    return whole


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    return dict([*module.named_parameters(), *module.named_buffers()])


def _layer(one: nn.Module, streams: Sequence[Stream]) -> nn.Module:
    """The layer that does for k networks what `one` does for one of them; its values are still to be filled in."""
    k = len(streams)
    match one:
        case nn.Conv2d():
            return nn.Conv2d(
                k * one.in_channels,
                k * one.out_channels,
                one.kernel_size,  # type: ignore[arg-type]
                one.stride,  # type: ignore[arg-type]
                one.padding,  # type: ignore[arg-type]
                groups=k,
                bias=one.bias is not None,
            )
        case nn.BatchNorm1d() | nn.BatchNorm2d():
            return type(one)(k * one.num_features, one.eps, one.momentum)
        case nn.Linear():
            return Linears(one, k)
        case nn.Dropout():
            return Dropouts(one.p, streams)
        case nn.Flatten() | nn.ReLU() | nn.MaxPool2d() | nn.AdaptiveMaxPool2d():
            return one
    raise TypeError(type(one).__name__)
