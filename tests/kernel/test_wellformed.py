"""Every mistake inside one step is found and named."""

from collections.abc import Mapping, Sequence

import pytest

from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer
from graphc.kernel.monoids import Monoid
from graphc.kernel.scalar import Axis, AxisIndex, Call, Const, Fn, Let, Load, SizeValue
from graphc.kernel.steps import Contract, Effect, Fold, Kernel, Prefix, Stage, Step, Store
from graphc.kernel.wellformed import demand, verify_step
from graphc.types import BOOL, DTYPES, INT64
from tests.kernel.building import (
    F32,
    F64,
    HERE,
    N,
    axes,
    extern,
    folded,
    given,
    index_check,
    local,
    matmul,
    output,
    padded,
    running,
    scatter_add,
    size_check,
    softmax,
    spread_window,
    temporary,
)

I, J, K = axes(N, 4, 5)
X, Y, W = given(0, N, 4), output(0, N), given(1, 4, dtype=F64)
L, M, P = local(), local(dtype=INT64), local(4)
NAMES: Mapping[Buffer, str] = {X: "x0", W: "x1", Y: "y0", L: "l0", M: "l1", P: "l2"}

AT_I, AT_J = AxisIndex(I), AxisIndex(J)
ONE = Const("1.0", 1.0, F32)
TRUE = Const("True", True, BOOL)
LOAD = Load(X, (0, 1), F32)


def verify_lets(*lets: Let) -> None:
    """Verify a stage over i and j with these lets."""
    verify_step(Kernel((I,), (Stage((J,), lets, ()),), HERE), "step 0", NAMES)


def verify_effect(effect: Effect, *lets: Let, inner: Sequence[Axis] = (J,)) -> None:
    """Verify a stage over i and `inner` with one effect."""
    verify_step(Kernel((I,), (Stage(tuple(inner), lets, (effect,)),), HERE), "step 0", NAMES)


@pytest.mark.parametrize(
    "step",
    [
        softmax(given(0, N, 4), output(0, N, 4)),
        folded(Monoid.ARGMAX, given(0, N, 4), [output(0, N), output(1, N, dtype=INT64)]),
        folded(Monoid.ARGMIN, given(0, N, 4), [output(0, N, dtype=INT64)]),
        running(Monoid.SUM, given(0, N, 4), output(0, N, 4)),
        scatter_add(given(0, N, dtype=INT64), given(1, N), output(0, 3)),
        padded(given(0, N), output(0, N + 2), 1),
        matmul(given(0, N, 3), given(1, 3, 4), output(0, N, 4)),
        spread_window(given(0, N), given(1, 3), output(0, 2 * N + 1), 2),
        extern("sort", [given(0, N)], [output(0, N), output(1, N, dtype=INT64)]),
        size_check(N, 3),
        index_check(given(0, N, dtype=INT64), 4),
    ],
)
def test_right_step_passes(step: Step) -> None:
    verify_step(step, "step 0", dict.fromkeys((*step.reads, *step.writes, *locals_of(step)), "b"))


def locals_of(step: Step) -> tuple[Buffer, ...]:
    return step.locals if isinstance(step, Kernel) else ()


def test_demand_raises_an_assertion_error() -> None:
    with pytest.raises(AssertionError, match="no"):
        demand(False, "no")


# Lets.


