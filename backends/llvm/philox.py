"""Random words of Philox, in registers: see `graphc.kernel.philox`."""

from collections.abc import Sequence

from graphc.backends.llvm.casts import cast
from graphc.backends.llvm.values import Lanes, Value
from graphc.kernel.philox import MULTIPLIERS, ROUNDS, WEYL
from graphc.kernel.scalar import Fn
from graphc.types import BOOL, DTYPES, INT64

__all__ = ["random_word"]

UINT32, UINT64 = DTYPES["uint32"], DTYPES["uint64"]


def random_word(lanes: Lanes, fn: Fn, operands: Sequence[Value]) -> Value:
    """Number `index` of the stream of a key and a purpose: 32 bits, or 64."""
    key, purpose, index = operands
    is_wide = fn is Fn.PHILOX64
    each = lanes.number(1 if is_wide else 2, INT64)
    count = lanes.binary("ashr", index, each)
    words = _philox(lanes, _halves(lanes, key), (*_halves(lanes, count), *_halves(lanes, purpose)))
    place = lanes.binary("and", index, lanes.number(1 if is_wide else 3, INT64))
    if is_wide:
        is_second = lanes.compare("icmp eq", place, lanes.number(1, INT64), BOOL)
        low, high = (lanes.select(is_second, words[at + 2], words[at]) for at in (0, 1))
        upper = lanes.binary("shl", cast(lanes, high, UINT64), lanes.number(32, UINT64))
        return lanes.binary("or", upper, cast(lanes, low, UINT64))
    found = words[3]
    for number in (2, 1, 0):
        is_this = lanes.compare("icmp eq", place, lanes.number(number, INT64), BOOL)
        found = lanes.select(is_this, words[number], found)
    return found


def _halves(lanes: Lanes, number: Value) -> tuple[Value, Value]:
    """The low and the high 32 bits."""
    whole = Value(UINT64, number.parts, number.lanes, number.is_constant)
    return cast(lanes, whole, UINT32), cast(lanes, lanes.binary("lshr", whole, lanes.number(32, UINT64)), UINT32)


def _philox(lanes: Lanes, key: tuple[Value, Value], counter: Sequence[Value]) -> Sequence[Value]:
    """Four words."""
    (k0, k1), (c0, c1, c2, c3) = key, counter
    for _ in range(ROUNDS):
        low, high = (_product(lanes, word, factor) for word, factor in zip((c0, c2), MULTIPLIERS, strict=True))
        c0, c2 = (
            lanes.binary("xor", lanes.binary("xor", product[1], word), part)
            for product, word, part in ((high, c1, k0), (low, c3, k1))
        )
        c1, c3 = high[0], low[0]
        k0, k1 = (lanes.binary("add", k, lanes.number(step, UINT32)) for k, step in zip((k0, k1), WEYL, strict=True))
    return c0, c1, c2, c3


def _product(lanes: Lanes, word: Value, factor: int) -> tuple[Value, Value]:
    """The low and the high half of a product of 32 bits by 32."""
    return _halves(lanes, lanes.binary("mul", cast(lanes, word, UINT64), lanes.number(factor, UINT64)))
