"""Programs as people read them."""

from dataclasses import dataclass, replace

from graphc.kernel.affine import AffineIndex
from graphc.kernel.monoids import Monoid
from graphc.kernel.naming import names
from graphc.kernel.steps import Contract, Kernel, Step
from graphc.kernel.text import kernel_text, program_text, step_text
from graphc.origin import Derivation, Origin
from graphc.types import INT64
from tests.golden_text import Golden
from tests.kernel.building import (
    HERE,
    N,
    copied,
    extern,
    folded,
    given,
    index_check,
    output,
    padded,
    program_of,
    running,
    scatter_add,
    size_check,
    softmax_program,
    spread_window,
    temporary,
    training_program,
)

X, W, Y, PLACES = given(0, N, 3), given(1, 3), output(0, N), given(2, N, dtype=INT64)


@dataclass(frozen=True)
class Forward:
    """Something that a gradient was derived from."""

    origin: Origin


def lines(step: Step) -> list[str]:
    """The lines of a step without those of the user."""
    text = step_text(step, names(program_of([step], [X, W, PLACES], [Y])))
    return [line.strip() for line in text.splitlines() if not line.startswith("#")]


def test_softmax_program(golden: Golden) -> None:
    golden("kernel/softmax", program_text(softmax_program()))


def test_training_program(golden: Golden) -> None:
    golden("kernel/training", program_text(training_program()))


def test_text_does_not_depend_on_history() -> None:
    assert program_text(training_program()) == program_text(training_program())


def test_user_line_stands_above_once_with_its_rules() -> None:
    line = HERE[0]
    again = line._replace(derived_from=(Derivation("grad of exp", Forward(line)),))
    step = Kernel((), (), (line, Origin("a/b/net.py", 7, "f"), line, again))
    assert step_text(step, {}).splitlines() == ["# model.py:3  (and grad of exp)", "# net.py:7", "kernel"]


def test_user_source_stands_beside_the_line() -> None:
    line = test_user_source_stands_beside_the_line.__code__.co_firstlineno
    (comment, _) = step_text(Kernel((), (), (Origin(__file__, line, "f"),)), {}).splitlines()
    assert comment == f"# test_text.py:{line}  def test_user_source_stands_beside_the_line() -> None:"


def test_guarded_load_says_what_otherwise() -> None:
    x, y = given(0, 3), output(0, 6)
    kernel = padded(x, y, 2)
    assert "v9: f32 = x0[v2] if v7 else v8" in kernel_text(kernel, {x: "x0", y: "y0"})


def test_store_with_combine() -> None:
    assert lines(scatter_add(PLACES, Y, temporary(3)))[-1] == "t0[v1] sum= v2"


def test_fold_with_two_results() -> None:
    kernel = folded(Monoid.ARGMAX, X, [temporary(N), temporary(N, dtype=INT64)])
    assert "l0, l1 = argmax of v2 over j" in lines(kernel)


def test_prefix() -> None:
    x, y = temporary(N, 3), temporary(N, 3)
    assert "l0 = running sum of v2 over j" in lines(running(Monoid.SUM, x, y))
    assert "l0 = running sum from the last of v2 over j" in lines(running(Monoid.SUM, x, y, reverse=True))


def test_contract_with_a_window() -> None:
    (line,) = lines(spread_window(PLACES, W, Y, 2))
    assert line == "y0[2*i + j] += x2[i] * x1[j] over i < n, j < 3"


def test_contract_that_reads_zeros_outside_of_operands() -> None:
    (line,) = lines(replace(spread_window(PLACES, W, Y, 2), guarded=True))
    assert line == "y0[2*i + j] += x2[i] * x1[j] over i < n, j < 3, 0 outside of operands"


def test_contract_with_symbolic_coefficients_and_offsets() -> None:
    part = AffineIndex(((0, N + 1), (1, -1)), -2)
    step = Contract((N, 3), W, W, Y, (AffineIndex((), 1),), (AffineIndex(((1, 1),), N),), (part,), HERE)
    assert lines(step) == ["y0[(n + 1)*i - 1*j - 2] += x1[1] * x1[j + n] over i < n, j < 3"]


def test_extern_with_options() -> None:
    step = extern("triangular_solve", [X, W], [Y], lower=True, transposed=False)
    assert lines(step) == ["y0 = triangular_solve(x0, x1, lower=True, transposed=False)"]


def test_checks() -> None:
    assert lines(size_check(N, 3)) == ["check n == 3: add: extents differ"]
    assert lines(index_check(PLACES, N + 1)) == ["check 0 <= x2 < n + 1: take: index out of range"]
    assert lines(index_check(PLACES, N + 1, negative=True))[0].startswith("check -(n + 1) <= x2 < n + 1")


def test_buffer_without_a_name_shows_its_role() -> None:
    assert "unknown output[v0] = v2" in kernel_text(copied(temporary(N), output(0, N)), {})
