"""A contraction as np.matmul: views where strides allow, copies into scratch (im2col) where they do not."""

from collections.abc import Sequence
from itertools import pairwise

from graphc.backends.numpy.kernels import KernelText, buffer_bytes
from graphc.backends.numpy.naming import Naming
from graphc.backends.numpy.values import Value
from graphc.backends.numpy.views import view_text
from graphc.backends.numpy.windows import meeting_lines
from graphc.dataclass import dataclass
from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer
from graphc.kernel.indices import Affine, axes_of, is_plain
from graphc.kernel.scalar import Axis
from graphc.kernel.steps import Contract
from graphc.sizes import Size, product, total
from graphc.types import BFLOAT16, FLOAT32, NARROW, DType

__all__ = ["contract_text"]


@dataclass(frozen=True)
class _Roles:
    """The axes of a product of matrices: out[lead, rows, columns] = a[lead, rows, inner] b[lead, inner, columns]."""

    lead: tuple[Axis, ...]
    rows: tuple[Axis, ...]
    columns: tuple[Axis, ...]
    inner: tuple[Axis, ...]
    left_has_rows: bool


def contract_text(step: Contract, naming: Naming) -> KernelText:
    """Write one contraction."""
    assert not step.guarded, "a guarded product: this backend is given framed operands instead"
    axes = tuple(Axis(number, extent) for number, extent in enumerate(step.extents))
    left, right, out = (_affine(index, axes) for index in (step.left_index, step.right_index, step.out_index))
    roles = _roles(_used(left), _used(right), out, axes[: step.apart])
    widens = bool(roles.inner) and step.out.dtype == BFLOAT16  # np.matmul would make the copies itself
    text = _Writer(step, naming, KernelText(len(naming.buffers), naming.names, [], [], [], None), widens)
    text.write(left, right, out, roles)
    return text.result


def _affine(index: Sequence[AffineIndex], axes: Sequence[Axis]) -> list[Affine]:
    return [Affine(tuple((axes[axis], c) for axis, c in part.terms), part.offset) for part in index]


def _used(index: Sequence[Affine]) -> list[Axis]:
    return list(dict.fromkeys(axis for part in index for axis, _ in part.terms))


def _roles(left: list[Axis], right: list[Axis], out: list[Affine], apart: Sequence[Axis]) -> _Roles:
    """Which axes lead, which are rows and columns: so that the result comes out in the order it is stored."""
    order = _used(out)
    inner = [axis for axis in left if axis in right and axis not in order]
    kind = {axis: (axis in left) - (axis in right) for axis in order}  # 1: left only, -1: right only, 0: both
    kind |= dict.fromkeys(apart, 0)
    if not is_plain(out):
        met = axes_of([part for part in out if len(part.terms) > 1])
        longest = max(
            met,
            key=lambda a: (
                not isinstance(a.extent, int),
                a.extent if isinstance(a.extent, int) else 0,
                -a.number,
            ),
        )
        last = kind[longest]
        first = [axis for axis in order if kind[axis] == 0 or (kind[axis] == last and axis not in met)]
        middle = [axis for axis in order if kind[axis] == -last and axis not in first]
        order = [*first, *middle, *(axis for axis in order if axis not in first and axis not in middle)]
    columns: list[Axis] = []
    while order and kind[order[-1]] != 0 and (not columns or kind[order[-1]] == kind[columns[0]]):
        columns.insert(0, order.pop())
    rows: list[Axis] = []
    while order and columns and kind[order[-1]] == -kind[columns[0]]:
        rows.insert(0, order.pop())
    left_has_rows = not columns or kind[columns[0]] == -1
    return _Roles(tuple(order), tuple(rows), tuple(columns), tuple(inner), left_has_rows)


