"""How fast images are damaged: every corruption against the published code of MNIST-C and against other libraries.

    python benchmarks/corruptions.py [--published FOLDER] [--images 10000] [--published-images 200] [--libraries]
    python benchmarks/corruptions.py --growth
    python benchmarks/corruptions.py --robustness

FOLDER is a copy of github.com/google-research/mnist-c; tools/mnist_c_parity.py says what it needs, and runs it here.
Other libraries (imagecorruptions, albumentations, kornia) are timed where they are installed and have the same
transformation; what does not run on 28 × 28 grey images, or not at all, is said. Ours runs on all cores, the others as
they are called: published code and albumentations take one image at a time, kornia takes batches on all cores. All are
timed in turn, in one run, the best of three rounds each. --robustness: bruit.robustness of `robust`, a cnn-plus, over
all of MNIST-C made of the last 10,000 training images, against predicting as many images alone, in turn, three times.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bruit.data.builtin import mnist
from bruit.noise.registry import CORRUPTIONS, MNIST_C, corrupt

ROUNDS = 3
Run = Callable[[np.ndarray], object]


def seconds_per_image(run: Run, images: np.ndarray) -> float:
    run(images[:8])
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run(images)
        best = min(best, time.perf_counter() - start)
    return best / len(images)


def corrupt_by(name: str, images: np.ndarray) -> np.ndarray:
    return corrupt(images, name)


def one_by_one(function: Callable[[np.ndarray], object]) -> Run:
    return lambda images: [function(image) for image in images]


def published(folder: Path) -> dict[str, Run]:
    sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))
    from mnist_c_parity import published as module

    code = module(folder)

    def run(name: str) -> Run:
        function, severity = getattr(code, name), CORRUPTIONS[name].default
        arguments = () if severity is None else (severity,)
        return one_by_one(lambda image: function(Image.fromarray(image), *arguments))

    return {name: run(name) for name in CORRUPTIONS}


def libraries() -> dict[str, dict[str, Run]]:
    """{library: {corruption: run}}, each with the strength of our default as nearly as the library has it."""
    found: dict[str, dict[str, Run]] = {}
    for name, make in (
        ("imagecorruptions", _imagecorruptions),
        ("albumentations", _albumentations),
        ("kornia", _kornia),
    ):
        try:
            found[name] = make()
        except ImportError as error:
            print(f"{name}: not timed ({error})")
    return found


def _imagecorruptions() -> dict[str, Run]:
    from imagecorruptions import corrupt as damage
    from imagecorruptions import get_corruption_names

    def run(name: str) -> Run:
        severity = CORRUPTIONS[name].default or 1
        return one_by_one(lambda image: damage(image, corruption_name=name, severity=severity))

    return {name: run(name) for name in get_corruption_names("all") if name in CORRUPTIONS}


def _albumentations() -> dict[str, Run]:
    import albumentations as a

    made = {
        "gaussian_noise": a.GaussNoise(std_range=(0.38, 0.38), p=1),
        "shot_noise": a.ShotNoise(scale_range=(0.3, 0.3), p=1),
        "impulse_noise": a.SaltAndPepper(amount=(0.17, 0.17), p=1),
        "glass_blur": a.GlassBlur(sigma=0.7, max_delta=1, iterations=2, p=1),
        "gaussian_blur": a.GaussianBlur(sigma_limit=(2, 2), blur_limit=(17, 17), p=1),
        "defocus_blur": a.Defocus(radius=(3, 3), alias_blur=(0.1, 0.1), p=1),
        "motion_blur": a.MotionBlur(blur_limit=(21, 21), p=1),
        "zoom_blur": a.ZoomBlur(max_factor=(1.31, 1.31), step_factor=(0.03, 0.03), p=1),
        "shear": a.Affine(shear={"x": (22.9, 22.9)}, p=1),
        "scale": a.Affine(scale=(0.7, 0.7), p=1),
        "rotate": a.Affine(rotate=(22.9, 22.9), p=1),
        "translate": a.Affine(translate_px=(3, 3), p=1),
        "elastic_transform": a.ElasticTransform(alpha=56, sigma=19.6, p=1),
        "brightness": a.RandomBrightnessContrast((0.5, 0.5), (0, 0), p=1),
        "contrast": a.RandomBrightnessContrast((0, 0), (-0.9, -0.9), p=1),
        "inverse": a.InvertImg(p=1),
        "quantize": a.Posterize(num_bits=1, p=1),
        "jpeg_compression": a.ImageCompression(quality_range=(7, 7), p=1),
        "pixelate": a.Downscale(scale_range=(0.4, 0.4), p=1),
        "fog": a.RandomFog(fog_coef_range=(0.5, 0.5), p=1),
        "snow": a.RandomSnow(p=1),
        "spatter": a.Spatter(mode="mud", p=1),
    }

    def run(one: Any) -> Run:
        return one_by_one(lambda image: one(image=image)["image"])

    return {name: run(one) for name, one in made.items()}


def _kornia() -> dict[str, Run]:
    import kornia
    import kornia.augmentation as k
    import torch

    made: dict[str, Callable[[torch.Tensor], object]] = {
        "gaussian_noise": k.RandomGaussianNoise(std=0.38, p=1),
        "impulse_noise": k.RandomSaltAndPepperNoise(amount=(0.17, 0.17), p=1),
        "gaussian_blur": k.RandomGaussianBlur((17, 17), (2, 2), p=1),
        "motion_blur": k.RandomMotionBlur((21, 21), 45.0, 0.0, p=1),
        "shear": k.RandomAffine(0, shear=(22.9, 22.9), p=1),
        "scale": k.RandomAffine(0, scale=(0.7, 0.7), p=1),
        "rotate": k.RandomAffine((22.9, 22.9), p=1),
        "translate": k.RandomAffine(0, translate=(0.107, 0.107), p=1),
        "elastic_transform": k.RandomElasticTransform(p=1),
        "brightness": k.RandomBrightness((1.5, 1.5), p=1),
        "contrast": k.RandomContrast((0.1, 0.1), p=1),
        "inverse": k.RandomInvert(p=1),
        "quantize": k.RandomPosterize(1, p=1),
        "fog": k.RandomPlasmaBrightness(p=1),
        "canny_edges": kornia.filters.Canny(),
    }

    def run(function: Callable[[torch.Tensor], object]) -> Run:
        def batches(images: np.ndarray) -> None:
            with torch.inference_mode():
                for start in range(0, len(images), 500):
                    function(torch.from_numpy(images[start : start + 500, None] / np.float32(255)))

        return batches

    return {name: run(function) for name, function in made.items()}


def compare(arguments: argparse.Namespace) -> None:
    images = mnist().test.images[: arguments.images]
    print(f"{len(images):,} images, {os.cpu_count()} cores; µs an image, best of {ROUNDS}; × is how many times ours")
    theirs = {"published": published(arguments.published)} if arguments.published else {}
    if arguments.libraries:
        theirs |= libraries()
    total = {"ours": 0.0, "published": 0.0}
    behind = []
    for name in CORRUPTIONS:
        own = seconds_per_image(partial(corrupt_by, name), images)
        line = f"{name:18s} ours {own * 1e6:8.1f}"
        for who, runs in theirs.items():
            if name not in runs:
                continue
            try:
                n = arguments.published_images if who == "published" else min(len(images), 1000)
                other = seconds_per_image(runs[name], images[:n])
            except Exception as error:
                line += f"   {who} fails ({type(error).__name__})"
                continue
            line += f"   {who} {other * 1e6:8.1f} ({other / own:,.0f} ×)"
            if other < own:
                behind.append(f"{name}: {who}")
            if who == "published" and name in MNIST_C:
                total["published"] += other
        if name in MNIST_C:
            total["ours"] += own
        print(line, flush=True)
    print(f"all 15 of MNIST-C: ours {total['ours'] * 1e4:.2f} s for 10,000 images")
    if arguments.published:
        ratio = total["published"] / total["ours"]
        print(
            f"published {total['published'] * 1e4:.0f} s, {ratio:.0f} × (required: 50) {'ok' if ratio >= 50 else 'NO'}"
        )
    if arguments.libraries:
        print(f"behind: {', '.join(behind) or 'none'}")


def beside_prediction() -> None:
    """What noise and figures add to predicting 150,000 images: the ratio of each round."""
    import bruit

    model = bruit.load_model("robust")
    dev = mnist().train.subset(slice(-10_000, None))
    model.probabilities(dev.images[:256])
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in MNIST_C:
            model.probabilities(dev.images)
        alone = time.perf_counter() - start
        start = time.perf_counter()
        bruit.robustness(model, "mnist-c", dev)
        took = time.perf_counter() - start
        print(f"robustness {took:.1f} s, 150,000 images alone {alone:.1f} s: {took / alone:.2f}", flush=True)


def growth() -> None:
    """Time an image and memory against the number of images, the fifteen in turn."""
    base = mnist().train.images
    for n in (1000, 10_000, 100_000, 1_000_000):
        images = np.resize(base, (n, 28, 28))
        start = time.perf_counter()
        for name in MNIST_C:
            corrupt(images, name)
        took = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        more = peak - 2 * images.nbytes / 2**20
        print(
            f"{n:9,} images: {took / n / 15 * 1e6:5.1f} µs each, peak {peak:,.0f} MiB, {more:,.0f} without the images"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--published", type=Path, metavar="FOLDER")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--published-images", type=int, default=200)
    parser.add_argument("--libraries", action="store_true")
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--robustness", action="store_true")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    if chosen.growth:
        growth()
    elif chosen.robustness:
        beside_prediction()
    else:
        compare(chosen)
