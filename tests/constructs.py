"""Loops and branches of every kind: each a function of nodes, written by graphc or unrolled."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

import graphc as gx
from tests.unrolled import Control

__all__ = ["CONSTRUCTS", "Construct"]

Array: TypeAlias = npt.NDArray[Any]  # Any: floats, integers and bools
RNG = np.random.default_rng(4)


@dataclass(frozen=True)
class Construct:
    """A function of some nodes.

    kind        what it is made of, and what is special to it
    build       its results, from what writes loops and branches and one node for each array
    arrays      where it is looked at
    sizes       the names of the leading extents, where they are sizes
    order       up to which derivatives are checked
    is_forward  whether there is no reverse mode
    """

    kind: str
    name: str
    build: Callable[..., Any]  # Any: a structure of nodes
    arrays: tuple[Array, ...]
    sizes: tuple[str | None, ...] = ()
    order: int = 3
    is_forward: bool = False

    def __str__(self) -> str:
        return self.name


def _normal(*shape: int) -> Array:
    return RNG.normal(size=shape)


X, H, W = _normal(4, 3), _normal(3), 0.6 * _normal(3, 3)  # rows, a carry, weights
ONE = np.array(0.7)


def _cell(h: gx.Node, x: gx.Node, w: gx.Node) -> gx.Node:
    return gx.tanh(x + h @ w)


def _one_carry(c: Control, x: gx.Node, h: gx.Node, w: gx.Node) -> Any:
    def body(h: gx.Node, x: gx.Node) -> Any:
        h = _cell(h, x, w)
        return h, h

    return c.scan(body, h, x)


def _backwards(c: Control, x: gx.Node, h: gx.Node, w: gx.Node) -> Any:
    def body(h: gx.Node, x: gx.Node) -> Any:
        new = _cell(h, x, w)
        return new, (new, h * x, h)

    return c.scan(body, h, x, reverse=True)


def _nested_carries(c: Control, x: gx.Node, h: gx.Node, w: gx.Node) -> Any:
    def body(state: Any, row: Any) -> Any:
        (h, (s, n)), on = state["of"], state["on"]
        a, b = row
        new = _cell(h, a, w)
        on = gx.logical_not(on)
        return {"of": (new, (s * gx.cos(gx.sum(h)) + b, n + 1)), "on": on}, [
            gx.where(on, h, new * n),
            {"n": n, "on": on},
        ]

    start = {"of": (h, (gx.sum(h), 3)), "on": True}
    last, outputs = c.scan(body, start, (x, x[:, 0]))
    return last, outputs


def _no_sequence(c: Control, h: gx.Node, w: gx.Node) -> Any:
    return c.scan(lambda h, _: (_cell(h, h, w), gx.sum(h)), h, length=3)


def _swap(c: Control, a: gx.Node, b: gx.Node) -> Any:
    """Carries that take each other's place, and one that stays."""
    return c.scan(lambda s, _: ((s[1], s[0] * 1.1, s[2]), s[0] + s[2]), (a, b, a), length=3)


def _swap_alone(c: Control, a: gx.Node, b: gx.Node) -> Any:
    return c.scan(lambda s, _: ((s[1], s[0]), None), (a, b), length=3)


def _outputs_of_all_kinds(c: Control, x: gx.Node, h: gx.Node, w: gx.Node) -> Any:
    """The carry before and after a step, a row, what differs in no step, a number, the same node twice."""

    def body(h: gx.Node, row: gx.Node) -> Any:
        new = _cell(h, row, w)
        y = gx.exp(-h)
        return new, (h, new, row, w, 1.5, y, y, gx.sum(w) * 2)

    return c.scan(body, h, x)


def _used_twice(c: Control, x: gx.Node, h: gx.Node) -> Any:
    """A carry that starts with a shared node, rows used twice, one sequence given twice."""

    def body(s: Any, rows: Any) -> Any:
        p, q = s
        a, b = rows
        return (gx.sin(p * q + a * a) + h, gx.cos(p) * b * a), (p * p * h, b)

    return c.scan(body, (h, h), (x, x))


def _next_is_a_row(c: Control, x: gx.Node, h: gx.Node) -> Any:
    """The next carry is the row, or a shared node, or a number."""

    def body(s: Any, row: gx.Node) -> Any:
        p, q, r = s
        return (row, h, 2.0), (p * q * r, gx.sin(p))

    return c.scan(body, (h, h * 2, gx.sum(h)), x)


