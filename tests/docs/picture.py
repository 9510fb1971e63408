"""The pictures of the documents; `pytest --update-golden tests/docs` draws them anew."""

from collections.abc import Callable, Mapping

import numpy as np

import graphc as gx
from tests.repository.modules import ROOT


def gradient() -> str:
    """A small regression, its loss and the gradient of its weight, as SVG."""
    x, t = gx.input("x", ("batch", 3)), gx.input("t", "batch")
    w = gx.param("w", [0.0, 0.0, 0.0])
    loss = gx.mean(gx.square(gx.tanh(x @ w) - t))
    return gx.to_svg([loss, gx.grad(loss, w)])


def plan() -> str:
    """The arena of a training step."""
    x, t = gx.input("x", ("batch", 64)), gx.input("t", "batch", "int64")
    model = gx.nn.mlp((64, 128, 64, 10), rng=np.random.default_rng(0))
    loss = gx.nn.softmax_cross_entropy(model(x), t)
    opt = gx.optim.Adam(model, 1e-3)
    f = gx.compile([x, t], loss, updates=opt(gx.grad(loss, opt.params)))
    return f.memory(batch=256).plot()


PICTURES: Mapping[str, Callable[[], str]] = {"gradient.svg": gradient, "memory.svg": plan}
FOLDER = ROOT / "docs"
