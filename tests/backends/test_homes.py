"""Where values are computed: in the buffer they are stored in, unless that spoils what is read later."""

from collections.abc import Sequence

import numpy as np

from graphc.backends.numpy.backend import NumpyBackend
from graphc.backends.numpy.homes import Wish, grant, number, place
from graphc.backends.numpy.values import Instruction, Value, View
from graphc.kernel.buffer import Buffer
from graphc.kernel.program import Program
from graphc.kernel.reference import interpret
from graphc.kernel.scalar import Axis, Fn, Formula, Load
from graphc.kernel.steps import Kernel, Stage, Store
from graphc.passes.lower import Lowered
from graphc.verification.programs import Executable
from tests.kernel.building import F32, given, temporary, variable

ROW = Axis(0, 8)
ALONG = frozenset({ROW})


def loaded_from(buffer: object, name: str) -> Value:
    return Value(ALONG, F32, name, loaded=buffer)  # type: ignore[arg-type]


def made(reads: Sequence[Value], *, in_place: bool = True, name: str = "") -> Instruction:
    """An instruction with a new result."""
    return Instruction(list, tuple(reads), Value(ALONG, F32, name), in_place=in_place)


def result(instruction: Instruction) -> Value:
    assert instruction.result is not None
    return instruction.result


def slots_of(instructions: list[Instruction]) -> int:
    names = iter(range(99))
    return len(place(instructions, [], lambda axes: (8,), lambda beginning: f"{beginning}{next(names)}"))


def placed(instructions: list[Instruction], wish: Wish) -> list[str]:
    """The names of all results, where a value that is stored may be computed in its place."""
    number(instructions)
    homes = grant([instructions], [[wish]], lambda buffer: buffer)
    names = iter(range(99))
    place(instructions, homes, lambda axes: (8,), lambda beginning: f"{beginning}{next(names)}")
    return [result(instruction).name for instruction in instructions]


def granted(instructions: list[Instruction], wish: Wish) -> list[str]:
    number(instructions)
    grant([instructions], [[wish]], lambda buffer: buffer)
    return [line for instruction in instructions for line in instruction.write()]


def test_a_stored_value_is_computed_in_its_place() -> None:
    y, x = temporary(8), temporary(8)
    first = made([loaded_from(x, "x")])
    assert granted([first], Wish(result(first), y, View("y", "y", False, ALONG))) == []
    assert result(first).name == "y"


def test_a_value_stored_over_what_is_read_later_is_copied_last() -> None:
    w, x = temporary(8), temporary(8)
    first = made([loaded_from(x, "x")])
    result(first).name = ""
    second = made([loaded_from(w, "w"), result(first)], name="s")
    lines = granted([first, second], Wish(result(first), w, View("w", "w", False, ALONG)))
    assert result(first).name == ""
    result(first).name = "s0"
    assert len(lines) == 1


def test_a_value_stored_over_its_own_operand_is_computed_there_if_it_may_be() -> None:
    w = temporary(8)
    for in_place in (True, False):
        first = made([loaded_from(w, "w")], in_place=in_place)
        lines = granted([first], Wish(result(first), w, View("w", "w", False, ALONG)))
        assert (result(first).name == "w") == in_place
        assert len(lines) == (not in_place)


def test_a_copy_comes_before_what_is_added_to_it() -> None:
    w = temporary(8)
    first = made([loaded_from(w, "w")], in_place=False)
    added = Instruction(lambda: ["np.add.at(w, i, g)"], (), stored=w, combines=True)
    lines = granted([first, added], Wish(result(first), w, View("w", "w", False, ALONG)))
    assert lines == ["np.copyto(w, )", "np.add.at(w, i, g)"]


def test_a_chain_needs_one_slot() -> None:
    x = loaded_from(temporary(8), "x")
    steps = [made([x])]
    for _ in range(5):
        steps.append(made([result(steps[-1])]))
    number(steps)
    assert slots_of(steps) == 1


def test_an_operand_that_lives_on_keeps_its_slot() -> None:
    x = loaded_from(temporary(8), "x")
    first = made([x])
    second = made([result(first)])
    third = made([result(first), result(second)])
    steps = [first, second, third]
    number(steps)
    assert slots_of(steps) == 2
    assert result(first).name != result(second).name


def test_what_may_not_be_written_in_place_has_a_slot_of_its_own() -> None:
    x = loaded_from(temporary(8), "x")
    first = made([x])
    second = made([result(first)], in_place=False)
    steps = [first, second]
    number(steps)
    assert slots_of(steps) == 2