def _numbers(c: Control, x: gx.Node, h: gx.Node) -> Any:
    """Rows and carries of one number."""

    def body(h: gx.Node, x: gx.Node) -> Any:
        new = gx.sin(h * x) + 0.5 * x
        return new, (new * h, h)

    return c.scan(body, h, x)


def _scan_in_scan(c: Control, x: gx.Node, h: gx.Node, w: gx.Node) -> Any:
    def outer(h: gx.Node, row: gx.Node) -> Any:
        def inner(k: gx.Node, n: gx.Node) -> Any:
            k = gx.tanh(k @ w + n * row + h)
            return k, gx.sum(k * h)

        last, sums = c.scan(inner, h, row)
        return last, (sums, last * row)

    return c.scan(outer, h, x)


def _cond(c: Control, x: gx.Node, y: gx.Node, p: gx.Node) -> Any:
    """Branches that read different nodes, and give some as they are."""
    return c.cond(p > 0, lambda: (gx.sin(x) * x, x), lambda: (gx.exp(y), y))


def _cond_of_operands(c: Control, x: gx.Node, y: gx.Node) -> Any:
    return c.cond(gx.sum(x) > 100, lambda a, b: a * b["b"], lambda a, b: gx.tanh(a) + 1.0, x, {"b": y})


def _switch(c: Control, x: gx.Node, y: gx.Node, k: gx.Node) -> Any:
    branches = [lambda: (gx.sin(x), y[0]), lambda: (x * y * x, gx.sum(y)), lambda: (gx.zeros_like(x), gx.sum(x))]
    return c.switch(k, branches)


def _scan_in_cond_in_scan(c: Control, x: gx.Node, h: gx.Node, w: gx.Node) -> Any:
    def outer(h: gx.Node, row: gx.Node) -> Any:
        def deep() -> Any:
            last, sums = c.scan(lambda k, n: (gx.tanh(k @ w + n * row), gx.sum(k * h)), h, row)
            return last, gx.sum(sums)

        h, s = c.cond(gx.sum(row) > 0, deep, lambda: (h * 0.5 + row, gx.sum(gx.sin(row * h))))
        return h, s

    return c.scan(outer, h, x)


def _while(c: Control, h: gx.Node, w: gx.Node) -> Any:
    """As many steps as the values say: here 4 of at most 9."""
    return c.while_loop(lambda s: s[1] < 4, lambda s: (gx.tanh(s[0] @ w) + h, s[1] + 1), (h, 0), max_steps=9)


def _without_limit(c: Control, h: gx.Node, w: gx.Node) -> Any:
    return c.while_loop(lambda s: gx.sum(s * s) > 0.3, lambda s: 0.5 * gx.tanh(s @ w), h)


def _while_of_values(c: Control, a: gx.Node) -> Any:
    """Newton's method for the root of a."""
    return c.while_loop(lambda x: gx.abs(x * x - a) > 0.1, lambda x: 0.5 * (x + a / x), a + 1.0, max_steps=20)


def _while_never(c: Control, h: gx.Node, w: gx.Node) -> Any:
    return c.while_loop(lambda s: gx.sum(s) > 1e6, lambda s: gx.tanh(s @ w), gx.sin(h), max_steps=5)


def _while_to_the_limit(c: Control, h: gx.Node) -> Any:
    return c.while_loop(lambda s: s[1] < 3, lambda s: (gx.sin(s[0]), s[1] + 1), (h, 0), max_steps=3)


def _cond_in_scan_in_while(c: Control, x: gx.Node, h: gx.Node, w: gx.Node) -> Any:
    def step(s: Any) -> Any:
        h, n = s

        def body(k: gx.Node, row: gx.Node) -> Any:
            return c.cond(gx.sum(k) > 0.2, lambda: gx.tanh(k @ w + row), lambda: gx.sin(k * row) + h), gx.sum(k)

        last, sums = c.scan(body, h, x)
        return last + gx.mean(sums), n + 1

    return c.while_loop(lambda s: s[1] < 2, step, (h, 0), max_steps=4)


def _while_in_scan(c: Control, x: gx.Node, h: gx.Node) -> Any:
    def outer(h: gx.Node, row: gx.Node) -> Any:
        new = c.while_loop(
            lambda s: gx.sum(s * s) > 0.3, lambda s: gx.sin(s * 0.7) * gx.cos(row), h + row, max_steps=12
        )
        return new, gx.sum(new)

    return c.scan(outer, h, x)


