"""What a caller gives a compiled function: by position or by name, checked, converted where nothing is lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import numpy as np
import numpy.typing as npt

from graphc.errors import ArgumentError, DTypeError, GraphError, ShapeError
from graphc.ir.node import Node, place_of
from graphc.kernel.buffer import Buffer
from graphc.origin import here
from graphc.sizes import Expression, Size, Symbol, evaluate, symbols_of
from graphc.structure import Structure, leaves, rebuild
from graphc.types import DType

__all__ = ["Arguments", "OutputRoom"]

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class _Spec:
    """What one input must be.  `extents`: per axis a number, the position of a symbol, or a size to check."""

    node: Node
    label: str
    dtype: DType
    shape: tuple[Size, ...]
    fixed: tuple[int, ...] | None
    binds: tuple[tuple[int, int], ...]  # axis, symbol: read here
    checks: tuple[tuple[int, Size], ...]  # axis, what it must be


@dataclass(eq=False)
class Arguments:
    """The inputs of a function.  `structure` is what the user listed: nodes, sizes, and containers of them."""

    structure: Sequence[Structure]
    symbols: tuple[str, ...]
    specs: list[_Spec] = field(init=False)

    def __post_init__(self) -> None:
        self.names = [_label(item) for item in self.structure]
        self._flat = all(isinstance(item, Node) for item in self.structure)
        self._sizes = {
            position: self.symbols.index(_symbol(item).name)
            for position, item in enumerate(self.structure)
            if isinstance(item, Expression) and _symbol(item).name in self.symbols
        }
        bound = set(self._sizes.values())
        self.specs = []
        places = {name: place for place, name in enumerate(self.symbols)}
        nodes = [leaf for item in self.structure for leaf in leaves(item) if isinstance(leaf, Node)]
        for node in nodes:
            binds, checks = [], []
            for axis, extent in enumerate(node.shape):
                place = places.get(str(extent)) if _is_symbol(extent) else None
                if place is not None and place not in bound:
                    bound.add(place)
                    binds.append((axis, place))
                else:
                    checks.append((axis, extent))
            fixed = node.shape if all(isinstance(n, int) for n in node.shape) else None
            self.specs.append(
                _Spec(node, node.name or "", node.dtype, node.shape, fixed, tuple(binds), tuple(checks))  # type: ignore[arg-type]
            )
        missing = [name for place, name in enumerate(self.symbols) if place not in bound]
        if missing:
            raise ArgumentError(
                f"the size {missing[0]!r} cannot be read from the shape of any input",
                hint=f"give it as an input of its own: compile([gx.size({missing[0]!r}), ...], ...)",
            ).located(place_of(here()))

    def accept(self, arrays: Sequence[object], named: Mapping[str, object]) -> tuple[list[Array], tuple[int, ...]]:
        """The arrays in order, and the sizes they have.  Raises with the place of the call; nothing has run then."""
        try:
            if named or len(arrays) != len(self.names):
                arrays = self._ordered(arrays, named)
            if not self._flat:
                arrays = self._spread(arrays)
            sizes = [-1] * len(self.symbols)
            if self._sizes:
                arrays = self._take_sizes(arrays, sizes)
            return [self._array(value, spec, sizes) for value, spec in zip(arrays, self.specs, strict=True)], tuple(sizes)
        except GraphError as error:
            raise error.located(place_of(here())) from None

    def sizes_from(self, given: Mapping[str, int]) -> tuple[int, ...]:
        """The values of all symbols, from names.  Raises ArgumentError for missing and unknown ones."""
        for name in given:
            if name not in self.symbols:
                raise ArgumentError(f"no size is named {name!r}", hint=f"sizes: {', '.join(self.symbols) or 'none'}")
        for name in self.symbols:
            if name not in given:
                raise ArgumentError(f"the size {name!r} is missing", hint=f"memory({name}=64)")
        return tuple(int(given[name]) for name in self.symbols)

    def _ordered(self, arrays: Sequence[object], named: Mapping[str, object]) -> list[object]:
        names = self.names
        wanted = f"this function takes {len(names)}: {', '.join(names) or 'nothing'}"
        if len(arrays) > len(names):
            raise ArgumentError(f"{len(arrays)} arguments by position; {wanted}")
        given = dict(zip(names, arrays, strict=False))
        for name, value in named.items():
            if name not in names:
                close = get_close_matches(name, names, 1)
                raise ArgumentError(f"no input is named {name!r}; {wanted}", hint=f"{close[0]}=..." if close else None)
            if name in given:
                raise ArgumentError(f"the input {name!r} is given twice, by position and by name")
            given[name] = value
        missing = [name for name in names if name not in given]
        if missing:
            raise ArgumentError(f"the input {missing[0]!r} is missing; {wanted}")
        return [given[name] for name in names]

    def _spread(self, arrays: Sequence[object]) -> list[object]:
        """The leaves of nested arguments."""
        values: list[object] = []
        for item, value, name in zip(self.structure, arrays, self.names, strict=True):
            if isinstance(item, Node | Expression):
                values.append(value)
                continue
            if rebuild(item, [None] * len(leaves(item))) != _emptied(value):
                raise ArgumentError(f"the argument {name!r} has another structure than the input it stands for")
            values.extend(leaves(value))
        return values

    def _take_sizes(self, arrays: Sequence[object], sizes: list[int]) -> list[object]:
        rest = []
        for position, value in enumerate(arrays):
            if isinstance(self.structure[position], Expression):
                if not isinstance(value, int | np.integer) or value < 0:
                    raise ArgumentError(f"the size {self.names[position]!r} is a number >= 0, not {value!r}")
                if position in self._sizes:
                    sizes[self._sizes[position]] = int(value)
            else:
                rest.append(value)
        return rest

    def _array(self, value: object, spec: _Spec, sizes: list[int]) -> Array:
        if type(value) is np.ndarray and value.dtype == spec.dtype and value.flags.carray:
            array = value
        elif type(value) is np.ndarray and value.dtype == spec.dtype:
            array = np.require(value, spec.dtype, ["C", "ALIGNED"])
        else:
            array = _converted(value, spec)
        if array.shape != spec.fixed:
            self._check_shape(array, spec, sizes)
        return array

    def _check_shape(self, array: Array, spec: _Spec, sizes: list[int]) -> None:
        if array.ndim != len(spec.shape):
            raise _shape_error(array, spec, f"{array.ndim} axes, not {len(spec.shape)}")
        for axis, place in spec.binds:
            sizes[place] = array.shape[axis]
        for axis, size in spec.checks:
            if isinstance(size, int):
                wanted = size
            else:
                known = {name: n for name, n in zip(self.symbols, sizes, strict=True) if n >= 0}
                if any(symbol.name not in known for symbol in symbols_of(size)):
                    raise _shape_error(array, spec, f"axis {axis} is read before its size {size} is known")
                wanted = evaluate(size, known)
            if array.shape[axis] != wanted:
                why = f"{size} is {wanted}" if not isinstance(size, int) else f"{wanted} is declared"
                raise _shape_error(array, spec, f"axis {axis} has {array.shape[axis]}, but {why}")


def _shape_error(array: Array, spec: _Spec, why: str) -> ShapeError:
    declared = ", ".join(map(str, spec.shape))
    return ShapeError(
        f"input {spec.label!r} has shape {array.shape}, declared ({declared}): {why}",
    )


def _converted(value: object, spec: _Spec) -> Array:
    """A copy of the right dtype, where nothing is lost."""
    if isinstance(value, Node):
        raise ArgumentError(f"input {spec.label!r} is given a node", hint="gx.replace exchanges nodes in a graph")
    array = np.asarray(value)
    if array.dtype == object:
        raise DTypeError(f"input {spec.label!r} is no array of numbers")
    is_plain = isinstance(value, bool | int | float)
    if is_plain or isinstance(value, list | tuple):
        fits = np.can_cast(array.dtype, spec.dtype, "same_kind") or spec.dtype.kind in "fV" and array.dtype.kind in "biuf"
        fits = fits and not (spec.dtype.kind == "u" and array.size and array.min() < 0)
        if fits and spec.dtype.kind in "iu" and array.size:
            info = np.iinfo(spec.dtype)
            fits = info.min <= array.min() and array.max() <= info.max
    else:
        fits = np.can_cast(array.dtype, spec.dtype, "safe")
    if not fits:
        raise DTypeError(
            f"input {spec.label!r} is {spec.dtype.name}; {array.dtype.name} would be narrowed",
            hint=f"{spec.label}.astype({spec.dtype.name!r})",
        )
    return np.ascontiguousarray(array, spec.dtype).reshape(array.shape)


def _is_symbol(size: Size) -> bool:
    found = symbols_of(size)
    return len(found) == 1 and str(size) == found[0].name


def _symbol(size: Expression) -> Symbol:
    if not _is_symbol(size):
        raise ArgumentError(f"an input that is a size is one symbol, not {size}").located(place_of(here()))
    return symbols_of(size)[0]


def _label(item: Structure) -> str:
    if isinstance(item, Node):
        return item.name or ""
    if isinstance(item, Expression):
        return _symbol(item).name
    inside = [leaf for leaf in leaves(item) if isinstance(leaf, Node)]
    return "+".join(node.name or "" for node in inside[:3]) if inside else "nothing"


def _emptied(value: Structure) -> Structure:
    return rebuild(value, [None] * len(leaves(value)))


@dataclass(eq=False)
class OutputRoom:
    """Arrays that a caller gives for the outputs."""

    form: Structure
    buffers: Sequence[Buffer]

    def arrays(
        self, out: Structure, rooms: Sequence[tuple[tuple[int, ...], DType]], inputs: Sequence[Array]
    ) -> list[Array]:
        """Where to compute: the given arrays, or fresh ones where a given one cannot be written directly.

        Raises ArgumentError, ShapeError or DTypeError, and then nothing has been written.
        """
        given = leaves(out)
        if len(given) != len(rooms):
            raise ArgumentError(f"out holds {len(given)} arrays; the function has {len(rooms)} outputs").located(place_of(here()))
        result = []
        for array, (shape, dtype) in zip(given, rooms, strict=True):
            if not isinstance(array, np.ndarray):
                raise ArgumentError(f"out holds a {type(array).__name__}, not an array").located(place_of(here()))
            if array.shape != shape:
                raise ShapeError(f"out has shape {array.shape}, the output {shape}").located(place_of(here()))
            if array.dtype != dtype:
                raise DTypeError(f"out is {array.dtype}, the output {dtype}").located(place_of(here()))
            if not array.flags.writeable:
                raise ArgumentError("out is read-only").located(place_of(here()))
            others = [*inputs, *(o for o in given if o is not array)]
            direct = array.flags.carray and not any(np.may_share_memory(array, other) for other in others)
            result.append(array if direct else np.empty(shape, dtype))
        return result

    def filled(self, out: Structure, computed: Sequence[Array]) -> Structure:
        """`out`, holding what was computed."""
        for array, value in zip(leaves(out), computed, strict=True):
            if array is not value:
                np.copyto(array, value)
        return out
