"""Draw the picture of README.md: `python docs/picture.py` writes docs/gradient.svg."""

from pathlib import Path

import graphc as gx

PICTURE = Path(__file__).with_name("gradient.svg")


def drawn() -> str:
    """A small regression, its loss and the gradient of its weight, as SVG."""
    x, t = gx.input("x", ("batch", 3)), gx.input("t", "batch")
    w = gx.param("w", [0.0, 0.0, 0.0])
    loss = gx.mean(gx.square(gx.tanh(x @ w) - t))
    return gx.to_svg([loss, gx.grad(loss, w)])


if __name__ == "__main__":
    PICTURE.write_text(drawn(), encoding="utf-8")
