import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bruit.data.builtin import mnist
from bruit.data.dataset import DataPair, Dataset, Finding
from bruit.data.sources import load
from bruit.errors import ConfigError, DataError
from bruit.noise import registry
from bruit.noise.recipes import RECIPES, apply
from bruit.noise.registry import corrupt


def pair_of(train: np.ndarray, test: np.ndarray) -> DataPair:
    def dataset(images: np.ndarray, first_id: int) -> Dataset:
        n = len(images)
        return Dataset(images, np.arange(n) % 3, ("a", "b", "c"), np.arange(first_id, first_id + n))

    finding = Finding("small", "info", "both", "A small set.")
    return DataPair("mine", dataset(train, 0), dataset(test, len(train)), (finding,))


def noisy_digits(index: np.ndarray, seed: int = 0) -> np.ndarray:
    digits = mnist().train.subset(index)
    return apply("course", DataPair("mnist", digits, digits), seed).train.images


WHOLE = np.arange(60)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 59), min_size=1, max_size=80))
def test_an_image_gets_the_same_noise_in_any_batch_and_order(index):
    assert np.array_equal(noisy_digits(np.array(index)), noisy_digits(WHOLE)[index])


@pytest.mark.parametrize("pixels", [1, 784 * 7, 784 * 60])
@pytest.mark.parametrize("workers", [1, 3])
def test_chunks_and_workers_leave_no_trace(monkeypatch, pixels, workers):
    expected = noisy_digits(WHOLE)
    monkeypatch.setattr(registry, "_PIXELS_AT_ONCE", pixels)
    monkeypatch.setattr(registry, "_MOST_WORKERS", workers)
    assert np.array_equal(noisy_digits(WHOLE), expected)


def test_another_seed_gives_other_noise_to_every_image():
    differs = (noisy_digits(WHOLE, seed=0) != noisy_digits(WHOLE, seed=1)).any(axis=(1, 2))
    assert differs.all()


def test_copies_of_one_picture_with_other_ids_get_other_noise():
    images = np.repeat(mnist().train.images[:1], 20, axis=0)
    noisy = apply("course", pair_of(images[:10], images[10:]))
    both = np.concatenate([noisy.train.images, noisy.test.images])
    assert len(np.unique(both, axis=0)) == 20


@pytest.mark.parametrize("shape", [(8, 8), (8, 40), (33, 9), (64, 64)])
def test_every_size_of_image_is_taken(shape):
    images = np.random.default_rng(1).integers(0, 256, (5, *shape), dtype=np.uint8)
    noisy = apply("course", pair_of(images[:3], images[3:]))
    assert noisy.train.images.shape == (3, *shape)
    assert noisy.test.images.shape == (2, *shape)
    assert noisy.train.images.dtype == np.uint8


def test_what_came_in_is_left_alone_and_carried_over():
    images = np.random.default_rng(2).integers(0, 256, (9, 12, 12), dtype=np.uint8)
    clean = pair_of(images[:6], images[6:])
    before = clean.fingerprint()
    noisy = apply("course", clean)
    assert clean.fingerprint() == before
    assert noisy.fingerprint() != before
    assert noisy.name == "mine+course"
    assert noisy.findings == clean.findings
    assert np.array_equal(noisy.train.labels, clean.train.labels)
    assert np.array_equal(noisy.test.ids, clean.test.ids)


def test_a_uniform_image_stays_uniform_and_only_changes_in_brightness():
    images = np.full((200, 10, 10), 100, np.uint8)
    noisy = apply("course", pair_of(images[:100], images[100:]))
    levels = np.concatenate([noisy.train.images, noisy.test.images]).reshape(200, -1)
    assert (levels == levels[:, :1]).all()
    assert 49 <= levels.min() < 60  # 100 less 51 at most
    assert 140 < levels.max() <= 151


def test_progress_rises_to_the_number_of_images(monkeypatch):
    monkeypatch.setattr(registry, "_PIXELS_AT_ONCE", 100)
    images = np.zeros((7, 10, 10), np.uint8)
    seen = []
    apply("course", pair_of(images[:4], images[4:]), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i, 7) for i in range(1, 8)]


@pytest.mark.parametrize(
    ("recipe", "severity", "message"),
    [
        ("curse", None, "unknown recipe 'curse'; did you mean course?"),
        ("mnist-c/fogg", None, "unknown recipe 'mnist-c/fogg'; did you mean mnist-c/fog"),
        ("mnist-c", None, "mnist-c is 15 sets; name one of them, as mnist-c/fog, or write all with bruit noise"),
        ("§", None, "unknown recipe '§'; choose one of course, nmnist-awgn, "),
        ("course", 3, "only a corruption has severities, not the recipe course; leave it out"),
        ("zigzag", 3, "zigzag has no severities, received 3; leave it out"),
    ],
)
def test_what_is_no_recipe_is_refused(recipe, severity, message):
    with pytest.raises(ConfigError) as caught:
        apply(recipe, mnist(), severity=severity)
    assert str(caught.value).startswith(message)


def test_a_corruption_is_a_recipe_and_so_is_its_set_in_mnist_c():
    digits = mnist().train.subset(WHOLE)
    pair = DataPair("digits", digits, digits)
    for recipe, severity in (("fog", None), ("mnist-c/fog", None), ("fog", 5)):
        noisy = apply(recipe, pair, 7, severity=severity)
        assert np.array_equal(noisy.train.images, corrupt(digits.images, "fog", seed=7, ids=digits.ids))
        assert noisy.name == f"digits+{recipe}"
    assert np.array_equal(apply("fog", pair, 7, severity=1).test.images, corrupt(digits.images, "fog", 1, 7))
    assert np.array_equal(apply("clean", pair).train.images, digits.images)
    assert np.array_equal(load("mnist-c/stripe").test.images, corrupt(mnist().test.images, "stripe"))
    assert load("mnist-c/stripe").name == "mnist+mnist-c/stripe"


def test_a_mixture_is_a_recipe(tmp_path):
    (tmp_path / "mine.toml").write_text('[[corruption]]\nname = "inverse"\n')
    digits = mnist().train.subset(WHOLE)
    noisy = apply(str(tmp_path / "mine.toml"), DataPair("digits", digits, digits))
    assert np.array_equal(noisy.train.images, 255 - digits.images)


def test_images_that_are_too_small_are_refused():
    images = np.zeros((4, 7, 9), np.uint8)
    with pytest.raises(DataError, match="expected images of 8 × 8 pixels or more, received 7 × 9"):
        apply("course", pair_of(images[:2], images[2:]))


def test_every_recipe_is_described_in_one_line():
    for recipe in RECIPES.values():
        assert recipe.description
        assert "\n" not in recipe.description
