from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2_contingency, ttest_1samp

from bruit.errors import DataError
from bruit.evaluation import compare_folds, corrected_resampled_t, sample_dependence, summarise_crossval


def crossval(
    rng: np.random.Generator,
    *,
    accuracy: float = 0.95,
    n: int = 12_000,
    n_test: int = 10_000,
    sample_std: float = 0.0,
    seed_std: float = 0.0,
    seed_runs: int = 3,
    k: int = 5,
) -> dict[str, Any]:
    """A cross-validation whose true accuracy varies with the training sample and the seed by known amounts.

    A third of the sampling variance is each model's own, the rest common to models tested on the same images.
    """
    image_std, test_std = (np.sqrt(accuracy * (1 - accuracy) / size) for size in (n, n_test))
    common_test = rng.normal(0, test_std * np.sqrt(2 / 3))

    def run(sample: float, common: float) -> dict[str, Any]:
        true = accuracy + sample + rng.normal(0, seed_std)
        return {
            "n": n,
            "accuracy": float(true + common + rng.normal(0, image_std * np.sqrt(1 / 3))),
            "test_accuracy": float(true + common_test + rng.normal(0, test_std * np.sqrt(1 / 3))),
        }

    samples = rng.normal(0, sample_std, size=k)
    held_out = rng.normal(0, image_std * np.sqrt(2 / 3), size=k)
    folds = [run(sample, common) for sample, common in zip(samples, held_out, strict=True)]
    repeats = [run(samples[0], held_out[0]) for _ in range(seed_runs - 1)]
    return {"k": k, "folds": folds, "seed_runs": [folds[0], *repeats] if seed_runs else []}


def verdicts(repetitions: int = 400, **truth: Any) -> dict[str, float]:
    rng = np.random.default_rng(11)
    found = [sample_dependence(crossval(rng, **truth)) for _ in range(repetitions)]
    return {verdict: found.count(verdict) / repetitions for verdict in set(found)}


@pytest.mark.parametrize("seed_runs", [0, 2, 3])
def test_chance_alone_is_rarely_called_dependence(seed_runs: int) -> None:
    assert verdicts(seed_runs=seed_runs)["no_more_than_chance"] >= 0.88


@pytest.mark.parametrize("seed_runs", [2, 3, 5])
def test_a_spread_of_the_seed_is_not_laid_to_the_sample(seed_runs: int) -> None:
    # Four times the binomial spread: the chi-square test alone rejects nineteen times of twenty.
    assert verdicts(seed_std=0.008, seed_runs=seed_runs)["no_more_than_chance"] >= 0.88
    assert verdicts(seed_std=0.008, seed_runs=0).get("no_more_than_chance", 0) < 0.2


def test_true_dependence_is_found() -> None:
    assert verdicts(sample_std=0.02)["depends"] >= 0.85
    assert verdicts(sample_std=0.02, seed_std=0.002, seed_runs=5)["depends"] >= 0.85


def test_a_small_but_certain_spread_is_called_small() -> None:
    found = verdicts(accuracy=0.99, n=100_000, n_test=100_000, sample_std=0.0025, seed_runs=5)
    assert found["small_but_real"] >= 0.8
    assert found.get("depends", 0) < 0.05


def test_without_seed_runs_it_is_the_chi_square_test_of_homogeneity() -> None:
    def folds(right: list[int]) -> dict[str, Any]:
        return {"folds": [{"n": 1000, "accuracy": r / 1000} for r in right]}

    just_inside, just_outside = [900, 905, 895, 920, 885], [900, 905, 895, 926, 885]
    for right, verdict in ((just_inside, "no_more_than_chance"), (just_outside, "depends")):
        p = chi2_contingency([right, [1000 - r for r in right]], correction=False).pvalue
        assert (p < 0.05) == (verdict == "depends")
        assert sample_dependence(folds(right)) == verdict


def test_dependence_without_data_or_spread() -> None:
    assert sample_dependence({}) == "unknown"
    assert sample_dependence(crossval(np.random.default_rng(0), k=2)) == "unknown"
    perfect = [{"n": 50, "accuracy": 1.0, "test_accuracy": 1.0}] * 5
    assert sample_dependence({"folds": perfect, "seed_runs": perfect[:2]}) == "no_more_than_chance"


