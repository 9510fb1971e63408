"""What kernels take: along which axis elements are made side by side tells."""

from graphc.backends.llvm.backend import LlvmBackend
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.scalar import Axis, Fn, Formula, Load
from graphc.kernel.steps import Kernel, Stage, Store
from graphc.passes.kernel_costs import time_of
from graphc.types import FLOAT32


def test_a_value_is_made_side_by_side_along_the_axis_that_is_walked_element_by_element() -> None:
    """Of a value that is stored six times, rows lie side by side, and not the six places."""
    assert time_of(_stored(several=0), LlvmBackend.target) < time_of(_stored(several=1), LlvmBackend.target) / 4


def test_lanes_of_no_elements_take_nothing() -> None:
    assert time_of(_stored(several=0, rows=0), LlvmBackend.target) == 0


def _stored(*, several: int, rows: int = 64) -> Kernel:
    """tanh(x[i]) at six places each, of an array [6, rows] where `several` is 0, and of [rows, 6] where it is 1."""
    row, place = Axis(0, rows), Axis(1, 6)
    formula = Formula()
    value = formula.call(
        Fn.TANH, (formula.add(Load(Buffer(Role.INPUT, FLOAT32, (rows,)), (formula.axis(row),), FLOAT32)),)
    )
    index = (formula.axis(place), formula.axis(row)) if several == 0 else (formula.axis(row), formula.axis(place))
    out = Buffer(Role.OUTPUT, FLOAT32, (6, rows) if several == 0 else (rows, 6))
    return Kernel((row,), (Stage((place,), tuple(formula.lets), (Store(out, index, value),)),), ())