def test_scratch_is_free_again_after_its_instruction() -> None:
    x = loaded_from(temporary(8), "x")
    steps = [made([x]) for _ in range(3)]
    for step in steps:
        step.scratch = (Value(ALONG, F32), Value(ALONG, F32))
    number(steps)
    assert slots_of(steps) == 3
    assert all(len({result(step).name, *(room.name for room in step.scratch)}) == 3 for step in steps)


def test_what_is_stored_last_is_computed_in_its_place_from_the_start() -> None:
    y, x = temporary(8), loaded_from(temporary(8), "x")
    first = made([x])
    second = made([result(first)])
    third = made([result(second)])
    assert placed([first, second, third], Wish(result(third), y, View("y", "y", False, ALONG))) == ["y", "y", "y"]


def test_the_place_of_a_stored_value_waits_for_what_is_read_of_it() -> None:
    y = temporary(8)
    old = loaded_from(y, "y")
    first = made([loaded_from(temporary(8), "x")])
    second = made([result(first), old])
    third = made([result(second)])
    wish = Wish(result(third), y, View("y", "y", False, ALONG))
    assert placed([first, second, third], wish) == ["s0", "y", "y"]


def test_the_place_of_a_stored_value_holds_one_value_at_a_time() -> None:
    y, x = temporary(8), loaded_from(temporary(8), "x")
    first, second = made([x]), made([x])
    third = made([result(first), result(second)])
    assert placed([first, second, third], Wish(result(third), y, View("y", "y", False, ALONG))) == ["y", "s0", "y"]


def test_what_lives_on_after_a_value_is_stored_has_another_place() -> None:
    y, x = temporary(8), loaded_from(temporary(8), "x")
    first = made([x])
    second = made([result(first)])
    third = made([result(first)], name="elsewhere")
    wish = Wish(result(second), y, View("y", "y", False, ALONG))
    assert placed([first, second, third], wish) == ["s0", "y", "elsewhere"]


def test_nothing_is_computed_where_something_is_still_to_be_taken() -> None:
    """t <- sin(x) t at the first places, and 0 behind them: sin(x) cannot lie where t does."""
    x, t = given(0, 8), variable(0, 8)
    formula = Formula()
    i = formula.axis(ROW)
    guard, zero = formula.call(Fn.LT, (i, formula.size(5))), formula.constant(0.0, F32)
    sin = formula.call(Fn.SIN, (formula.add(Load(x, (i,), F32, guard, zero)),))
    value = formula.call(Fn.MUL, (formula.add(Load(t, (i,), F32, guard, zero)), sin))
    kernel = Kernel((ROW,), (Stage((), tuple(formula.lets), (Store(t, (i,), value),)),), ())
    lowered = Lowered(Program((kernel,), (x,), (t,), (), (), commit=0, symbols=()), (), ())
    arrays = [np.linspace(-2, 2, 8, dtype=np.float32), np.arange(1, 9, dtype=np.float32)]
    found = Executable.of(lowered, NumpyBackend()).run(arrays[:1], arrays[1:], {})
    _, (expected,) = interpret(lowered.program, arrays[:1], [arrays[1].copy()], {}, [])
    np.testing.assert_allclose(found.variables[0], expected, rtol=1e-6)


def test_what_is_stored_twice_is_so_before_a_later_stage_stores_there_under_another_shape() -> None:
    x, y = given(0, 4), variable(0, 8)
    shown = Buffer(y.role, y.dtype, (2, 4), y.slot, y)
    stages: list[Stage] = []
    for buffer, count in ((shown, 4), (y, 3)):
        formula = Formula()
        i = formula.axis(Axis(0, count))
        value = formula.call(Fn.NEG, (formula.add(Load(x, (i,), F32)),))
        whole = [(formula.size(row), i) for row in range(2)]
        behind = formula.call(Fn.ADD, (i, formula.size(1)))
        stores = [Store(buffer, index, value) for index in (whole if buffer is shown else [(behind,)])]
        stages.append(Stage((Axis(0, count),), tuple(formula.lets), tuple(stores)))
    lowered = Lowered(Program((Kernel((), tuple(stages), ()),), (x,), (y,), (), (), commit=0, symbols=()), (), ())
    array = np.arange(1, 5, dtype=np.float32)
    found = Executable.of(lowered, NumpyBackend()).run([array], [np.zeros(8, np.float32)], {})
    np.testing.assert_array_equal(found.variables[0], [-1, -1, -2, -3, -1, -2, -3, -4])