def test_corrected_t_by_hand() -> None:
    diffs = [0.01, 0.02, 0.03, 0.02, 0.02]
    # mean 0.02, s² = 0.0002 / 4 = 5e-5; (1/5 + 1/4) s² = 2.25e-5; t = 0.02 / 0.0047434
    result = corrected_resampled_t(diffs, n_train=48_000, n_test=12_000)
    assert result["difference"] == pytest.approx(0.02)
    assert result["t"] == pytest.approx(4.21637, rel=1e-5)
    # With 4 degrees of freedom p = 1 - 3/4 u (1 - u²/12), u = t / (1 + t²/4)^½ = 1.80702.
    assert result["p"] == pytest.approx(0.0135169, rel=1e-5)
    # 2.776445 is the 97.5 % point of Student's t with 4 degrees of freedom.
    assert result["ci95"] == pytest.approx([0.02 - 2.776445 * 0.00474342, 0.02 + 2.776445 * 0.00474342], rel=1e-5)


def test_corrected_t_is_the_plain_one_where_nothing_is_shared_and_never_surer() -> None:
    diffs = np.random.default_rng(5).normal(0.01, 0.02, size=8)
    plain = ttest_1samp(diffs, 0)
    uncorrected = corrected_resampled_t(diffs, n_train=1e12, n_test=1000)
    assert (uncorrected["t"], uncorrected["p"]) == pytest.approx((plain.statistic, plain.pvalue), rel=1e-5)
    assert corrected_resampled_t(diffs, n_train=7000, n_test=1000)["p"] > plain.pvalue


def test_corrected_t_of_equal_differences_stays_finite() -> None:
    nothing = corrected_resampled_t([0.0] * 5, n_train=400, n_test=100)
    assert (nothing["t"], nothing["p"]) == (0, 1)
    equal = corrected_resampled_t([0.01, 0.01], n_train=100, n_test=100)
    assert 0.05 < equal["p"] < 1
    assert np.isfinite(equal["t"])


@pytest.mark.parametrize(
    ("diffs", "n_train"), [([0.1], 400), ([], 400), ([0.1, np.nan], 400), ([0.1, 0.2], 0), ([[0.1, 0.2]], 400)]
)
def test_corrected_t_refuses_what_has_no_answer(diffs: list[float], n_train: int) -> None:
    with pytest.raises(DataError):
        corrected_resampled_t(diffs, n_train=n_train, n_test=100)


def test_folds_are_compared_pair_by_pair_when_finished() -> None:
    def entry(accuracies: list[float], k: int = 3) -> dict[str, Any]:
        return {"k": k, "folds": [{"n": 200, "n_train": 360, "accuracy": a} for a in accuracies]}

    entries = {
        "a": entry([0.9, 0.91, 0.92]),
        "b": entry([0.88, 0.9, 0.89]),
        "c": entry([0.5, 0.5]),
        "d": entry([0.8] * 3),
    }
    rows = compare_folds(entries)
    assert [(row["a"], row["b"], row["k"]) for row in rows] == [("a", "b", 3), ("a", "d", 3), ("b", "d", 3)]
    assert {k: rows[0][k] for k in ("difference", "t", "p", "ci95")} == corrected_resampled_t(
        [0.9 - 0.88, 0.91 - 0.9, 0.92 - 0.89], n_train=360, n_test=200
    )
    assert compare_folds({"c": entry([0.5, 0.5]), "d": entry([0.5, 0.5])}) == []
    assert compare_folds({}) == []


def test_summary_of_a_crossval_by_hand() -> None:
    folds = [{"n": 4, "accuracy": a, "test_accuracy": t} for a, t in ((0.5, 0.6), (0.75, 0.7), (1.0, 0.8))]
    labels = np.arange(12) % 2
    predictions = labels.copy()
    predictions[[0, 1, 4]] ^= 1
    summary = summarise_crossval(folds, [{"accuracy": 0.5}, {"accuracy": 0.75}], np.eye(2)[predictions], labels)
    assert (summary["k"], summary["mean"], summary["std"]) == pytest.approx((3, 0.75, 0.25))
    assert (summary["test_mean"], summary["test_std"]) == pytest.approx((0.7, 0.1))
    assert summary["binomial_std"] == pytest.approx(np.sqrt(0.75 * 0.25 / 4))
    assert summary["seed_std"] == pytest.approx(0.25 / np.sqrt(2))
    assert (summary["oof"]["n"], summary["oof"]["accuracy"]) == (12, 0.75)
    assert summarise_crossval(folds, folds[:1], np.eye(2)[predictions], labels)["seed_std"] is None
    with pytest.raises(DataError, match="2 folds"):
        summarise_crossval(folds[:1], [], np.eye(2)[predictions], labels)
