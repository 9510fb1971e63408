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


def test_reading_lanes_one_by_one_is_dear_where_their_places_are_data_and_less_so_where_some_read_nothing() -> None:
    lanes, guarded, data, rows = [
        time_of(_read(guarded=guarded, data=data, along=along), LlvmBackend.target)
        for guarded, data, along in [(False, False, 1), (True, False, 1), (False, True, 1), (True, True, 0)]
    ]
    assert 1.5 * lanes < guarded < data / 1.5
    assert rows < 1.1 * lanes, "what holds for a row is asked once, and its lanes lie side by side"


def test_storing_far_apart_is_dear_where_no_cache_holds_the_array() -> None:
    for extent, times in ((64, 1), (2000, 2)):
        near, far = (
            time_of(_read(extents=(extent, extent), turned=turned), LlvmBackend.target) for turned in (False, True)
        )
        assert times * near <= far <= 3 * times * near


def _read(
    *,
    extents: tuple[int, int] = (64, 512),
    guarded: bool = False,
    data: bool = False,
    along: int = 1,
    turned: bool = False,
) -> Kernel:
    """Elements of an array as they are; where asked for at places, or under conditions, that an axis decides."""
    axes = [Axis(n, extent) for n, extent in enumerate(extents)]
    formula = Formula()
    index = [formula.axis(axis) for axis in axes]
    asked = formula.call(Fn.GE, (index[along], formula.size(3)))
    place = list(index)
    if data:
        place[along] = formula.call(Fn.WHERE, (asked, index[along], formula.size(0)))
    otherwise = formula.constant(0.0, FLOAT32)
    read = Load(Buffer(Role.INPUT, FLOAT32, extents), tuple(place), FLOAT32, *((asked, otherwise) if guarded else ()))
    value = formula.add(read)
    store = Store(Buffer(Role.OUTPUT, FLOAT32, extents), tuple(index), value)
    stage = Stage((), tuple(formula.lets), (store,))
    return Kernel(tuple(reversed(axes) if turned else axes), (stage,), ())


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
