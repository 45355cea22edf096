"""What the Tab key completes: commands, options, names of models and data sets, files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import click
from click.shell_completion import CompletionItem, get_completion_class

from bruit.cli.options import command, json_option, print_json

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
# The names of models.zoo and data.sources, which import what takes a second.
MODELS = ("logistic", "knn", "dnn", "dnn-plus", "cnn", "cnn-plus")
DATA = (
    *("mnist", "mnist+course", "mnist-c/fog"),
    *("mnist-c-archive/fog", "n-mnist/awgn", "emnist-digits", "usps", "affnist"),
)
# Those of noise.registry and noise.recipes, likewise.
CORRUPTIONS = (
    *("gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise", "gaussian_blur", "glass_blur", "defocus_blur"),
    *("motion_blur", "zoom_blur", "shear", "scale", "rotate", "translate", "elastic_transform", "brightness"),
    *("contrast", "saturate", "inverse", "quantize", "jpeg_compression", "pixelate", "fog", "spatter", "snow"),
    *("stripe", "line", "dotted_line", "zigzag", "canny_edges"),
)
RECIPES = ("course", "nmnist-awgn", "nmnist-motion-blur", "nmnist-contrast-awgn", "clean", "mnist-c")
SUITES = ("mnist-c", "severity", "nmnist", "course")
SETS = ("mnist-c-archive", "n-mnist", "emnist-digits", "usps", "affnist")


@command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@json_option
def completion(shell: Literal["bash", "zsh", "fish"], as_json: bool) -> None:
    """Print what makes a shell complete bruit's commands.

    Then the Tab key completes commands, options, models and files. To have it in every new shell:

    \b
      eval "$(bruit completion bash)"      a line in ~/.bashrc
      eval "$(bruit completion zsh)"       a line in ~/.zshrc, after compinit
      bruit completion fish > ~/.config/fish/completions/bruit.fish

    \b
    Examples:
      bruit completion bash
      bruit completion zsh --json
    """
    from bruit.cli import bruit

    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(bruit, {}, "bruit", "_BRUIT_COMPLETE").source()
    if as_json:
        return print_json({"shell": shell, "script": script})
    click.echo(script)


def teach(learner: click.Command) -> None:
    """Have the arguments and options of a command completed, by their names."""
    known: dict[str, Complete] = {
        "data": _data,
        "models_": _several_models,
        "crossval_": _several_models,
        "model": _among(MODELS) if learner.name in ("train", "crossval") else _among_or_files(("robust",)),
        "models": _among_or_files(("robust",)),
        "start": _among_or_files(("robust",)),
        "runs": _files,
        "images": _files,
        "image": _files,
        "recipe": _among_or_files((*RECIPES, *CORRUPTIONS)),
        "augment": _among_or_files(("auto", *RECIPES, *CORRUPTIONS)),
        "suite": _among_or_files(SUITES),
        "asked": _fetch,
    }
    for parameter in learner.params:
        if parameter.name in known:
            parameter._custom_shell_complete = known[parameter.name]


def _files(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(incomplete, type="file")]


def _data(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    names = [CompletionItem(name) for name in DATA if incomplete and name.startswith(incomplete)]
    return names or _files(context, parameter, incomplete)


def _among(known: tuple[str, ...]) -> Complete:
    return lambda context, parameter, incomplete: [
        CompletionItem(name) for name in known if name.startswith(incomplete)
    ]


def _among_or_files(known: tuple[str, ...]) -> Complete:
    """Names, once one of them is begun; else files."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        names = _among(known)(context, parameter, incomplete) if incomplete else []
        return names or _files(context, parameter, incomplete)

    return complete


def _fetch(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    known = SETS if "fetch" in (context.params.get("asked") or ()) else ("fetch",)
    return _among(known)(context, parameter, incomplete)


def _several_models(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    before, comma, last = incomplete.rpartition(",")
    names = [name for name in MODELS if name.startswith(last) and name not in before.split(",")]
    return [CompletionItem(before + comma + name) for name in names]