@pytest.mark.parametrize(
    ("lets", "message"),
    [
        ((Call(Fn.NEG, (0,), F32),), "step 0, stage 0, v0 = neg(v0): v0 is no earlier let"),
        ((Call(Fn.NEG, (1,), F32), ONE), "step 0, stage 0, v0 = neg(v1): v1 is no earlier let"),
        ((Call(Fn.NEG, (-1,), F32),), "step 0, stage 0, v0 = neg(v-1): v-1 is no earlier let"),
        (
            (ONE, Const("1.0", 1.0, F64), Call(Fn.ADD, (0, 1), F32)),
            "step 0, stage 0, v2 = add(v0, v1): add of unequal dtypes (f32, f64)",
        ),
        ((Const("1.0", 1.0, INT64),), "step 0, stage 0, v0 = 1.0: no i64"),
        ((Const("-1", -1, DTYPES["uint8"]),), "step 0, stage 0, v0 = -1: no u8"),
        ((Const("128", 128, DTYPES["int8"]),), "step 0, stage 0, v0 = 128: no i8"),
        ((Const("1", 1, BOOL),), "step 0, stage 0, v0 = 1: no bool"),
        ((SizeValue(N, BOOL),), "step 0, stage 0, v0 = n: a size is a number, not a bool"),
        ((AxisIndex(K),), "step 0, stage 0, v0 = axis 2: the axis is neither outer nor of this stage"),
        ((AxisIndex(I, F32),), "step 0, stage 0, v0 = i: a loop counts in i64, not f32"),
        ((AT_I, Load(X, (0,), F32)), "step 0, stage 0, v1 = x0[v0]: x0 has 2 axes and is indexed by 1"),
        ((AT_I, ONE, LOAD), "step 0, stage 0, v2 = x0[v0, v1]: the index v1 is not i64"),
        ((AT_I, AT_J, Load(X, (0, 1), F64)), "step 0, stage 0, v2 = x0[v0, v1]: x0 has f32, not f64"),
        ((AT_I, AT_J, Load(X, (0, 1), F32, 0)), "guard and otherwise come together"),
        ((AT_I, AT_J, ONE, Load(X, (0, 1), F32, 0, 2)), "x0[v0, v1] if v0 else v2: the guard is no bool"),
        ((AT_I, AT_J, TRUE, Load(X, (0, 1), F32, 2, 2)), "if v2 else v2: bool otherwise, not f32"),
    ],
)
def test_wrong_let_is_named(lets: Sequence[Let], message: str) -> None:
    with pytest.raises(AssertionError) as caught:
        verify_lets(*lets)
    assert message in str(caught.value)


def test_axes_with_one_number_are_found() -> None:
    twice = Axis(0, 7)
    with pytest.raises(AssertionError, match="step 4, stage 0: two axes have one number"):
        verify_step(Kernel((I,), (Stage((twice,), (), ()),), HERE), "step 4", NAMES)


# Effects.


@pytest.mark.parametrize(
    ("effect", "message"),
    [
        (Store(Y, (0,), 9), "step 0, stage 0, effect on y0: v9 is no let"),
        (Store(Y, (9,), 0), "v9 is no let"),
        (Store(Y, (0, 1), 2), "y0 has 1 axes and is indexed by 2"),
        (Store(Y, (2,), 2), "the index v2 is not i64"),
        (Store(Y, (0,), 0), "i64 is stored, not f32"),
        (Store(Y, (0,), 2, Monoid.ARGMAX), "argmax is for folds alone"),
        (Store(Y, (0,), 2, Monoid.ANY), "any gives a bool, not f32"),
        (Fold(Monoid.ANY, 2, (L,)), "any gives a bool, not f32"),
        (Fold(Monoid.SUM, 2, (L, M)), "sum has one result, not 2"),
        (Fold(Monoid.SUM, 2, (P,)), "the result has 1 axes, not 0"),
        (Fold(Monoid.SUM, 2, (X,)), "the result has 2 axes, not 1"),
        (Fold(Monoid.ARGMAX, 2, (M, L)), "the index of argmax is no integer"),
        (Fold(Monoid.ARGMAX, 0, (L, M)), "argmax keeps the dtype i64"),
        (Fold(Monoid.ARGMAX, 2, (L, M, M)), "argmax has the results (value, index) or (index)"),
        (Prefix(Monoid.ARGMAX, 2, P), "argmax is for folds alone"),
        (Prefix(Monoid.SUM, 2, L), "the result has 0 axes, not 1"),
    ],
)
def test_wrong_effect_is_named(effect: Effect, message: str) -> None:
    with pytest.raises(AssertionError) as caught:
        verify_effect(effect, AT_I, AT_J, ONE)
    assert message in str(caught.value)


