"""Arrays put side by side: which kernels are one for each of them, and what comes out."""

import numpy as np

import graphc as gx
from graphc.backends.llvm.placing import with_rows
from graphc.kernel.steps import Kernel


def parts_of(output: gx.Node, *inputs: gx.Node) -> list[Kernel]:
    (kernel,) = gx.compile(list(inputs), output, backend="llvm").program.timeline
    assert isinstance(kernel, Kernel)
    return [*with_rows(kernel, lambda buffer: buffer.root)]


def test_each_array_has_rows_of_its_own() -> None:
    x, y = gx.input("x", (70, 300)), gx.input("y", ("n", 300))
    made = gx.concat([x * 2, gx.exp(y)], 0)
    assert [len(kernel.outer) for kernel in parts_of(made, x, y)] == [2, 2]
    rng = np.random.default_rng(0)
    for count in (0, 1, 90):
        a, b = rng.standard_normal((70, 300), dtype="f"), rng.standard_normal((count, 300), dtype="f")
        found = gx.compile([x, y], made, backend="llvm")(a, b)
        np.testing.assert_allclose(found, np.concatenate([a * 2, np.exp(b)]), rtol=1e-6)


def test_the_gradient_of_parts_of_an_array() -> None:
    x = gx.input("x", (3, 40, 50))
    gradient = gx.grad(gx.sum(gx.tanh(x[0]) * x[1] / (2 + x[2] * x[2])), x)
    native, plain = (gx.compile([x], gradient, backend=name) for name in ("llvm", "numpy"))
    a = np.random.default_rng(0).standard_normal((3, 40, 50), dtype="f")
    np.testing.assert_allclose(native(a), plain(a), rtol=1e-5, atol=1e-6)


def test_a_sum_stays_as_it_is() -> None:
    x = gx.input("x", (50, 60))
    assert not any(kernel.outer for kernel in parts_of(gx.sum(x), x))
