"""Calls of functions as lines of NumPy that write into a given place."""

from collections.abc import Sequence

import numpy as np

from graphc.backends.numpy.tables import UFUNCS
from graphc.backends.numpy.values import Value
from graphc.kernel.scalar import Call, Const, Fn
from graphc.types import BFLOAT16, is_floating, is_integer

__all__ = ["call_lines", "number_name", "number_text"]


def number_text(const: Const) -> str:
    """A constant as Python text."""
    if isinstance(const.value, complex):
        return f"complex({_float_text(repr(const.value.real))}, {_float_text(repr(const.value.imag))})"
    text = _float_text(const.text)
    return f"bfloat16({text})" if const.dtype == BFLOAT16 else text


def _float_text(text: str) -> str:
    return {"inf": "np.inf", "-inf": "-np.inf", "nan": "np.nan"}.get(text, text)


def number_name(const: Const) -> str:
    """A name that reads like the number: `n_0_5`; an empty one where none does."""
    text = const.text
    if const.dtype.kind == "f":
        text = np.format_float_positional(const.dtype.type(const.value), trim="-")
    name = text.replace("-", "minus_").replace(".", "_").replace("+", "")
    return f"n_{name}" if len(name) <= 12 and f"n_{name}".isidentifier() else ""


def call_lines(let: Call, operands: Sequence[Value], result: Value, mask: str = "") -> list[str]:
    """The lines that compute a call into `result`.  `mask` names scratch, for WHERE."""
    names = [x.name for x in operands]
    out = result.name
    match let.fn:
        case Fn.WHERE | Fn.RARELY:
            condition, taken, other = names
            if not mask:
                return [f"np.copyto({out}, {taken} if {condition} else {other})"]
            return [f"select({condition}, {taken}, {other}, out={out}, mask={mask})"]
        case Fn.CAST if is_integer(let.dtype) and is_floating(operands[0].dtype):
            return [f"to_integers({names[0]}, out={out})"]
        case Fn.CAST:
            return [f'np.copyto({out}, {names[0]}, casting="unsafe")']
        case Fn.BITS:
            return [f"np.copyto({out}.view(np.{operands[0].dtype.name}), {names[0]})"]
        case Fn.TWO_OVER_PI:
            return [f"approximations.two_over_pi({names[0]}, out={out})"]
        case Fn.FMA:
            return [
                f"np.multiply({names[0]}, {names[1]}, out={out})",
                f"np.add({out}, {names[2]}, out={out})",
            ]
        case Fn.REAL | Fn.IMAG:
            return [f"np.copyto({out}, {names[0]}.{let.fn.value})"]
        case Fn.COMPLEX:
            return [f"np.copyto({out}.real, {names[0]})", f"np.copyto({out}.imag, {names[1]})"]
        case fn:
            return [f"{UFUNCS[fn]}({', '.join(names)}, out={out})"]