def test_argmax_over_two_axes_is_found() -> None:
    with pytest.raises(AssertionError, match="argmax goes along one axis, not 2"):
        verify_effect(Fold(Monoid.ARGMAX, 0, (M,)), ONE, inner=(J, K))


def test_prefix_over_two_axes_is_found() -> None:
    with pytest.raises(AssertionError, match="a prefix runs along one axis, not 2"):
        verify_effect(Prefix(Monoid.SUM, 0, P), ONE, inner=(J, K))


def test_prefix_into_another_extent_is_found() -> None:
    with pytest.raises(AssertionError, match="the extents 4 and 5 differ"):
        verify_effect(Prefix(Monoid.SUM, 0, P), ONE, inner=(K,))


# Locals.


def test_local_is_not_read_where_it_is_folded() -> None:
    stage = Stage((J,), (Load(L, (), F32),), (Fold(Monoid.SUM, 0, (L,)),))
    with pytest.raises(AssertionError, match="step 0, stage 0: l0 is read where it is folded"):
        verify_step(Kernel((I,), (stage,), HERE), "step 0", NAMES)


def test_local_is_written_before_it_is_read() -> None:
    fold = Stage((J,), (ONE,), (Fold(Monoid.SUM, 0, (L,)),))
    read = Stage((), (AT_I, Load(L, (), F32)), (Store(Y, (0,), 1),))
    verify_step(Kernel((I,), (fold, read), HERE), "step 0", NAMES)
    with pytest.raises(AssertionError, match="step 0, stage 0: l0 is read before it is written"):
        verify_step(Kernel((I,), (read, fold), HERE), "step 0", NAMES)


def test_local_is_written_before_it_is_combined() -> None:
    with pytest.raises(AssertionError, match="l0 is combined before it is written"):
        verify_effect(Store(L, (), 0, Monoid.SUM), ONE)


# Other steps.


def test_contract_with_an_index_too_few_is_found() -> None:
    i = AffineIndex(((0, 1),))
    step = Contract((N,), X, X, Y, (i,), (i, i), (i,), HERE)
    with pytest.raises(AssertionError, match="step 1: x0 has 2 axes and is indexed by 1"):
        verify_step(step, "step 1", NAMES)


def test_contract_over_an_axis_that_is_not_there_is_found() -> None:
    i, k = AffineIndex(((0, 1),)), AffineIndex(((2, 1),))
    with pytest.raises(AssertionError, match=r"step 1: y0 is indexed by axes that are not there: \[2\]"):
        verify_step(Contract((N,), Y, Y, Y, (i,), (i,), (k,), HERE), "step 1", NAMES)


def test_contract_of_unequal_dtypes_is_found() -> None:
    i = AffineIndex(((0, 1),))
    with pytest.raises(AssertionError, match="step 1: a product of f64 and f32"):
        verify_step(Contract((4,), W, Y, Y, (i,), (i,), (i,), HERE), "step 1", NAMES)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (extern("det", [X], [Y]), "there is no routine 'det'"),
        (extern("sort", [X], [Y]), "sort has 2 results, not 1"),
        (extern("cholesky", [X, X], [Y]), "cholesky has 1 operands, not 2"),
        (extern("cholesky", [X], [Y]), "cholesky works on 2 axes"),
        (extern("cholesky", [X], [X], upper=True), "cholesky has no option upper"),
    ],
)
def test_wrong_extern_is_named(step: Step, message: str) -> None:
    with pytest.raises(AssertionError, match=f"step 2: {message}"):
        verify_step(step, "step 2", NAMES)


def test_check_of_floats_as_indices_is_found() -> None:
    with pytest.raises(AssertionError, match="step 0: x0 is checked as an index but has no integers"):
        verify_step(index_check(X, 3), "step 0", NAMES)


def test_temporary_of_an_earlier_stage_may_be_read() -> None:
    t = temporary(N)
    write = Stage((), (AT_I, ONE), (Store(t, (0,), 1),))
    read = Stage((), (AT_I, Load(t, (0,), F32)), (Store(Y, (0,), 1),))
    verify_step(Kernel((I,), (write, read), HERE), "step 0", {**NAMES, t: "t0"})
