"""Products in tiles: every role of an axis and every layout, on vectors of every width, against sums in float64."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pytest

import graphc as gx
from graphc.backends.llvm import backend
from graphc.backends.llvm.backend import LlvmBackend
from graphc.backends.llvm.contractions import blocking_for, library_of
from graphc.backends.llvm.machine import WIDTHS, host, restricted
from graphc.backends.llvm.pool import pool
from graphc.function import CompiledFunction
from graphc.kernel.affine import AffineIndex
from graphc.kernel.arrays import Array
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.program import Program
from graphc.kernel.steps import Contract
from graphc.sizes import Size, evaluate, symbol
from graphc.types import DTYPES
from tests.backends.running import run
from tests.kernel.building import HERE, given, output
from tests.tolerance import assert_close

Sizes = Mapping[str, int]


@dataclass(frozen=True)
class Case:
    """A product: the index of each axis of its operands and of its result, and the extent of each letter.

    "n 2p+j" has two axes, the second one with windows two apart.
    """

    left: str
    right: str
    out: str
    extents: Sizes
    apart: int = 0

    def __str__(self) -> str:
        return f"{self.left}, {self.right} -> {self.out} {[*self.extents.values()]}"


MATRICES = [(1, 1, 1), (32, 128, 64), (5, 3, 7), (13, 100, 31), (97, 10, 600), (1, 50, 9), (70, 1, 20), (67, 131, 300)]
LAYOUTS = [("i k", "k j", "i j"), ("k i", "k j", "i j"), ("i k", "j k", "i j"), ("k i", "j k", "j i")]
CASES = [
    *(Case(*layout, dict(zip("ijk", sizes, strict=True))) for layout in LAYOUTS for sizes in MATRICES),
    Case("i k", "k j", "i j", {"i": 300, "j": 80, "k": 700}),  # both operands are packed, in blocks of the sum
    Case("k i", "j k", "i j", {"i": 300, "j": 290, "k": 900}),
    Case("b i k", "b k j", "b i j", {"b": 5, "i": 17, "j": 33, "k": 20}),
    Case("b i k", "b j k", "b i j", {"b": 2, "i": 3, "j": 40, "k": 65}, apart=1),
    Case("b i h k", "b j h k", "b h i j", {"b": 2, "h": 3, "i": 19, "j": 21, "k": 16}),
    Case("a b k", "k j", "a b j", {"a": 3, "b": 5, "j": 18, "k": 9}),
    Case("a k b", "l j k", "a j b", {"a": 3, "b": 5, "j": 18, "k": 9, "l": 1}),
    Case("n c p+j q+k", "o c j k", "n o p q", {"n": 3, "o": 6, "p": 7, "q": 28, "c": 2, "j": 5, "k": 5}),
    Case("n c p+j q+k", "o c j k", "n o p q", {"n": 2, "o": 16, "p": 10, "q": 10, "c": 3, "j": 5, "k": 5}),
    Case("n c 2p+j 3q+2k", "o c j k", "n o p q", {"n": 2, "o": 33, "p": 4, "q": 5, "c": 20, "j": 3, "k": 3}),
    Case("n c p+j q+k", "n o p q", "o c j k", {"o": 7, "c": 3, "j": 3, "k": 3, "n": 4, "p": 6, "q": 9}),
    Case("n c p+j q+k", "n o p q", "o c j k", {"o": 16, "c": 5, "j": 5, "k": 5, "n": 40, "p": 10, "q": 10}),
    Case("n o p q", "o c j k", "n c p+j q+k", {"n": 2, "o": 9, "p": 6, "q": 21, "c": 4, "j": 3, "k": 2}),
    Case("n o p q", "o c j k", "n c 2p+j 2q+k", {"n": 2, "o": 20, "p": 6, "q": 7, "c": 17, "j": 3, "k": 3}),
    Case("n o p q", "o j k", "n p+j q+k", {"n": 3, "o": 6, "p": 5, "q": 28, "j": 5, "k": 5}),  # of one channel
    Case("n g p", "g j", "n g 2p+j", {"n": 3, "g": 6, "p": 25, "j": 5}),  # nothing is added up but what meets
    Case("n g c p+j", "g o c j", "n g o p", {"n": 2, "g": 3, "o": 4, "p": 19, "c": 5, "j": 3}),
]


def contract_of(case: Case, sizes: Mapping[str, Size], dtype: str = "float32", *, adds: bool = False) -> Contract:
    """The contraction of a case whose extents are sizes."""
    letters = [*sizes]

    def index(text: str) -> tuple[AffineIndex, ...]:
        parts = []
        for part in text.split():
            terms = [re.fullmatch(r"(\d*)(\w)", term) for term in part.split("+")]
            parts.append(AffineIndex(tuple((letters.index(t[2]), int(t[1] or 1)) for t in terms if t)))
        return tuple(parts)

    def shape(parts: Sequence[AffineIndex]) -> tuple[Size, ...]:
        extents = [*sizes.values()]
        found: list[Size] = []
        for part in parts:
            reach: Size = 1
            for axis, step in part.terms:
                reach = reach + (extents[axis] - 1) * step
            found.append(reach)
        return tuple(found)

    left, right, out = map(index, (case.left, case.right, case.out))
    x, y = (given(slot, *shape(parts), dtype=DTYPES[dtype]) for slot, parts in enumerate((left, right)))
    result = output(0, *shape(out), dtype=DTYPES[dtype])
    if adds:
        result = Buffer(Role.VARIABLE, DTYPES[dtype], shape(out), 0)
    return Contract(tuple(sizes.values()), x, y, result, left, right, out, HERE, case.apart, adds)


def expected(case: Case, contract: Contract, x: Array, y: Array, start: Array) -> Array:
    """The sums in float64."""
    if "+" not in case.left + case.out:
        spec = f"{case.left},{case.right}->{case.out}".replace(" ", "")
        return np.asarray(start + np.einsum(spec, x.astype(np.float64), y.astype(np.float64), optimize=True))
    extents = [*case.extents.values()]
    points = np.indices(extents).reshape(len(extents), -1)

    def places(index: Sequence[AffineIndex]) -> tuple[Array, ...]:
        return tuple(
            sum((points[axis] * step for axis, step in part.terms), np.zeros(points.shape[1], int)) for part in index
        )

    result = start.astype(np.float64)
    terms = x.astype(np.float64)[places(contract.left_index)] * y.astype(np.float64)[places(contract.right_index)]
    np.add.at(result, places(contract.out_index), terms)
    return result


def check(case: Case, dtype: str = "float32", *, adds: bool = False, is_open: bool = False) -> Array:
    """The result, which was compared."""
    names: Mapping[str, Size] = {name: symbol(name) for name in case.extents} if is_open else case.extents
    contract = contract_of(case, names, dtype, adds=adds)
    draw = np.random.default_rng(7)
    values = {name: case.extents[name] for name in case.extents}
    x, y, start = (
        draw.normal(size=[evaluate(n, values) for n in buffer.shape]).astype(dtype)
        for buffer in (contract.left, contract.right, contract.out)
    )
    variables, outputs = ((contract.out,), ()) if adds else ((), (contract.out,))
    symbols = tuple(sorted(values)) if is_open else ()
    program = Program((contract,), (contract.left, contract.right), variables, (), outputs, 0, symbols)
    made, after = run(program, [x, y], [start] if adds else [], values, backend=LlvmBackend())
    result = after[0] if adds else made[0]
    wanted = expected(case, contract, x, y, start if adds else np.zeros(result.shape))
    terms = [values[name] for name in values if not re.search(name, case.out) or "+" in case.out]
    assert_close(result, wanted, int(np.prod(terms)))
    return result


@pytest.fixture(params=WIDTHS)
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Vectors of so many bytes at most."""
    machine = restricted(request.param)
    monkeypatch.setattr(backend, "host", lambda: machine)
    return int(request.param)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_products_of_float32(case: Case, width: int) -> None:
    check(case)


