"""Random numbers in a kernel: the calls of `philox`, in scratch that the plan knows."""

from collections.abc import Mapping

from graphc.backends.numpy.draft import Draft
from graphc.backends.numpy.philox import COUNTERS_AT_ONCE, KEY_BYTES, KEYS_AT_ONCE, NUMBERS_AT_ONCE, SCATTERED_BYTES
from graphc.backends.numpy.values import Value
from graphc.kernel.indices import Affine
from graphc.kernel.scalar import Axis, Call, Fn
from graphc.sizes import Size, minimum, product
from graphc.types import DTYPES, INT64

__all__ = ["GENERATORS", "random_numbers"]

#: how many numbers a counter gives
GENERATORS: Mapping[Fn, int] = {Fn.PHILOX32: 4, Fn.PHILOX64: 2}


def random_numbers(let: Call, key: Value, purpose: Value, index: Value | Affine, draft: Draft) -> Value:
    """The random numbers of keys at an index."""
    if isinstance(index, Affine):
        if _is_consecutive(index, key, purpose, draft):
            return _consecutive(let, key, purpose, index, draft)
        index = _computed(index, draft)
    axes = key.axes | purpose.axes | index.axes
    draft.library += SCATTERED_BYTES * minimum(_count(axes, draft), NUMBERS_AT_ONCE)
    reads = (key, purpose, index)

    def write(out: Value) -> list[str]:
        return [f"philox.scattered({', '.join(x.name for x in reads)}, out={out.name})"]

    return draft.emit(write, reads, Value(axes, let.dtype))


def _is_consecutive(index: Affine, key: Value, purpose: Value, draft: Draft) -> bool:
    """Whether the index counts in the order of the axes, for every key, which changes more slowly."""
    terms = sorted(index.terms, key=lambda term: term[0].number)
    stride: Size = 1
    for axis, coefficient in reversed(terms):
        if coefficient != stride:
            return False
        stride = stride * axis.extent
    slower = [axis.number for axis in key.axes]
    return not purpose.axes and (not terms or not slower or max(slower) < terms[0][0].number)


def _count(axes: frozenset[Axis], draft: Draft) -> Size:
    """How many elements vary along some axes, in one block."""
    return product(draft.shape(Value(axes, INT64)))


def _consecutive(let: Call, key: Value, purpose: Value, index: Affine, draft: Draft) -> Value:
    axes = key.axes | frozenset(axis for axis, _ in index.terms)
    counters = _count(axes, draft) // GENERATORS[let.fn] + 2 * _count(key.axes, draft)
    room = Value(frozenset(), DTYPES["uint64"], extent=6 * minimum(counters, COUNTERS_AT_ONCE))
    draft.library += KEY_BYTES * minimum(_count(key.axes, draft), KEYS_AT_ONCE)
    size = draft.naming.size
    walked = None if draft.blocked is None else dict(index.terms).get(draft.blocked[0])
    parts = [] if walked is None else ["start" if walked == 1 else f"start * {size(walked)}"]
    first = " + ".join([*parts, *([] if parts and index.offset == 0 else [size(index.offset)])])

    def write(out: Value) -> list[str]:
        return [
            f"philox.{let.fn.value}({key.name}, {purpose.name}, {first}, out={out.name}, scratch={room.name})",
        ]

    result = draft.emit(write, [key, purpose], Value(axes, let.dtype, is_solid=True))
    draft.instructions[-1].scratch = (room,)
    return result


def _computed(index: Affine, draft: Draft) -> Value:
    """An index as an array."""
    total: Value | None = None
    for axis, step in index.terms:
        part = draft.walk(axis, step)
        total = part if total is None else draft.binary("np.add", total, part)
    assert total is not None, "an index without axes is consecutive"
    return total if index.offset == 0 else draft.binary("np.add", total, draft.naming.size(index.offset))
