"""Every elementwise function over every dtype: its value, the dtype of its result, or that it has no meaning."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import special

import graphc as gx
from graphc.driver import evaluate
from graphc.ir.graph import topological
from graphc.ir.kinds import Elementwise
from graphc.ir.leaves import constant_array
from graphc.ir.node import Node
from graphc.types import DTYPES, DType, complex_of, is_complex, is_differentiable, is_floating, is_integer, real_of
from tests.tolerance import assert_close

Array = npt.NDArray[Any]
Numbers = Sequence[float]

ANY, NUMBERS, BITS = "biuf", "iuf", "biu"
SIGNED = (-2.5, -1.0, -0.5, 0.5, 1.0, 3.0)
FRACTIONS = (-0.75, -0.5, 0.25, 0.5, 0.75)
POSITIVE = (0.25, 0.5, 1.0, 3.0)


@dataclass(frozen=True)
class Row:
    """A public function of elements.

    name       in graphc
    reference  the same by NumPy: of float64 for floats and for what becomes a float, else of the dtype itself
    accepts    the kinds of dtypes that it has a meaning for; others raise, complex ones unless it is in OF_COMPLEX
    floats     its operands where they are floats: as many lists as operands
    result     the dtype that comes out: that of the operands, where it is None; float32 stands for it where
               integers and bool become floats
    wholes     integers as operands; None: the limits of the dtype, and numbers around 0
    """

    name: str
    reference: Callable[..., Any]
    accepts: str = ANY
    floats: Sequence[Numbers] = (SIGNED,)
    result: str | None = None
    wholes: Sequence[Numbers] | None = None


def of_floats(name: str, reference: Callable[..., Any], *floats: Numbers, wholes: Numbers = (0, 1)) -> Row:
    """A function whose result is a float: integers and bool become float32."""
    return Row(name, reference, ANY, floats or (SIGNED,), "float32", [wholes] * max(len(floats), 1))


TWO = (SIGNED, (1.0, 2.0, -2.0, 0.5, 1.0, -3.0))
PAIRS = ((1, 3, 5, 0), (2, 2, 1, 1))

#: functions that have a meaning for complex numbers
OF_COMPLEX = {
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "sinh",
    "cosh", "tanh", "asinh", "acosh", "atanh", "degrees", "radians", "reciprocal", "sqrt", "rsqrt", "square",
    "divide", "abs", "sign", "negative", "subtract", "add", "multiply", "power", "sinc", "round", "nan_to_num",
    "stop_gradient", "real", "imag", "conj", "angle", "equal", "not_equal", "isnan", "isinf", "isfinite",
    "logical_and", "logical_or", "logical_xor", "logical_not",
}  # fmt: skip


def counted(dtype: DType) -> DType:
    """The dtype in which bools are numbers."""
    return DTYPES["int8"] if dtype == np.bool_ else dtype


#: functions whose results have a dtype of their own, made of that of the operands
OTHER_DTYPE = {
    "abs": real_of,
    "angle": real_of,
    "real": real_of,
    "imag": real_of,
    "complex": complex_of,
    **dict.fromkeys(("square", "floor_divide", "remainder", "fmod", "power", "left_shift", "right_shift"), counted),
}

ROWS = (
    *(of_floats(name, getattr(np, name)) for name in ("exp", "exp2", "expm1", "sin", "cos", "tan", "tanh", "cbrt")),
    *(of_floats(name, getattr(np, name)) for name in ("sinh", "cosh", "sinc", "reciprocal")),
    of_floats("degrees", lambda x: x * (180 / np.pi)),
    of_floats("radians", lambda x: x * (np.pi / 180)),
    *(of_floats(name, getattr(np, name), POSITIVE) for name in ("log", "log2", "log10", "log1p", "sqrt")),
    *(of_floats(name, getattr(np, f"arc{name[1:]}"), FRACTIONS) for name in ("asin", "acos", "atanh")),
    *(of_floats(name, getattr(np, f"arc{name[1:]}")) for name in ("atan", "asinh")),
    of_floats("acosh", np.arccosh, (1.0, 1.5, 3.0), wholes=(1, 2)),
    of_floats("rsqrt", lambda x: 1 / np.sqrt(x), POSITIVE),
    of_floats("sigmoid", special.expit),
    of_floats("log_sigmoid", special.log_expit),
    of_floats("softplus", lambda x: np.logaddexp(x, 0)),
    of_floats("silu", lambda x: x * special.expit(x)),
    of_floats("gelu", lambda x: x * special.ndtr(x), POSITIVE),
    of_floats("erf", special.erf),
    of_floats("erfc", special.erfc, (-1.0, 0.5, 1.0)),
    of_floats("erfinv", special.erfinv, FRACTIONS),
    of_floats("lgamma", special.gammaln, (0.25, 0.5, 4.0, -0.5), wholes=(1, 5)),
    of_floats("digamma", special.digamma, (0.25, 0.5, 4.0), wholes=(1, 2)),
    of_floats("atan2", np.arctan2, *TWO),
    of_floats("hypot", np.hypot, *TWO),
    of_floats("copysign", np.copysign, *TWO),
    of_floats("divide", np.divide, *TWO, wholes=(1, 2)),
    of_floats("logaddexp", np.logaddexp, *TWO),
    of_floats("logaddexp2", np.logaddexp2, *TWO),
    of_floats("xlogy", special.xlogy, POSITIVE, POSITIVE, wholes=(1, 2)),
    of_floats("xlog1py", special.xlog1py, POSITIVE, POSITIVE),
    of_floats("lerp", lambda x, y, w: x + w * (y - x), POSITIVE, POSITIVE, POSITIVE, wholes=(0, 1)),
    *(Row(name, getattr(np, name), NUMBERS) for name in ("sign", "negative")),
    *(Row(name, getattr(np, name)) for name in ("abs", "square")),
    Row("subtract", np.subtract, NUMBERS, TWO),
    *(Row(name, getattr(np, name), ANY, TWO) for name in ("floor_divide", "remainder", "fmod")),
    *(Row(name, getattr(np, name), ANY, TWO) for name in ("add", "multiply", "maximum", "minimum")),
    *(Row(name, lambda x, f=name: x if x.dtype.kind in "biu" else getattr(np, f)(x)) for name in ("floor", "ceil")),
    *(Row(name, lambda x, f=name: x if x.dtype.kind in "biu" else getattr(np, f)(x)) for name in ("round", "trunc")),
    Row("relu", lambda x: np.maximum(x, 0), NUMBERS),
    Row("power", np.power, ANY, (POSITIVE, (2.0, -1.0, 0.5, 1.5)), None, PAIRS),
    Row("heaviside", lambda x, h: np.where(x == 0, h, x > 0), ANY, ((-1.0, 0.0, 2.0), (0.5, 0.5, 0.5))),
    Row("nan_to_num", np.nan_to_num),
    Row("stop_gradient", lambda x: x),
    *(Row(name, getattr(np, name), ANY, TWO, "bool") for name in ("equal", "not_equal", "less", "less_equal")),
    *(Row(name, getattr(np, name), ANY, TWO, "bool") for name in ("greater", "greater_equal")),
    *(Row(name, getattr(np, name), ANY, (SIGNED,), "bool") for name in ("isnan", "isinf", "isfinite")),
    *(Row(name, getattr(np, name), BITS, TWO) for name in ("bitwise_and", "bitwise_or", "bitwise_xor")),
    Row("bitwise_not", np.invert, BITS),
    *(Row(name, getattr(np, name), BITS, TWO, None, PAIRS) for name in ("left_shift", "right_shift")),
    *(Row(name, getattr(np, name), ANY, TWO, "bool") for name in ("logical_and", "logical_or", "logical_xor")),
    Row("logical_not", np.logical_not, ANY, (SIGNED,), "bool"),
    *(Row(name, getattr(np, name)) for name in ("real", "imag", "conj")),
    of_floats("angle", np.angle),
    Row("complex", lambda x, y: x + 1j * y, ANY, TWO),
    Row("where", lambda x, y: np.where(x > y, x, y), ANY, TWO),
    Row("polygamma", lambda x: special.polygamma(1, x), ANY, (POSITIVE,), "float32", ((1, 2),)),
)

SPELT: dict[str, Callable[..., Node]] = {
    "floor_divide": gx.floordiv,
    "where": lambda x, y: gx.where(x > y, x, y),
    "polygamma": lambda x: gx.polygamma(1, x),
}


def kind(dtype: DType) -> str:
    return "f" if is_floating(dtype) else dtype.kind


def has_meaning(row: Row, dtype: DType) -> bool:
    return row.name in OF_COMPLEX if is_complex(dtype) else kind(dtype) in row.accepts


def operands(row: Row, dtype: DType) -> list[Array]:
    """Arrays of that dtype for a row; of integers, the limits and what lies around 0, each with each."""
    if is_floating(dtype):
        return [np.array(numbers).astype(dtype) for numbers in row.floats]
    if is_complex(dtype):
        return [(np.array(numbers) + 0.25j * np.cos(np.arange(len(numbers)))).astype(dtype) for numbers in row.floats]
    if dtype == np.bool_:
        return [part.ravel() for part in np.meshgrid(*[np.array([False, True])] * len(row.floats))]
    if row.wholes is not None:
        return [np.array(numbers, dtype) for numbers in row.wholes]
    limits = np.iinfo(dtype)
    numbers = sorted({limits.min, max(limits.min, -7), max(limits.min, -1), 0, 1, 2, 7, limits.max - 1, limits.max})
    return [part.ravel() for part in np.meshgrid(*[np.array(numbers, dtype)] * len(row.floats))]


def call(row: Row) -> Callable[..., Node]:
    function: Callable[..., Node] = SPELT.get(row.name) or getattr(gx, row.name)
    return function


def by_numpy(row: Row, arrays: Sequence[Array]) -> Array:
    """The reference: floats, and what becomes one, in float64; complex numbers in complex128."""
    if is_complex(arrays[0].dtype):
        return np.asarray(row.reference(*(x.astype(np.complex128) for x in arrays)))
    is_wide = is_floating(arrays[0].dtype) or row.result == "float32"
    with np.errstate(all="ignore"):
        return np.asarray(row.reference(*(x.astype(np.float64) if is_wide else x for x in arrays)))


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=list(DTYPES))
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_value_and_dtype(row: Row, dtype: DType) -> None:
    arrays = operands(row, dtype)
    nodes = [gx.input(f"x{i}", array.shape, dtype) for i, array in enumerate(arrays)]
    if not has_meaning(row, dtype):
        with pytest.raises(gx.DTypeError, match=f"has no meaning for {dtype.name}"):
            call(row)(*nodes)
        return
    y = call(row)(*nodes)
    becomes = row.result if row.result != "float32" or not is_differentiable(dtype) else None
    change = OTHER_DTYPE.get(row.name)
    same = dtype if change is None else change(dtype)
    assert y.dtype == (same if becomes is None else DTYPES[becomes])
    found = np.asarray(evaluate(y, dict(zip(nodes, arrays, strict=True))))
    assert found.dtype == y.dtype
    assert_close(found, by_numpy(row, arrays))


@pytest.mark.parametrize("target", DTYPES.values(), ids=list(DTYPES))
@pytest.mark.parametrize("source", DTYPES.values(), ids=list(DTYPES))
def test_astype(source: DType, target: DType) -> None:
    wide = np.array([0, 1, 3, 100] if source.kind == "u" or target.kind == "u" else [-100, -1, 0, 1, 100])
    array = (wide / 2 if is_differentiable(source) else wide).astype(source)
    if is_complex(source) and not is_complex(target):
        with pytest.raises(gx.DTypeError, match="would lose the imaginary part"):
            gx.astype(constant_array(array), target)
        return
    found = evaluate(gx.astype(constant_array(array), target), {})
    assert found.dtype == target
    np.testing.assert_array_equal(found, array.astype(target))


@pytest.mark.parametrize("dtype", [name for name in DTYPES if is_integer(DTYPES[name])])
def test_python_numbers_adopt_the_dtype_of_an_integer(dtype: str) -> None:
    x = gx.input("x", 3, dtype)
    assert {y.dtype for y in (x + 1, 1 - x, x * 2, x // 2, x % 2, x**2, gx.maximum(x, 0))} == {DTYPES[dtype]}


def test_every_elementwise_op_has_a_row() -> None:
    seen: set[type] = set()
    for row in ROWS:
        dtype = DTYPES["float64" if "f" in row.accepts else "bool"]
        for each in (dtype, DTYPES["int64"], DTYPES["complex64"]):
            if has_meaning(row, each):
                nodes = [gx.input(f"x{i}", (), each) for i in range(len(row.floats))]
                seen |= {type(node.op) for node in topological([call(row)(*nodes)])}
    ours = {op for op in Elementwise.__subclasses__() if op.__module__.startswith("graphc.")}
    # astype is tested above; of what users give; of what a call checks; of slopes; of keys; of precision
    others = {"Cast", "Carried", "Formula", "Guarded", "OneMinusSquare", "Philox", "GammaNumber", "ToTensorFloat"}
    assert {op.__name__ for op in ours - seen} <= others