@pytest.mark.parametrize("case", CASES[::3], ids=str)
def test_products_of_float64(case: Case) -> None:
    check(case, "float64")


@pytest.mark.parametrize("case", CASES[1::2], ids=str)
def test_what_is_there_is_added_to(case: Case) -> None:
    check(case, adds=True)


@pytest.mark.parametrize("case", CASES[1::3], ids=str)
def test_open_extents(case: Case, width: int) -> None:
    check(case, is_open=True)


@pytest.mark.parametrize(
    "extents", [(0, 5, 3), (5, 0, 3), (5, 3, 0), (1, 1, 1), (3, 17, 2), (13, 31, 500), (29, 37, 1)]
)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_open_matrices_of_any_extent(layout: tuple[str, str, str], extents: tuple[int, int, int]) -> None:
    check(Case(*layout, dict(zip("ijk", extents, strict=True))), is_open=True)
    check(Case(*layout, dict(zip("ijk", extents, strict=True))), is_open=True, adds=True)


def test_sums_of_nothing_are_zero() -> None:
    assert not check(Case("i k", "k j", "i j", {"i": 4, "j": 5, "k": 0})).any()


@pytest.mark.parametrize("case", CASES[1:], ids=str)
def test_tiles_are_made_wherever_there_are_rows_and_columns(case: Case) -> None:
    has_tiles = blocking_for(contract_of(case, case.extents), host()) is not None
    letters = [
        {letter for letter in re.findall("[a-z]", text) if case.extents[letter] > 1} for text in (case.left, case.right)
    ]
    left, right = letters
    is_matrix = bool(left - right and right - left and (left & right) - set(case.out))
    assert has_tiles == (is_matrix or "+" in case.out), case


