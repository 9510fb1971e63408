"""Undo a blur: the sharpest photograph that, blurred again, is the one that was taken.

A photograph (from scikit-learn) is blurred by a known kernel, and noise is added.  Blurring is a convolution A; the
best x under a small penalty on slopes solves (A^T A + c D^T D) x = A^T y, by conjugate gradients.  Nobody writes A^T:
it is the gradient of a loss.  Boyd, Vandenberghe: Convex Optimization, 2004, section 6.3.3.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from sklearn.datasets import load_sample_image

import graphc as gx

RADIUS, SPREAD, NOISE, PENALTY, STEPS = 5, 2.0, 0.002, 1e-5, 40
PICTURES = Path(__file__).parents[1] / "build" / "deconvolution"


def decibels(image: npt.NDArray[Any], truth: npt.NDArray[Any]) -> float:
    """The ratio of signal to noise at its peak, where 1 is white."""
    return float(-10 * np.log10(np.mean((image - truth) ** 2)))


def main(folder: Path = PICTURES) -> dict[str, float]:
    """How close the blurred photograph and the restored one are to the truth, in decibels."""
    truth = load_sample_image("flower.jpg").transpose(2, 0, 1)[:, None, 100:300, 180:480].astype("float32") / 255
    at = np.arange(-RADIUS, RADIUS + 1)
    bell = np.exp(-(at**2) / (2 * SPREAD**2))
    blur = (np.outer(bell, bell) / bell.sum() ** 2).astype("float32")[None, None]

    x = gx.input("x", ("colours", 1, "height", "width"))
    y = gx.input("y", ("colours", 1, "height", "width"))
    blurred = gx.conv2d(x, blur, padding=RADIUS)
    slopes = [x[:, :, 1:] - x[:, :, :-1], x[..., 1:] - x[..., :-1]]
    loss = 0.5 * gx.sum((blurred - y) ** 2) + 0.5 * PENALTY * sum(gx.sum(slope * slope) for slope in slopes)
    take = gx.compile([x], blurred)
    descend = gx.compile([x, y], gx.grad(loss, x))

    photograph = take(truth) + NOISE * np.random.default_rng(0).standard_normal(truth.shape).astype("float32")
    rest = -descend(np.zeros_like(truth), photograph)  # A^T y
    found, along, size = np.zeros_like(truth), rest, float(np.vdot(rest, rest))
    for number in range(STEPS):
        curved = descend(along, np.zeros_like(truth))  # (A^T A + c D^T D) along
        rate = size / float(np.vdot(along, curved))
        found, rest = found + rate * along, rest - rate * curved
        before, size = size, float(np.vdot(rest, rest))
        along = rest + size / before * along
        if number % 10 == 9:
            print(f"step {number + 1:3}   {decibels(found, truth):.2f} dB")

    images = {"taken": photograph, "restored": found, "truth": truth}
    folder.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(12, 3.4), layout="constrained")
    for axes, (name, image) in zip(figure.subplots(1, 3), images.items(), strict=True):
        axes.imshow(image[:, 0].transpose(1, 2, 0).clip(0, 1))
        axes.set(title=f"{name}, {decibels(image, truth):.1f} dB" if name != "truth" else name, xticks=[], yticks=[])
    figure.savefig(folder / "deconvolution.png", dpi=120)
    print(f"\nBefore and after: {(folder / 'deconvolution.png').resolve()}")
    return {name: decibels(image, truth) for name, image in images.items() if name != "truth"}


if __name__ == "__main__":
    main()
