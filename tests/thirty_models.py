"""Thirty models, of every part of graphc: what holds of each compilation is tested on them."""

import sys
from collections.abc import Callable, Mapping
from hashlib import sha256
from itertools import pairwise

import numpy as np

import graphc as gx
from graphc.ops.checkpointing import Checkpoint
from graphc.testing.program import Recipe, random_program

__all__ = ["MODELS", "fingerprint"]

Model = Callable[[], gx.CompiledFunction]


def _weight(name: str, *shape: int) -> gx.Node:
    rng = np.random.default_rng(len(name) + sum(shape))
    return gx.param(name, rng.standard_normal(shape).astype(np.float32) * 0.1)


def _mlp(x: gx.Node, *widths: int) -> gx.Node:
    for place, (n, m) in enumerate(pairwise(widths)):
        x = gx.tanh(x @ _weight(f"w{place}", n, m) + _weight(f"b{place}", m))
    return x


def _trained(optimiser: str) -> gx.CompiledFunction:
    x, t = gx.input("x", ("batch", 4)), gx.input("t", ("batch",), "int64")
    loss = gx.nn.softmax_cross_entropy(_mlp(x, 4, 8, 3), t)
    params = gx.parameters(loss)
    step = getattr(gx.optim, optimiser)(params, 0.1)
    return gx.compile([x, t], loss, updates=step(gx.grad(loss, params)))


def _clipped() -> gx.CompiledFunction:
    x = gx.input("x", ("batch", 4))
    loss = gx.mean(gx.square(_mlp(x, 4, 8, 2)))
    params = gx.parameters(loss)
    gradients = gx.optim.clip_by_global_norm(gx.grad(loss, params), 1.0)
    return gx.compile([x], loss, updates=gx.optim.SGD(params, 0.1)(gradients))


def _convolution() -> gx.CompiledFunction:
    x, w = gx.input("x", ("batch", 1, 8, 8)), _weight("w", 4, 1, 3, 3)
    y = gx.max_pool(gx.relu(gx.conv2d(x, w, padding="same")), 2)
    return gx.compile([x], [y, gx.grad(gx.sum(gx.square(y)), w)])


def _attention() -> gx.CompiledFunction:
    x = gx.input("x", ("batch", "time", 8))
    q, k, v = (x @ _weight(name, 8, 8) for name in ("q", "k", "v"))
    y = gx.softmax(q @ k.mT / 8**0.5) @ v
    loss = gx.mean(gx.square(y))
    return gx.compile([x], {"loss": loss, "slopes": gx.grad(loss, gx.parameters(loss))})


def _layer_norm() -> gx.CompiledFunction:
    x, gain, bias = gx.input("x", ("batch", 16)), _weight("gain", 16), _weight("bias", 16)
    y = (x - gx.mean(x, 1, keepdims=True)) / gx.sqrt(gx.var(x, 1, keepdims=True) + 1e-5) * gain + bias
    return gx.compile([x], [y, *gx.grad(gx.sum(gx.sin(y)), [x, gain, bias])])


def _batch_norm() -> gx.CompiledFunction:
    x, running = gx.input("x", ("batch", 5)), gx.state("running", np.zeros(5, np.float32))
    mean = gx.mean(x, 0)
    y = gx.with_update((x - mean) / gx.sqrt(gx.var(x, 0) + 1e-5), running, lambda old: 0.9 * old + 0.1 * mean)
    return gx.compile([x], y)


def _recurrent(checkpoint: Checkpoint = None) -> gx.CompiledFunction:
    x, u, w = gx.input("x", ("time", 3)), _weight("u", 3, 4), _weight("w", 4, 4)
    h, _ = gx.scan(lambda h, row: (gx.tanh(row @ u + h @ w), h), gx.zeros((4,)), x, checkpoint=checkpoint)
    return gx.compile([x], [h, *gx.grad(gx.sum(h), [u, w])])


def _newton() -> gx.CompiledFunction:
    a = gx.input("a", ("n",), "float64")
    root = gx.while_loop(
        lambda x: gx.any(gx.abs(x * x - a) > 1e-9), lambda x: 0.5 * (x + a / x), gx.ones_like(a), max_steps=40
    )
    return gx.compile([a], [root, gx.grad(gx.sum(root), a)])


def _branches() -> gx.CompiledFunction:
    k, x = gx.input("k", (), "int64"), gx.input("x", ("n",))
    y = gx.switch(k, [gx.sin, gx.exp, lambda x: x * x], x)
    return gx.compile([k, x], [y, gx.grad(gx.sum(gx.cond(gx.sum(y) > 0, gx.tanh, gx.cos, y)), x)])


def _examples_apart() -> gx.CompiledFunction:
    x, t, w = gx.input("x", ("batch", 3)), gx.input("t", ("batch",)), _weight("w", 3)
    return gx.compile([x, t], gx.vmap(lambda x, t: gx.grad(gx.square(gx.vdot(x, w) - t), w))(x, t))


def _curvature() -> gx.CompiledFunction:
    x = gx.input("x", (4,), "float64")
    y = gx.sum(100 * gx.square(x[1:] - gx.square(x[:-1])) + gx.square(1 - x[:-1]))
    return gx.compile([x], [gx.grad(y, x), gx.hessian(y, x), gx.hvp(y, x, x)])


def _gaussian_process() -> gx.CompiledFunction:
    x, y, scale = gx.input("x", ("n", 2), "float64"), gx.input("y", ("n",), "float64"), gx.input("s", (), "float64")
    squares = gx.sum(gx.square(x[:, None] - x[None]), 2)
    factor = gx.cholesky(gx.exp(-squares / scale) + 0.1 * gx.eye(x.shape[0], dtype="float64"))
    z = gx.triangular_solve(factor, y)
    loss = 0.5 * gx.vdot(z, z) + gx.sum(gx.log(gx.diagonal(factor)))
    return gx.compile([x, y, scale], [loss, gx.grad(loss, scale)])