def _fori(c: Control, h: gx.Node, w: gx.Node) -> Any:
    return c.fori_loop(1, 4, lambda i, h: gx.tanh(h @ w) * i.astype("float64"), h)


def _fori_of_nodes(c: Control, h: gx.Node, n: gx.Node) -> Any:
    return c.fori_loop(n - 1, n + 2, lambda i, s: (gx.sin(s[0] * i.astype("float64")), s[1] + i), (h, 0))


def _gradient_inside(c: Control, x: gx.Node, h: gx.Node, w: gx.Node) -> Any:
    """Steps of descent, and their losses."""

    def body(w: gx.Node, row: gx.Node) -> Any:
        error = gx.sum(gx.square(gx.tanh(row @ w) - h))
        return w - 0.1 * gx.grad(error, w), error

    return c.scan(body, w, x)


def _gradient_of_a_loop_inside(c: Control, x: gx.Node, h: gx.Node, w: gx.Node) -> Any:
    def body(h: gx.Node, row: gx.Node) -> Any:
        last, _ = c.scan(lambda k, n: (gx.tanh(k @ w + n), None), h, row)
        return h - 0.2 * gx.grad(gx.sum(gx.sin(last)), h), gx.sum(last)

    return c.scan(body, h, x)


def _library(c: Control, x: gx.Node, w: gx.Node) -> Any:
    """Routines, sorting, scattering and a convolution in a body."""

    def body(m: gx.Node, row: gx.Node) -> Any:
        spd = m @ m.T + 3 * gx.eye(3, dtype="float64")
        solved = gx.linalg.solve(spd, row)
        ordered = gx.sort(row * solved)
        placed = gx.scatter_add(gx.zeros(5, "float64"), np.array([0, 3, 3]), solved)
        blurred = gx.conv1d(gx.reshape(placed, (1, 1, 5)), gx.reshape(row, (1, 1, 3)))
        return gx.sin(m) + gx.linalg.inv(spd) * 0.1, (
            ordered,
            blurred[0, 0],
            gx.linalg.slogdet(spd)[1],
            gx.cumsum(row * m[0]),
        )

    return c.scan(body, w, x)


def _indices(c: Control, x: gx.Node, h: gx.Node, k: gx.Node) -> Any:
    """Indices that differ from step to step, into what all steps share."""
    return c.scan(lambda h, i: (h * x[i] + gx.take(x, i + 1, 0, mode="wrap"), gx.sum(x[i]) * h[0]), h, k)


def _complex(c: Control, z: gx.Node, x: gx.Node) -> Any:
    def body(z: gx.Node, x: gx.Node) -> Any:
        new = gx.exp(1j * x) * z * z + gx.conj(z) * 0.5
        return new, (gx.real(z) * x, new)

    return c.scan(body, z, x)


def _params(c: Control, x: gx.Node) -> Any:
    """Variables that a body reads."""
    w, b = gx.param("w", W), gx.param("b", H)
    return c.scan(lambda h, x: (gx.tanh(x @ w + h + b), h * b), b * 2, x)


def _where_inside(c: Control, x: gx.Node, h: gx.Node) -> Any:
    """The branch of `where` that is not taken has an infinite slope."""
    return c.scan(
        lambda h, x: (gx.where(x > 0, gx.sqrt(gx.where(x > 0, x, 1.0)), 0.1) * h + x, gx.where(h > 0, gx.log(h), h)),
        h,
        x,
    )


def _square(c: Control, x: gx.Node, h: gx.Node) -> Any:
    """Rows that a movement shows, reshaped carries, and a slice of a history that all is given away of."""

    def body(h: gx.Node, row: gx.Node) -> Any:
        m = gx.reshape(h, (3, 1)) * gx.reshape(row, (1, 3))
        return gx.sum(m, 1) * 0.5 + gx.flip(row, 0), gx.reshape(h, (1, 3))

    last, out = c.scan(body, h, gx.flip(x.T[:, 1:], 1).T)
    return last, out[1:, 0, ::2]


def _nothing_of_the_last(c: Control, x: gx.Node, h: gx.Node, w: gx.Node) -> Any:
    """Only part of the results is used."""
    _, out = _backwards(c, x, h, w)
    return out[1][1], out[2][:2]


