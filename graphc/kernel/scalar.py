"""Scalar formulas as lists of lets.  A let is used by its number, so a shared value is computed once."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import Enum, unique
from typing import TypeAlias, final

import numpy as np

from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer
from graphc.sizes import Size
from graphc.types import BOOL, INT64, DType
from graphc.value import Value

__all__ = [
    "COMPARISONS",
    "Axis",
    "AxisIndex",
    "Call",
    "Const",
    "Fn",
    "Formula",
    "Let",
    "Load",
    "Number",
    "Scalar",
    "SizeValue",
]

Number: TypeAlias = bool | int | float | complex


@unique
class Fn(Enum):
    """Every function a formula may call.  Each means the same everywhere; `reference` holds the meaning.

    FLOORDIV and MOD are floor division and its remainder, for every sign.  Comparisons with nan are false, NE
    is true.  MINIMUM and MAXIMUM pass nan on.  WHERE picks; the branch not picked has no effect.  A shift by the
    number of bits or more, or by a negative number, moves all bits out.  PHILOX32 and PHILOX64 of a key, a purpose and
    an index are random numbers: see `philox`.

    RARELY is WHERE of a condition that seldom holds: a backend may compute what only the value for it needs in a
    branch.  BITS keeps the bits of a number, and makes another of them, of a dtype of the same size.  TWO_OVER_PI is
    a word of the digits of 2/pi: see `two_over_pi`.
    """

    ADD = "add"
    SUB = "sub"
    MUL = "mul"
    DIV = "div"
    FLOORDIV = "floordiv"
    MOD = "mod"
    POW = "pow"
    NEG = "neg"
    ABS = "abs"
    SIGN = "sign"
    FLOOR = "floor"
    CEIL = "ceil"
    TRUNC = "trunc"
    ROUND = "round"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    FMA = "fma"
    SQRT = "sqrt"
    CBRT = "cbrt"
    EXP = "exp"
    EXP2 = "exp2"
    EXPM1 = "expm1"
    LOG = "log"
    LOG2 = "log2"
    LOG10 = "log10"
    LOG1P = "log1p"
    SIN = "sin"
    COS = "cos"
    TAN = "tan"
    ASIN = "asin"
    ACOS = "acos"
    ATAN = "atan"
    ATAN2 = "atan2"
    SINH = "sinh"
    COSH = "cosh"
    TANH = "tanh"
    ASINH = "asinh"
    ACOSH = "acosh"
    ATANH = "atanh"
    SIGMOID = "sigmoid"
    SILU = "silu"
    ERF = "erf"
    ERFC = "erfc"
    ERFINV = "erfinv"
    LGAMMA = "lgamma"
    DIGAMMA = "digamma"
    POLYGAMMA = "polygamma"
    COPYSIGN = "copysign"
    REAL = "real"
    IMAG = "imag"
    CONJ = "conj"
    COMPLEX = "complex"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    EQ = "eq"
    NE = "ne"
    AND = "and"
    OR = "or"
    XOR = "xor"
    NOT = "not"
    LEFT_SHIFT = "left_shift"
    RIGHT_SHIFT = "right_shift"
    PHILOX32 = "philox32"
    PHILOX64 = "philox64"
    ISNAN = "isnan"
    ISFINITE = "isfinite"
    WHERE = "where"
    RARELY = "rarely"
    CAST = "cast"
    BITS = "bits"
    TWO_OVER_PI = "two_over_pi"

    __hash__ = object.__hash__  # each is one object; to hash the name takes three times as long


COMPARISONS = frozenset({Fn.LT, Fn.LE, Fn.GT, Fn.GE, Fn.EQ, Fn.NE, Fn.ISNAN, Fn.ISFINITE})


@final
class Axis(Value):
    """A loop variable that counts from 0 to `extent` - 1.  Numbers follow the order of axes in memory."""

    number: int
    extent: Size


@final
class Const(Value):
    """A number.  `text` is its repr, so that 0.0 and -0.0 differ and nan equals itself."""

    text: str
    value: Number = field(compare=False)
    dtype: DType


@final
class SizeValue(Value):
    """A size, as a number."""

    size: Size
    dtype: DType


@final
class AxisIndex(Value):
    """The present value of a loop variable, int64."""

    axis: Axis
    dtype: DType = INT64


@final
class Load(Value):
    """One element of a buffer.  `index` holds one let per axis of the buffer.

    Where the let `guard` is false nothing is read, and the value is the let `otherwise`.
    """

    buffer: Buffer
    index: tuple[int, ...]
    dtype: DType
    guard: int | None = None
    otherwise: int | None = None

    def on_buffers(self, buffers: Mapping[Buffer, Buffer]) -> "Load":
        """The same of another buffer."""
        return Load(buffers[self.buffer], self.index, self.dtype, self.guard, self.otherwise)


@final
class Call(Value):
    """A function of other lets.  CAST converts to `dtype`, BITS reads the bits as one."""

    fn: Fn
    args: tuple[int, ...]
    dtype: DType


Let: TypeAlias = Const | SizeValue | AxisIndex | Load | Call


class Formula:
    """A growing list of lets.  Adding a let that is there already gives its number back."""

    __slots__ = ("_numbers", "lets")

    def __init__(self) -> None:
        self.lets: list[Let] = []
        self._numbers: dict[Let, int] = {}

    def add(self, let: Let) -> int:
        """The number of `let`."""
        number = self._numbers.get(let)
        if number is None:
            number = self._numbers[let] = len(self.lets)
            self.lets.append(let)
        return number

    def constant(self, value: Number, dtype: DType) -> int:
        """The number of a constant."""
        if isinstance(value, float) and not -6e4 < value < 6e4 and dtype.kind == "f":
            with np.errstate(over="ignore"):  # a Python number beyond the dtype that it adopts is inf in it
                value = float(dtype.type(value)) if dtype.itemsize < 8 else value
        return self.add(Const(repr(value), value, dtype))

    def size(self, size: Size, dtype: DType = INT64) -> int:
        """The number of a size: a constant where it is fixed."""
        return self.constant(size, dtype) if isinstance(size, int) else self.add(SizeValue(size, dtype))

    def axis(self, axis: Axis) -> int:
        """The number of a loop variable."""
        return self.add(AxisIndex(axis))

    def call(self, fn: Fn, args: Sequence[int], dtype: DType | None = None) -> int:
        """The number of a call; without `dtype`, of the dtype of its first operand, or bool for comparisons."""
        if dtype is None:
            dtype = BOOL if fn in COMPARISONS else self.lets[args[0]].dtype
        return self.add(Call(fn, tuple(args), dtype))

    def copied(self, let: Let, numbers: Mapping[int, int] | Sequence[int]) -> int:
        """The number of a let of another formula, whose lets have these numbers here."""
        match let:
            case Load(index=index, guard=guard, otherwise=otherwise):
                place = tuple([numbers[part] for part in index])
                if guard is None or otherwise is None:
                    return self.add(Load(let.buffer, place, let.dtype))
                return self.add(Load(let.buffer, place, let.dtype, numbers[guard], numbers[otherwise]))
            case Call(args=args):
                return self.add(Call(let.fn, tuple([numbers[arg] for arg in args]), let.dtype))
        return self.add(let)

    def affine(self, index: AffineIndex, axes: Sequence[int] | Mapping[int, int]) -> int:
        """The number of an affine index, `axes` being the lets of its axes, without needless steps."""
        number: int | None = None
        for axis, coefficient in index.terms:
            part = axes[axis] if coefficient == 1 else self.call(Fn.MUL, (axes[axis], self.size(coefficient)))
            number = part if number is None else self.call(Fn.ADD, (number, part))
        if number is None:
            return self.size(index.offset)
        return number if index.offset == 0 else self.call(Fn.ADD, (number, self.size(index.offset)))


@final
class Scalar:
    """One value inside a formula, with operators: what the author of an elementwise op writes with.

    Operands meet in one dtype; Python numbers take the dtype of the other operand.
    """

    __slots__ = ("formula", "number")
    __hash__ = None  # type: ignore[assignment]  # == builds a comparison

    def __init__(self, formula: Formula, number: int) -> None:
        self.formula = formula
        self.number = number

    @property
    def dtype(self) -> DType:
        return self.formula.lets[self.number].dtype

    def of(self, value: "Scalar | Number") -> "Scalar":
        """`value` as a scalar of this formula, numbers in this scalar's dtype."""
        if isinstance(value, Scalar):
            return value
        if self.dtype.kind in "fV":
            assert not isinstance(value, complex), value
            value = float(value)
        elif self.dtype.kind == "c":
            value = complex(value)
        return Scalar(self.formula, self.formula.constant(value, self.dtype))

    def call(self, fn: Fn, *others: "Scalar | Number", dtype: DType | None = None) -> "Scalar":
        """`fn` of this and the others."""
        args = (self.number, *(self.of(other).number for other in others))
        return Scalar(self.formula, self.formula.call(fn, args, dtype))

    def cast(self, dtype: DType) -> "Scalar":
        """The same value in another dtype."""
        return self if dtype == self.dtype else self.call(Fn.CAST, dtype=np.dtype(dtype))

    def __add__(self, other: "Scalar | Number") -> "Scalar":
        return self.call(Fn.ADD, other)

    def __radd__(self, other: Number) -> "Scalar":
        return self.of(other).call(Fn.ADD, self)

    def __sub__(self, other: "Scalar | Number") -> "Scalar":
        return self.call(Fn.SUB, other)

    def __rsub__(self, other: Number) -> "Scalar":
        return self.of(other).call(Fn.SUB, self)

    def __mul__(self, other: "Scalar | Number") -> "Scalar":
        return self.call(Fn.MUL, other)

    def __rmul__(self, other: Number) -> "Scalar":
        return self.of(other).call(Fn.MUL, self)

    def __truediv__(self, other: "Scalar | Number") -> "Scalar":
        return self.call(Fn.DIV, other)

    def __rtruediv__(self, other: Number) -> "Scalar":
        return self.of(other).call(Fn.DIV, self)

    def __pow__(self, other: "Scalar | Number") -> "Scalar":
        return self.call(Fn.POW, other)

    def __neg__(self) -> "Scalar":
        return self.call(Fn.NEG)

    def __lt__(self, other: "Scalar | Number") -> "Scalar":
        return self.call(Fn.LT, other)

    def __le__(self, other: "Scalar | Number") -> "Scalar":
        return self.call(Fn.LE, other)

    def __gt__(self, other: "Scalar | Number") -> "Scalar":
        return self.call(Fn.GT, other)

    def __ge__(self, other: "Scalar | Number") -> "Scalar":
        return self.call(Fn.GE, other)

    def __eq__(self, other: object) -> "Scalar":  # type: ignore[override]
        assert isinstance(other, Scalar | bool | int | float | complex), other
        return self.call(Fn.EQ, other)

    def __ne__(self, other: object) -> "Scalar":  # type: ignore[override]
        assert isinstance(other, Scalar | bool | int | float | complex), other
        return self.call(Fn.NE, other)
