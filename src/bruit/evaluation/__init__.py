"""How far to trust a model: pure functions of (probabilities, labels); NumPy and SciPy only."""

from bruit.evaluation.calibration import (
    apply_temperature,
    fit_temperature,
    log_probabilities,
    without_temperature,
)
from bruit.evaluation.comparison import (
    choose_winner,
    compare_on_test,
    conclude,
    holm,
    mcnemar,
    paired_bootstrap,
)
from bruit.evaluation.folds import compare_folds, corrected_resampled_t, sample_dependence, summarise_crossval
from bruit.evaluation.metrics import (
    accuracy,
    confusion_matrix,
    correct,
    ece,
    most_confused,
    nll,
    per_class,
    reliability,
    wilson_interval,
    worst_mistakes,
)
from bruit.evaluation.summary import evaluate_split

__all__ = [
    "accuracy",
    "apply_temperature",
    "choose_winner",
    "compare_folds",
    "compare_on_test",
    "conclude",
    "confusion_matrix",
    "correct",
    "corrected_resampled_t",
    "ece",
    "evaluate_split",
    "fit_temperature",
    "holm",
    "log_probabilities",
    "mcnemar",
    "most_confused",
    "nll",
    "paired_bootstrap",
    "per_class",
    "reliability",
    "sample_dependence",
    "summarise_crossval",
    "wilson_interval",
    "without_temperature",
    "worst_mistakes",
]
