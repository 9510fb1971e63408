"""Temporaries of float32 that hold fewer digits, as operands of products do that were rounded for tensor cores."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum

from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.program import Program
from graphc.kernel.scalar import Call, Const, Fn, Let, Load
from graphc.kernel.steps import Contract, Kernel, Stage, Step, Store
from graphc.types import BFLOAT16, DTYPES, FLOAT32, DType

__all__ = ["Digits", "digits_of", "narrow_temporaries"]

TF32_BITS = 0xFFFFE000  # of float32, that numbers of TF32 have


class Digits(Enum):
    """Numbers that tensor cores read, by the names of PTX."""

    F16 = "f16"
    BF16 = "bf16"
    TF32 = "tf32"


_OF: Mapping[DType, Digits] = {DTYPES["float16"]: Digits.F16, BFLOAT16: Digits.BF16}


def digits_of(dtype: DType) -> Digits | None:
    """Of every number of a dtype; None where they are more, or no floats."""
    return _OF.get(dtype)


def narrow_temporaries(program: Program) -> Mapping[Buffer, Digits]:
    """The digits of the numbers in temporaries, for those where one store says all that they hold."""
    writers = Counter(buffer.root for step in program.timeline for buffer in step.writes)
    stored: Counter[Buffer] = Counter()
    found: dict[Buffer, Digits] = {}
    for step in program.timeline:
        for stage in _stages(step):
            for buffer, digits in _stores(stage, found):
                stored[buffer] += 1
                if digits is not None and buffer.role is Role.TEMPORARY and writers[buffer] == 1:
                    found[buffer] = digits
    return {buffer: digits for buffer, digits in found.items() if stored[buffer] == 1}


def _stages(step: Step) -> Sequence[Stage]:
    """What a step stores by formulas: of a product, what follows it."""
    kernel = step.then if isinstance(step, Contract) else step
    return kernel.stages if isinstance(kernel, Kernel) else ()


def _stores(stage: Stage, known: Mapping[Buffer, Digits]) -> Iterator[tuple[Buffer, Digits | None]]:
    """What a stage stores to, and the digits of that."""
    for effect in stage.effects:
        if isinstance(effect, Store):
            let = stage.lets[effect.value]
            digits = _digits(stage.lets, let, known) if effect.combine is None else None
            yield effect.buffer.root, digits


def _digits(lets: Sequence[Let], let: Let, known: Mapping[Buffer, Digits]) -> Digits | None:
    """Of a value, where it was rounded last, or moved."""
    match let:
        case Call(fn=Fn.CAST, args=(value,), dtype=dtype) if dtype == FLOAT32:
            return digits_of(lets[value].dtype)
        case Call(fn=Fn.WHERE, args=(condition, _, usual)) if _is_call(lets[condition], Fn.ISNAN):
            return Digits.TF32 if _has_bits_of_tf32(lets, lets[usual]) else None
        case Load(buffer=buffer, guard=None):
            return known.get(buffer.root)
        case Load(buffer=buffer, otherwise=int() as otherwise) if _is(lets[otherwise], 0):
            return known.get(buffer.root)
    return None


def _has_bits_of_tf32(lets: Sequence[Let], let: Let) -> bool:
    """Whether only bits are set that TF32 has."""
    match let:
        case Call(fn=Fn.BITS, args=(value,), dtype=dtype) if dtype == FLOAT32:
            bits = lets[value]
            return isinstance(bits, Call) and bits.fn is Fn.AND and any(_is(lets[arg], TF32_BITS) for arg in bits.args)
    return False


def _is_call(let: Let, fn: Fn) -> bool:
    return isinstance(let, Call) and let.fn is fn


def _is(let: Let, value: int) -> bool:
    return isinstance(let, Const) and let.value == value
