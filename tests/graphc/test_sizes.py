import copy
import operator
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import graphc.sizes
from graphc import polynomials
from graphc.errors import ShapeError
from graphc.sizes import (
    Expression,
    FloorDiv,
    Max,
    Min,
    Mod,
    Size,
    Symbol,
    compiled,
    equal,
    estimate,
    evaluate,
    lower_bound,
    maximum,
    minimum,
    product,
    python_text,
    substitute,
    symbol,
    symbols_of,
    total,
    upper_bound,
)

NAMES = ("n", "m", "batch")
n, m, batch = map(symbol, NAMES)

OnSizes = Callable[[Size, Size], Size]
OnNumbers = Callable[[int, int], int]

ADD_MULTIPLY: Mapping[str, tuple[OnSizes, OnNumbers]] = {
    "+": (lambda a, b: a + b, operator.add),
    "-": (lambda a, b: a - b, operator.sub),
    "*": (lambda a, b: a * b, operator.mul),
}
DIVIDE: Mapping[str, tuple[OnSizes, OnNumbers]] = {
    "//": (lambda a, b: a // b, operator.floordiv),
    "%": (lambda a, b: a % b, operator.mod),
}
CHOOSE: Mapping[str, tuple[OnSizes, OnNumbers]] = {"min": (minimum, min), "max": (maximum, max)}
OPERATIONS = {**ADD_MULTIPLY, **DIVIDE, **CHOOSE}

values = st.fixed_dictionaries(dict.fromkeys(NAMES, st.integers(0, 12)))
numbers = st.integers(-6, 12)
leaves: st.SearchStrategy[Size] = st.one_of(numbers, st.sampled_from((n, m, batch)))


def combined(parts: st.SearchStrategy[Size], names: tuple[str, ...]) -> st.SearchStrategy[Size]:
    def combine(name: str, a: Size, b: Size) -> Size:
        try:
            return OPERATIONS[name][0](a, b)
        except (ShapeError, ZeroDivisionError):  # divides by a number that is 0
            return a

    return st.builds(combine, st.sampled_from(names), parts, parts)


polynomial_sizes = st.recursive(leaves, lambda parts: combined(parts, tuple(ADD_MULTIPLY)), max_leaves=6)
sizes = st.recursive(leaves, lambda parts: combined(parts, tuple(OPERATIONS)), max_leaves=8)


def value(size: Size, given: Mapping[str, int]) -> int:
    """The value, or give the example up where a divisor is 0."""
    try:
        return evaluate(size, given)
    except ShapeError:
        assume(False)
        raise


# What an operation means.


@pytest.mark.parametrize("name", OPERATIONS)
@given(a=sizes, b=sizes, at=values)
def test_operation_agrees_with_integers(name: str, a: Size, b: Size, at: dict[str, int]) -> None:
    on_sizes, on_numbers = OPERATIONS[name]
    x, y = value(a, at), value(b, at)
    assume(name not in DIVIDE or y != 0)
    assert evaluate(on_sizes(a, b), at) == on_numbers(x, y)


@given(sizes, values)
def test_negation_agrees_with_integers(a: Size, at: dict[str, int]) -> None:
    x = value(a, at)
    assert evaluate(-a, at) == -x


@given(st.lists(sizes, max_size=4), values)
def test_product_and_total_agree_with_integers(parts: list[Size], at: dict[str, int]) -> None:
    one, zero = 1, 0
    for part in parts:
        one, zero = one * value(part, at), zero + value(part, at)
    assert (evaluate(product(parts), at), evaluate(total(parts), at)) == (one, zero)


@given(sizes)
def test_constant_is_an_int(a: Size) -> None:
    assert isinstance(a, int) or symbols_of(a)
    assert a - a == 0
    assert isinstance(a - a, int)


def test_numbers_of_numpy_become_python_ints() -> None:
    numpy = pytest.importorskip("numpy")
    size = numpy.int64(3) * n + numpy.int32(2)
    assert [type(coefficient) for _, coefficient in size.terms] == [int, int]


# Canonical form.


@given(polynomial_sizes, polynomial_sizes, polynomial_sizes)
def test_polynomials_form_a_ring(a: Size, b: Size, c: Size) -> None:
    assert (a + b) * c == a * c + b * c
    assert (a * b) * c == a * (b * c)
    assert (a + b) + c == a + (b + c)
    assert a * b == b * a
    assert a + b == b + a


@given(sizes, sizes, sizes)
def test_multiples_of_the_divisor_come_out(a: Size, b: Size, divisor: Size) -> None:
    assume(divisor != 0)
    assert (a + b * divisor) // divisor == a // divisor + b
    assert (a + b * divisor) % divisor == a % divisor


@given(sizes, sizes)
def test_minimum_and_maximum_commute(a: Size, b: Size) -> None:
    assert minimum(a, b) == minimum(b, a)
    assert maximum(a, b) == maximum(b, a)


@given(sizes, sizes)
def test_equal_sizes_are_those_with_equal_texts(a: Size, b: Size) -> None:
    assert (a == b) == (str(a) == str(b))
    assert a != b or hash(a) == hash(b)


@given(sizes)
def test_rebuilding_changes_nothing(a: Size) -> None:
    assert substitute(a, {}) == a


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (2 * batch + 1, "2*batch + 1"),
        (3 - n, "3 - n"),
        (-n, "-n"),
        (n * n * m - 2 * n, "m*n**2 - 2*n"),
        ((n + 1) ** 2, "n**2 + 2*n + 1"),
        (n // 2, "n//2"),
        ((n - 3) // 2 + 1, "(n + 1)//2 - 1"),
        (-(n // m) * 2 + batch, "batch - 2*(n//m)"),
        (-(n // m), "-(n//m)"),
        (m - n // 2, "m - n//2"),
        (n // (m + 1), "n//(m + 1)"),
        ((n // m) * (n // m), "(n//m)**2"),
        (n % 4 + 1, "n%4 + 1"),
        (-n % 8, "-n%8"),
        (minimum(8, n), "min(n, 8)"),
        (maximum(n - 1, 0), "max(n - 1, 0)"),
        (symbol("rows of x") + 1, "'rows of x' + 1"),
    ],
)
def test_text(size: Size, text: str) -> None:
    assert repr(size) == str(size) == text


@pytest.mark.parametrize(
    ("size", "simple"),
    [
        ((12 * batch) // 12, batch),
        ((batch * 12) // batch, 12),
        ((6 * n + 7) // 3, 2 * n + 2),
        (n // 2 // 3, n // 6),
        (((n + 1) // 2 + 1) // 2, (n + 3) // 4),
        ((n * m + n) // (m + 1), n),
        ((n * n - 1) // (n + 1), n - 1),
        ((n * m + 5) // m, n + 5 // m),
        ((6 * n) // (4 * m), (3 * n) // (2 * m)),
        ((4 * n + 2) // 8, n // 2),
        (n // -2, -n // 2),
        (-(-n // 3), (n + 2) // 3),
        ((n % 4) // 4, 0),
        (0 // n, 0),
    ],
)
def test_quotient(size: Size, simple: Size) -> None:
    assert size == simple


@pytest.mark.parametrize(
    ("size", "simple"),
    [
        ((12 * n) % 4, 0),
        ((4 * n + 3) % 4, 3),
        ((2 * n + 1) % 4, 2 * (n % 2) + 1),
        ((n % 4 + m) % 4, (n + m) % 4),
        (n % 4 % 2, n % 2),
        (n % 4 % 8, n % 4),
        ((n * m) % m, 0),
        ((n * batch) % (m * batch), n % m * batch),
        (n % -3, -(-n % 3)),
        (n % 1, 0),
    ],
)
def test_remainder(size: Size, simple: Size) -> None:
    assert size == simple


@pytest.mark.parametrize(
    ("size", "simple"),
    [
        (minimum(n, 0), 0),
        (minimum(n, n + 1), n),
        (maximum(n, -1), n),
        (minimum(minimum(n, 8), n), minimum(n, 8)),
        (minimum(minimum(n, 8), 9), minimum(n, 8)),
        (maximum(n - n // 2, 0), n - n // 2),
        (maximum(n - minimum(n, 8), 0), n - minimum(n, 8)),
        (maximum(minimum(n, 9) - minimum(n, 1), 0), minimum(n, 9) - minimum(n, 1)),
        (minimum(n % m, n), n % m),
        (minimum(3, 4), 3),
        (maximum(3, 4), 4),
    ],
)
def test_decided_minimum_and_maximum(size: Size, simple: Size) -> None:
    assert size == simple


@pytest.mark.parametrize(
    ("size", "atom"),
    [
        (n // m, FloorDiv(n, m)),
        (n % m, Mod(n, m)),
        (minimum(m, n), Min(m, n)),
        (maximum(n, m), Max(m, n)),
        (n, Symbol("n")),
    ],
)
def test_atom_compares_by_structure(size: Expression, atom: polynomials.Atom) -> None:
    assert size.terms == ((((atom, 1),), 1),)


def test_hint_plays_no_part_in_equality() -> None:
    assert symbol("n", hint=8) == symbol("n")
    assert hash(symbol("n", hint=8)) == hash(symbol("n"))


@pytest.mark.parametrize("seed", ["0", "1"])
def test_text_is_the_same_in_every_process(seed: str) -> None:
    program = (
        "from graphc.sizes import *\n"
        "a = [symbol(f'x{i}') for i in range(9)]\n"
        "print(total(a) * total(x // 2 for x in a) + minimum(a[3], a[1]) % a[2])"
    )
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    root = Path(graphc.sizes.__file__).parents[1]
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    a = [symbol(f"x{i}") for i in range(9)]
    assert run.stdout.strip() == str(total(a) * total(x // 2 for x in a) + minimum(a[3], a[1]) % a[2])


@given(sizes)
def test_copies_are_equal(a: Size) -> None:
    hash(a)
    assert pickle.loads(pickle.dumps(a)) == copy.deepcopy(a) == a


def test_expression_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        n.terms = ()  # type: ignore[misc]


# What is decided.


@given(sizes, values)
def test_bounds_hold(a: Size, at: dict[str, int]) -> None:
    low, high, x = lower_bound(a), upper_bound(a), value(a, at)
    assert low is None or low <= x
    assert high is None or x <= high


@pytest.mark.parametrize(
    ("size", "low", "high"),
    [
        (7, 7, 7),
        (n, 0, None),
        (3 - n, None, 3),
        (n * m + 2, 2, None),
        (n % 5, 0, 4),
        (2 * (n % 5) - 1, -1, 7),
        ((n + 6) // 3, 2, None),
        (n // (m + 1), 0, None),
        (minimum(n, 8), 0, 8),
        (maximum(n, 8), 8, None),
        (n - 2 * (n // 2), 0, 1),
        (8 * ((n + 7) // 8) - 2 * ((n + 1) // 2), 0, 6),
        (6 * ((n + 5) // 6) - 3 * ((n + 2) // 3) + 1, 1, 4),
        (n - m, None, None),
    ],
)
def test_bounds(size: Size, low: int | None, high: int | None) -> None:
    assert (lower_bound(size), upper_bound(size)) == (low, high)


@given(sizes, sizes, values)
def test_verdict_on_equality_holds(a: Size, b: Size, at: dict[str, int]) -> None:
    verdict = equal(a, b)
    assert verdict is None or verdict == (value(a, at) == value(b, at))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (3, 3),
        ((n + m) * 2, 2 * n + 2 * m),
        (n % 4 + 4 * (n // 4), n),
        (-(-n // 2), (n + 1) // 2),
        ((n + -n % 8) // 8, (n + 7) // 8),
        (maximum(n - 1, 0) + 1, maximum(n, 1)),
        (minimum(n, m) + maximum(n, m), n + m),
    ],
)
def test_equal_for_all_values(a: Size, b: Size) -> None:
    assert equal(a, b) is True


@pytest.mark.parametrize(
    ("a", "b"), [(3, 4), (n, n + 1), (n + 1, 0), (n % 3, 3), (2 * n, 2 * m + 1), (minimum(n, 8), m + 9)]
)
def test_equal_for_no_values(a: Size, b: Size) -> None:
    assert equal(a, b) is False


@pytest.mark.parametrize(("a", "b"), [(n, m), (n, 1), (n, 0), (n // 2, n), (minimum(n, 8), n)])
def test_equality_that_depends_on_the_values_is_undecided(a: Size, b: Size) -> None:
    assert equal(a, b) is None


def test_divisor_that_is_always_0_leaves_equality_undecided() -> None:
    assert equal(1 // (maximum(m, 1) // (m + 2)), 0) is None


# Values.


@given(sizes, st.fixed_dictionaries(dict.fromkeys(NAMES, sizes)), values)
def test_substituting_comes_before_evaluating(a: Size, inner: dict[str, Size], at: dict[str, int]) -> None:
    given_inside = {name: value(size, at) for name, size in inner.items()}
    expected = value(a, given_inside)
    try:
        assert evaluate(substitute(a, inner), at) == expected
    except ShapeError:
        assume(False)


@given(sizes, values)
def test_python_text_computes_the_value(a: Size, at: dict[str, int]) -> None:
    expected = value(a, at)
    text = python_text(a, {name: f"s[{i}]" for i, name in enumerate(NAMES)})
    assert eval(text, {"s": [at[name] for name in NAMES], "min": min, "max": max}) == expected


def test_python_text_has_no_name_of_the_user() -> None:
    size = minimum(symbol("os.abort()") // 2, 8) + 1
    assert python_text(size, {"os.abort()": "s0"}) == "min(s0//2, 8) + 1"


@given(st.lists(sizes, max_size=6), values)
def test_compiled_agrees_with_evaluate(parts: list[Size], at: dict[str, int]) -> None:
    expected = [value(part, at) for part in parts]
    assert compiled(parts, NAMES)([at[name] for name in NAMES]) == expected


def test_compiled_runs_again_with_other_values() -> None:
    run = compiled([n, 3, n * m // 2, n], ["m", "n"])
    assert run([3, 5]) == [5, 3, 7, 5]
    assert run([4, 1]) == [1, 3, 2, 1]


def test_compiled_computes_a_shared_atom_once() -> None:
    calls = []

    def divide(a: int, b: int) -> int:
        calls.append((a, b))
        return a // b

    half = n // 2
    shared = [size.terms for size in (half, half * m, half + 3) if isinstance(size, Expression)]
    run = polynomials.program(shared, [Symbol("n"), Symbol("m")], lambda _: divide)
    assert run([9, 5]) == [4, 20, 7]
    assert calls == [(9, 2)]


def test_symbols_are_sorted_by_name() -> None:
    assert symbols_of(minimum(n, m // batch) + 1) == (Symbol("batch"), Symbol("m"), Symbol("n"))
    assert symbols_of(3) == ()


def test_estimate_uses_hints_and_a_default() -> None:
    assert estimate(symbol("rows", hint=10) * n + 1) == 641
    assert estimate(symbol("rows", hint=10) * n + 1, default=2) == 21


def test_estimate_survives_a_divisor_of_0() -> None:
    assert estimate(n // symbol("empty", hint=0), default=5) == 5


# Size of the work.


def test_deep_size_needs_no_recursion() -> None:
    size: Size = n
    for i in range(2000):
        size = minimum(size // 2 * 3, m + i)
    again = substitute(size, {"batch": 1})
    assert again == size
    assert hash(again) == hash(size)
    assert compiled([size], ["n", "m"])([1, 5]) == [evaluate(size, {"n": 1, "m": 5})] == [0]


def test_operand_used_twice_does_not_double_the_work() -> None:
    size: Size = n
    for _ in range(60):
        size = minimum(size + 1, 2 * size)
    assert evaluate(size, {"n": 3}) == 63
    assert len(str(size)) < 2000


# Mistakes.


@pytest.mark.parametrize(
    ("mistake", "text"),
    [
        (
            lambda: n < 8,
            "the size n is neither smaller nor larger than another: it is known when the function is called\n"
            "  hint: use gx.minimum or gx.maximum",
        ),
        (
            lambda: bool(n),
            "the size n is neither true nor false: it is known when the function is called\n"
            "  hint: use gx.minimum, gx.maximum or gx.cond",
        ),
        (
            lambda: range(n + 1),
            "the size n + 1 is not a number: it is known when the function is called\n"
            "  hint: use the size itself, with + - * // %, gx.minimum and gx.maximum",
        ),
        (lambda: n // 0, "n // 0: a size is divided by 0"),
        (lambda: n % (m - m), "n % 0: a size is divided by 0"),
        (lambda: evaluate(n * m, {"n": 2}), "the size m*n has no value without that of m"),
        (lambda: compiled([n * m], ["n"]), "the size m is used but not given"),
        (lambda: compiled([n // m], ["n", "m"])([3, 0]), "a size is divided by 0, where n = 3, m = 0"),
        (lambda: symbol(""), "a size has an empty name"),
        (lambda: symbol("n", hint=-1), "size 'n': the hint is -1, and sizes are 0 or more"),
    ],
)
def test_mistake_is_explained(mistake: Callable[[], object], text: str) -> None:
    with pytest.raises(ShapeError) as caught:
        mistake()
    said = [caught.value.problem, *([f"  hint: {caught.value.hint}"] if caught.value.hint else [])]
    assert "\n".join(said) == text


def test_a_size_that_is_used_as_a_number_names_the_line() -> None:
    with pytest.raises(ShapeError, match=r"at test_sizes\.py:\d+ in test_a_size"):
        range(n)


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge])
def test_sizes_have_no_order(compare: Callable[[object, object], object]) -> None:
    with pytest.raises(ShapeError):
        compare(n, 8)
    with pytest.raises(ShapeError):
        compare(8, n)


@pytest.mark.parametrize("combine", [operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod])
def test_other_types_are_refused(combine: Callable[[object, object], object]) -> None:
    with pytest.raises(TypeError):
        combine(n, 1.5)
