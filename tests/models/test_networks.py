import numpy as np
import pytest
import torch

from bruit.models.networks import Convolutional, Dense, Normalised, Reading, describe
from bruit.models.trained import Network

CLASSES = ("no", "yes")


@pytest.mark.parametrize(
    ("config", "layers"),
    [
        (Dense((8,)), ["dense 16 → 8", "ReLU", "dense 8 → 3"]),
        (
            Dense((8, 4), dropout=0.25, batch_norm=True),
            [
                "dense 16 → 8",
                "batch normalisation",
                "ReLU",
                "dropout 0.25",
                "dense 8 → 4",
                "batch normalisation",
                "ReLU",
                "dropout 0.25",
                "dense 4 → 3",
            ],
        ),
        (
            Convolutional((5,), dropout=0.5),
            ["convolution 1 → 5, 3 × 3", "ReLU", "dropout 0.5", "dense 20 → 3"],
        ),
        (
            Normalised((6, 7), strides=(2, 1)),
            [
                "convolution 1 → 6, 4 × 4, stride 2",
                "batch normalisation",
                "ReLU",
                "convolution 6 → 7, 3 × 3",
                "batch normalisation",
                "ReLU",
                "maximum over all positions",
                "dense 7 → 3",
            ],
        ),
    ],
)
def test_layers_in_words_are_the_layers_in_order(config, layers):
    assert describe(config.build((4, 4), 3)) == layers


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 2), (4, 4), (8, 8), (9, 12), (10, 10)])
def test_small_images_are_padded_where_nothing_would_be_left(shape):
    model = Network("textbook", Convolutional((4, 4)), CLASSES, shape)
    assert model.probabilities(np.zeros((1, *shape), np.uint8)).shape == (1, 2)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (3, 3), (4, 9), (1, 30), (8, 8)])
def test_the_normalised_network_reads_images_of_any_size(shape):
    model = Network("improved", Normalised((4, 4, 4), strides=(2, 2, 1)), CLASSES, shape)
    assert model.probabilities(np.zeros((1, *shape), np.uint8)).shape == (1, 2)


@pytest.mark.parametrize("shape", [(5, 5), (4, 5), (5, 4), (1, 1)])
@pytest.mark.parametrize(
    "config", [Normalised((16,), strides=(1,)), Normalised((16, 16), strides=(2, 1)), Dense((16,))]
)
def test_an_odd_side_loses_no_pixel(config, shape):
    """The last row and column of an odd side must reach the answer."""
    torch.manual_seed(0)
    network = Reading(config.build(shape, 2)).eval()
    blank = torch.zeros(1, *shape, dtype=torch.uint8)
    marked = blank.clone()
    marked[0, -1, -1] = 255
    assert not torch.equal(network(blank), network(marked))


def test_pixels_are_scaled_and_normalised_on_the_way_in():
    network = Reading(torch.nn.Flatten()).eval()
    network.mean.fill_(0.2)
    network.std.fill_(0.5)
    images = torch.tensor([[[0, 51], [102, 255]]], dtype=torch.uint8)
    assert torch.allclose(network(images), torch.tensor([[-0.4, 0.0, 0.4, 1.6]]), atol=1e-6)


def test_the_temperature_cools_the_answer_but_not_what_training_sees():
    network = Reading(torch.nn.Flatten()).eval()
    network.temperature.fill_(4.0)
    images = torch.tensor([[[51, 255]]], dtype=torch.uint8)
    assert torch.allclose(network(images), torch.tensor([[0.05, 0.25]]))
    assert torch.allclose(network.from_pixels(images.unsqueeze(1) / 255), torch.tensor([[0.2, 1.0]]))