def _in_segments(steps: int | str) -> Callable[..., Any]:
    """A loop of several carries that keeps those between segments."""

    def build(c: Control, x: gx.Node, h: gx.Node, w: gx.Node) -> Any:
        def body(state: Any, row: gx.Node) -> Any:
            h, n = state
            new = _cell(h, row, w)
            return (new, n + 1), (h * row, n)

        return c.scan(body, (h, 0), x, reverse=steps == 3, checkpoint=steps)

    return build


def _segments_in_segments(c: Control, x: gx.Node, h: gx.Node, w: gx.Node) -> Any:
    def outer(h: gx.Node, row: gx.Node) -> Any:
        last, sums = c.scan(lambda k, n: (gx.tanh(k @ w + n * row), gx.sum(k * h)), h, row, checkpoint=2)
        return last, sums

    return c.scan(outer, h, x, checkpoint=2)


def _region(c: Control, x: gx.Node, h: gx.Node, w: gx.Node) -> Any:
    """Several arguments and results, what is read from around it, and a result that is an argument."""
    shift = gx.sin(h)

    def block(rows: gx.Node, *, by: Any) -> Any:
        y = gx.tanh(rows @ w + shift * by["scale"])
        return {"y": y, "sum": (gx.sum(y * y), by["scale"])}, rows, gx.argmax(y, -1), None

    found = c.checkpoint(block)(x, by={"scale": gx.cos(h)})
    return c.checkpoint(lambda y: gx.exp(-y * y))(found[0]["y"]), found


def _regions_in_regions(c: Control, x: gx.Node, h: gx.Node, w: gx.Node) -> Any:
    def inner(h: gx.Node) -> gx.Node:
        return gx.tanh(h @ w)

    def outer(h: gx.Node, row: gx.Node) -> gx.Node:
        return gx.sin(c.checkpoint(inner)(h + row) * gx.sum(c.checkpoint(inner)(h)))

    return c.checkpoint(lambda h: c.checkpoint(outer)(c.checkpoint(outer)(h, x[0]), x[1]))(h)


def _region_in_a_scan(c: Control, x: gx.Node, h: gx.Node, w: gx.Node) -> Any:
    block = c.checkpoint(lambda h, row: gx.tanh(h @ w) * gx.sin(row))

    def body(h: gx.Node, row: gx.Node) -> Any:
        new = block(block(h, row), row)
        return new, gx.sum(new * h)

    return c.scan(body, h, x, checkpoint=3)


def _region_around_a_scan(c: Control, x: gx.Node, h: gx.Node, w: gx.Node) -> Any:
    return c.checkpoint(lambda x, h: _backwards(c, gx.sin(x), h, w))(x, h)


def _region_in_a_branch(c: Control, h: gx.Node, k: gx.Node, n: gx.Node) -> Any:
    block = c.checkpoint(lambda h: gx.tanh(h * k) * gx.sum(gx.exp(h)))
    return c.cond(n > 0, lambda: block(block(h)), lambda: block(k))


def _gradient_in_a_region(c: Control, x: gx.Node, h: gx.Node, w: gx.Node) -> Any:
    def step(w: gx.Node, row: gx.Node) -> Any:
        return w - 0.1 * gx.grad(gx.sum(gx.square(gx.tanh(row @ w) - h)), w)

    return c.checkpoint(step)(c.checkpoint(step)(w, x[0]), x[1])


_ROWS = ("n",)

# what is looked at, by kind
SCAN = "`scan`"
LENGTHS = "`scan` of no step, of one, of a size"
SEGMENTS = "`scan(checkpoint=)`"
FORI = "`fori_loop`"
WHILE = "`while_loop(max_steps=)`"
FORWARD = "`while_loop` without a limit, `fori_loop` to a node"
BRANCH = "`cond`, `switch`"
NESTED = "loops and branches in one another"
GRAD = "`grad` in a body"
REGION = "`checkpoint`"

