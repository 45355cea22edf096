import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bruit.training.augment import augment
from bruit.training.recipe import Augmentation


@pytest.fixture
def highest(monkeypatch):
    """Every draw is the upper end of its range."""
    monkeypatch.setattr(torch, "rand", lambda *shape, **where: torch.ones(shape))


def blob(height: int, width: int, y: float, x: float, spread: float = 1.5) -> torch.Tensor:
    """(1, 1, height, width): a round spot around (y, x), in pixels from the middle of the image."""
    rows = torch.arange(height) - (height - 1) / 2 - y
    columns = torch.arange(width) - (width - 1) / 2 - x
    return torch.exp(-(rows[:, None] ** 2 + columns**2) / (2 * spread**2)).view(1, 1, height, width)


def centre(image: torch.Tensor) -> tuple[float, float]:
    """(y, x) of an image's centre of mass, in pixels from its middle."""
    height, width = image.shape[-2:]
    mass = image.reshape(height, width) / image.sum()
    rows, columns = torch.arange(height) - (height - 1) / 2, torch.arange(width) - (width - 1) / 2
    return float((mass.sum(1) * rows).sum()), float((mass.sum(0) * columns).sum())


def pixels(digits, n=32):
    return torch.tensor(digits.train.images[:n]).unsqueeze(1) / 255


def test_no_ranges_change_nothing_and_draw_nothing(digits):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    images = pixels(digits)
    assert torch.equal(augment(images, Augmentation()), images)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_tiny_range_changes_next_to_nothing(digits):
    images = pixels(digits)
    tiny = augment(images, Augmentation(rotation=1e-4, shift=1e-6, scale=1e-6, brightness=1e-6))
    assert torch.allclose(tiny, images, atol=1e-3)


@pytest.mark.parametrize(
    "ranges",
    [
        *(Augmentation(rotation=20), Augmentation(shift=0.2), Augmentation(scale=0.3), Augmentation(brightness=0.3)),
        *(Augmentation(shear=0.4), Augmentation(contrast=0.5)),
    ],
)
def test_each_image_has_a_draw_of_its_own(digits, ranges):
    torch.manual_seed(0)
    copies = augment(pixels(digits, 1).repeat(20, 1, 1, 1), ranges)
    assert len(torch.unique(copies, dim=0)) == 20


def test_what_came_in_is_left_alone(digits):
    images = pixels(digits)
    before = images.clone()
    augment(images, Augmentation(rotation=20, shift=0.2, scale=0.2, brightness=0.3))
    assert torch.equal(images, before)


@settings(max_examples=25, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    rotation=st.floats(0, 180),
    shift=st.floats(0, 0.5),
    scale=st.floats(0, 0.5),
    brightness=st.floats(0, 1),
    shear=st.floats(0, 1),
    contrast=st.floats(0, 1),
    seed=st.integers(0, 1000),
)
def test_shape_and_range_are_kept(shape, rotation, shift, scale, brightness, shear, contrast, seed):
    torch.manual_seed(seed)
    images = torch.rand(5, 1, *shape)
    changed = augment(images, Augmentation(rotation, shift, scale, brightness, shear, contrast))
    assert changed.shape == images.shape
    assert changed.dtype == images.dtype
    assert 0 <= changed.min() <= changed.max() <= 1 + 1e-6


def test_the_same_seed_gives_the_same_draws(digits):
    ranges = Augmentation(rotation=20, shift=0.2, scale=0.2, brightness=0.3)
    results = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        results.append(augment(pixels(digits), ranges))
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


@pytest.mark.parametrize(("height", "width"), [(28, 28), (20, 40), (40, 20)])
def test_a_rotation_keeps_distances_and_turns_by_its_angle(highest, height, width):
    spot = blob(height, width, y=0, x=5, spread=1.2)
    y, x = centre(augment(spot, Augmentation(rotation=30)))
    assert math.hypot(y, x) == pytest.approx(5, abs=0.05)
    assert abs(math.degrees(math.atan2(y, x))) == pytest.approx(30, abs=0.5)


@pytest.mark.parametrize(("height", "width"), [(28, 28), (20, 40)])
def test_a_shift_is_a_fraction_of_the_side_along_each_axis(highest, height, width):
    y, x = centre(augment(blob(height, width, 0, 0), Augmentation(shift=0.2)))
    assert abs(y) == pytest.approx(0.2 * height, abs=0.05)
    assert abs(x) == pytest.approx(0.2 * width, abs=0.05)


def test_a_scale_changes_distances_from_the_middle(highest):
    y, x = centre(augment(blob(28, 28, 4, 6), Augmentation(scale=0.25)))
    assert (y, x) == (pytest.approx(4 / 1.25, abs=0.05), pytest.approx(6 / 1.25, abs=0.05))


@pytest.mark.parametrize(("height", "width"), [(28, 28), (20, 40)])
def test_a_shear_moves_pixels_sideways_by_their_height(highest, height, width):
    y, x = centre(augment(blob(height, width, y=5, x=0, spread=1.2), Augmentation(shear=0.4)))
    assert (y, abs(x)) == (pytest.approx(5, abs=0.1), pytest.approx(0.4 * 5, abs=0.1))
    y, x = centre(augment(blob(height, width, y=0, x=5, spread=1.2), Augmentation(shear=0.4)))
    assert (y, x) == (pytest.approx(0, abs=0.1), pytest.approx(5, abs=0.1))


def test_draws_fill_their_range_evenly_to_both_sides():
    torch.manual_seed(0)
    turned = augment(blob(28, 28, 0, 8).repeat(400, 1, 1, 1), Augmentation(rotation=20))
    angles = torch.tensor([math.degrees(math.atan2(*centre(image))) for image in turned])
    assert angles.abs().max() <= 20.5
    assert angles.min() < -19
    assert angles.max() > 19
    assert abs(float(angles.mean())) < 5 * 20 / math.sqrt(3 * 400)  # five deviations
    assert float(angles.std()) == pytest.approx(20 / math.sqrt(3), rel=0.1)


def test_brightness_is_added_and_clipped(highest):
    images = torch.tensor([0.0, 0.5, 0.9, 1.0]).view(1, 1, 2, 2)
    brighter = augment(images, Augmentation(brightness=0.2))
    assert brighter.flatten().tolist() == pytest.approx([0.2, 0.7, 1.0, 1.0])


def test_contrast_spreads_about_the_mean_and_is_clipped(highest):
    images = torch.tensor([0.0, 0.4, 0.6, 1.0]).view(1, 1, 2, 2)
    assert augment(images, Augmentation(contrast=0.5)).flatten().tolist() == pytest.approx([0.0, 0.35, 0.65, 1.0])


def test_uncovered_borders_repeat_the_mirror_image(highest):
    stripes = torch.arange(10.0).div(10).repeat(10, 1).view(1, 1, 10, 10)
    shifted = augment(stripes, Augmentation(shift=0.3))[0, 0, 0]
    assert shifted.tolist() == pytest.approx([0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.9, 0.8, 0.7], abs=1e-5)