@dataclass
class _Writer:
    step: Contract
    naming: Naming
    result: KernelText
    widens: bool = False  # whether operands and result pass through float32 in scratch

    def write(self, left: list[Affine], right: list[Affine], out: list[Affine], roles: _Roles) -> None:
        step = self.step
        first, second = (
            ((step.left, left), (step.right, right))
            if roles.left_has_rows
            else ((step.right, right), (step.left, left))
        )
        plain = first if is_plain(first[1]) else second
        inner = tuple(axis for axis in _used(plain[1]) if axis in roles.inner)
        a = self._matrix(*first, roles.lead, roles.rows, inner)
        b = self._matrix(*second, roles.lead, inner, roles.columns)
        order = (*roles.lead, *roles.rows, *roles.columns)
        direct = (
            is_plain(out)
            and [p.terms[0][0] for p in out if p.terms] == list(order)
            and all(
                not p.terms or (p.terms[0][1] == 1 and p.offset == 0 and p.terms[0][0].extent == n)
                for p, n in zip(out, step.out.shape, strict=True)
            )
        )
        shape = [*(axis.extent for axis in roles.lead), _count(roles.rows), _count(roles.columns)]
        name = self.naming.buffer(step.out)
        scratch = ""
        if direct:
            target = self._reshaped(name, step.out, step.out.shape, shape)
        else:
            scratch = self._slot([axis.extent for axis in order], step.out.dtype)
            target = self._reshaped(scratch, None, [axis.extent for axis in order], shape)
        call = "np.matmul" if inner else "np.multiply"
        if step.adds:
            self._add(call, a, b, target if direct else "", shape)
            return
        if not inner or not is_plain(out):  # np.matmul has no buffers, ufuncs have
            self.result.library = buffer_bytes(order)
        if self.widens:
            wide = self._slot(shape, FLOAT32)
            self.result.body.append(f"{call}({a}, {b}, out={wide})")
            self.result.body.append(f'np.copyto({target}, {wide}, casting="unsafe")')
        else:
            self.result.body.append(f"{call}({a}, {b}, out={target})")
        if not direct:
            value = Value(frozenset(order), step.out.dtype, scratch)
            if is_plain(out):
                if not step.is_whole:  # points may leave gaps: of a stride, or of a cut
                    self.result.body.append(f"{name}[...] = 0")
                view = view_text(name, step.out, out, order, self.naming.size)
                self.result.body.append(f"np.copyto({self._view(view, step.out, name)}, {scratch})")
            else:
                self.result.body.append(f"{name}[...] = 0")
                self.result.body += meeting_lines("np.add", name, step.out.shape, out, value, order, self.naming.size)

    def _add(self, call: str, a: str, b: str, target: str, shape: Sequence[Size]) -> None:
        """Add the product to the result, which is a matrix in memory."""
        assert target, "only what lies in order is added to"
        dtype = self.step.out.dtype
        if call == "np.matmul" and len(shape) == 2 and dtype.char in "fdFD":
            sizes = [buffer.bytes for buffer in (self.step.left, self.step.right)]
            self.result.library = total(sizes)  # BLAS is given copies of what lies with gaps
            self.result.body.append(f"accumulation.add_product({target}, {a}, {b})")
            return
        found = self._slot(shape, dtype if not self.widens else FLOAT32)
        self.result.body.append(f"{call}({a}, {b}, out={found})")
        casting = ', casting="unsafe"' if self.widens else ""
        self.result.body.append(f"np.add({target}, {found}, out={target}{casting})")

    def _matrix(
        self,
        buffer: Buffer,
        index: list[Affine],
        lead: Sequence[Axis],
        rows: Sequence[Axis],
        columns: Sequence[Axis],
    ) -> str:
        """An operand as matrices [lead, rows, columns]."""
        used = set(_used(index))
        dims = (*lead, *rows, *columns)
        view = view_text(self.naming.buffer(buffer), buffer, index, dims, self.naming.size)
        extents = [axis.extent if axis in used else 1 for axis in dims]
        shape = [*extents[: len(lead)], _count(rows), _count(columns)]
        steps = _steps(buffer, index)
        is_ready = _merges(rows, steps) and _merges(columns, steps) and _is_matrix(rows, columns, steps)
        widens = self.widens or (buffer.dtype in NARROW and self.step.out.dtype == FLOAT32)
        if is_ready and not widens:
            return self._reshaped(view, buffer, extents, shape)
        scratch = self._slot(extents, FLOAT32 if widens else buffer.dtype)
        shown = self._view(view, buffer, self.naming.buffer(buffer))
        self.result.body.append(f"np.copyto({scratch}, {shown})")
        return self._reshaped(scratch, None, extents, shape)

    def _slot(self, shape: Sequence[Size], dtype: DType) -> str:
        name = self.naming.fresh("s")
        self.result.slots.append((name, tuple(shape), dtype))
        return name

    def _view(self, text: str, base: Buffer | None, plain: str) -> str:
        if text == plain:
            return text
        late = base is not None and base.is_passing
        known = next((view for view in self.result.views if view.text == text), None)
        if known is None:
            known = self.naming.view(text, f"{plain}_", late, frozenset(), is_shared=True)
            self.result.views.append(known)
        return known.name

    def _reshaped(self, text: str, base: Buffer | None, before: Sequence[Size], after: Sequence[Size]) -> str:
        plain = self.naming.buffer(base) if base is not None else text
        if list(before) != list(after):
            text += f".reshape({', '.join(self.naming.size(n) for n in after)})"
        return self._view(text, base, plain)


def _count(axes: Sequence[Axis]) -> Size:
    return product([axis.extent for axis in axes])


def _steps(buffer: Buffer, index: Sequence[Affine]) -> dict[Axis, Size]:
    """How many elements of the buffer one step along each axis is."""
    steps: dict[Axis, Size] = {}
    for position, part in enumerate(index):
        stride = product(buffer.shape[position + 1 :])
        for axis, coefficient in part.terms:
            steps[axis] = steps.get(axis, 0) + coefficient * stride
    return steps


def _merges(axes: Sequence[Axis], steps: dict[Axis, Size]) -> bool:
    """Whether the axes are one axis of equal steps."""
    return all(steps[slow] == steps[fast] * fast.extent for slow, fast in pairwise(axes))


def _is_matrix(rows: Sequence[Axis], columns: Sequence[Axis], steps: dict[Axis, Size]) -> bool:
    """Whether BLAS can read it: elements of a row, or of a column, lie side by side."""
    row_step = steps[rows[-1]] if rows else 1
    column_step = steps[columns[-1]] if columns else 1
    return row_step == 1 or column_step == 1
