"""The networks, as PyTorch modules: raw uint8 images in, logits out."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bruit.locale import mark


@dataclass(frozen=True)
class Dense:
    """Fully connected layers, ReLU between them.

    hidden      width of each hidden layer
    dropout     probability, after each hidden layer
    batch_norm  batch normalisation before each ReLU
    """

    hidden: tuple[int, ...]
    dropout: float = 0.0
    batch_norm: bool = False

    def build(self, shape: tuple[int, int], n_classes: int) -> nn.Sequential:
        layers: list[nn.Module] = [nn.Flatten()]
        width = shape[0] * shape[1]
        for hidden in self.hidden:
            layers.append(nn.Linear(width, hidden, bias=not self.batch_norm))
            if self.batch_norm:
                layers.append(nn.BatchNorm1d(hidden))
            layers.append(nn.ReLU())
            if self.dropout:
                layers.append(nn.Dropout(self.dropout))
            width = hidden
        return nn.Sequential(*layers, nn.Linear(width, n_classes))


@dataclass(frozen=True)
class Convolutional:
    """The textbook network: 3 × 3 convolutions without padding, ReLU, 2 × 2 max pooling between them; one dense layer.

    channels  of each convolution
    dropout   probability, before the dense layer
    """

    channels: tuple[int, ...]
    dropout: float = 0.0

    def build(self, shape: tuple[int, int], n_classes: int) -> nn.Sequential:
        layers: list[nn.Module] = []
        previous, height, width = 1, *shape
        for index, channels in enumerate(self.channels):
            if index and min(height, width) >= 2:
                layers.append(nn.MaxPool2d(2))
                height, width = height // 2, width // 2
            # What is too small to lose its border is padded, and no longer pooled.
            padding = int(min(height, width) < 3)
            layers += [nn.Conv2d(previous, channels, 3, padding=padding), nn.ReLU()]
            previous, height, width = channels, height - 2 + 2 * padding, width - 2 + 2 * padding
        return nn.Sequential(
            *layers, nn.Flatten(), nn.Dropout(self.dropout), nn.Linear(previous * height * width, n_classes)
        )


@dataclass(frozen=True)
class Normalised:
    """Convolutions with batch normalisation and ReLU; the maximum over all positions goes to one dense layer.

    channels  of each convolution
    strides   of each convolution: 1 with kernels of 3 × 3, or 2 with 4 × 4, which halve the image and see every pixel
    dropout   probability, before the dense layer

    The first convolution is narrow and sees the image in full: that costs little and is worth much. The last one is not
    padded: the border, where little stands, weighs less.
    """

    channels: tuple[int, ...]
    strides: tuple[int, ...]
    dropout: float = 0.0

    def build(self, shape: tuple[int, int], n_classes: int) -> nn.Sequential:
        layers: list[nn.Module] = []
        previous, side = 1, min(shape)
        for index, (channels, stride) in enumerate(zip(self.channels, self.strides, strict=True)):
            stride = stride if side >= 2 else 1
            padding = 0 if index == len(self.channels) - 1 and side >= 3 else 1
            layers += [
                nn.Conv2d(previous, channels, 2 + stride, stride, padding, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(),
            ]
            previous, side = channels, side // stride
        head: list[nn.Module] = [nn.AdaptiveMaxPool2d(1), nn.Flatten()]
        if self.dropout:
            head.append(nn.Dropout(self.dropout))
        return nn.Sequential(*layers, *head, nn.Linear(previous, n_classes))


@dataclass(frozen=True)
class Ensemble:
    """n networks of one kind, each trained by itself: their probabilities are averaged.

    Source: B. Lakshminarayanan et al., Simple and Scalable Predictive Uncertainty Estimation using Deep Ensembles
    (2017).
    """

    member: Dense | Convolutional | Normalised
    n: int


# How many views of an image a network can average: the image alone, or all that shift it by up to a pixel.
VIEWS = (1, 9)


class Reading(nn.Module):
    """A body with all that surrounds it: raw pixels are scaled and normalised on the way in, logits cooled on
    the way out.

    images (N, H, W) uint8 → logits (N, C) float32, the mean of those of its views, divided by the calibration
    temperature.
    """

    mean: Tensor
    std: Tensor
    temperature: Tensor
    n_views: int

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.n_views = 1
        self.register_buffer("mean", torch.tensor(0.0))
        self.register_buffer("std", torch.tensor(1.0))
        self.register_buffer("temperature", torch.tensor(1.0))

    def forward(self, images: Tensor) -> Tensor:
        pixels = images.unsqueeze(1).to(torch.float32) / 255
        if self.n_views > 1:
            pixels = shifted(pixels).flatten(0, 1).unsqueeze(1)
        logits: Tensor = self.from_pixels(pixels).float() / self.temperature
        return logits.view(len(images), self.n_views, -1).mean(1) if self.n_views > 1 else logits

    def from_pixels(self, pixels: Tensor) -> Tensor:
        """(N, 1, H, W) float in 0…1 → logits (N, C) before the temperature: where training, which augments,
        comes in.
        """
        normalised = (pixels - self.mean) / self.std
        logits: Tensor = self.body(normalised.contiguous(memory_format=torch.channels_last))
        return logits


def shifted(images: Tensor) -> Tensor:
    """(N, 1, H, W) → (N, 9, H, W): shifted by up to a pixel in both directions; the border is repeated."""
    height, width = images.shape[2:]
    edged = F.pad(images, (1, 1, 1, 1), mode="replicate")
    return torch.cat([edged[:, :, y : y + height, x : x + width] for y in range(3) for x in range(3)], 1)


AVERAGED = mark("mean of nine views, shifted by one pixel at most")
# The words of which `describe` makes its lines, for whoever translates them.
WORDS = (
    *(mark("convolution"), mark("stride"), mark("dense"), mark("batch normalisation"), mark("max pooling")),
    *(mark("maximum over all positions"), mark("dropout"), AVERAGED),
)


def describe(body: nn.Module) -> list[str]:
    """The layers in words, one each, in the order that data passes them."""
    words = []
    for layer in body.modules():
        match layer:
            case nn.Conv2d():
                size = f"{layer.kernel_size[0]} × {layer.kernel_size[1]}"
                stride = f", stride {layer.stride[0]}" if layer.stride[0] != 1 else ""
                words.append(f"convolution {layer.in_channels} → {layer.out_channels}, {size}{stride}")
            case nn.Linear():
                words.append(f"dense {layer.in_features} → {layer.out_features}")
            case nn.BatchNorm1d() | nn.BatchNorm2d():
                words.append("batch normalisation")
            case nn.MaxPool2d():
                words.append(f"max pooling {layer.kernel_size} × {layer.kernel_size}")
            case nn.AdaptiveMaxPool2d():
                words.append("maximum over all positions")
            case nn.Dropout():
                words.append(f"dropout {layer.p:g}")
            case nn.ReLU():
                words.append("ReLU")
    return words
