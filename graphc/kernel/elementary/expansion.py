"""Formulas in place of the elementary functions that they are for: in stages, in kernels, in programs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias, assert_never

from graphc.kernel.elementary import complexes
from graphc.kernel.elementary.angles import cos, sin, tan
from graphc.kernel.elementary.erfinv import erfinv
from graphc.kernel.elementary.errors import erf, erfc
from graphc.kernel.elementary.exponentials import exp, exp2, expm1, tanh
from graphc.kernel.elementary.gammas import digamma, lgamma, polygamma
from graphc.kernel.elementary.hyperbolic import acosh, asinh, atanh, cosh, sinh
from graphc.kernel.elementary.inverse_angles import acos, asin, atan, atan2
from graphc.kernel.elementary.logarithms import log, log1p, log2, log10
from graphc.kernel.elementary.logistic import sigmoid, silu
from graphc.kernel.elementary.powers import cbrt, power, whole_power
from graphc.kernel.program import Program
from graphc.kernel.renumbering import renumbered
from graphc.kernel.scalar import Call, Fn, Formula, Let, Scalar
from graphc.kernel.steps import Branch, Check, Contract, Extern, Kernel, Loop, Stage, Step
from graphc.types import FLOAT32, NARROW, DType, is_complex, is_floating, is_integer

__all__ = [
    "EXPANSIONS",
    "EXPANSIONS_OF_COMPLEX",
    "EXPANSIONS_OF_INTEGERS",
    "expanded",
    "expanded_kernel",
    "expanded_program",
    "expanded_step",
]

Expansion: TypeAlias = Callable[..., Scalar]

#: functions of float32 and float64 as formulas of primitive ones: arithmetic, comparisons, choices, bits
EXPANSIONS: Mapping[Fn, Expansion] = {
    Fn.POW: power,
    Fn.CBRT: cbrt,
    Fn.EXP: exp,
    Fn.EXP2: exp2,
    Fn.EXPM1: expm1,
    Fn.LOG: log,
    Fn.LOG2: log2,
    Fn.LOG10: log10,
    Fn.LOG1P: log1p,
    Fn.SIN: sin,
    Fn.COS: cos,
    Fn.TAN: tan,
    Fn.ASIN: asin,
    Fn.ACOS: acos,
    Fn.ATAN: atan,
    Fn.ATAN2: atan2,
    Fn.SINH: sinh,
    Fn.COSH: cosh,
    Fn.TANH: tanh,
    Fn.ASINH: asinh,
    Fn.ACOSH: acosh,
    Fn.ATANH: atanh,
    Fn.SIGMOID: sigmoid,
    Fn.SILU: silu,
    Fn.ERF: erf,
    Fn.ERFC: erfc,
    Fn.ERFINV: erfinv,
    Fn.LGAMMA: lgamma,
    Fn.DIGAMMA: digamma,
    Fn.POLYGAMMA: polygamma,
}

#: those of complex numbers
EXPANSIONS_OF_COMPLEX: Mapping[Fn, Expansion] = {
    Fn.MUL: complexes.multiply,
    Fn.DIV: complexes.divide,
    Fn.POW: complexes.power,
    Fn.SQRT: complexes.sqrt,
    Fn.EXP: complexes.exp,
    Fn.EXP2: complexes.exp2,
    Fn.EXPM1: complexes.expm1,
    Fn.LOG: complexes.logarithm,
    Fn.LOG2: complexes.logarithm2,
    Fn.LOG10: complexes.logarithm10,
    Fn.LOG1P: complexes.logarithm1p,
    Fn.SIN: complexes.sin,
    Fn.COS: complexes.cos,
    Fn.TAN: complexes.tan,
    Fn.ASIN: complexes.asin,
    Fn.ACOS: complexes.acos,
    Fn.ATAN: complexes.atan,
    Fn.SINH: complexes.sinh,
    Fn.COSH: complexes.cosh,
    Fn.TANH: complexes.tanh,
    Fn.ASINH: complexes.asinh,
    Fn.ACOSH: complexes.acosh,
    Fn.ATANH: complexes.atanh,
}

#: those of integers
EXPANSIONS_OF_INTEGERS: Mapping[Fn, Expansion] = {Fn.POW: whole_power}


def expanded(stage: Stage) -> Stage:
    """The stage with a formula in place of every elementary function.

    Floats of 16 bits are computed in float32 and rounded once.
    """
    formula = Formula()
    numbers: list[int] = []
    for let in stage.lets:
        numbers.append(_added(let, numbers, formula))
    effects = tuple([renumbered(effect, numbers) for effect in stage.effects])
    return replace(stage, lets=tuple(formula.lets), effects=effects)


def _added(let: Let, numbers: Sequence[int], formula: Formula) -> int:
    """The number in a formula of a let, whose operands have `numbers` there."""
    expansion = _expansion(let.fn, let.dtype) if isinstance(let, Call) else None
    if expansion is None or not isinstance(let, Call):
        return formula.copied(let, numbers)
    operands = [Scalar(formula, numbers[arg]) for arg in let.args]
    if let.dtype in NARROW:
        operands = [operand.cast(FLOAT32) for operand in operands]
    return expansion(*operands).cast(let.dtype).number


def _expansion(fn: Fn, dtype: DType) -> Expansion | None:
    """The formula for a function that gives a dtype, if there is one."""
    if is_floating(dtype):
        return EXPANSIONS.get(fn)
    if is_complex(dtype):
        return EXPANSIONS_OF_COMPLEX.get(fn)
    return EXPANSIONS_OF_INTEGERS.get(fn) if is_integer(dtype) else None


def expanded_kernel(kernel: Kernel) -> Kernel:
    """The kernel with all its stages expanded."""
    return Kernel(kernel.outer, tuple(map(expanded, kernel.stages)), kernel.origins)


def expanded_step(step: Step) -> Step:
    """The step, and those inside it, expanded.  Recursion is over their depth."""
    match step:
        case Kernel():
            return expanded_kernel(step)
        case Contract(then=then, out=out, origins=origins):
            return step if then is None else step.followed(expanded_kernel(then), out, origins)
        case Loop(steps=steps, condition=condition):
            return replace(step, steps=_all(steps), condition=_all(condition))
        case Branch(parts=parts):
            return replace(step, parts=tuple(map(_all, parts)))
        case Extern() | Check():
            return step
        case _:
            assert_never(step)


def _all(steps: Sequence[Step]) -> tuple[Step, ...]:
    return tuple(map(expanded_step, steps))


def expanded_program(program: Program) -> Program:
    """The program with every kernel expanded."""
    return replace(program, steps=_all(program.steps))
