"""Points: the calls by which two forms are compared, made for one graph."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from math import ceil, prod

import ml_dtypes
import numpy as np

from graphc.dataclass import dataclass
from graphc.errors import GraphError
from graphc.ir.graph import Graph
from graphc.ir.kinds import Movement, Reshaped
from graphc.ir.leaves import Input, Item, SizeOf, Variable
from graphc.ir.node import IndexBound, Node, SameSize
from graphc.passes.throughout import all_graphs
from graphc.running import Bound
from graphc.sizes import Size, estimate, symbols_of
from graphc.types import BOOL, DType, TensorType, is_complex, is_integer, real_of
from graphc.verification.programs import Array, RefusedError
from graphc.verification.single import SingleOp
from graphc.verification.values import Point, TooLongError, Values

__all__ = ["accepted_calls", "refused_points"]

Rng = np.random.Generator

MOST_ELEMENTS = 1 << 24  # of all nodes of a graph; of a larger one there is one point
MOST_TRIES = 12  # sizes that are tried, of which a graph may refuse some
SEED = 20_011


@dataclass(frozen=True)
class _Kind:
    """What the numbers of a point are like."""

    title: str
    special: tuple[float, ...]
    share: float  # of elements that are one of them; the others are ordinary
    needs: int = 0  # so many of the first ones are in every input, at one of the points of this kind
    is_wide: bool = False  # floats reach to the least ones, integers to the limits of their dtypes
    is_varied: bool = False  # each is times a number of its own: products of round ones may cancel, or be fused


_KINDS = (
    _Kind("ordinary values", (), 0),
    _Kind("zeros and ties", (0.0, -0.0, 1.0, -1.0, 2.0, 0.5), 1.0),
    _Kind(
        "infinities, nan and denormals",
        (np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, 100.0, -100.0),
        0.7,
        needs=6,
        is_wide=True,
    ),
    _Kind("large and small values", (100.0, -100.0, 1e4, -1e4, 1e-4, 1.5e30, 1e-30), 0.6, is_varied=True),
    _Kind("values of about a hundred", (88.0, 90.0, 95.0, 99.0, 100.0, 101.5, 110.0), 1.0),  # where exp overflows
)


def accepted_calls(graph: Graph) -> list[Values]:
    """Calls that a graph does not refuse, and what it gives.

    Of ordinary values and of special ones; of sizes of some, one and no elements.
    """
    symbols = _symbols(graph)
    general = [sizes for sizes in _general(symbols) if _elements(graph, sizes) <= MOST_ELEMENTS]
    first = _accepted(graph, general or list(islice(_general(symbols), 1)), _KINDS[0], {})
    if first is None:
        return []
    sizes, bound = first.point.sizes, first.point.bound
    if _elements(graph, sizes) > MOST_ELEMENTS:
        return [first]
    found: list[Values | None] = [first]
    for kind in _KINDS[1:]:
        found += [_accepted(graph, [sizes], kind, bound, turn) for turn in range(_turns(graph, sizes, kind))]
    if symbols:
        found += [
            _accepted(graph, [dict.fromkeys(symbols, extent)], kind, {})
            for extent, kind in ((1, _KINDS[2]), (0, _KINDS[0]))
        ]
    return [values for values in found if values is not None]


def refused_points(graph: Graph) -> list[tuple[Point, RefusedError]]:
    """Calls that a graph refuses, and why: one by an index behind the last, and one by its sizes, if there are such."""
    found: list[tuple[Point, RefusedError]] = []
    for sizes in islice(_general(_symbols(graph)), MOST_TRIES):
        arrays = _arrays(graph, Point("", sizes, {}), _KINDS[0], 1)
        if arrays is None or _elements(graph, sizes) > MOST_ELEMENTS:
            continue
        point = Point(_titled("sizes that do not agree", sizes), sizes, arrays)
        refused = _refused(graph, point)
        if refused is None:
            found += islice(_beyond(graph, sizes, arrays), 1)
            break
        if not found:
            found.append((point, refused))
    return found


def _beyond(
    graph: Graph, sizes: Mapping[str, int], arrays: Mapping[Node, Array]
) -> Iterator[tuple[Point, RefusedError]]:
    """Calls of which one index is out of range."""
    for node, (_, extent) in _index_ends(graph).items():
        array = arrays[node].copy()
        array.reshape(-1)[-1:] = Point("", sizes, {}).number(extent)
        point = Point(_titled("an index out of range", sizes), sizes, {**arrays, node: array})
        refused = _refused(graph, point)
        if refused is not None:
            yield point, refused


def _refused(graph: Graph, point: Point) -> RefusedError | None:
    """Why a graph refuses a call; None where it does not."""
    try:
        Values(point).results(graph, graph.variables)
    except RefusedError as error:
        return error
    except TooLongError:
        return None
    return None


def _titled(title: str, sizes: Mapping[str, int]) -> str:
    return ", ".join((title, *(f"{name} = {value}" for name, value in sizes.items())))


def _turns(graph: Graph, sizes: Mapping[str, int], kind: _Kind) -> int:
    """How many points of a kind there are: an array of few elements has few of its numbers at each."""
    if not kind.needs:
        return 1
    point = Point("", sizes, {})
    counts = [prod(point.shape(node.tensor)) for node in (*graph.inputs, *graph.variables)]
    most = max([ceil(kind.needs / _count(kind, count)) for count in counts if count], default=1)
    return min(most, max(MOST_ELEMENTS // max(_elements(graph, sizes), 1), 1))


def _count(kind: _Kind, elements: int) -> int:
    """How many of so many elements are special numbers."""
    return round(kind.share * elements)


def _accepted(
    graph: Graph, sizes: Sequence[Mapping[str, int]], kind: _Kind, bound: dict[SingleOp, Bound], turn: int = 0
) -> Values | None:
    """The values of a graph at the first point that it does not refuse, of these sizes."""
    for tried in islice(sizes, MOST_TRIES):
        for limit in (None, 2, 1) if _admits(graph, tried) else ():
            arrays = _arrays(graph, Point("", tried, {}), kind, limit, turn)
            if arrays is None:
                break
            values = Values(Point(_titled(kind.title, tried), tried, arrays, bound))
            try:
                values.results(graph, graph.variables)
            except RefusedError:
                continue
            except TooLongError:
                if limit == 1:
                    return None  # whatever the sizes are
                continue
            return values
        bound = {}  # those of other sizes
    return None


def _arrays(graph: Graph, point: Point, kind: _Kind, limit: int | None, turn: int = 0) -> dict[Node, Array] | None:
    """What inputs and variables are; None where sizes mean nothing.

    limit   integers that nothing bounds are below it, if there is one
    turn    where a small array goes on with the special numbers of the kind
    """
    rng = np.random.default_rng(SEED)
    ends = _index_ends(graph)
    arrays: dict[Node, Array] = {}
    for node in (*graph.inputs, *graph.variables):
        try:
            shape = point.shape(node.tensor)
        except RefusedError:
            return None
        if node in ends:
            low, extent = ends[node]
            number = point.number(extent)
            arrays[node] = _indices(-number if low else 0, number, shape, rng).astype(node.dtype)
        elif isinstance(node.op, Variable) and kind is _KINDS[0]:
            arrays[node] = np.array(node.value)
        else:
            arrays[node] = _array(node.dtype, shape, kind, limit, turn, rng)
    return arrays


def _array(dtype: DType, shape: tuple[int, ...], kind: _Kind, limit: int | None, turn: int, rng: Rng) -> Array:
    """Numbers of a kind."""
    if dtype == BOOL:
        return np.asarray(rng.random(shape) < 0.5)
    if is_integer(dtype):
        return _integers(dtype, shape, kind, limit, turn, rng)
    if is_complex(dtype):
        real, imag = (_array(real_of(dtype), shape, kind, limit, turn, rng) for _ in range(2))
        found = np.empty(shape, dtype)
        found.real, found.imag = real, imag
        return found
    ordinary = rng.standard_normal(shape)
    if kind.special:
        least = float(ml_dtypes.finfo(dtype).smallest_subnormal)  # type: ignore[no-untyped-call]
        among = (*([3 * least] if kind.is_wide else []), *kind.special)
        first, others = among[: kind.needs], among[kind.needs :]
        ordinary = _sprinkled(ordinary, (*rng.permutation(first), *rng.permutation(others)), kind, turn, rng)
    with np.errstate(all="ignore"):
        return np.asarray(ordinary).astype(dtype)


def _sprinkled(ordinary: Array, among: Sequence[float] | Array, kind: _Kind, turn: int, rng: Rng) -> Array:
    """An array of which a share of the elements are others, each of these once before one comes twice.

    What does not find room comes in the turns that follow.
    """
    found = np.array(ordinary)
    count = _count(kind, found.size)
    places = rng.permutation(found.size)[:count]
    chosen = np.roll(np.array(among, found.dtype), -turn * count).take(range(count), mode="wrap")
    is_varied = kind.is_varied and found.dtype.kind == "f"
    found.reshape(-1)[places] = chosen * (1 + rng.random(count)) if is_varied else chosen
    return found


def _integers(dtype: DType, shape: tuple[int, ...], kind: _Kind, limit: int | None, turn: int, rng: Rng) -> Array:
    limits = np.iinfo(dtype)
    if limit is not None:
        return rng.integers(0, limit, shape).astype(dtype)
    if kind.is_wide or (dtype.itemsize == 8 and dtype.kind == "u"):  # a key of random numbers is any
        anything = rng.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)
        among = rng.permutation(np.array((limits.min, limits.max, 0, 1, limits.max - 1), dtype))
        return _sprinkled(np.asarray(anything), among, kind, turn, rng)
    low = 0 if dtype.kind == "u" else -4
    return rng.integers(low, 5, shape).astype(dtype)


def _indices(low: int, end: int, shape: tuple[int, ...], rng: Rng) -> Array:
    """Indices from `low` to `end`, both ends among them; 0 where there are none."""
    found = rng.integers(low, max(end, low + 1), shape)
    flat = found.reshape(-1)
    flat[:1], flat[1:2] = low, max(end - 1, low)
    return np.asarray(found)


def _index_ends(graph: Graph) -> dict[Node, tuple[bool, Size]]:
    """Inputs whose elements are indices, as they are or moved: whether they may be negative, and the extent."""
    found: dict[Node, tuple[bool, Size]] = {}
    for node in graph.nodes:
        if not node.inputs or not all(isinstance(x.type, TensorType) for x in node.inputs):
            continue
        for need in node.op.requirements(*[x.tensor for x in node.inputs]):
            if isinstance(need, IndexBound):
                index = node.inputs[need.operand]
                while isinstance(index.op, Movement | Reshaped):
                    index = index.inputs[0]
                if isinstance(index.op, Input | Variable):
                    low, extent = found.get(index, (True, need.extent))
                    least = extent if estimate(extent) <= estimate(need.extent) else need.extent
                    found[index] = (low and need.negative, least)
    return found


# Sizes.


def _symbols(graph: Graph) -> dict[str, int | None]:
    """All symbols of a graph and of its bodies, with their hints."""
    sizes: dict[Size, None] = {}
    for each in all_graphs(graph):
        for node in (*each.inputs, *each.nodes):
            for type in (node.type,) if isinstance(node.type, TensorType) else node.type.items:
                sizes |= dict.fromkeys(n for n in type.shape if not isinstance(n, int))
            if isinstance(node.op, SizeOf):
                sizes[node.op.size] = None
    symbols = {symbol.name: symbol.hint for n in sizes for symbol in symbols_of(n)}
    return dict(sorted(symbols.items()))


def _general(symbols: Mapping[str, int | None]) -> Iterator[dict[str, int]]:
    """Sizes to try: different small ones, equal ones, what the hints say, larger ones."""
    if not symbols:
        yield {}
        return
    yield {name: (3, 2, 4, 5)[number % 4] for number, name in enumerate(symbols)}
    for extent in (3, 4, 2):
        yield dict.fromkeys(symbols, extent)
    if any(hint is not None for hint in symbols.values()):
        yield {name: 4 if hint is None else hint for name, hint in symbols.items()}
    for extent in (6, 8, 12, 16, 32, 64):
        yield dict.fromkeys(symbols, extent)


def _admits(graph: Graph, sizes: Mapping[str, int]) -> bool:
    """Whether sizes are what all nodes demand, those in bodies too that no call comes to."""
    point = Point("", sizes, {})
    for each in all_graphs(graph):
        for node in each.nodes:
            if isinstance(node.op, Item):
                continue
            needs = node.op.requirements(*[x.tensor for x in node.inputs])
            try:
                if any(isinstance(n, SameSize) and point.number(n.left) != point.number(n.right) for n in needs):
                    return False
                for type in (node.type,) if isinstance(node.type, TensorType) else node.type.items:
                    point.shape(type)
            except (GraphError, RefusedError):
                return False
    return True


def _elements(graph: Graph, sizes: Mapping[str, int]) -> int:
    """How many elements all nodes have."""
    point = Point("", sizes, {})
    total = 0
    for node in graph.nodes:
        for type in (node.type,) if isinstance(node.type, TensorType) else node.type.items:
            try:
                total += prod(point.shape(type))
            except RefusedError:
                continue
    return total