def test_a_product_apart_has_the_bits_that_it_has_alone() -> None:
    extents = {"b": 3, "i": 20, "j": 50, "k": 600}
    together = Case("b i k", "b k j", "b i j", extents, apart=1)
    x, y = (np.random.default_rng(3).normal(size=shape).astype("f") for shape in ((3, 20, 600), (3, 600, 50)))
    program = _program(together)
    ((whole,), _) = run(program, [x, y], backend=LlvmBackend())
    alone = _program(Case("i k", "k j", "i j", {"i": 20, "j": 50, "k": 600}))
    for place in range(3):
        ((one,), _) = run(alone, [x[place], y[place]], backend=LlvmBackend())
        np.testing.assert_array_equal(whole[place], one)


def _program(case: Case) -> Program:
    contract = contract_of(case, case.extents)
    return Program((contract,), (contract.left, contract.right), (), (), (contract.out,), 0, ())


@pytest.mark.parametrize("case", [CASES[7], CASES[32], CASES[33], CASES[40], CASES[45]], ids=str)
def test_the_number_of_threads_changes_no_bit(case: Case) -> None:
    before = pool().threads
    try:
        results = []
        for threads in (1, 2, 7):
            pool().resize(threads)
            results.append(check(case))
    finally:
        pool().resize(before)
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("layout", [*LAYOUTS, ("b i k", "b j k", "b i j"), ("b k i", "b k j", "b j i")])
def test_matrices_of_complex_numbers(layout: tuple[str, str, str], dtype: str) -> None:
    case = Case(*layout, {"b": 3, "i": 20, "j": 11, "k": 37} if "b" in layout[0] else {"i": 20, "j": 11, "k": 37})
    contract = contract_of(case, case.extents, dtype)
    assert library_of(contract) is not None
    draw = np.random.default_rng(5)
    x, y = (
        (draw.normal(size=buffer.shape) + 1j * draw.normal(size=buffer.shape)).astype(dtype)
        for buffer in (contract.left, contract.right)
    )
    program = Program((contract,), (contract.left, contract.right), (), (), (contract.out,), 0, ())
    ((result,), _) = run(program, [x, y], backend=LlvmBackend())
    spec = f"{case.left},{case.right}->{case.out}".replace(" ", "")
    assert_close(result, np.einsum(spec, x.astype(complex), y.astype(complex)), 37)


# Epilogues.


@pytest.mark.parametrize("shape", [(32, 128, 64), (200, 300, 100), (97, 1031, 40), (1500, 10, 128), (7, 2000, 300)])
def test_epilogues_follow_every_part_of_a_product(shape: tuple[int, int, int]) -> None:
    m, n, k = shape
    x, w, b, r = gx.input("x", (m, k)), gx.input("w", (k, n)), gx.input("b", (n,)), gx.input("r", (m, n))
    y = gx.maximum(x @ w + b, 0) + r
    assert_follows([x, w, b, r], [y], lambda x, w, b, r: [np.maximum(x @ w + b, 0) + r], k)


