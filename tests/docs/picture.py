"""The picture of README.md; `pytest --update-golden tests/docs` draws it anew."""

import graphc as gx
from tests.repository.modules import ROOT

PICTURE = ROOT / "docs" / "gradient.svg"


def drawn() -> str:
    """A small regression, its loss and the gradient of its weight, as SVG."""
    x, t = gx.input("x", ("batch", 3)), gx.input("t", "batch")
    w = gx.param("w", [0.0, 0.0, 0.0])
    loss = gx.mean(gx.square(gx.tanh(x @ w) - t))
    return gx.to_svg([loss, gx.grad(loss, w)])
