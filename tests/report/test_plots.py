import pytest
from matplotlib import rc_context
from matplotlib.figure import Figure

from bruit.report import figures, plots
from bruit.report.style import RC, looks


@pytest.fixture(scope="module")
def every(study) -> list[figures.Plot]:
    return list(figures.plots(study.results, study.samples, looks(study.results["models"]), "en"))


@pytest.fixture(scope="module")
def drawn(every) -> dict[str, Figure]:
    with rc_context(RC):
        return {p.name: figures.drawing_of(p)(**p.inputs) for p in every}


def test_figures_have_names_of_their_own_and_say_what_they_show(every):
    assert len({plot.name for plot in every}) == len(every) > 25
    assert all(plot.label for plot in every)


def test_every_axis_is_named(drawn):
    for name, figure in drawn.items():
        for ax in figure.axes:
            if not ax.axison:
                assert name.endswith("-mistakes")
                continue
            shared = ax.get_shared_x_axes().joined(ax, figure.axes[-1])
            assert ax.get_ylabel(), name
            assert figure.axes[-1].get_xlabel() if shared else ax.get_xlabel(), name


def test_no_label_is_left_to_the_drawing_library(drawn):
    """Formulas are off, so that its own way to write powers of ten would show as source."""
    for name, figure in drawn.items():
        ticks = [tick for ax in figure.axes for tick in (*ax.get_xticklabels(), *ax.get_yticklabels())]
        assert [tick.get_text() for tick in ticks if "$" in tick.get_text()] == [], name


def test_axes_of_fractions_and_losses_name_their_unit(drawn):
    assert drawn["cnn-accuracy"].axes[0].get_ylabel() == "Accuracy (%)"
    assert drawn["cnn-loss"].axes[0].get_ylabel() == "Loss (cross-entropy, nats)"
    assert drawn["differences"].axes[0].get_xlabel() == "Lead of the chosen model (percentage points)"


def test_training_and_validation_are_told_apart_without_colour(drawn):
    training, validation = drawn["cnn-accuracy"].axes[0].get_lines()
    assert training.get_color() == validation.get_color()
    assert training.get_linestyle() != validation.get_linestyle()
    assert training.get_markerfacecolor() != validation.get_markerfacecolor()


def test_a_cell_of_the_confusion_matrix_has_count_and_share(drawn, study):
    counts = study.results["models"]["cnn"]["test"]["confusion"]
    words = [text.get_text() for text in drawn["cnn-confusion"].axes[0].texts]
    assert words[:2] == [f"{counts[0][0]:,}", f"{counts[0][0] / sum(counts[0]):.1%}"]
    assert len(words) == 2 * sum(count > 0 for row in counts for count in row)


def test_curves_of_all_folds_share_one_figure(drawn):
    assert len(drawn["crossval-cnn-plus-loss"].axes[0].get_lines()) == 2 * 5


def test_a_learning_curve_goes_on_dashed_beyond_the_images_that_there_are(drawn, study):
    curve = study.results["learning_curve"]["cnn-plus"]
    (ax,) = drawn["learning-cnn-plus"].axes
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    measured, beyond = ax.get_lines()[-2:]
    last = curve["points"][-1]["n"]
    assert (max(measured.get_xdata()), min(beyond.get_xdata())) == (last, last)
    assert max(beyond.get_xdata()) == 4 * last
    assert measured.get_linestyle() != beyond.get_linestyle()
    assert beyond.get_ydata()[-1] == pytest.approx(100 * (1 - curve["predictions"][-1]["accuracy"]))


def test_a_learning_curve_without_a_fit_or_an_error_is_drawn_too():
    points = [{"n": n, "accuracies": [1.0], "accuracy": 1.0, "accuracy_ci95": [0.9, 1.0]} for n in (30, 60)]
    curve = {"points": points, "fit": None, "doubts": ["few_sizes"], "predictions": [], "verdict": "unknown"}
    with rc_context(RC):
        figure = plots.learning_curve(curve, looks(["cnn"])["cnn"], "fr")
    assert figure.axes[0].get_xscale() == "log"


def test_long_curves_are_not_crowded_with_markers(drawn, study):
    rows = [{"epoch": i, "train_accuracy": 0.5, "validation_accuracy": 0.5} for i in range(1, 1200)]
    with rc_context(RC):
        figure = plots.curves(rows, "accuracy", looks(["cnn"])["cnn"], "en")
    assert figure.axes[0].get_lines()[0].get_markevery() == 30
    assert drawn["cnn-accuracy"].axes[0].get_lines()[0].get_markevery() == 1


def test_a_model_has_one_colour_everywhere_and_keeps_it():
    known = looks(["dnn", "dnn-plus", "cnn", "cnn-plus", "logistic", "knn"])
    assert len({look.colour for look in known.values()}) == len({look.marker for look in known.values()}) == 6
    grown = looks(["mine", "cnn", "yours"])
    assert grown["cnn"] == known["cnn"]
    assert looks(["mine"])["mine"] == grown["mine"] != grown["yours"]