def test_an_epilogue_may_leave_several_results_and_turn_them_over() -> None:
    x, w = gx.input("x", (150, 300)), gx.input("w", (300, 210))
    y = x @ w
    outputs = [gx.tanh(y * 0.1), gx.transpose(y) * 2.0]
    assert_follows([x, w], outputs, lambda x, w: [np.tanh(x @ w * 0.1), (x @ w).T * 2], 300)


def test_the_epilogue_of_a_batch_of_products() -> None:
    x, w, b = gx.input("x", (40, 64, 30)), gx.input("w", (40, 30, 70)), gx.input("b", (40, 1, 70))
    assert_follows([x, w, b], [gx.exp((x @ w) * 0.1 + b)], lambda x, w, b: [np.exp((x @ w) * 0.1 + b)], 30)


def test_the_epilogue_of_windows() -> None:
    x, w, b = gx.input("x", (20, 6, 14, 14)), gx.input("w", (16, 6, 5, 5)), gx.input("b", (16, 1, 1))

    def wanted(x: Array, w: Array, b: Array) -> list[Array]:
        windows = np.lib.stride_tricks.sliding_window_view(x, (5, 5), axis=(2, 3))
        return [np.maximum(np.einsum("ncpqjk,ocjk->nopq", windows, w) + b, 0)]

    assert_follows([x, w, b], [gx.maximum(gx.conv2d(x, w) + b, 0)], wanted, 150)


BATCHES = [(6, 150), (1, 900), (400, 1), (1, 1), ("b", 70), (5, "t"), ("b", "t")]


@pytest.mark.parametrize("batch", BATCHES)
def test_the_epilogue_of_rows_of_a_batch(batch: tuple[int | str, int | str]) -> None:
    """Rows of two axes, or three, are those of one where the epilogue walks them as one, and only there."""
    sizes = {"b": 40, "t": 70}
    b, t = (symbol(n) if isinstance(n, str) else n for n in batch)
    x, w, r = gx.input("x", (b, t, 96)), gx.input("w", (96, 60)), gx.input("r", (b, t, 60))
    column, row, point = gx.input("c", (60,)), gx.input("d", (t, 1)), gx.input("p", (b, 1, 60))
    y = x @ w
    for inputs, outputs, wanted in (
        ([x, w], [gx.tanh(y * 0.1)], lambda x, w: [np.tanh(x @ w * 0.1)]),
        ([x, w, column, r], [gx.relu(y + column) + r], lambda x, w, c, r: [np.maximum(x @ w + c, 0) + r]),
        ([x, w, row], [gx.tanh(y * 0.1 + row)], lambda x, w, d: [np.tanh(x @ w * 0.1 + d)]),
        ([x, w, point], [gx.tanh(y * 0.1 + point)], lambda x, w, p: [np.tanh(x @ w * 0.1 + p)]),
        (
            [x, w],
            [gx.relu(y), gx.swapaxes(y, 0, 1) * 2],
            lambda x, w: [np.maximum(x @ w, 0), (x @ w).swapaxes(0, 1) * 2],
        ),
    ):
        assert_follows(inputs, outputs, wanted, 96, sizes)


def test_rows_of_a_batch_are_one_axis_under_an_epilogue() -> None:
    x, w, b = gx.input("x", (8, 128, 256)), gx.input("w", (256, 3, 64)), gx.input("b", (3, 64))
    y = gx.relu(gx.einsum("btd,dhj->bthj", x, w) + b)
    (step,) = (step for step in gx.compile([x, w, b], y).program.timeline if isinstance(step, Contract))
    found = blocking_for(step, host())
    assert found is not None
    assert step.then is not None
    assert [walk.extent for walk in found.roles.rows] == [1024]
    assert [walk.extent for walk in found.roles.columns] == [192]


@pytest.mark.parametrize("batch", [1, 2, 11, 64, 700])
def test_the_epilogue_of_an_open_batch(batch: int) -> None:
    rows = symbol("rows")
    x, w, b = gx.input("x", (rows, 100)), gx.input("w", (100, 96)), gx.input("b", (96,))
    assert_follows([x, w, b], [gx.tanh(x @ w + b)], lambda x, w, b: [np.tanh(x @ w + b)], 100, {"rows": batch})


