"""A kernel's text while it is written: its views, its instructions, and how they are named."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import NamedTuple

from graphc.backends.numpy.homes import Wish
from graphc.backends.numpy.naming import Naming
from graphc.backends.numpy.values import Instruction, Value, View
from graphc.backends.numpy.views import is_solid, view_text
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.kernel.indices import Affine, axes_of, is_plain
from graphc.kernel.scalar import Axis
from graphc.sizes import Size, product
from graphc.types import INT64, Shape

__all__ = ["Draft"]

_BASE = "\0"  # stands for the name of a buffer


class _Shown(NamedTuple):
    """A view of a buffer whose name is left open, `at` an index that is kept, as it is known by identity."""

    at: Sequence[Affine]
    text: str
    axes: frozenset[Axis]
    is_solid: bool
    is_windowed: bool


@dataclass
class Draft:
    """What is known of a kernel's text so far.

    blocked   the axis that is walked in blocks, with the rows of a block; or None
    dims      the axes of every array of the present stage
    shown     what views are at an index, by its parts, the shape of the buffer and `dims`
    locals    the values that earlier stages have left
    deferred  what runs after all else of its stage: stores that no value is computed into
    library   bytes that NumPy may allocate while the lines run, beside its buffers
    """

    naming: Naming
    blocked: tuple[Axis, Size] | None
    dims: tuple[Axis, ...] = ()
    views: dict[tuple[str, str], View] = field(default_factory=dict)
    shown: dict[tuple[tuple[int, ...], Shape, int], _Shown] = field(default_factory=dict)
    instructions: list[Instruction] = field(default_factory=list)
    locals: dict[Buffer, Value] = field(default_factory=dict)
    deferred: list[Instruction] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)
    library: Size = 0

    def shape(self, value: Value) -> tuple[Size, ...]:
        """The shape of scratch for a value, rows of one block only."""
        if value.extent != 0:
            return (1, value.extent)
        walked, rows = self.blocked or (None, 0)
        dims = self.dims if value.dims is None else value.dims
        return tuple(1 if axis not in value.axes else rows if axis == walked else axis.extent for axis in dims)

    # Views.

    def view(self, text: str, base: Buffer | None, axes: frozenset[Axis], hint: str, *, is_solid: bool = False) -> View:
        """A view, one per text; of a buffer that differs from call to call, it is late."""
        late = base is not None and base.is_passing
        return self._defined(text, late, axes, hint, is_solid)

    def bits(self, value: Value, dtype: str) -> View:
        """The bits of an array under another dtype of the same width."""
        text = f"{value.name}.view({dtype})"
        key = (text, "")
        if key not in self.views:
            late = value.view is not None and value.view.late
            self.views[key] = self.naming.view(
                text, f"{value.name}_bits", late, value.axes, is_shared=False, is_of_block=True
            )
        return self.views[key]

    def _defined(self, text: str, late: bool, axes: frozenset[Axis], hint: str, is_solid: bool) -> View:
        is_shared = self.blocked is None
        if is_shared and text == hint.removesuffix("_"):
            return View(text, text, late, axes, is_solid=is_solid)
        key = (text, hint)
        if key not in self.views:
            self.views[key] = self.naming.view(text, hint, late, axes, is_shared=is_shared, is_solid=is_solid)
        return self.views[key]

    def load_view(self, buffer: Buffer, index: Sequence[Affine]) -> View:
        """The elements of a buffer at an affine index, with axes `dims`."""
        name, shown = self.naming.buffer(buffer), self._shown(buffer, index)
        return self.view(shown.text.replace(_BASE, name), buffer, shown.axes, name + "_", is_solid=shown.is_solid)

    def _shown(self, buffer: Buffer, index: Sequence[Affine]) -> "_Shown":
        """What a view of any buffer of this shape is at an index, found once: kernels may add up a hundred terms."""
        key = (tuple(map(id, index)), buffer.shape, len(self.dims))  # a number has an index that all stages share: ()
        found = self.shown.get(key)
        if found is None:
            text = view_text(_BASE, buffer, index, self.dims, self.naming.size)
            found = _Shown(index, text, axes_of(index), is_solid(index, buffer.shape), not is_plain(index))
            self.shown[key] = found
        return found

    def loaded(self, buffer: Buffer, index: Sequence[Affine]) -> Value:
        """What a load gives: a view."""
        view, shown = self.load_view(buffer, index), self._shown(buffer, index)
        return Value(shown.axes, buffer.dtype, view.name, view=view, loaded=buffer, is_windowed=shown.is_windowed)

    def flat(self, buffer: Buffer) -> Value:
        """A buffer with all its axes as one."""
        name = self.naming.buffer(buffer)
        if len(buffer.shape) == 1:
            return Value(frozenset(), buffer.dtype, name, loaded=buffer)
        view = self.view(f"{name}.reshape(-1)", buffer, frozenset(), name + "_flat")
        return Value(frozenset(), buffer.dtype, view.name, view=view, loaded=buffer)

    def walk(self, axis: Axis, step: Size = 1) -> Value:
        """The index along an axis, times a step."""
        table = self.naming.table(axis.extent, step)
        shape = ", ".join(self.naming.size(axis.extent) if a == axis else "1" for a in self.dims)
        axes = frozenset({axis})
        text = table if len(self.dims) == 1 else f"{table}.reshape({shape})"
        view = self.view(text, None, axes, f"{table}_", is_solid=True)
        return Value(axes, INT64, view.name, view=view)

    def full_along(self, value: Value, axes: frozenset[Axis]) -> Value:
        """The value, repeated along `axes` where it does not vary."""
        axes = frozenset(axis for axis in axes if axis.extent != 1)
        if axes <= value.axes and not value.is_number:
            return value
        wanted = value.axes | axes
        if not value.is_number:
            return self.emit(_copy(value), [value], Value(wanted, value.dtype))
        shape = ", ".join(self.naming.size(axis.extent) if axis in wanted else "1" for axis in self.dims)
        view = self.view(f"np.broadcast_to({value.name}, ({shape},))", None, wanted, "same")
        return Value(wanted, value.dtype, view.name, view=view)

    # Instructions.

    def emit(self, write: Callable[[Value], list[str]], reads: Sequence[Value], result: Value) -> Value:
        """Append what writes `result`; `write` is asked for its lines when every value has a name."""
        self.instructions.append(Instruction(lambda: write(result), tuple(reads), result))
        return result

    def copied(self, value: Value) -> Value:
        """A copy in scratch."""
        return self.emit(_copy(value), [value], Value(value.axes, value.dtype))

    def solid(self, value: Value) -> Value:
        """The value where its elements lie in order and without gaps; a copy in scratch, if need be."""
        if value.view is not None and not value.view.is_solid:
            value = self.copied(value)
        value.is_solid = True
        return value

    def binary(self, ufunc: str, left: Value, right: Value | str) -> Value:
        """A ufunc of two indices, or of an index and a text."""
        reads = [left] if isinstance(right, str) else [left, right]
        axes = frozenset[Axis]().union(*(x.axes for x in reads))

        def write(out: Value) -> list[str]:
            return [f"{ufunc}({left.name}, {right if isinstance(right, str) else right.name}, out={out.name})"]

        return self.emit(write, reads, Value(axes, INT64))

    def flat_index(
        self, buffer: Buffer, index: tuple[int, ...], values: Mapping[int, Value], affine: Sequence[Affine | None]
    ) -> Value:
        """The position in the flattened buffer, from indices of which some are data, or may be outside."""
        total: Value | None = None
        terms: dict[Axis, Size] = {}
        offset: Size = 0
        for position, part in enumerate(index):
            stride = product(buffer.shape[position + 1 :])
            walked = affine[part]
            if walked is not None:
                offset = offset + walked.offset * stride
                for axis, coefficient in walked.terms:
                    terms[axis] = terms.get(axis, 0) + coefficient * stride
                continue
            scaled = values[part]
            if stride != 1:
                scaled = self.binary("np.multiply", scaled, self.naming.size(stride))
            total = scaled if total is None else self.binary("np.add", total, scaled)
        for axis, coefficient in terms.items():
            walked_by = self.walk(axis, coefficient)
            total = walked_by if total is None else self.binary("np.add", total, walked_by)
        if total is None:
            return Value(frozenset(), INT64, self.naming.size(offset), is_number=True)
        return total if offset == 0 else self.binary("np.add", total, self.naming.size(offset))


def _copy(value: Value) -> Callable[[Value], list[str]]:
    return lambda out: [f"np.copyto({out.name}, {value.name})"]