def _systems() -> gx.CompiledFunction:
    a, b = gx.input("a", (3, 3), "float64"), gx.input("b", (3,), "float64")
    found = [gx.linalg.solve(a, b), gx.linalg.det(a), gx.linalg.qr(a)[1], gx.linalg.svdvals(a)]
    return gx.compile([a, b], [*found, gx.grad(gx.sum(found[0]), a)])


def _spectrum() -> gx.CompiledFunction:
    x = gx.input("x", ("n", 16))
    y = gx.fft.irfft(gx.fft.rfft(x) * gx.exp(-gx.fft.rfftfreq(16)), 16)
    return gx.compile([x], [y, gx.grad(gx.sum(gx.square(y)), x)])


def _lookups() -> gx.CompiledFunction:
    i, table = gx.input("i", ("n",), "int64"), _weight("table", 6, 4)
    y = gx.take(table, i, 0)
    counts = gx.bincount(i, 6)
    return gx.compile([i], [y, counts, gx.grad(gx.sum(gx.square(y)), table), gx.segment_max(y, i, 6)])


def _orders() -> gx.CompiledFunction:
    x = gx.input("x", ("n", 6))
    y = gx.sort(x, 1)
    return gx.compile([x], [y, gx.topk(x, 2)[0], gx.quantile(x, 0.3, 1), gx.argmax(x, 1), gx.grad(gx.sum(y[:, 2]), x)])


def _noise() -> gx.CompiledFunction:
    x, stream = gx.input("x", ("n", 8)), gx.random.Stream("noise", 0)
    y = gx.nn.Dropout(0.3)(x, train=stream) + gx.random.normal(stream.key(), x.shape)
    return gx.compile([x], [y, gx.random.gamma(stream.key(), gx.exp(x[0]))])


def _formula() -> gx.CompiledFunction:
    x = gx.input("x", ("n",))
    wave = gx.op("wave", lambda x: x * x / (1 + x**4))
    return gx.compile([x], [wave(x), gx.grad(gx.sum(wave(x)), x)])


def _contractions() -> gx.CompiledFunction:
    x, y, z = gx.input("x", ("n", 3)), gx.input("y", (3, "k")), gx.input("z", ("k", 4))
    both = gx.einsum("ni,ik,kj->nj", x, y, z)
    return gx.compile([x, y, z], [both, gx.grad(gx.sum(both), [x, z]), gx.tensordot(y, z, 1), gx.outer(x[0], z[0])])


def _movement() -> gx.CompiledFunction:
    x = gx.input("x", ("n", 4))
    y = gx.concat([x[::-1], gx.pad(x.T, 1)[1:-1, 1:-1].T, gx.roll(x, 1, 0)], 0)
    return gx.compile([x], [y.reshape(-1, 2), gx.tile(x, 2, 1), gx.grad(gx.sum(gx.square(y)), x)])


def _dtypes() -> gx.CompiledFunction:
    names = "float16", "bfloat16", "float32", "float64", "int8", "int64", "uint16", "bool", "complex64"
    xs = [gx.input(f"x{place}", ("n",), name) for place, name in enumerate(names)]
    return gx.compile(xs, [*(x.astype("float32") + 1 for x in xs[:-1]), gx.abs(xs[-1]), xs[0] * xs[1], xs[4] + xs[6]])


def _residual() -> gx.CompiledFunction:
    x = gx.input("x", ("batch", 8))
    y = x
    for place in range(6):
        y = y + gx.relu(y @ _weight(f"w{place}", 8, 8))
    loss = gx.mean(gx.square(y))
    return gx.compile([x], [loss, gx.grad(loss, gx.parameters(loss))], level=1)


def _plain() -> gx.CompiledFunction:
    x = gx.input("x", ("n", 3))
    return gx.compile([x], [gx.softmax(x), gx.grad(gx.logsumexp(x), x)], level=0)


def _random(seed: int) -> Model:
    return lambda: random_program(Recipe.of(seed)).compile(seed % 3)


MODELS: Mapping[str, Model] = {
    "gradient descent": lambda: _trained("SGD"),
    "momentum": lambda: _trained("Momentum"),
    "adam": lambda: _trained("Adam"),
    "clipped": _clipped,
    "convolution": _convolution,
    "attention": _attention,
    "layer norm": _layer_norm,
    "batch norm": _batch_norm,
    "recurrent": _recurrent,
    "recurrent in segments": lambda: _recurrent("sqrt"),
    "newton": _newton,
    "branches": _branches,
    "examples apart": _examples_apart,
    "curvature": _curvature,
    "gaussian process": _gaussian_process,
    "systems": _systems,
    "spectrum": _spectrum,
    "lookups": _lookups,
    "orders": _orders,
    "noise": _noise,
    "formula": _formula,
    "contractions": _contractions,
    "movement": _movement,
    "dtypes": _dtypes,
    "residual": _residual,
    "plain": _plain,
    **{f"random {seed}": _random(seed) for seed in (3, 4, 5, 6)},
}


def fingerprint(f: gx.CompiledFunction) -> str:
    """What one compilation gives: the text, where temporaries lie, and what passes noted of which lines."""
    places = [f.places(f.layout.place([n] * len(f.program.symbols))) for n in (1, 7)]
    notes = [(record.name, note.what, note.origin.line) for record in f.trace.records for note in record.notes]
    return sha256(repr((f.source, places, notes)).encode()).hexdigest()


if __name__ == "__main__":
    for name in sys.argv[1:] or MODELS:
        print(name, fingerprint(MODELS[name]()), sep=": ")
