"""An element of an array that is put together is computed where it is read: chosen among the parts by its place."""

from collections.abc import Callable, Sequence
from random import Random

import numpy as np
import pytest

import graphc as gx
from graphc.backends.llvm.backend import LlvmBackend
from graphc.backends.numpy.backend import NumpyBackend
from graphc.ir.graph import Graph
from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.program import Program
from graphc.kernel.reference import interpret
from graphc.kernel.scalar import Axis, Call, Fn, Formula, Load
from graphc.kernel.steps import Kernel, Stage, Store
from graphc.passes.inlined import inlined
from graphc.passes.lower import Lowered
from graphc.passes.pipeline import Trace
from graphc.passes.standard import improve, standard
from graphc.types import FLOAT32
from graphc.verification.programs import Executable
from tests.passes.one_kernel import FREE

OF: dict[str, Callable[[gx.Node], gx.Node]] = {
    "a reshape through padding": lambda x: gx.exp(gx.pad(x * 2, ((1, 0), (0, 1)))).reshape(7, 5).T,
    "a reshape through a roll": lambda x: gx.tanh(gx.roll(gx.exp(x), 1, 1)).reshape(3, 8).T,
    "a reshape through parts of parts": lambda x: gx.roll(gx.concat([x, -x, gx.exp(x)], 0).reshape(8, 9).T, 2, 0),
    "a slice within a tile": lambda x: gx.tile(gx.exp(gx.pad(x, 1)), (2, 3))[3:, 5:],
    "a slice within repeats": lambda x: gx.roll(gx.repeat(gx.exp(x), 3, 1), 2, 1)[:, 1:].reshape(17, 4).T,
    "a flip within a tile": lambda x: gx.flip(gx.tile(gx.concat([x, gx.exp(x)], 1), (1, 2))[:, 5:], 1).reshape(2, 38),
    "twice through parts": lambda x: gx.pad(gx.exp(gx.pad(x, 1)).reshape(4, 12) * 2, 1).reshape(12, 7).T,
    "repeats of padded repeats": lambda x: gx.roll(  # of which views are written
        gx.broadcast_to(gx.repeat(gx.pad(gx.repeat(gx.exp(x[0]) + 1, 2, 0), 2), 3, 0) + 1, (2, 48)), 3, 1
    ),
    "one element of all": lambda x: gx.exp(gx.pad(x[1:2, 2:3] * 2, ((1, 0), (0, 2)))).reshape(3, 2).T,
    "a padded range": lambda x: gx.pad(gx.arange(24).reshape(4, 6) * 3, 1, 7).reshape(6, 8)[1:].reshape(8, 5).T,
}

BOTH = LlvmBackend(), NumpyBackend()  # the second does not choose to read under a condition, but can


def free(x: gx.Node, y: gx.Node) -> Lowered:
    """What a chain is where costs decide nothing."""
    graph = Graph((x,), (y,))
    return improve(graph, standard(graph, FREE, 1), Trace())


def called(program: Program, fn: Fn) -> int:
    lets = [let for step in program.steps if isinstance(step, Kernel) for stage in step.stages for let in stage.lets]
    return sum(isinstance(let, Call) and let.fn is fn for let in lets)


@pytest.mark.parametrize("of", OF.values(), ids=OF)
def test_what_cuts_through_parts_is_one_kernel(of: Callable[[gx.Node], gx.Node]) -> None:
    x = gx.input("x", (4, 6))
    y = of(x)
    lowered = free(x, y)
    assert len(lowered.program.steps) == 1
    array = np.random.default_rng(0).standard_normal((4, 6)).astype("float32")
    expected = gx.compile(x, y, level=0)(array)
    (found,), _ = interpret(lowered.program, [array], [], {}, lowered.constants)  # which sees what is out of range
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    native, numpy = (Executable.of(lowered, of).run([array], [], {}).outputs[0] for of in BOTH)
    assert np.array_equal(native, expected)
    np.testing.assert_allclose(numpy, expected, rtol=1e-6)