def assert_follows(
    inputs: "Sequence[gx.Node]", outputs: "Sequence[gx.Node]", wanted: object, terms: int, sizes: Sizes | None = None
) -> None:
    """The compiled outputs are those of NumPy in float64."""
    draw = np.random.default_rng(1)
    arrays = [draw.normal(size=[evaluate(n, sizes or {}) for n in x.shape]).astype("f") for x in inputs]
    made = gx.compile(list(inputs), list(outputs), backend="llvm")(*arrays)
    exact = wanted(*[x.astype(np.float64) for x in arrays])  # type: ignore[operator]
    for result, value in zip(made, exact, strict=True):
        assert_close(np.asarray(result), value, 4 * terms)


@pytest.mark.parametrize(
    ("rows", "inner", "columns"),
    [((), 3, 4), ((), 70, 200), ((), 300, 1), ((1,), 9, 33), ((2,), 5, 17), ((8,), 64, 33), ((), 1030, 1031)],
)
def test_products_of_all_steps_at_once_round_as_each_alone(rows: tuple[int, ...], inner: int, columns: int) -> None:
    """A scan takes products of its sequences out of the loop; what makes segments again has them inside."""
    rng = np.random.default_rng(0)
    w = gx.param("w", rng.standard_normal((inner, columns), dtype=np.float32))
    xs = gx.input("xs", ("time", *rows, inner))

    def compiled(checkpoint: Literal["sqrt"] | None) -> Callable[..., Any]:
        start = gx.zeros((*rows, columns))
        last, _ = gx.scan(lambda h, x: (gx.tanh(x @ w + h), None), start, xs, checkpoint=checkpoint)
        return gx.compile([xs], gx.grad(gx.sum(last * last), w), backend="llvm")

    arrays = rng.standard_normal((17, *rows, inner), dtype=np.float32)
    assert np.array_equal(compiled(None)(arrays), compiled("sqrt")(arrays))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("inner", "columns"), [(1030, 1031), (5000, 257), (2100, 520), ("inner", 1100)])
def test_one_row_times_a_large_matrix(inner: int | str, columns: int, dtype: str) -> None:
    x, w = gx.input("x", (1, inner), dtype), gx.input("w", (inner, columns), dtype)
    v = gx.input("v", (inner,), dtype)
    f = gx.compile([x, w, v], [gx.relu(x @ w + 1), gx.swapaxes(w, 0, 1) @ v], backend="llvm")
    rng = np.random.default_rng(0)
    count = 1500 if isinstance(inner, str) else inner
    a, b, c = (rng.standard_normal(shape).astype(dtype) for shape in ((1, count), (count, columns), (count,)))
    found = f(a, b, c)
    exact = np.maximum(a.astype(float) @ b.astype(float) + 1, 0), b.T.astype(float) @ c.astype(float)
    for one, other in zip(found, exact, strict=True):
        np.testing.assert_allclose(one, other, atol=(2e-3 if dtype == "float32" else 1e-11))
    assert all(np.array_equal(one, other) for one, other in zip(found, f(a, b, c), strict=True))


@pytest.mark.parametrize("made_before", [False, True])
def test_steps_of_an_unrolled_loop_are_written_once(made_before: bool) -> None:
    rng = np.random.default_rng(0)

    def unrolled(steps: int) -> CompiledFunction:
        x, w, h = gx.input("x", (steps, 5, 7)), gx.input("w", (7, 7)), gx.input("h", (5, 7))
        rows = x @ w if made_before else x
        state = h
        for step in range(steps):
            state = gx.tanh(rows[step] + state @ w if made_before else rows[step] @ w + state)
        out = [state, gx.grad(gx.sum(state), w)]
        given = [rng.standard_normal(tuple(map(int, node.shape))).astype("float32") / 4 for node in (x, w, h)]
        native, plain = (gx.compile([x, w, h], out, backend=name) for name in ("llvm", "numpy"))
        for found, wanted in zip(native(*given), plain(*given), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=2e-6)
        return native

    few, many = (unrolled(steps).source.count("define internal void @kernel_") for steps in (20, 40))
    assert many - few < 5  # what sums the gradients of all steps up is of other ones
