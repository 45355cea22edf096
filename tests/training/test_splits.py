import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bruit.data.dataset import Dataset
from bruit.errors import ConfigError, DataError
from bruit.training.splits import folds, needed_for_folds, stratified_sample, validation_split


def dataset(labels, ids=None) -> Dataset:
    labels = np.asarray(labels)
    ids = np.arange(len(labels)) if ids is None else np.asarray(ids)
    classes = tuple(chr(ord("a") + label) for label in range(labels.max() + 1))
    return Dataset(np.zeros((len(labels), 1, 1), np.uint8), labels, classes, ids)


@st.composite
def datasets(draw, most_copies=1, least=2):
    """2 to 4 classes, each of some sources, each source with some copies, in any order."""
    rows = []
    source = 0
    for label in range(draw(st.integers(2, 4))):
        for _ in range(draw(st.integers(least, 20))):
            rows += [(label, source)] * draw(st.integers(1, most_copies))
            source += 1
    labels, ids = np.array(rows)[np.random.default_rng(draw(st.integers(0, 99))).permutation(len(rows))].T
    return dataset(labels, ids)


@settings(max_examples=50, deadline=None)
@given(datasets(least=5), st.integers(2, 5), st.integers(0, 2**63 - 1))
def test_folds_are_a_partition_with_every_class_in_its_proportion(data, k, seed):
    parts = folds(data, k, seed)
    assert len(parts) == k
    assert np.array_equal(np.sort(np.concatenate([held for _, held in parts])), np.arange(len(data)))
    for rest, held in parts:
        assert np.array_equal(np.sort(np.concatenate([rest, held])), np.arange(len(data)))
        share = data.counts / k
        assert (np.abs(data.subset(held).counts - share) < 1).all()


@settings(max_examples=50, deadline=None)
@given(datasets(most_copies=4, least=5), st.integers(2, 5), st.integers(0, 1000))
def test_images_of_one_source_are_never_parted(data, k, seed):
    parts = folds(data, k, seed)
    assert np.array_equal(np.sort(np.concatenate([held for _, held in parts])), np.arange(len(data)))
    for rest, held in parts:
        assert not set(data.ids[rest]) & set(data.ids[held])
        assert (data.subset(held).counts > 0).all()


@settings(max_examples=50, deadline=None)
@given(datasets(most_copies=3), st.integers(0, 1000))
def test_a_validation_split_parts_no_source_and_leaves_every_class_on_both_sides(data, seed):
    kept, held = validation_split(data, seed)
    assert np.array_equal(np.sort(np.concatenate([kept, held])), np.arange(len(data)))
    assert not set(data.ids[kept]) & set(data.ids[held])
    assert (data.subset(kept).counts > 0).all()
    assert (data.subset(held).counts > 0).all()


def test_a_validation_split_is_a_tenth(digits):
    kept, held = validation_split(digits.train, 0)
    assert len(kept) == 540
    assert digits.train.subset(held).counts.tolist() == [6] * 10


@pytest.mark.parametrize(
    "held_out", [lambda data, seed: folds(data, 5, seed)[0][1], lambda *args: validation_split(*args)[1]]
)
@pytest.mark.parametrize("copies", [1, 2])
def test_the_same_seed_splits_alike_and_another_differently(held_out, copies):
    data = dataset(np.arange(200) % 4, np.arange(200) // 4 // copies * 4 + np.arange(200) % 4)
    assert held_out(data, 7).tolist() == held_out(data, 7).tolist()
    assert held_out(data, 7).tolist() != held_out(data, 8).tolist()


def test_folds_are_shuffled():
    _, held = folds(dataset(np.arange(100) % 2), 5, 0)[0]
    assert held.max() > 40


@pytest.mark.parametrize("k", [1, 0, -3])
def test_fewer_than_two_folds(refused, k):
    with refused(ConfigError, f"expected 2 folds or more, received {k}"):
        folds(dataset([0, 1] * 10), k, 0)


def test_fewer_images_of_a_class_than_folds(refused):
    with refused(
        DataError,
        "class b has 4 of 104 training images; 5 folds, each with a validation split of its own, need 5 of each class: "
        "add images of it, remove the class, or change the number of folds",
    ):
        folds(dataset([0] * 50 + [1] * 4 + [2] * 50), 5, 0)


def test_fewer_sources_of_a_class_than_folds(refused):
    with refused(
        DataError,
        "class b has 10 of 20 training images (copies of only 2); 3 folds, each with a validation split of its own, "
        "need 3 of each class: add images of it, remove the class, or change the number of folds",
    ):
        folds(dataset([0] * 10 + [1] * 10, [*range(10), *[10] * 5, *[11] * 5]), 3, 0)


def test_two_folds_of_three_images_leave_one_too_few_to_validate_on(refused):
    with refused(
        DataError,
        "class a has 3 of 53 training images; 2 folds, each with a validation split of its own, need 4 of each class: "
        "add images of it, remove the class, or change the number of folds",
    ):
        folds(dataset([0] * 3 + [1] * 50), 2, 0)


@pytest.mark.parametrize("k", range(2, 8))
@pytest.mark.parametrize("seed", range(5))
def test_as_many_images_as_folds_need_are_enough_for_the_folds_validation_splits(k, seed):
    data = dataset(np.repeat([0, 1, 2], [needed_for_folds(k), 50, needed_for_folds(k) + 1]))
    for rest, held_out in folds(data, k, seed):
        assert data.subset(held_out).counts.min() >= 1
        kept, inner = validation_split(data.subset(rest), seed)
        assert data.subset(rest).subset(kept).counts.min() >= 1
        assert data.subset(rest).subset(inner).counts.min() >= 1


def test_one_image_of_a_class_only(refused):
    with refused(
        DataError,
        "class a has 1 of 10 training images; "
        "a validation split needs 2 of each class: add images of it, or remove the class",
    ):
        validation_split(dataset([0] + [1] * 9), 0)


@settings(max_examples=50, deadline=None)
@given(datasets(), st.integers(1, 100), st.integers(0, 1000))
def test_a_sample_has_every_class_in_its_proportion(data, n, seed):
    assume(n < len(data))
    sample = stratified_sample(data, n, seed)
    share = n * data.counts / len(data)
    assert (np.abs(sample.counts - share) <= np.maximum(0.5, 5 - share)).all()
    assert (sample.counts >= np.minimum(data.counts, 5)).all()
    assert len(np.unique(sample.ids)) == len(sample)
    assert set(zip(sample.ids, sample.labels, strict=True)) <= set(zip(data.ids, data.labels, strict=True))


def test_a_sample_of_many_keeps_all_of_a_rare_class_and_can_be_folded():
    sample = stratified_sample(dataset(np.repeat([0, 1], [12_000, 5])), 6000, 0)
    assert sample.counts[1] == 5
    assert len(folds(sample, 5, 0)) == 5


def test_a_sample_of_everything_is_the_data_itself(digits):
    assert stratified_sample(digits.train, 600, 0) is digits.train
    assert stratified_sample(digits.train, 10_000, 0) is digits.train


def test_samples_repeat_by_seed(digits):
    ids = [stratified_sample(digits.train, 100, seed).ids.tolist() for seed in (1, 1, 2)]
    assert ids[0] == ids[1] != ids[2]
    assert len(ids[0]) == 100


def test_a_rare_class_does_not_take_the_training_images_of_the_others():
    labels = np.repeat([0, 1], [200, 2])
    kept, held = validation_split(dataset(labels, np.arange(202)), 0)
    assert np.bincount(labels[held]).tolist() == [20, 1]
    assert len(kept) == 181
