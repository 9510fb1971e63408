"""Formulas as users write them lose their digits at level 0, and keep them at level 2: value and gradient."""

import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pytest

import graphc as gx
from benchmarks.stability_cases import CASES, TARGETS, Case
from benchmarks.stability_errors import Compared, compared
from benchmarks.stability_formulas import cross_entropy, softmax
from graphc.ir.graph import Graph
from graphc.kernel.arrays import Array
from graphc.kernel.steps import Kernel
from graphc.ops.elementwise import Exp
from graphc.passes.pipeline import Log
from graphc.passes.share import ShareSubexpressions
from graphc.passes.stabilise import Stabilise

keys = [case.key for case in CASES]


@cache
def errors(number: int, level: int) -> Compared:
    return compared(CASES[number], level)


@pytest.mark.parametrize("number", range(len(CASES)), ids=keys)
def test_the_formula_as_written_is_bad(number: int) -> None:
    found = errors(number, 0)
    assert max(found.relative_value, found.relative_gradient) > 1e-3


@pytest.mark.parametrize("number", range(len(CASES)), ids=keys)
def test_what_is_compiled_is_right(number: int) -> None:
    case, found = CASES[number], errors(number, 2)
    assert found.value <= case.ulps, case.because
    assert found.gradient <= case.gradient, case.because


@pytest.mark.parametrize("case", CASES, ids=keys)
def test_a_wider_bound_or_a_scaled_one_has_a_reason(case: Case) -> None:
    assert bool(case.because) == (case.scaled or max(case.ulps, case.gradient) > 4)


def rows(x: gx.Node) -> gx.Node:
    """Softmax over all axes but the last."""
    e = gx.exp(x)
    return e / gx.sum(e, axis=tuple(range(x.ndim - 1)), keepdims=True)


@pytest.mark.parametrize(
    "formula",
    [
        lambda x: gx.log(rows(x)),
        lambda x: gx.log(gx.exp(x) / gx.sum(gx.exp(x))),
        lambda x: gx.log(softmax(gx.transpose(x))),
        lambda x: gx.log(softmax(x - 3.0)),
        lambda x: gx.log(softmax(x / 0.5)),
        lambda x: gx.log(softmax(-2 * x)),
        lambda x: gx.log(softmax(x)[..., 1]),
        lambda x: gx.log(softmax(x)[..., ::2]),
        lambda x: gx.log2(softmax(x)),
        lambda x: gx.log(3.0 * softmax(x)),
        lambda x: gx.log(softmax(x) * softmax(-x)),
        lambda x: gx.log(1 / softmax(x)),
        lambda x: -gx.log(softmax(x)) * softmax(x),
        lambda x: gx.exp(-x) / (1 + gx.exp(-x)) ** 2,
        lambda x: gx.exp(x) * gx.exp(-x),
        lambda x: gx.tanh(gx.log(1 + gx.exp(x))),
    ],
)
def test_nothing_overflows_on_the_way(formula: Callable[[gx.Node], gx.Node]) -> None:
    """Values and gradients at large numbers are finite, and those of the formula in float64 at others."""
    x = gx.input("x", ("n", 4))
    y = formula(x)
    f = gx.compile(x, [y, gx.grad(gx.sum(y * y), x)])
    g = gx.compile(x, [y, gx.grad(gx.sum(y * y), x)], level=0)
    large = np.array([[1000, -1000, 999.5, 0], [-200, -300, -250, -220], [95, 100, 90, 89]], np.float32)
    assert all(np.isfinite(found).all() for found in f(large))
    near = np.array([[1.0, -1.0, 0.5, 0], [-2, 3, 2.5, 2], [0.5, 1, 2, 3]], np.float32)
    for found, expected in zip(f(near), g(near), strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6)


