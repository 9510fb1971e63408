"""Which kernels may follow each element of a product, and how they print and count."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.epilogue import home_of, objection_to
from graphc.kernel.monoids import Monoid
from graphc.kernel.naming import names
from graphc.kernel.pattern import pattern_of
from graphc.kernel.scalar import Axis, Fn, Formula, Load
from graphc.kernel.steps import Contract, Kernel, Stage, Store
from graphc.kernel.text import program_text
from graphc.kernel.verify import verify
from graphc.kernel.wellformed import verify_step
from graphc.kernel.work import Work, work_of
from graphc.sizes import Size
from graphc.types import INT64
from tests.golden_text import Golden
from tests.kernel.building import (
    F32,
    HERE,
    N,
    axes,
    element,
    folded,
    given,
    matmul,
    output,
    pointwise,
    program_of,
    spread_window,
    temporary,
    variable,
)

x, w, bias = given(0, N, 3), given(1, 3, 4), given(2, 4)
t, y = temporary(N, 4), output(0, N, 4)
product = matmul(x, w, t)


def biased(at: Sequence[Axis], read: Sequence[Axis], write: Sequence[Axis], source: Buffer, out: Buffer) -> Kernel:
    """out[write] = source[read] + bias[last of read]."""
    formula = Formula()
    value = formula.call(Fn.ADD, (element(formula, source, read), element(formula, bias, [read[-1]])))
    store = Store(out, tuple(map(formula.axis, write)), value)
    return Kernel(tuple(at), (Stage((), tuple(formula.lets), (store,)),), HERE)


def with_bias(out: Buffer = y, source: Buffer = t) -> Kernel:
    return biased(at := axes(N, 4), at, at, source, out)


def looked_up() -> Kernel:
    """y[i, j] = t[i, j] + bias[places[j]]."""
    at, formula = axes(N, 4), Formula()
    place = element(formula, given(3, 4, dtype=INT64), at[1:])
    found = formula.add(Load(bias, (place,), F32))
    store = Store(y, tuple(map(formula.axis, at)), formula.call(Fn.ADD, (element(formula, t, at), found)))
    return Kernel(at, (Stage((), tuple(formula.lets), (store,)),), HERE)


def combined() -> Kernel:
    """y[i, j] += t[i, j] + bias[j]."""
    (stage,) = with_bias().stages
    return Kernel(axes(N, 4), (Stage((), stage.lets, tuple([_adding(x) for x in stage.effects])),), HERE)  # type: ignore[arg-type]


def _adding(store: Store) -> Store:
    return replace(store, combine=Monoid.SUM)


def repeated() -> Kernel:
    """z[i, j, k] = t[i, j] + bias[j]."""
    at = axes(N, 4, 2)
    return biased(at, at[:2], at, t, temporary(N, 4, 2))


def square(kernel_out: Buffer) -> tuple[Kernel, Contract]:
    """An epilogue of a product of square matrices that writes them over."""
    a, b, out = kernel_out, given(0, 4, 4), temporary(4, 4)
    return pointwise(Fn.EXP, [out], a), matmul(a, b, out)


def turned() -> tuple[Kernel, Contract]:
    """An epilogue that writes a product over, transposed."""
    out, at = temporary(4, 4), axes(4, 4)
    return biased(at, at, at[::-1], out, out), matmul(given(0, 4, 4), given(1, 4, 4), out)


def reshaped() -> tuple[Kernel, Contract]:
    flat = Buffer(Role.TEMPORARY, F32, (4 * N,), base=t)
    return pointwise(Fn.EXP, [flat], output(0, 4 * N)), product


@pytest.mark.parametrize(
    ("kernel", "step", "problem"),
    [
        (with_bias(), product, None),
        (with_bias(t), product, None),
        (with_bias(), replace(product, adds=True), "the product is added to what is there"),
        (
            pointwise(Fn.EXP, [temporary(7)], output(0, 7)),
            spread_window(given(0, 5), given(1, 3), temporary(7), 1),
            "several points of the product meet in an element",
        ),
        (folded(Monoid.SUM, t, [output(0, N)]), product, "it has several stages, or inner axes"),
        (combined(), product, "it does more than store elements"),
        (looked_up(), product, "it reads or writes at indices that are data"),
        (*square(variable(0, 4, 4)), "it writes over an operand of the product"),
        (repeated(), product, "it reads the product elsewhere than at its own element"),
        (pointwise(Fn.EXP, [y], output(1, N, 4)), product, "it reads the product elsewhere than at its own element"),
        (*turned(), "it reads the product elsewhere than at its own element"),
        (*reshaped(), "it reads the product elsewhere than at its own element"),
    ],
)
def test_epilogues_read_the_product_where_they_compute(kernel: Kernel, step: Contract, problem: str | None) -> None:
    assert objection_to(kernel, step) == problem


def test_a_wrong_epilogue_is_named() -> None:
    step = replace(product, then=folded(Monoid.SUM, t, [output(0, N)]))
    named = dict.fromkeys((*step.reads, *step.writes, *step.then.locals), "b") if step.then else {}
    with pytest.raises(AssertionError, match="step 3, epilogue: it has several stages, or inner axes"):
        verify_step(step, "step 3", named)


def test_the_product_is_made_in_what_is_written_as_a_whole() -> None:
    assert home_of(product, with_bias()) is y
    at = axes(4, 4)
    out = temporary(4, 4)
    transposed = biased(at, at, at[::-1], out, output(0, 4, 4))
    assert home_of(matmul(given(0, 4, 4), given(1, 4, 4), out), transposed) is None
    kept = variable(0, N, 4)
    assert home_of(product, pointwise(Fn.ADD, [t, kept], kept)) is None  # its old value is read


def test_an_epilogue_is_part_of_the_pattern() -> None:
    step = replace(product, then=with_bias())
    assert len({pattern_of(other)[0] for other in (product, step, replace(step, then=with_bias(t)))}) == 3
    assert pattern_of(step)[1] == (x, w, t, bias, y)


def test_the_product_moves_no_bytes_on_its_way_to_the_epilogue() -> None:
    elements: Size = N * 4
    own = Work(4 * (N * 3 + 12), 4 * elements, 2 * (elements * 3))
    assert work_of(product) == own
    joined = replace(product, out=y, then=with_bias(y, y))
    assert work_of(joined) == Work(own.read + 16, own.written, own.flops + elements)
    kept = replace(product, then=with_bias())
    assert work_of(kept) == Work(own.read + 16, 2 * own.written, own.flops + elements)


def test_program_with_an_epilogue(golden: Golden) -> None:
    program = program_of([replace(product, out=y, then=with_bias(y, y))], [x, w, bias], [y])
    verify(program)
    assert names(program)[y] == "y0"
    golden("kernel/epilogue", program_text(program))
