"""The values of nodes at one point, op by op: in the dtypes that are declared, or in float64."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from functools import lru_cache
from typing import Generic, TypeAlias, TypeVar

import numpy as np

from graphc.dataclass import dataclass
from graphc.errors import GraphError
from graphc.ir.arithmetic import Cast
from graphc.ir.control import Chosen, Repeated
from graphc.ir.graph import Graph
from graphc.ir.kinds import Elementwise, Routine
from graphc.ir.leaves import ConstantValue, Input, Item, SizeOf, Variable
from graphc.ir.node import IndexBound, Node, Op, SameSize
from graphc.origin import Origin
from graphc.running import Bound
from graphc.sizes import Size, evaluate
from graphc.types import DTYPES, DType, NodeType, TensorType, is_complex, is_differentiable
from graphc.verification.noise import Freedom, drawn, freed, moved, shaken, signed
from graphc.verification.programs import Array, RefusedError, Results, Sizes
from graphc.verification.single import SingleOp, single_op

__all__ = ["Frame", "Point", "TooLongError", "Value", "Values", "several"]

Value: TypeAlias = Array | tuple[Array, ...]  # several of a node with several results
Frame: TypeAlias = dict[Node, Value]  # what is known in a graph, or in one step of a body

Kept = TypeVar("Kept")

FRAMES_KEPT = 3  # steps of each body, to compare replacements in
MOST_EVALUATIONS = 10_000  # nodes evaluated at a point in one graph, those of bodies in each step
SMALL = 1 << 16  # bytes of arrays that are looked for among those known


class TooLongError(Exception):
    """A loop makes more steps than can be followed."""


@dataclass(frozen=True, eq=False)
class Point:
    """One call: the sizes, and an array for each input and variable.

    title     what is special about it
    bound     ops that were run at these sizes, ready to be run again
    """

    title: str
    sizes: Sizes
    arrays: Mapping[Node, Array]
    bound: dict[SingleOp, Bound] = field(default_factory=dict)
    _numbers: dict[Size, int] = field(default_factory=dict)

    def number(self, size: Size) -> int:
        """The value of a size."""
        found = self._numbers.get(size)
        if found is None:
            found = self._numbers[size] = evaluate(size, self.sizes)
        return found

    def shape(self, type: TensorType) -> tuple[int, ...]:
        """The extents of a type.  Raises RefusedError where one is negative or has no value."""
        try:
            shape = tuple([self.number(extent) for extent in type.shape])
        except GraphError as error:
            raise RefusedError(str(error)) from None
        if min(shape, default=0) < 0:
            raise RefusedError(f"an extent of {type} is negative")
        return shape


@dataclass(eq=False)
class Values:
    """The values of nodes at one point.

    noise   a generator: what is wide is then moved by a rounding of its declared dtype, if it is rounded; else every
            op finds other signs of nan
    freedom what other values it then finds as well
    wide    whether floats are float64, and complex numbers complex128.  Indices then are moved into their range
    frames  of the first steps of every body: what each of its inputs stands for, and all that was computed
    only_demands whether calls fail by what the graph demands alone, and not by what nodes need
    overflowed   nodes that became infinite of finite operands, and all that depend on them
    record  every value as it is computed, where somebody asks
    """

    point: Point
    wide: bool = False
    noise: np.random.Generator | None = None
    freedom: Freedom = Freedom.NAN
    only_demands: bool = False
    record: list[tuple[Node, Value]] | None = None
    outer: Frame = field(default_factory=dict)
    frames: dict[Node, list[Frame]] = field(default_factory=dict)
    overflowed: set[Node] = field(default_factory=set)
    evaluations: int = 0
    _known: "Remembered[tuple[Sequence[Value], Value]]" = field(default_factory=lambda: Remembered())
    _arrays: "Remembered[Array]" = field(default_factory=lambda: Remembered())

    def results(self, graph: Graph, variables: Iterable[Node]) -> Results:
        """Outputs and next values.  Raises RefusedError where the graph demands more than there is; TooLongError."""
        self.evaluations = 0
        values = {v: graph.updates.get(v, v) for v in variables}
        self._require_sizes(graph)
        self._require_indices(graph, self.outer)
        self.compute((*graph.roots, *values.values()), self.outer)
        return Results(
            [self.array(y, self.outer) for y in graph.outputs], [self.array(v, self.outer) for v in values.values()]
        )

    def array(self, node: Node, frame: Frame) -> Array:
        """The value of a node with one result, which is known."""
        value = frame[node]
        assert not isinstance(value, tuple), node
        return value

    def forget(self, graph: Graph) -> None:
        """Keep only what is known of the nodes of a graph, and what ops gave since this was last asked for."""
        kept = set(graph.nodes) | {*graph.inputs, *graph.variables}
        self.outer = {node: value for node, value in self.outer.items() if node in kept}
        self._known.forget()
        self._arrays.forget()

    def compute(self, roots: Iterable[Node], frame: Frame) -> None:
        """Find the values of nodes and of all that they need."""
        pending = list(roots)
        pending.reverse()
        while pending:
            node = pending[-1]
            if node in frame:
                pending.pop()
                continue
            missing = [x for x in node.inputs if x not in frame]
            if missing:
                pending += reversed(missing)
                continue
            pending.pop()
            frame[node] = self._value(node, [frame[x] for x in node.inputs])
            if self.record is not None and (node.inputs or isinstance(node.op, ConstantValue)):
                self.record.append((node, frame[node]))

    def _require_sizes(self, graph: Graph) -> None:
        """Raise RefusedError where two sizes differ that a graph demands to be equal."""
        for demand in graph.demands:
            if isinstance(demand.need, SameSize):
                self._require(demand.need, (), demand.origin)

    def _require_indices(self, graph: Graph, frame: Frame) -> None:
        """Raise RefusedError where an index is out of the range that a graph demands: before anything is read there."""
        if not self.wide:
            for demand in graph.demands:
                if demand.index is not None:
                    self.compute([demand.index], frame)
                    self._require(demand.need, [self.array(demand.index, frame)], demand.origin)

    def _require(self, need: SameSize | IndexBound, arrays: Sequence[Array], origin: Origin) -> None:
        number = self.point.number
        try:
            if isinstance(need, SameSize):
                holds = number(need.left) == number(need.right)
            else:
                (index,), extent = arrays, number(need.extent)
                least = -extent if need.negative else 0
                holds = not index.size or (least <= int(index.min()) and int(index.max()) < extent)
        except GraphError as error:
            raise RefusedError(str(error), origin) from None
        if not holds:
            raise RefusedError(need.because, origin)

    # One node.

    def _value(self, node: Node, operands: Sequence[Value]) -> Value:
        op = node.op
        match op:
            case Input() | Variable():
                return self._interned(self._widened(self.point.arrays[node]))
            case ConstantValue():
                filled = np.empty(self.point.shape(node.tensor), node.dtype)
                filled[...] = op.array
                return self._interned(self._widened(filled))
            case SizeOf():
                return self._interned(np.array(self.point.number(op.size), node.dtype))
            case Item():
                return operands[0][op.index]
        key = (op, node.type, *[id(x) for operand in operands for x in several(operand)])
        known = self._known.get(key)
        if known is not None:
            result = known[1]
        else:
            self.evaluations += 1
            if self.evaluations > MOST_EVALUATIONS:
                raise TooLongError
            result = self._computed(node, operands)
            self._known.put(key, (operands, result))
        if self.wide:
            self._note_overflow(node, operands, result)
        return result

    def _computed(self, node: Node, operands: Sequence[Value]) -> Value:
        for type in _types(node.type):
            self.point.shape(type)
        arrays = [x for x in operands if not isinstance(x, tuple)]
        for need in node.op.requirements(*[x.tensor for x in node.inputs]):
            if not (self.wide or self.only_demands):
                given = [arrays[need.operand]] if isinstance(need, IndexBound) else []
                self._require(need, given, node.origin)
            elif isinstance(need, IndexBound):
                arrays[need.operand] = self._moved_inside(need, arrays[need.operand])
        match node.op:
            case Repeated():
                results: Sequence[Array] = self._loop(node.op, arrays)
            case Chosen():
                body = node.op.bodies[int(arrays[0])]
                results = self._step(body, arrays[1:])
            case _:
                results = self._wide(node, arrays) if self.wide else self._narrow(node, arrays)
        found = [self._interned(result) for result in results]
        return found[0] if isinstance(node.type, TensorType) else tuple(found)

    def _narrow(self, node: Node, arrays: Sequence[Array]) -> Sequence[Array]:
        single = single_op(node.op, tuple([x.tensor for x in node.inputs]), node.type)
        found = self._call(single, [signed(x, self.noise) for x in arrays])
        return [freed(drawn(y, self.noise), self.noise, self.freedom) for y in found] if single.rounds else found

    def _wide(self, node: Node, arrays: Sequence[Array]) -> Sequence[Array]:
        declared = _types(node.type)
        away = shaken if isinstance(node.op, Routine) else moved
        if isinstance(node.op, Cast) and is_differentiable(node.dtype):
            results: Sequence[Array] = arrays  # stay wide
            rounds = node.inputs[0].dtype != node.dtype
        else:
            types = tuple([x.tensor for x in node.inputs])
            single = _wide_op(node.op, types, node.type) or single_op(node.op, types, node.type)
            if single.rounds and not isinstance(node.op, Elementwise):  # sums may be made in another order
                arrays = [np.where(x == 0, x, away(x, y.dtype, self.noise)) for x, y in zip(arrays, types, strict=True)]
            given = [_as(x, type.dtype) for x, type in zip(arrays, _operands(single), strict=True)]
            results, rounds = self._call(single, given), single.rounds
        results = [_as(y, _wide_dtype(type.dtype)) for y, type in zip(results, declared, strict=True)]
        if not rounds:
            return results
        return [away(y, type.dtype, self.noise) for y, type in zip(results, declared, strict=True)]

    def _call(self, single: SingleOp, arrays: Sequence[Array]) -> list[Array]:
        bound = self.point.bound.get(single)
        if bound is None:
            bound = self.point.bound[single] = single.bind(self.point.sizes)
        return single.call(bound, arrays)

    def _moved_inside(self, need: IndexBound, index: Array) -> Array:
        extent = self.point.number(need.extent)
        return np.clip(index, -extent if need.negative else 0, max(extent - 1, 0))

    def _note_overflow(self, node: Node, operands: Sequence[Value], result: Value) -> None:
        if any(x in self.overflowed for x in node.inputs):
            self.overflowed.add(node)
        elif any(map(_any_infinite, several(result))):
            given = [x for operand in operands for x in several(operand) if is_differentiable(x.dtype)]
            if all(np.isfinite(x).all() for x in given):
                self.overflowed.add(node)

    def _widened(self, array: Array) -> Array:
        return _as(array, _wide_dtype(array.dtype)) if self.wide else array

    def _interned(self, array: Array) -> Array:
        """The array, or one that is known and has the same bits: what is computed of equal bits is then known too."""
        if array.nbytes > SMALL:
            return array
        key = (array.dtype, array.shape, array.tobytes())
        known = self._arrays.get(key)
        return self._arrays.put(key, array) if known is None else known

    # Bodies.

    def _step(self, body: Graph, given: Sequence[Array]) -> list[Array]:
        frame: Frame = dict(zip(body.inputs, given, strict=True))
        for x in body.inputs:
            frames = self.frames.setdefault(x, [])
            if len(frames) < FRAMES_KEPT:
                frames.append(frame)
        before = len(self.overflowed)
        self._require_indices(body, frame)
        self.compute(body.outputs, frame)
        if len(self.overflowed) > before:
            self.overflowed.update(body.outputs)
        return [self.array(y, frame) for y in body.outputs]

    def _loop(self, op: Repeated, operands: Sequence[Array]) -> list[Array]:
        """As the interpreter has it: steps again and again, each time with the next rows."""
        parts = op.parts(operands)
        most = None if op.length is None else self.point.number(op.length)
        count = int(parts.counts[0]) if op.counted else most
        if count is not None and most is not None and not 0 <= count <= most:
            raise RefusedError("a loop makes more steps than it may")
        carries, made = list(parts.carries), 0
        if most is not None and most > MOST_EVALUATIONS:
            raise TooLongError
        stacks = [np.zeros((most, *self.point.shape(y.tensor)), y.dtype) for y in op.outputs if most is not None]
        stacks = [self._widened(stack) for stack in stacks]
        kept = [np.zeros((most + 1, *carries[c].shape), carries[c].dtype) for c in op.kept if most is not None]
        for rows, c in zip(kept, op.kept, strict=True):
            rows[count if op.reverse else 0] = carries[c]
        while True:
            if op.condition is None:
                goes_on = made != count
            else:
                goes_on = bool(self._step(op.condition, [*carries, *parts.shared])[0])
            if not goes_on:
                break
            if made == most:
                if self.wide:
                    break
                raise RefusedError("a loop goes on after as many steps as it may make")
            at = made if count is None or not op.reverse else count - 1 - made
            after = self._step(op.body, [*carries, *[rows[at] for rows in parts.sequences], *parts.shared])
            carries = after[: op.carries]
            for stack, row in zip(stacks, after[op.carries :], strict=False):
                stack[at] = row
            for rows, c in zip(kept, op.kept, strict=True):
                rows[at if op.reverse else at + 1] = carries[c]
            made += 1
            self.evaluations += 1
            if self.evaluations > MOST_EVALUATIONS:
                raise TooLongError
        number = [] if op.condition is None else [np.array(made, np.int64)]
        return [*carries, *stacks, *kept, *number]


@dataclass(eq=False)
class Remembered(Generic[Kept]):
    """What was put or asked for since it was last told to forget, or between that and the time before."""

    now: dict[object, Kept] = field(default_factory=dict)
    earlier: dict[object, Kept] = field(default_factory=dict)

    def get(self, key: object) -> Kept | None:
        """What is known, if it is."""
        found = self.now.get(key)
        if found is None:
            found = self.earlier.get(key)
            if found is not None:
                self.now[key] = found
        return found

    def put(self, key: object, value: Kept) -> Kept:
        """Remember a value."""
        self.now[key] = value
        return value

    def forget(self) -> None:
        """Drop what nobody has asked for."""
        self.now, self.earlier = {}, self.now


def several(value: Value) -> Sequence[Array]:
    """The arrays of a value, which has one or several."""
    return value if isinstance(value, tuple) else (value,)


def _types(type: NodeType) -> Sequence[TensorType]:
    return (type,) if isinstance(type, TensorType) else type.items


def _any_infinite(x: Array) -> bool:
    return is_differentiable(x.dtype) and bool(np.isinf(x).any())


def _wide_dtype(dtype: DType) -> DType:
    if not is_differentiable(dtype):
        return dtype
    return DTYPES["complex128" if is_complex(dtype) else "float64"]


def _as(x: Array, dtype: DType) -> Array:
    with np.errstate(all="ignore"):
        return x if x.dtype == dtype else x.astype(dtype)


def _operands(single: SingleOp) -> Sequence[TensorType]:
    return [TensorType(buffer.shape, buffer.dtype) for buffer in single.code.lowered.program.inputs]


@lru_cache(maxsize=2048)
def _wide_op(op: Op, types: tuple[TensorType, ...], result: NodeType) -> SingleOp | None:
    """The op on float64; None where it has no meaning there, or gives something else."""
    wide = tuple([TensorType(type.shape, _wide_dtype(type.dtype), type.weak) for type in types])
    try:
        found = op.infer(*wide)
    except (GraphError, AssertionError):
        return None
    for one, other in zip(_types(found), _types(result), strict=True):
        if is_differentiable(one.dtype) != is_differentiable(other.dtype) or one.shape != other.shape:
            return None
        if not is_differentiable(other.dtype) and one.dtype != other.dtype:
            return None
    return single_op(op, wide, found)
