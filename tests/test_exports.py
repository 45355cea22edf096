"""What `import bruit` offers."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest

import bruit


def test_the_public_names_are_these() -> None:
    assert bruit.__all__ == sorted(bruit.__all__)
    assert bruit.__all__ == [
        *(
            "Augmentation",
            "BruitError",
            "Checkup",
            "Classifier",
            "ConfigError",
            "CrossValidation",
            "DataError",
            "DataPair",
            "Dataset",
            "Digit",
            "Example",
            "Explanation",
            "Finding",
        ),
        *(
            "Fit",
            "ModelError",
            "Predictor",
            "Reader",
            "Reading",
            "Recipe",
            "RunError",
            "__version__",
            "apply_recipe",
            "check",
            "compare",
        ),
        *(
            "conclude",
            "corrupt",
            "cross_validate",
            "describe_zoo",
            "evaluate",
            "explain",
            "fit",
            "learning_curve",
            "load",
            "load_model",
        ),
        *(
            "plot_accuracies",
            "plot_confusion",
            "plot_corruptions",
            "plot_curves",
            "plot_images",
            "plot_mistakes",
            "plot_robustness",
            "plot_severities",
            "rebuild_report",
            "robustness",
            "study",
        ),
        "write_npy_folder",
    ]
    assert dir(bruit) == bruit.__all__


@pytest.mark.parametrize("name", [name for name in bruit.__all__ if name != "__version__"])
def test_every_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(bruit, name)
    assert inspect.isclass(value) or inspect.isfunction(value)
    assert value.__module__.startswith("bruit.")
    documentation = inspect.getdoc(value) or ""
    assert len(documentation) > 20
    assert not documentation.startswith(f"{name}(")  # what dataclasses write where nobody did
    if inspect.isfunction(value):
        signature = inspect.signature(value)
        assert signature.return_annotation is not inspect.Signature.empty
        assert all(one.annotation is not inspect.Parameter.empty for one in signature.parameters.values())


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'bruit' has no attribute 'trian'"):
        bruit.trian  # noqa: B018


def test_no_public_name_is_shadowed_by_a_module() -> None:
    """Importing bruit.x sets the attribute x of bruit: a function of that name would be lost."""
    for module in pkgutil.iter_modules(bruit.__path__):
        assert module.name not in bruit.__all__
        if module.name != "__main__":
            importlib.import_module(f"bruit.{module.name}")
    for name in bruit.__all__:
        assert not inspect.ismodule(getattr(bruit, name))


def test_errors_are_one_family() -> None:
    for error in (bruit.ConfigError, bruit.DataError, bruit.ModelError, bruit.RunError):
        assert issubclass(error, bruit.BruitError)
    assert issubclass(bruit.BruitError, Exception)