def test_sizes_may_be_symbols() -> None:
    x = gx.input("x", ("rows", "columns"))
    y = gx.mean(x * x, axis=-1) - gx.mean(x, axis=-1) ** 2
    value, slope = gx.compile(x, [y, gx.grad(gx.sum(y), x)])(np.array([[1e4, 1e4 + 1, 1e4 + 2]], np.float32))
    np.testing.assert_allclose(value, [2 / 3], rtol=1e-6)
    np.testing.assert_allclose(slope, [[-2 / 3, 0, 2 / 3]], rtol=1e-6)


def kernels(loss: gx.Node, x: gx.Node, t: gx.Node) -> int:
    return len(gx.compile([x, t], [loss, gx.grad(loss, x)]).program.steps)


def test_a_naive_cross_entropy_is_as_many_kernels_as_a_stable_one() -> None:
    x, t = gx.input("x", ("batch", 10)), gx.input("t", ("batch", 10))
    stable = -gx.sum(t * gx.log_softmax(x))
    assert kernels(gx.sum(cross_entropy(x, t)), x, t) <= kernels(stable, x, t)


def test_the_gradient_of_a_naive_cross_entropy_is_softmax_less_targets() -> None:
    x, t = gx.input("x", (3, 5)), gx.input("t", (3, 5))
    loss = gx.sum(cross_entropy(x, t))
    found = gx.compile([x, t], gx.grad(loss, x))
    assert [node.op.name for node in found.graph.nodes if isinstance(node.op, Exp)] == ["exp"]
    logits = np.array([[1e3, 0, 5, -1e3, 999]] * 3, np.float32)
    p = 1 / (1 + math.e**-1.0)
    np.testing.assert_allclose(found(logits, np.array(TARGETS, np.float32))[0], [p, -1, 0, 0, 1 - p], rtol=1e-6)


def test_the_body_of_a_loop_keeps_its_digits() -> None:
    h = gx.input("h", (2,))
    last, _ = gx.scan(lambda h, _: (gx.log(1 + gx.exp(h)), None), h, None, length=3)
    found = gx.compile(h, last)(np.array([200.0, 1e4], np.float32))
    np.testing.assert_array_equal(found, [200.0, 1e4])


# What stays as it is.


def stabilised(*outputs: gx.Node) -> tuple[Graph, list[str]]:
    graph = ShareSubexpressions().run(Graph(tuple(gx.variables(*outputs).values()), outputs), Log())
    log = Log()
    after = Stabilise().run(graph, log)
    assert (after is graph) == (not log.notes)
    return after, [note.what for note in log.notes]


x = gx.param("x", np.ones((3, 4), "float32"))
y = gx.param("y", np.ones((3, 4), "float32"))
LABELS = np.array([0, 1, 3])


@pytest.mark.parametrize(
    "formula",
    [
        gx.softmax(x),
        gx.log_softmax(x),
        gx.logsumexp(x, axis=-1),
        gx.softmax(x[:, :1]),
        gx.log_softmax(x[:, :1]),
        gx.logsumexp(x[:, :1], axis=-1),
        gx.grad(gx.sum(gx.softmax(x[:, :1]) * y[:, :1]), x),
        gx.grad(gx.sum(gx.log_softmax(x) * y), x),
        gx.nn.softmax_cross_entropy(x, LABELS),
        gx.grad(gx.nn.softmax_cross_entropy(x, LABELS), x),
        gx.grad(gx.nn.binary_cross_entropy(x, y), x),
        gx.grad(gx.sum(gx.sigmoid(x) * y), x),
        gx.grad(gx.sum(gx.tanh(x) * y), x),
        gx.var(x, axis=-1),
        gx.exp(x) * gx.exp(y),
        x / x,
        (x * y) / y,
        gx.sqrt(x) * gx.sqrt(x),
        gx.sqrt(x) / gx.sqrt(x),
        x - x,
        gx.exp(x) * y + gx.exp(y) * x,
        1 - gx.tanh(x) ** 2,
    ],
)
def test_what_keeps_its_digits_or_is_nan_for_real_numbers_stays_as_it_is(formula: gx.Node) -> None:
    assert stabilised(formula)[1] == []