@pytest.mark.parametrize("n", [0, 1, 5])
def test_parts_of_open_sizes_are_told_apart(n: int) -> None:
    rows = gx.size("n", hint=4)
    x = gx.input("x", (rows, 6))
    y = gx.exp(gx.concat([x * 2, gx.tanh(x)], 0)).reshape(4, rows, 3) + 1
    y = gx.roll(y.reshape(rows, 12), 1, 1).reshape(6, 2 * rows)[:, ::-1]
    lowered = free(x, y)
    assert len(lowered.program.steps) == 1
    array = np.random.default_rng(n).standard_normal((n, 6)).astype("float32")
    (found,), _ = interpret(lowered.program, [array], [], {"n": n}, lowered.constants)
    expected = gx.compile(x, y, level=0)(array)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    native, numpy = (Executable.of(lowered, of).run([array], [], {"n": n}).outputs[0] for of in BOTH)
    assert np.array_equal(native, expected)
    np.testing.assert_allclose(numpy, expected, rtol=1e-6)


def test_parts_of_the_same_function_share_it() -> None:
    x = gx.input("x", (4, 6))
    alike = gx.roll(gx.exp(x), 1, 1).reshape(3, 8).T
    apart = gx.concat([gx.exp(x), gx.exp(gx.exp(x))], 1).reshape(3, 16).T
    assert [called(free(x, y).program, Fn.EXP) for y in (alike, apart)] == [1, 3]


# Kernels alone.


ARRAY, COPY = Buffer(Role.TEMPORARY, FLOAT32, (12, 18)), Buffer(Role.OUTPUT, FLOAT32, (18, 12), 0)
X = Buffer(Role.INPUT, FLOAT32, (12, 18), 0)
Along = Sequence[tuple[int, int]]  # the steps along an axis of an array, and how many each takes


def box(number: float, walks: Sequence[tuple[int, Along]]) -> Stage:
    """A stage that stores what it reads, times a number, at a start and on by steps along each axis."""
    axes: list[Axis] = []
    formula = Formula()
    index: list[int] = []
    for start, steps in walks:
        own = [Axis(len(axes) + n, count) for n, (_, count) in enumerate(steps)]
        axes += own
        terms = tuple([(axis.number, step) for axis, (step, _) in zip(own, steps, strict=True)])
        index.append(formula.affine(AffineIndex(terms, start), {axis.number: formula.axis(axis) for axis in own}))
    value = formula.add(Load(X, tuple(index), FLOAT32))
    value = formula.call(Fn.MUL, (value, formula.constant(number, FLOAT32)))
    return Stage(tuple(axes), tuple(formula.lets), (Store(ARRAY, tuple(index), value),))


def drawn(rng: Random, extent: int) -> tuple[int, Along]:
    """Steps of one axis or two within an axis of an array, either way, some with places left out in between."""
    short = rng.choice([1, 1, 2, 3])
    few = rng.randint(1, extent // short // 2 + 1)
    long = short * few + rng.randint(0, 2)
    many = rng.randint(1, (extent - 1 - (few - 1) * short) // long + 1)
    steps = [(long, many), (short, few)]
    room = extent - 1 - sum(step * (count - 1) for step, count in steps)
    start, turned = rng.randint(0, room), [(step * rng.choice([1, -1]), count) for step, count in steps]
    start += sum(-step * (count - 1) for step, count in turned if step < 0)
    rng.shuffle(turned)
    return start, turned


def program_of(*kernels: Kernel) -> Program:
    return Program(kernels, (X,), (), (), (COPY,), commit=len(kernels), symbols=())


@pytest.mark.parametrize("seed", range(30))
def test_the_last_part_to_store_an_element_is_the_one_that_is_read(seed: int) -> None:
    rng = Random(seed)
    whole = (0, [(1, 12)]), (0, [(1, 18)])
    boxes = [box(n, (drawn(rng, 12), drawn(rng, 18))) for n in range(2, rng.randint(3, 5))]
    maker = Kernel((), (box(1, whole), *boxes), ())
    formula, axes = Formula(), (Axis(0, 18), Axis(1, 12))
    i, j = map(formula.axis, axes)
    flat = formula.affine(AffineIndex(((0, 12), (1, 1))), [i, j])
    by = formula.size(18)
    place = formula.call(Fn.FLOORDIV, (flat, by)), formula.call(Fn.MOD, (flat, by))
    read = formula.add(Load(ARRAY, place, FLOAT32))
    reader = Kernel(axes, (Stage((), tuple(formula.lets), (Store(COPY, (i, j), read),)),), ())
    both = inlined(maker, reader, FREE)
    assert both is not None
    x = np.arange(12 * 18, dtype="float32").reshape(12, 18)
    (two,), _ = interpret(program_of(maker, reader), [x], [], {}, [])
    (one,), _ = interpret(program_of(Kernel(*both, ())), [x], [], {}, [])
    np.testing.assert_array_equal(one, two)
