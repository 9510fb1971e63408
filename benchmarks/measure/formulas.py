"""Formulas of the kernel language evaluated on whole arrays, as IEEE 754 has each step: to measure their errors.

The interpreter takes a point at a time.  Here a let is an array, and a fused multiplication and addition is the
machine's, or that of its C library.
"""

from collections.abc import Callable, Sequence
from ctypes import CFUNCTYPE, c_int64, c_void_p
from functools import cache
from typing import Any, TypeAlias, assert_never

import numpy as np
import numpy.typing as npt

from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.meaning import MEANING, converted
from graphc.kernel.scalar import AxisIndex, Call, Const, Fn, Formula, Let, Load, Scalar, SizeValue
from graphc.kernel.two_over_pi import WORDS

__all__ = ["evaluated", "formula_of"]

Array: TypeAlias = npt.NDArray[Any]  # Any: of the dtype of the let

_WORDS = np.array([0, *WORDS, 0], np.uint64)
_LOOP = """
declare {t} @llvm.fma.{name}({t}, {t}, {t})

define void @each({t}* %x, {t}* %y, {t}* %z, {t}* %out, i64 %count) {{
entry:
  %some = icmp sgt i64 %count, 0
  br i1 %some, label %loop, label %end
loop:
  %at = phi i64 [0, %entry], [%next, %loop]
  %px = getelementptr {t}, {t}* %x, i64 %at
  %py = getelementptr {t}, {t}* %y, i64 %at
  %pz = getelementptr {t}, {t}* %z, i64 %at
  %pout = getelementptr {t}, {t}* %out, i64 %at
  %a = load {t}, {t}* %px
  %b = load {t}, {t}* %py
  %c = load {t}, {t}* %pz
  %value = call {t} @llvm.fma.{name}({t} %a, {t} %b, {t} %c)
  store {t} %value, {t}* %pout
  %next = add i64 %at, 1
  %more = icmp slt i64 %next, %count
  br i1 %more, label %loop, label %end
end:
  ret void
}}
"""


def formula_of(build: Callable[..., Scalar], *dtypes: npt.DTypeLike) -> tuple[Sequence[Let], int]:
    """The lets of a function of scalars, and the number of its value; loads of buffers 0, 1 ... are its operands."""
    formula = Formula()
    buffers = [Buffer(Role.INPUT, np.dtype(dtype), (), slot) for slot, dtype in enumerate(dtypes)]
    operands = [Scalar(formula, formula.add(Load(buffer, (), buffer.dtype))) for buffer in buffers]
    number = build(*operands).number
    return formula.lets, number


@np.errstate(all="ignore")
def evaluated(lets: Sequence[Let], number: int, operands: Sequence[Array]) -> Array:
    """The value of a let at all points, `operands` standing for the buffers by their slots."""
    count = len(operands[0])
    last = {arg: place for place, let in enumerate(lets) if isinstance(let, Call) for arg in let.args}
    values: dict[int, Array] = {}
    for place, let in enumerate(lets):
        match let:
            case Const(value=value, dtype=dtype):
                values[place] = np.broadcast_to(np.asarray(value).astype(dtype), count)
            case Load(buffer=buffer):
                values[place] = operands[buffer.slot]
            case Call(args=args):
                values[place] = _called(let, [values[arg] for arg in args])
                for arg in set(args):
                    if last[arg] == place and arg != number:
                        del values[arg]
            case SizeValue() | AxisIndex():
                raise AssertionError("a function of numbers")
            case _:
                assert_never(let)
    return values[number]


def _called(let: Call, xs: Sequence[Array]) -> Array:
    match let.fn:
        case Fn.WHERE | Fn.RARELY:
            return np.where(*xs)
        case Fn.FMA:
            return _fma(*xs)
        case Fn.BITS:
            return np.ascontiguousarray(xs[0]).view(let.dtype)
        case Fn.COMPLEX:
            pair = np.empty(len(xs[0]), let.dtype)
            pair.real, pair.imag = xs
            return pair
        case Fn.TWO_OVER_PI:
            return np.asarray(np.take(_WORDS, xs[0] + 1, mode="clip"))
    return np.asarray(converted(MEANING[let.fn](*xs), let.dtype))


def _fma(x: Array, y: Array, z: Array) -> Array:
    operands = [np.ascontiguousarray(operand) for operand in (x, y, z)]
    out = np.empty_like(operands[0])
    _compiled("float" if out.dtype.itemsize == 4 else "double")(*(a.ctypes.data for a in (*operands, out)), out.size)
    return out


_KEPT: dict[str, object] = {}  # engines live as long as the addresses of their functions


@cache
def _compiled(kind: str) -> Callable[..., None]:
    """The loop over arrays of a kind of floats."""
    import llvmlite.binding as llvm

    if hasattr(llvm, "initialize_native_target"):
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=2
    )
    module = llvm.parse_assembly(_LOOP.format(t=kind, name={"float": "f32", "double": "f64"}[kind]))
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    _KEPT[kind] = engine
    return CFUNCTYPE(None, c_void_p, c_void_p, c_void_p, c_void_p, c_int64)(engine.get_function_address("each"))