CONSTRUCTS = (
    Construct(SCAN, "one carry", _one_carry, (X, H, W)),
    Construct(SCAN, "from the last row", _backwards, (X, H, W)),
    Construct(SCAN, "nested carries of several dtypes", _nested_carries, (X, H, W)),
    Construct(SCAN, "carries that swap", _swap, (H, H[::-1].copy())),
    Construct(SCAN, "carries that only swap", _swap_alone, (H, H[::-1].copy())),
    Construct(SCAN, "outputs of all kinds", _outputs_of_all_kinds, (X, H, W)),
    Construct(SCAN, "used twice", _used_twice, (X, H)),
    Construct(SCAN, "next is a row", _next_is_a_row, (X, H)),
    Construct(SCAN, "numbers", _numbers, (X[:, 0].copy(), ONE)),
    Construct(SCAN, "nothing in a row", _numbers, (X[:, :0], H[:0])),
    Construct(SCAN, "indices", _indices, (X, H, np.array([2, 0, -1]))),
    Construct(SCAN, "complex", _complex, (H + 1j * H[::-1], X)),
    Construct(SCAN, "params", _params, (X,)),
    Construct(SCAN, "where inside", _where_inside, (X, H)),
    Construct(SCAN, "movements", _square, (X, H[:4])),
    Construct(SCAN, "part of the results", _nothing_of_the_last, (X, H, W)),
    Construct(LENGTHS, "no sequence", _no_sequence, (H, W)),
    Construct(LENGTHS, "no step", _outputs_of_all_kinds, (X[:0], H, W)),
    Construct(LENGTHS, "one step", _outputs_of_all_kinds, (X[:1], H, W)),
    Construct(LENGTHS, "a number of steps that is a size", _outputs_of_all_kinds, (X, H, W), _ROWS),
    Construct(LENGTHS, "a size, from the last row", _backwards, (X, H, W), _ROWS),
    Construct(LENGTHS, "a size that is 0", _backwards, (X[:0], H, W), _ROWS),
    Construct(LENGTHS, "a size that is 1", _outputs_of_all_kinds, (X[:1], H, W), _ROWS),
    Construct(LENGTHS, "numbers, a size", _numbers, (X[:, 0].copy(), ONE), _ROWS),
    Construct(SEGMENTS, "in segments", _in_segments("sqrt"), (X, H, W)),
    Construct(SEGMENTS, "in segments of 3, the last one shorter", _in_segments(3), (X, H, W)),
    Construct(SEGMENTS, "a size, in segments", _in_segments(3), (X, H, W), _ROWS),
    Construct(SEGMENTS, "a size that is 0, in segments", _in_segments(2), (X[:0], H, W), _ROWS),
    Construct(SEGMENTS, "segments in segments", _segments_in_segments, (X, H, W)),
    Construct(FORI, "fori", _fori, (H, W)),
    Construct(WHILE, "while", _while, (H, W)),
    Construct(WHILE, "while of values", _while_of_values, (np.array(2.5),)),
    Construct(WHILE, "while without a step", _while_never, (H, W)),
    Construct(WHILE, "while up to its limit", _while_to_the_limit, (H,)),
    Construct(FORWARD, "fori to a node, forward", _fori_of_nodes, (H, np.array(2)), is_forward=True),
    Construct(FORWARD, "while without a limit", _without_limit, (H, W), is_forward=True),
    Construct(BRANCH, "cond, then", _cond, (H, X[0], np.array(1))),
    Construct(BRANCH, "cond, else", _cond, (H, X[0], np.array(-1))),
    Construct(BRANCH, "cond of operands", _cond_of_operands, (H, X[0])),
    *[Construct(BRANCH, f"switch to {k}", _switch, (H, X[0], np.array(k))) for k in range(3)],
    Construct(NESTED, "scan in scan", _scan_in_scan, (X, H, W)),
    Construct(NESTED, "scan in cond in scan", _scan_in_cond_in_scan, (X, H, W)),
    Construct(NESTED, "cond in scan in while", _cond_in_scan_in_while, (X, H, W)),
    Construct(NESTED, "while in scan", _while_in_scan, (X, H)),
    Construct(GRAD, "gradient inside", _gradient_inside, (X, H, W)),
    Construct(GRAD, "gradient of a loop inside", _gradient_of_a_loop_inside, (X[:2], H, W)),
    Construct(REGION, "regions", _region, (X, H, W)),
    Construct(REGION, "regions of a size", _region, (X, H, W), _ROWS),
    Construct(REGION, "regions in regions", _regions_in_regions, (X, H, W)),
    Construct(REGION, "a region in a scan", _region_in_a_scan, (X, H, W)),
    Construct(REGION, "a region around a scan", _region_around_a_scan, (X, H, W)),
    Construct(REGION, "a region in a branch", _region_in_a_branch, (H, X[0], np.array(1))),
    Construct(REGION, "a gradient in a region", _gradient_in_a_region, (X[:2], H, W)),
    Construct("`solve`, `inv`, `sort`, `scatter_add`, `conv1d` in a body", "library", _library, (X[:2], W)),
)  # fmt: skip