def test_running_twice_changes_nothing_more() -> None:
    for formula in (gx.log(softmax(x)), gx.grad(gx.sum(gx.log(softmax(x)) * y), x), 1 / (1 + gx.exp(-x))):
        after, notes = stabilised(formula)
        assert notes
        log = Log()
        assert Stabilise().run(after, log) is after, [note.what for note in log.notes]


def test_a_kink_stays_where_it_is() -> None:
    """√x² has no derivative at 0, and |x| has one by convention."""
    z = gx.input("z", (3,))
    slope = gx.compile(z, gx.grad(gx.sum(gx.sqrt(z * z)), z))
    np.testing.assert_array_equal(slope(np.array([-2.0, 0.0, 3.0], np.float32)), [-1, np.nan, 1])


def test_an_integer_is_no_power_of_e() -> None:
    n = gx.input("n", (3,), "int64")
    assert gx.compile(n, n * n - n)(np.array([1, 2, 3])).tolist() == [0, 2, 6]


def test_the_slopes_of_a_weighted_average_compile() -> None:
    x, w = gx.input("x", (3,), "float64"), gx.input("w", (3,), "float64")
    mean = gx.average(x, 0, weights=0.5 + gx.square(w))
    arrays = np.array([1.0, 2.0, 4.0]), np.array([0.1, 0.5, -0.3])
    plain, stable = (gx.compile([x, w], gx.grad(mean, w), level=level)(*arrays) for level in (0, 2))
    np.testing.assert_allclose(stable, plain, rtol=1e-12)


def test_every_node_of_a_length_leads_to_the_line_of_the_user() -> None:
    x = gx.input("x", (3,))
    length = gx.linalg.norm(x, 2, 0)
    after = gx.compile([x], length).trace["stabilise"].after
    assert isinstance(after, Graph)
    lines = {origin.source() for node in after.nodes if node.inputs for origin in node.origin.behind()}
    assert lines == {"length = gx.linalg.norm(x, 2, 0)"}


def test_what_is_read_at_some_places_may_be_added_at_others() -> None:
    x, i, j = gx.input("x", 3), gx.input("i", 3, "int64"), gx.input("j", 3, "int64")
    f = gx.compile([x, i, j], gx.scatter_add(gx.zeros(3), j, gx.exp(gx.take(x, i))))
    found = f(np.array([1, 2, 3], "float32"), np.array([2, 1, 0]), np.array([0, 0, 2]))
    np.testing.assert_allclose(found, np.exp([3, 0, 1]) * [1, 0, 1] + np.exp([2, 0, 0]) * [1, 0, 0], rtol=1e-6)


def _softmaxes(x: gx.Node) -> dict[str, gx.Node]:
    e = gx.exp(x)
    shifted = gx.exp(x - gx.max(x, -1, keepdims=True))
    return {
        "library": gx.softmax(x),
        "spelt": e / gx.sum(e, -1, keepdims=True),
        "shifted": shifted / gx.sum(shifted, -1, keepdims=True),
    }


