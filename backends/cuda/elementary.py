"""Elementary functions as functions of C++, from the formulas that all backends share."""

from collections.abc import Sequence

from graphc.backends.cuda.dtypes import in_register, suffix
from graphc.backends.cuda.function_text import Lines, Parameters
from graphc.backends.cuda.lets import Library, Scope
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.elementary.expansion import expanded
from graphc.kernel.scalar import Fn, Formula, Load
from graphc.kernel.stages import stage_plan
from graphc.kernel.steps import Stage, Store
from graphc.types import DType

__all__ = ["function_name", "function_text"]

LETTERS = "xyz"


def function_name(fn: Fn, operands: Sequence[DType], dtype: DType) -> str:
    """`exp_f32`."""
    return f"{fn.value}_{suffix(dtype)}" + "".join(f"_{suffix(x)}" for x in operands if x != dtype)


def function_text(fn: Fn, operands: Sequence[DType], dtype: DType, library: Library) -> str:
    """The function, by its formula."""
    formula = Formula()
    given = [Buffer(Role.LOCAL, operand, ()) for operand in operands]
    arguments = [formula.add(Load(buffer, (), buffer.dtype)) for buffer in given]
    value = formula.call(fn, arguments, dtype)
    result = Buffer(Role.LOCAL, dtype, ())
    stage = stage_plan(expanded(Stage((), tuple(formula.lets), (Store(result, (), value),))), ())
    lines = Lines()
    scope = Scope(lines, Parameters({}, frozenset(), lambda buffer: buffer, library.need), library, "i64")
    scope.locals.update(zip(given, LETTERS, strict=False))
    listed = ", ".join(f"{in_register(x)} {name}" for x, name in zip(operands, LETTERS, strict=False))
    with lines.braces(f"__device__ inline {in_register(dtype)} {function_name(fn, operands, dtype)}({listed})"):
        scope.compute(stage)
        lines.line(f"return {scope.operand(stage, stage.stage.effects[0].value).text};")
    return str(lines.writer)
