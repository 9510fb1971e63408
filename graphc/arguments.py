"""What a caller gives a compiled function: by position or by name, checked, converted where nothing is lost."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from difflib import get_close_matches
from typing import Any

import numpy as np

from graphc.backends.space import HERE, Located, Rooms, Space
from graphc.dataclass import dataclass
from graphc.errors import ArgumentError, DTypeError, GraphError, ShapeError
from graphc.ir.node import Node, made_at
from graphc.ir.values import Array, converted, has_plain_strides
from graphc.origin import here, place_of
from graphc.printable import a_thing, counted, described
from graphc.sizes import Expression, Size, estimate, evaluate, name_of, symbol, symbols_of
from graphc.structure import Structure, aligned, leaves
from graphc.types import DType, Shape

__all__ = ["Arguments", "OutputRoom", "hints_of"]


@dataclass(frozen=True, eq=False)
class _Spec:
    """What one input must be: per axis a number, a symbol that is read here, or a size that is checked."""

    node: Node
    label: str
    dtype: DType
    rank: int
    fixed: Shape | None  # where all extents are numbers
    numbers: tuple[tuple[int, int], ...]  # axis, what it must be
    binds: tuple[tuple[int, int], ...]  # axis, the position of a symbol
    checks: tuple[tuple[int, Size], ...]  # axis, a size that is known when all symbols are


@dataclass(eq=False)
class Arguments:
    """The inputs of a function.  `listed`: nodes, sizes, and containers of them; `space`: where its code runs."""

    listed: "Sequence[Structure] | Mapping[str, Structure]"
    symbols: tuple[str, ...]
    space: Space = HERE
    specs: list[_Spec] = field(init=False)

    def __post_init__(self) -> None:
        self._has_keys = isinstance(self.listed, Mapping)
        if isinstance(self.listed, Mapping):
            self.names, self.structure = list(self.listed), list(self.listed.values())
        else:
            self.names, self.structure = [_label(item) for item in self.listed], list(self.listed)
        self._leaves = [leaf for item in self.structure for leaf in leaves(item)]
        self._flat = all(isinstance(item, Node | Expression) for item in self.structure)
        places = {name: place for place, name in enumerate(self.symbols)}
        given = {n: _symbol(leaf) for n, leaf in enumerate(self._leaves) if isinstance(leaf, Expression)}
        self._sizes = {position: places.get(name, -1) for position, name in given.items()}
        self._known_from = {places[name]: "as given" for name in given.values() if name in places}
        self.specs = [self._spec(node, places) for node in self._leaves if isinstance(node, Node)]
        quick = [_quick(spec, places) for spec in self.specs]
        self._quick = [rule for rule in quick if rule is not None]
        is_plain = self._flat and not self._sizes and None not in quick
        self._ready = len(self.specs) if is_plain else -1  # how many arrays by position are a whole call
        self._checked = [(slot, spec) for slot, spec in enumerate(self.specs) if spec.checks]
        missing = [name for place, name in enumerate(self.symbols) if place not in self._known_from]
        if missing:
            raise ArgumentError(
                f"compile: the size {missing[0]!r} cannot be read from the shape of any input",
                hint=f"give it as an input of its own: compile([gx.size({missing[0]!r}), ...], ...)",
            )

    @property
    def hints(self) -> tuple[int, ...]:
        """A value for each symbol: its hint, or what `estimate` takes where it has none."""
        return hints_of([spec.node for spec in self.specs], self.symbols)

    @property
    def are_arrays(self) -> bool:
        """Whether arrays by position, one for each input, are a whole call."""
        return self._ready >= 0

    def _spec(self, node: Node, places: Mapping[str, int]) -> _Spec:
        """What a node asks of its array.  A symbol is read from the first axis that is just this symbol."""
        numbers, binds, checks = [], [], []
        label = node.name or ""
        for axis, extent in enumerate(node.shape):
            if isinstance(extent, int):
                numbers.append((axis, extent))
                continue
            place = places.get(name_of(extent) or "")
            if place is not None and place not in self._known_from:
                self._known_from[place] = f"from axis {axis} of {label!r}"
                binds.append((axis, place))
            else:
                checks.append((axis, extent))
        fixed = None if binds or checks else node.shape
        return _Spec(node, label, node.dtype, node.ndim, fixed, tuple(numbers), tuple(binds), tuple(checks))

    def accept(self, arrays: Sequence[object], named: Mapping[str, object]) -> tuple[Sequence[Any], tuple[int, ...]]:
        """The arrays in order, and the sizes they have.  Raises with the place of the call; nothing has run then."""
        if not named and len(arrays) == self._ready:
            known = self._fitting(arrays)
            if known is not None:
                return arrays, known
        try:
            if self._has_keys and not named and len(arrays) == 1:
                (only,) = arrays
                if isinstance(only, Mapping):
                    arrays, named = (), only
            if named or len(arrays) != len(self.names):
                arrays = self._ordered(arrays, named)
            if not self._flat:
                parts = zip(self.structure, arrays, self.names, strict=True)
                arrays = [leaf for item, value, name in parts for leaf in aligned(item, value, f"input {name!r}")]
            sizes = [-1] * len(self.symbols)
            if self._sizes:
                arrays = self._take_sizes(arrays, sizes)
            accepted = [_array(value, spec, sizes, self.space) for value, spec in zip(arrays, self.specs, strict=True)]
            for slot, spec in self._checked:
                self._check_extents(accepted[slot], spec, sizes)
            return accepted, tuple(sizes)
        except GraphError as error:
            raise error from None

    def _fitting(self, arrays: Sequence[object]) -> tuple[int, ...] | None:
        """The sizes of arrays that are as declared, in a fraction of a microsecond; None if there is more to say."""
        sizes = [-1] * len(self.symbols)
        for value, (dtype, fixed, extents) in zip(arrays, self._quick):  # noqa: B905  # as many: `accept` has looked, and a keyword costs time
            if type(value) is not np.ndarray or value.dtype is not dtype or not value.flags.carray:
                return None
            shape = value.shape
            if shape == fixed:
                continue
            if fixed is not None or len(shape) != len(extents):
                return None
            for extent, (place, wanted) in zip(shape, extents):  # noqa: B905
                if extent == 1 and not has_plain_strides(value):
                    return None
                if place < 0:
                    if extent != wanted:
                        return None
                elif sizes[place] < 0:
                    sizes[place] = extent
                elif extent != sizes[place]:
                    return None
        return tuple(sizes)

    def sizes_from(self, given: Mapping[str, object]) -> tuple[int, ...]:
        """The values of all symbols, from names.  Raises ArgumentError for missing and unknown ones, and no sizes."""
        found: dict[str, int | np.integer[Any]] = {}
        for name, size in given.items():
            if name not in self.symbols:
                error = ArgumentError(f"no size is named {name!r}", hint=f"sizes: {', '.join(self.symbols) or 'none'}")
                raise error
            if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 0:
                error = ArgumentError(f"the size {name!r} is a number of elements, not {described(size)}")
                raise error
            found[name] = size
        for name in self.symbols:
            if name not in given:
                error = ArgumentError(f"the size {name!r} is missing", hint=f"{name}=64")
                raise error
        return tuple(int(found[name]) for name in self.symbols)

    def _ordered(self, arrays: Sequence[object], named: Mapping[str, object]) -> list[object]:
        names = self.names
        wanted = f"this function takes {len(names)}: {', '.join(names) or 'nothing'}"
        if len(arrays) > len(names):
            raise ArgumentError(f"{counted(len(arrays), 'argument')} by position; {wanted}")
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

    def _take_sizes(self, arrays: Sequence[object], sizes: list[int]) -> list[object]:
        """The arrays without the sizes among them, which go where they belong."""
        rest = []
        for position, value in enumerate(arrays):
            if position not in self._sizes:
                rest.append(value)
                continue
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
                raise ArgumentError(
                    f"the size {_symbol(self._leaves[position])!r} is a number >= 0, not {described(value)}"
                )
            if self._sizes[position] >= 0:
                sizes[self._sizes[position]] = int(value)
        return rest

    def _check_extents(self, array: Array, spec: _Spec, sizes: Sequence[int]) -> None:
        """Raise unless the extents are what the sizes say."""
        known = dict(zip(self.symbols, sizes, strict=True))
        for axis, size in spec.checks:
            wanted = evaluate(size, known)
            if array.shape[axis] != wanted:
                names = [symbol.name for symbol in symbols_of(size)]
                said = [f"{name} is {known[name]} ({self._known_from[self.symbols.index(name)]})" for name in names]
                derived = "" if name_of(size) is not None else f", so {size} is {wanted}"
                why = f"axis {axis} has {array.shape[axis]}, but {' and '.join(said)}{derived}"
                raise _shape_error(array, spec, why)


def hints_of(inputs: Sequence[Node], symbols: Sequence[str]) -> tuple[int, ...]:
    """A value for each symbol: its hint where an input has one, else what `estimate` takes."""
    hints = {each.name: each.hint for x in inputs for extent in x.shape for each in symbols_of(extent)}
    return tuple([estimate(symbol(name, hints.get(name))) for name in symbols])


def _quick(spec: _Spec, places: Mapping[str, int]) -> tuple[DType, Shape | None, tuple[tuple[int, int], ...]] | None:
    """For `Arguments._fitting`: the whole shape, or per axis the position of a symbol, or -1 and a number.

    None where a size is more than a symbol.
    """
    extents = []
    for n in spec.node.shape:
        place = -1 if isinstance(n, int) else places.get(name_of(n) or "")
        if place is None:
            return None
        extents.append((place, n if isinstance(n, int) else 0))
    return spec.dtype, None if 1 in (spec.fixed or ()) else spec.fixed, tuple(extents)


def _array(value: object, spec: _Spec, sizes: list[int], space: Space) -> Any:
    """One argument as an array of the right dtype and rank; sizes that are read from it are set in `sizes`."""
    if type(value) is np.ndarray and value.dtype == spec.dtype and _is_plain(value):
        array: Any = value
    else:
        try:
            if isinstance(value, Node):
                raise ArgumentError(
                    f"input {spec.label!r} is given a node", hint="gx.replace exchanges nodes in a graph"
                )
            if isinstance(value, Mapping):
                raise ArgumentError(f"input {spec.label!r} is given a dict", hint="f(**values) gives arrays by name")
            array = _adopted(value, spec, space)
            if array is None:
                array = converted(value, spec.dtype, f"input {spec.label!r}")
        except GraphError as error:
            raise _located(error, spec) from None
    if array.shape != spec.fixed:
        if array.ndim != spec.rank:
            axes = counted(array.ndim, "axis", "axes")
            raise _shape_error(array, spec, f"it has {axes}, not {spec.rank}")
        for axis, wanted in spec.numbers:
            if array.shape[axis] != wanted:
                raise _shape_error(array, spec, f"axis {axis} has {array.shape[axis]}, not {wanted}")
        for axis, place in spec.binds:
            sizes[place] = array.shape[axis]
    return array


def _adopted(value: object, spec: _Spec, space: Space) -> Any | None:
    """A value that lies on the device that the function runs on, as it is; None for what lies elsewhere."""
    array = space.adopted(value)
    if array is not None and array.dtype != spec.dtype:
        problem = f"input {spec.label!r} is {spec.dtype}; an array of {array.dtype} on the device is given"
        raise DTypeError(problem, hint="cast it there")
    return array


def _shape_error(array: Array, spec: _Spec, why: str) -> GraphError:
    shape = ",".join(map(str, array.shape))
    problem = f"input {spec.label!r} is {spec.node.type}; an array of shape [{shape}] is given: {why}"
    return _located(ShapeError(problem), spec)


def _located(error: GraphError, spec: _Spec) -> GraphError:
    return error.located((*place_of(here()), *made_at("input", spec.node)))


def _symbol(size: Expression) -> str:
    """The name of a size that is an input."""
    name = name_of(size)
    if name is None:
        raise ArgumentError(f"compile: an input that is a size is one symbol, not {size}")
    return name


def _label(item: Structure) -> str:
    if isinstance(item, Node):
        return item.name or ""
    if isinstance(item, Expression):
        return _symbol(item)
    inside = [leaf for leaf in leaves(item) if isinstance(leaf, Node)]
    return "+".join(node.name or "" for node in inside[:3]) if inside else "nothing"


@dataclass(eq=False)
class OutputRoom:
    """Arrays that a caller gives for the outputs."""

    form: Structure
    space: Space = HERE

    def arrays(self, out: Structure, rooms: Rooms, inputs: Sequence[Array], *, afresh: bool) -> list[Array]:
        """Where to compute: the given arrays, or fresh ones where a given one cannot be written directly.

        All are fresh where `afresh`: for a call that may raise when it has computed something.

        Raises ArgumentError, ShapeError or DTypeError, and then nothing has been written.
        """
        try:
            given = self._given(out)
            for array, (shape, dtype) in zip(given, rooms, strict=True):
                _check_room(array, shape, dtype)
            for n, array in enumerate(given):
                if any(self.space.overlap(array, other) for other in given[:n]):
                    raise ArgumentError("out: two of the arrays share memory")
        except GraphError as error:
            raise error from None
        found = []
        for array, (shape, dtype) in zip(given, rooms, strict=True):
            is_here = isinstance(array, np.ndarray)
            is_whole = not is_here or _is_plain(array)
            if not afresh and is_whole and not any(self.space.overlap(array, x) for x in inputs):
                found.append(array)
            else:
                found.append(np.empty(shape, dtype) if is_here else self.space.empty(shape, dtype))
        return found

    def _given(self, out: Structure) -> list[Any]:
        """The arrays of `out`: of NumPy, or of the space where the function runs."""
        given = []
        for value in aligned(self.form, out, "out"):
            array = value if isinstance(value, np.ndarray) else self.space.adopted(value)
            if isinstance(value, Located) and array is None:
                raise ArgumentError(f"out holds {a_thing(value)}, which lies where the function does not run")
            if array is None:
                raise ArgumentError(f"out holds {a_thing(value)}, not an array")
            given.append(array)
        return given

    def filled(self, out: Structure, computed: Sequence[Array]) -> Structure:
        """`out`, holding what was computed."""
        if len(computed) == 1 and computed[0] is out:
            return out
        for array, value in zip(self._given(out), computed, strict=True):
            if array is not value:
                self.space.assign(array, value)
        return out


def _check_room(array: Array | Located, shape: tuple[int, ...], dtype: DType) -> None:
    """Raise unless an output of this shape and dtype can be written into `array`."""
    if array.shape != shape:
        raise ShapeError(f"out has shape {array.shape}, the output {shape}")
    if array.dtype != dtype:
        raise DTypeError(f"out is {array.dtype}, the output {dtype}")
    if isinstance(array, Located):
        return  # elements side by side, which nobody said are read-only
    if not array.flags.writeable:
        raise ArgumentError("out is read-only")
    if _overlaps_itself(array):
        raise ArgumentError("out has elements that share memory", hint="np.empty makes an array of its own")


def _is_plain(array: Array) -> bool:
    """Whether code can use an array as it is: it is row-major, aligned and writable."""
    return array.flags.carray and (1 not in array.shape or has_plain_strides(array))


def _overlaps_itself(array: Array) -> bool:
    """Whether two elements may share memory: whether one step along an axis stays within what inner axes span."""
    span = array.itemsize
    for stride, extent in sorted((abs(step), n) for step, n in zip(array.strides, array.shape, strict=True) if n > 1):
        if stride < span:
            return array.size > 0
        span += stride * (extent - 1)
    return False
