"""What counts as the same value."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

import graphc as gx
from graphc.ir.graph import Graph
from graphc.passes.pipeline import Spill
from graphc.testing.program import Recipe, random_program
from graphc.verification.agreement import Reference, differing, unequal
from graphc.verification.noise import Freedom
from graphc.verification.texts import wrong_op
from graphc.verification.verification import Verification
from tests.verification.mutants import Model, Mutant, verified, with_rule
from tests.verification.wrong_rules import X

F32 = np.float32


def of(found: list[float], exact: list[float], *moved: list[float], overflowed: bool = False) -> Reference:
    return Reference(np.array(found, F32), np.array(exact), [np.array(each) for each in moved], overflowed)


def test_a_sign_of_zero_is_a_bit_and_all_nan_are_one() -> None:
    one = np.array([0.0, -0.0, np.nan, 1.0], F32)
    other = np.array([0.0, 0.0, -np.nan, 1.0 + 2**-23], F32)
    assert unequal(one, other).tolist() == [False, True, False, True]


def test_a_number_may_be_as_far_away_as_roundings_moved_it() -> None:
    reference = of([1.0, 1.0], [1.0, 1.0], [1.0, 1.01], [1.0, 0.99])
    assert differing(np.array([1.0 + 1e-6, 1.0], F32), reference).tolist() == [False, False]
    assert differing(np.array([1.001, 1.001], F32), reference).tolist() == [True, False]


def test_what_is_more_accurate_is_no_difference() -> None:
    reference = of([np.inf, np.nan, 0.0], [1000.0, 3.0, 1e-9], [1000.0, 3.0, 1e-9])
    assert not differing(np.array([1000.0, 3.0, 1e-9], F32), reference).any()
    assert differing(np.array([1001.0, np.inf, 1e-9], F32), reference).tolist() == [True, True, False]


def test_nan_is_no_number_unless_something_overflowed() -> None:
    assert differing(np.array([2.0], F32), of([np.nan], [np.nan], [np.nan])).tolist() == [True]
    assert not differing(np.array([2.0], F32), of([np.nan], [np.nan], [np.nan], overflowed=True)).any()


def test_what_is_out_of_range_is_infinite_or_nan_by_the_order_of_sums() -> None:
    reference = of([np.inf, np.inf, 1e30], [1e72, 3.0, 1e72], [1e72, 3.0, 1e72])
    assert differing(np.array([np.nan, np.nan, np.nan], F32), reference).tolist() == [False, True, True]


def test_what_is_regrouped_may_overflow_elsewhere_and_no_other_rule_may() -> None:
    reference = of([3e36, 3e36], [3e36, 3e36], [3e36, 3e36])
    new = np.array([np.inf, 2e36], F32)
    assert differing(new, replace(reference, spill=Spill.ELSEWHERE)).tolist() == [False, True]
    assert differing(new, replace(reference, spill=Spill.LESS)).all()
    assert differing(new, reference).all()


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("shape", [(2, 24, 6), ("n", 6)])
def test_products_of_three_overflow_in_one_order_or_another(shape: tuple[int | str, ...], level: int) -> None:
    q, k, v = (gx.input(name, shape) for name in "qkv")
    gx.compile([q, k, v], (q @ k.mT) @ (k @ v.mT) @ v, verify=True, level=level)


def test_an_integer_that_roundings_decide_may_be_another() -> None:
    found = np.array([1, 1])
    reference = Reference(found, found, [np.array([1, 2]), np.array([1, 1])])
    assert differing(np.array([3, 3]), reference).tolist() == [True, False]


def test_complex_numbers_are_compared_by_both_parts_together() -> None:
    exact = np.array([1e6 + 1j])
    reference = Reference(exact.astype(np.complex64), exact, [exact * (1 + 1e-7)])
    assert not differing(np.array([1e6 + 1.02j], np.complex64), reference).any()
    assert differing(np.array([1e6 - 90j], np.complex64), reference).any()


def stable() -> Model:
    """log(1 + exp(x)) as people write it: infinite where x is large."""
    return Model([X], [gx.log(1 + gx.exp(X))])


def test_a_rule_that_turns_inf_into_the_right_number_is_not_reported() -> None:
    def without_overflow(node: gx.Node) -> gx.Node | None:
        (total,) = node.inputs
        inner = total.inputs[1] if total.inputs else total
        return gx.softplus(inner.inputs[0]) if inner.inputs else None

    mutant = Mutant(
        "", "rewrite", with_rule("log(1 + exp(x))", type(gx.log(X).op), without_overflow, exact=False), stable
    )
    model = mutant.model()
    verified(model, mutant.passes(model.graph()))


def test_a_zero_that_a_routine_rounds_is_not_reported() -> None:
    """A transform gives 0 or 1e-17 where all of what it adds up cancels."""
    v = gx.input("v", (3, 2, 2), "float64")
    gx.compile([v], gx.fft.irfft2(gx.complex(gx.zeros((3, 2, 2), "float64"), gx.cos(v)), (2, 2)), verify=True)
    a, b = gx.input("a", (3, 2)), gx.input("b", (3, 1))
    gx.compile([a, b], gx.count_nonzero(gx.linalg.lstsq(a, b)), verify=True)
    gx.compile([a], gx.imag(gx.fft.fft(gx.fft.ifft(a))), verify=True)


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_what_a_transform_makes_of_infinities_is_not_reported(backend: Literal["numpy", "llvm"]) -> None:
    x = gx.input("x", (3,))
    gx.compile([x], gx.count_nonzero(gx.isnan(gx.real(gx.fft.rfft(x)))), verify=True, backend=backend)


def test_what_a_routine_makes_of_nan_is_not_reported() -> None:
    """Which rows of a factorisation become nan depends on how it is made."""
    random_program(Recipe.of(94, 14)).compile(verify=True)


def test_it_is_asked_of_routines_that_compute_and_of_what_depends_on_them() -> None:
    x = gx.input("x", (4,))
    spectrum, ordered = gx.real(gx.fft.rfft(x)), gx.sort(x)
    graph = Graph((x,), (spectrum * 2, ordered * 2, gx.exp(x)))
    for call in Verification(graph).calls:
        unspecified = call.unspecified()
        assert (graph.outputs[0] in unspecified) == (not np.isfinite(call.point.arrays[x]).all())
        assert not unspecified & {*graph.outputs[1:], ordered}


@pytest.mark.parametrize(
    ("backend", "make"),
    [
        ("numpy", lambda x: gx.copysign(1.0, x * -1.0)),
        ("numpy", lambda x: gx.scan(lambda c, row: (c, gx.copysign(1.0, row * -1.0)), gx.constant(0), x)[1]),
        ("llvm", lambda x: gx.where(gx.copysign(1.0, gx.sin(x)) > 0, 2, 1)),
    ],
)
def test_the_sign_of_a_nan_is_not_compared(
    backend: Literal["numpy", "llvm"], make: Callable[[gx.Node], gx.Node]
) -> None:
    x = gx.input("x", ("n", 4))
    gx.compile([x], make(x), verify=True, backend=backend)


def test_elements_that_signs_of_nan_change_are_the_only_ones_left_out() -> None:
    x = gx.input("x", (4,))
    signed = gx.copysign(1.0, x)
    graph = Graph((x,), (gx.sum(signed), gx.flip(signed, 0), gx.exp(x)))
    for call in Verification(graph).calls:
        is_nan = np.isnan(call.point.arrays[x])
        expected = [not is_nan.any(), (~is_nan[::-1]).tolist(), [True] * 4]
        found = [
            call.decided(np.ones(node.ndim * (4,), np.bool_), node, 0, call.declared.outer) for node in graph.outputs
        ]
        assert [each.tolist() for each in found] == expected


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize(
    "make",
    [
        lambda x: x + 0,
        lambda x: -(x - gx.flip(x)),
        lambda x: gx.sum(x * -1),
        lambda x: (-x) @ x,
    ],
    ids=["x + 0", "-(x - y)", "a sum of nothing", "a product of nothing"],
)
def test_the_sign_of_a_zero_is_not_compared_where_an_identity_is_not_exact(
    backend: Literal["numpy", "llvm"], make: Callable[[gx.Node], gx.Node]
) -> None:
    x = gx.input("x", ("n",))
    gx.compile([x], gx.copysign(1.0, make(x)), verify=True, backend=backend)


def test_quotients_by_zeros_of_either_sign_are_not_reported() -> None:
    """Of the remainder of a division by a denormal, which a rounding may make 0 as well."""
    random_program(Recipe.of(8330, 14)).compile(verify=True)


def test_elements_that_signs_of_zero_change_are_left_out_where_something_is_not_exact() -> None:
    x = gx.input("x", (4,))
    moved = x * x - x
    graph = Graph((x,), (gx.copysign(1.0, moved), gx.copysign(1.0, x), moved == 0))
    for call in Verification(graph).calls:
        with np.errstate(all="ignore"):
            value = call.point.arrays[x] ** 2 - call.point.arrays[x]
        if np.isnan(value).any():
            continue  # signs of nan are left out in any case
        given = [(np.ones(4, np.bool_), y, 0, call.declared.outer) for y in graph.outputs]
        found = [call.decided(*each, freedom=Freedom.ZERO).tolist() for each in given]
        assert found == [(value != 0).tolist(), [True] * 4, [True] * 4]
        assert all(call.decided(*each).all() for each in given)


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_which_parts_of_a_complex_infinity_are_nan_is_not_compared(backend: Literal["numpy", "llvm"]) -> None:
    x, y = gx.input("x", ("n", 2), "complex128"), gx.input("y", (4,), "complex128")
    gx.compile([x], [gx.isnan(gx.real(x.mT @ x)), gx.abs(x.mT @ x)], verify=True, backend=backend)
    gx.compile([y], gx.real(gx.dstack((y / 1.0, y))), verify=True, backend=backend)


def test_elements_that_complex_infinities_change_are_the_only_ones_left_out() -> None:
    x = gx.input("x", (4,), "complex128")
    graph = Graph((x,), (gx.real(x * x), gx.real(x), gx.isinf(gx.flip(x))))
    for call in Verification(graph).calls:
        with np.errstate(all="ignore"):
            is_number = np.isfinite(call.point.arrays[x] * call.point.arrays[x])
        found = [call.decided(np.ones(4, np.bool_), y, 0, call.declared.outer).tolist() for y in graph.outputs]
        assert found == [is_number.tolist(), [True] * 4, [True] * 4]


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_what_routines_make_of_numbers_of_different_sizes_is_not_reported(backend: Literal["numpy", "llvm"]) -> None:
    """An exponential is that of a matrix moved by roundings of its largest element, and 1e32 of them are a number."""
    x = gx.input("x", (2, 3, 3), "float64")
    gx.compile([x], gx.linalg.expm(x), verify=True, backend=backend)


def test_a_power_by_one_number_is_rounded_in_another_way_than_one_by_an_array() -> None:
    ps = [gx.input(f"p{number}", ()) for number in range(8)]
    gx.compile(ps, [gx.power(0.1, gx.broadcast_to(p, (3,))) for p in ps], verify=True, backend="numpy")


def test_a_denormal_on_the_way_is_known_as_far_as_its_digits_go() -> None:
    x, w = gx.input("x", (2, 3, 3), "float64"), gx.input("w", (3,), "float64")
    gx.compile([x, w], gx.log(x * w), verify=True, backend="numpy")


def test_no_routine_is_blamed_that_may_choose_its_vectors() -> None:
    """Of singular vectors the signs are free, and of equal values more: the interpreter takes others than LAPACK."""
    x = gx.input("x", (3, 3))
    graph = Graph((x,), gx.linalg.svd(x + 4 * gx.eye(3)))
    for call in Verification(graph).calls:
        assert wrong_op(call, graph) is None


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_what_hangs_on_a_number_that_a_pass_finds_instead_of_nan_is_not_reported(
    backend: Literal["numpy", "llvm"],
) -> None:
    """The softmax of one infinity is 1 where it is not computed, and nan where it is."""
    x, y = gx.input("x", (1,)), gx.input("y", (3,))
    part = gx.softmax(x, 0)
    gx.compile([x, y], [gx.where(part > 0.5, part, y), gx.searchsorted(gx.sort(part), y)], verify=True, backend=backend)


def test_elements_that_a_number_in_place_of_nan_changes_are_left_out_where_a_pass_has_another_range() -> None:
    x = gx.input("x", (4,))
    quotient = x / x
    graph = Graph((x,), (quotient > 0.5, x > 0.5))
    for call in Verification(graph).calls:
        with np.errstate(all="ignore"):
            is_number = np.isfinite(call.point.arrays[x] / call.point.arrays[x])
        given = [(np.ones(4, np.bool_), y, 0, call.declared.outer) for y in graph.outputs]
        found = [call.decided(*each, freedom=Freedom.RANGE).tolist() for each in given]
        assert found == [is_number.tolist(), [True] * 4]
        assert all(call.decided(*each, freedom=Freedom.ZERO).all() for each in given)