@pytest.mark.parametrize("kind", ["library", "spelt", "shifted"])
@pytest.mark.parametrize("factor", [1.0, 2.0, -0.25])
def test_slopes_of_logarithms_of_shares_with_one_cotangent_for_all(kind: str, factor: float) -> None:
    x = gx.input("x", ("n", 4))
    X = np.array([[100, 99, 95, 90], [1000, -1000, 0, 3]], "float32")
    slope = gx.grad(gx.sum(factor * gx.log(_softmaxes(x)[kind])), x)
    wide = X.astype("float64")
    shares = np.exp(wide - wide.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    np.testing.assert_allclose(gx.compile(x, slope)(X), factor * (1 - 4 * shares), rtol=1e-4, atol=1e-6)


def test_slopes_of_a_logarithm_of_a_product_stay_in_range() -> None:
    x, y = gx.input("x", 2), gx.input("y", 2)
    X, Y = np.array([1e-30, 1e30], "float32"), np.array([1e-30, 1e25], "float32")
    for of, power in ((x * y, 1), (x * x, 2)):
        slope = gx.compile([x, y], gx.grad(gx.sum(gx.log(of)), x))(X, Y)
        np.testing.assert_allclose(slope, power / X, rtol=1e-6)


@pytest.mark.parametrize("columns", [4, "m"])
def test_a_variance_that_keeps_its_axes_is_centred(columns: int | str) -> None:
    x = gx.input("x", ("n", columns))
    mean = gx.mean(x, -1, keepdims=True)
    f = gx.compile(x, gx.mean(x * x, -1, keepdims=True) - mean * mean)
    X = np.array([[10000, 10001, 10002.5, 9998], [-3e4, -3e4 + 1, -3e4, -3e4 + 0.5]], "float32")
    np.testing.assert_allclose(f(X), X.astype("float64").var(1, keepdims=True), rtol=1e-6)


LOSSES: dict[str, Callable[[gx.Node, gx.Node], gx.Node]] = {
    "log(p)[i]": lambda x, t: -gx.mean(gx.log(softmax(x))[gx.arange(x.shape[0]), t]),
    "log(p[i])": lambda x, t: -gx.mean(gx.log(gx.softmax(x)[gx.arange(x.shape[0]), t])),
    "log_softmax(x)[i]": lambda x, t: gx.mean(-gx.log_softmax(x)[gx.arange(x.shape[0]), t]),
    "take_along_axis": lambda x, t: -gx.mean(gx.log(gx.take_along_axis(softmax(x), t[:, None], 1))),
    "log(sum(exp(x))) - x[i]": lambda x, t: gx.mean(gx.log(gx.sum(gx.exp(x), -1)) - x[gx.arange(x.shape[0]), t]),
    "softmax_cross_entropy": gx.nn.softmax_cross_entropy,
    "one_hot * log(p)": lambda x, t: -gx.mean(gx.sum(gx.one_hot(t, 3) * gx.log(softmax(x)), -1)),
    "one_hot * log_softmax": lambda x, t: -gx.mean(gx.sum(gx.one_hot(t, 3) * gx.log_softmax(x), -1)),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("factor", [None, 4.0])
def test_the_slope_at_a_label_that_is_almost_certain_keeps_its_digits(name: str, factor: float | None) -> None:
    """It is minus the shares of the others, of which 1 less the share of the label has none."""
    x, t, w = gx.input("x", ("n", 3)), gx.input("t", ("n",), "int64"), gx.input("w", ())
    loss = LOSSES[name](x, t) if factor is None else LOSSES[name](x, t) * w
    f = gx.compile([x, t, w], [loss, gx.grad(loss, x)])
    for lead in (1.0, 10.0, 20.0, 60.0):
        rows = np.array([[0, lead, 0.5], [lead, 1, -1]], "float32")
        value, slope = f(rows, np.array([1, 0]), factor or 0.0)
        powers = np.exp(rows.astype("float64"))
        label = np.eye(3)[[1, 0]] == 1
        others = np.where(label, 0, powers).sum(1, keepdims=True)
        wanted = np.where(label, -others, powers) / powers.sum(1, keepdims=True) / 2
        np.testing.assert_allclose(slope, wanted * (factor or 1), rtol=5e-7)
        exact = np.log1p(others[:, 0] / powers[label]).mean() * (factor or 1)
        np.testing.assert_allclose(value, exact, rtol=5e-7, atol=2e-7 if "one_hot" in name else 0)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_at_labels_is_one_kernel_with_its_gradient(name: str) -> None:
    x, t = gx.input("x", (8, 3)), gx.input("t", 8, "int64")
    loss = LOSSES[name](x, t)
    assert sum(isinstance(step, Kernel) for step in gx.compile([x, t], [loss, gx.grad(loss, x)]).program.steps) == 1


def test_a_label_that_counts_from_the_end_is_that_label() -> None:
    x, t = gx.input("x", ("n", 3)), gx.input("t", ("n",), "int64")
    loss = LOSSES["log(p)[i]"](x, t)
    f = gx.compile([x, t], [loss, gx.grad(loss, x)])
    rows = np.array([[0, 1, 20], [3, 2, 1]], "float32")
    for one, other in zip(f(rows, np.array([-1, -3])), f(rows, np.array([2, 0])), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_label_that_is_no_class_has_no_share_in_the_slopes() -> None:
    x, t = gx.input("x", ("n", 3)), gx.input("t", ("n",), "int64")
    loss = LOSSES["one_hot * log(p)"](x, t)
    slope = gx.compile([x, t], gx.grad(loss, x))(np.array([[0, 1, 2], [3, 2, 1]], "float32"), np.array([7, 0]))
    np.testing.assert_array_equal(slope[0], [0, 0, 0])
    assert slope[1, 0] < 0


VARIANCES: dict[str, Callable[[gx.Node], gx.Node]] = {
    "mean(x * x) - mean(x)**2": lambda x: gx.mean(x * x, -1) - gx.mean(x, -1) ** 2,
    "mean(x**2) - mean(x) * mean(x)": lambda x: gx.mean(x**2, -1) - gx.mean(x, -1) * gx.mean(x, -1),
    "with its axes": lambda x: gx.mean(x * x, -1, keepdims=True) - gx.mean(x, -1, keepdims=True) ** 2,
    "by sums": lambda x: gx.sum(x**2, -1) / x.shape[-1] - (gx.sum(x, -1) / x.shape[-1]) ** 2,
    "unbiased": lambda x: (gx.sum(x * x, -1) - gx.sum(x, -1) ** 2 / x.shape[-1]) / (x.shape[-1] - 1),
    "its root": lambda x: gx.sqrt(gx.mean(x * x, -1) - gx.mean(x, -1) ** 2 + 1e-5),
}


@pytest.mark.parametrize("name", VARIANCES)
@pytest.mark.parametrize("columns", [10, "m"])
def test_the_gradient_of_a_variance_is_as_exact_as_distances_from_the_mean(columns: int | str, name: str) -> None:
    """A mean of 10,000 is itself off by a part in 1,000 of a deviation of 1."""
    deviations = np.random.default_rng(0).standard_normal((4, 10)).astype("float32")
    rows = deviations + np.float32(1e4)

    def answers(given: Array, level: int) -> Sequence[Array]:
        x = gx.input("x", ("n", columns), given.dtype)
        y = VARIANCES[name](x)
        c = gx.input("c", y.shape, given.dtype)
        weights = np.reshape([1.0, -0.5, 2.0, 0.25], (4, *[1] * (y.ndim - 1))).astype(given.dtype)
        f = gx.compile([x, c], [y, gx.grad(gx.sum(y), x), gx.grad(gx.sum(y * c), x)], level=level)
        return list(f(given, weights))

    for one, other in zip(answers(rows, 2), answers(rows.astype("float64") - 1e4, 0), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6 * np.abs(other).max())


@pytest.mark.parametrize("columns", [10, 200])
def test_a_variance_written_as_a_difference_is_one_kernel_with_its_gradient(columns: int) -> None:
    x = gx.input("x", ("n", columns))
    y = gx.mean(x * x, -1) - gx.mean(x, -1) ** 2
    assert len(gx.compile(x, [y, gx.grad(gx.sum(y), x)]).program.steps) == 1


def test_a_logarithm_of_a_product_with_what_repeats_is_written_once() -> None:
    x, n = gx.input("x", (3,), "float64"), gx.input("n", ("n", 3), "int64")
    f = gx.compile([x, n], gx.log(x * gx.prod(n, None, keepdims=True)))
    found = f(np.array([0.5, -1, 2]), np.array([[1, -2, -2], [4, 4, 4]]))
    np.testing.assert_allclose(found, [[np.log(128), np.nan, np.log(512)]])


def test_a_cross_entropy_of_picked_shares_is_right_with_its_slopes() -> None:
    x, t = gx.input("x", ("n", 4)), gx.input("t", ("n",), "int64")
    shares = gx.exp(x) / gx.sum(gx.exp(x), -1, keepdims=True)
    loss = -gx.mean(gx.log(shares[gx.arange(x.shape[0]), t]))
    X = np.array([[0, 1, -2.5, 3], [1000, 999, 990.5, -1000]], "float32")
    wide = X.astype("float64") - X.max(1, keepdims=True)
    value, slope = gx.compile([x, t], [loss, gx.grad(loss, x)])(X, np.array([2, 1]))
    logs = wide - np.log(np.exp(wide).sum(1, keepdims=True))
    np.testing.assert_allclose(value, -(logs[0, 2] + logs[1, 1]) / 2, rtol=1e-6)
    np.testing.assert_allclose(slope, (np.exp(logs) - [[0, 0, 1, 0], [0, 1, 0, 0]]) / 2, rtol=1e-5, atol=1e-7)


READS: dict[str, Callable[[gx.Node, gx.Node], gx.Node]] = {
    "log(p)[np.arange(n), i]": lambda x, t: -gx.log(softmax(x))[np.arange(2), t],
    "log(p[np.arange(n), i])": lambda x, t: -gx.log(gx.softmax(x)[np.arange(2), t]),
    "log(p)[np.arange(n), [2, 2]]": lambda x, t: -gx.log(gx.softmax(x))[np.arange(2), np.array([2, 2])],
    "log(sum(exp(x))) - x[np.arange(n), i]": lambda x, t: gx.log(gx.sum(gx.exp(x), -1)) - x[np.arange(2), t],
    "log(p)[:, 2]": lambda x, t: -gx.log(softmax(x))[:, 2],
    "log(p[:, 2])": lambda x, t: -gx.log(gx.softmax(x)[:, 2]),
    "log(p)[:, 2:3]": lambda x, t: -gx.log(gx.softmax(x))[:, 2:3],
    "log_softmax(x)[..., -2]": lambda x, t: -gx.log_softmax(x)[..., -2],
    "log(sum(exp(x))) - x[:, 2]": lambda x, t: gx.log(gx.sum(gx.exp(x), -1)) - x[:, 2],
    "of a vector, log(p)[i]": lambda x, t: -gx.stack([gx.log(gx.softmax(x[k]))[t[k]] for k in (0, 1)]),
    "of a vector, log(p)[i], i of one element": lambda x, t: (
        -gx.stack([gx.log(gx.softmax(x[k]))[t[k : k + 1]] for k in (0, 1)])
    ),
    "of a vector, log(p[2])": lambda x, t: -gx.stack([gx.log(gx.softmax(x[k])[2]) for k in (0, 1)]),
}


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("weighted", [False, True])
def test_what_reads_an_almost_certain_label_keeps_its_digits(name: str, *, weighted: bool) -> None:
    x, t, w = gx.input("x", (2, 4)), gx.input("t", 2, "int64"), gx.input("w", 2)
    loss = gx.reshape(READS[name](x, t), (2,))
    rows = np.array([[-20, -25, 5, -60], [1, 0, 30, 2]], "float32")
    weights = np.array([3, 0.5], "float32") if weighted else np.ones(2, "float32")
    total = gx.sum(loss * w) if weighted else gx.sum(loss)
    value, slope = gx.compile([x, t, w], [loss, gx.grad(total, x)])(rows, np.array([2, 2]), weights)
    powers = np.exp(rows.astype("float64") - rows[:, 2:3])
    label = np.arange(4) == 2
    others = np.where(label, 0, powers).sum(1, keepdims=True)
    np.testing.assert_allclose(value, np.log1p(others[:, 0]), rtol=5e-7)
    wanted = np.where(label, -others, powers) / (1 + others) * weights[:, None]
    np.testing.assert_allclose(slope, wanted, rtol=5e-7)


def test_the_loss_of_a_logsumexp_less_a_label_keeps_its_digits() -> None:
    x = gx.input("x", (1, 4))
    loss = gx.compile(x, gx.logsumexp(x, 1) - x[np.arange(1), np.array([2])])
    np.testing.assert_allclose(loss(np.array([[-20, -25, 5, -60]], "float32")), 1.398152e-11, rtol=1e-6)


TURNED: dict[str, Callable[[gx.Node], gx.Node]] = {
    "(exp(x).T / sum(exp(x), 1)).T": lambda x: (gx.exp(x).T / gx.sum(gx.exp(x), 1)).T,
    "(exp(x.T) / sum(exp(x), 1)).T": lambda x: (gx.exp(x.T) / gx.sum(gx.exp(x), 1)).T,
    "exp(x.T) / sum(exp(x.T), 0), turned": lambda x: (gx.exp(x.T) / gx.sum(gx.exp(x.T), 0)).T,
    "of three axes": lambda x: gx.squeeze(_last_first(gx.exp(x[:, None]))),
}


def _last_first(powers: gx.Node) -> gx.Node:
    return gx.transpose(gx.transpose(powers, (2, 0, 1)) / gx.sum(powers, 2), (1, 2, 0))


@pytest.mark.parametrize("name", TURNED)
@pytest.mark.parametrize("columns", [3, 2])
def test_a_softmax_by_transposes_stays_in_range(name: str, columns: int) -> None:
    x, w = gx.input("x", (2, columns)), gx.input("w", (2, columns))
    shares = TURNED[name](x)
    rows = np.array([[100, 99, 2], [-200, -201.5, -200]], "float32")[:, :columns]
    weights = np.array([[1, 2, 3], [0.5, -1, 2]], "float32")[:, :columns]
    found, slope = gx.compile([x, w], [shares, gx.grad(gx.sum(shares * w), x)])(rows, weights)
    powers = np.exp(rows.astype("float64") - rows.max(1, keepdims=True))
    exact = powers / powers.sum(1, keepdims=True)
    np.testing.assert_allclose(found, exact, rtol=2e-6, atol=1e-40)
    wanted = exact * (weights - (exact * weights).sum(1, keepdims=True))
    np.testing.assert_allclose(slope, wanted, rtol=2e-6, atol=1e-6)


def test_a_log_softmax_by_transposes_stays_in_range() -> None:
    x, w = gx.input("x", (1, 3)), gx.input("w", (1, 3))
    logs = gx.log((gx.exp(x).T / gx.sum(gx.exp(x), 1)).T)
    rows, weights = np.array([[100, 1, 2]], "float32"), np.array([[1, 2, 3]], "float32")
    found, slope = gx.compile([x, w], [logs, gx.grad(gx.sum(logs * w), x)])(rows, weights)
    np.testing.assert_allclose(found, [[0, -99, -98]])
    np.testing.assert_allclose(slope, [[-5, 2, 3]])


@pytest.mark.parametrize("power", [1, 2, 3])
def test_sinh_times_cosh_keeps_its_digits_near_zero(power: int) -> None:
    x = gx.input("x", (3,), "float64")
    f = gx.compile([x], gx.sinh(x) * gx.cosh(x) ** power)
    given = np.array([1e-20, -1e-9, 0.5])
    np.testing.assert_allclose(f(given), np.sinh(given) * np.cosh(given) ** power, rtol=1e-14)


def test_one_sum_that_is_read_at_two_indices_is_two_factors() -> None:
    """Known by the nodes of the indices, which are not to be compared."""
    x, t = gx.input("x", (3,)), gx.input("t", (3,))
    y = gx.percentile(gx.softplus(gx.log_softmax(x, 0)), 40)
    (slope,) = gx.jvp([y], [x], [t])
    X, T = np.array([0.125, -0.13, 0.64], "float32"), np.array([1.3, 0.95, -0.7], "float32")
    np.testing.assert_allclose(
        gx.compile([x, t], [y, slope])(X, T), gx.compile([x, t], [y, slope], level=0)(X, T), rtol=1e-5
    )
