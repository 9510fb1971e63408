"""Lets of stages as statements of C++."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import Protocol, final

from graphc.backends.cuda.dtypes import in_register
from graphc.backends.cuda.function_text import Lines, Parameters, enclosed
from graphc.backends.cuda.functions import Operand, called, cast, plain_text, rounded
from graphc.dataclass import dataclass
from graphc.kernel.accesses import Access
from graphc.kernel.buffer import Buffer
from graphc.kernel.elementary.expansion import EXPANSIONS, EXPANSIONS_OF_COMPLEX, EXPANSIONS_OF_INTEGERS
from graphc.kernel.scalar import Axis, Call, Const, Fn, Load, SizeValue
from graphc.kernel.stages import StagePlan
from graphc.sizes import Size
from graphc.types import BFLOAT16, INT64, NARROW, DType, accumulator, is_complex, is_floating

__all__ = ["Home", "Library", "Scope", "has_formula"]


class Library(Protocol):
    """What all functions of a text share."""

    def need(self, piece: str) -> None:
        """Note a piece of the prelude."""

    def elementary(self, fn: Fn, operands: Sequence[DType], dtype: DType) -> str:
        """The name of the function that computes an elementary function by its formula."""


def has_formula(fn: Fn, dtype: DType) -> bool:
    """Whether a function that gives a dtype is a formula of others."""
    if is_floating(dtype):
        return fn in EXPANSIONS
    return fn in (EXPANSIONS_OF_COMPLEX if is_complex(dtype) else EXPANSIONS_OF_INTEGERS)


#: the text of an element of a local, from that of its place
Home = Callable[[str], str]


@final
@dataclass
class Scope:
    """A point of the loops of a function.

    counters  the variable of each axis
    known     the texts of lets
    locals    values of locals of one element
    homes     of locals of several
    replaced  loads from these buffers are these values: of an epilogue, the product
    index     the type of counters
    """

    lines: Lines
    parameters: Parameters
    library: Library
    index: str
    homes: Mapping[Buffer, Home] = field(default_factory=dict)
    counters: Mapping[Axis, str] = field(default_factory=dict)
    known: dict[tuple[StagePlan, int], str] = field(default_factory=dict)
    locals: dict[Buffer, str] = field(default_factory=dict)
    replaced: Mapping[Buffer, str] = field(default_factory=dict)

    def inside(self, counters: Mapping[Axis, str] | None = None) -> "Scope":
        """The scope inside a loop or a branch: what is computed there is not known outside."""
        return replace(self, counters={**self.counters, **(counters or {})}, known=dict(self.known))

    def compute(self, stage: StagePlan, numbers: Iterable[int] | None = None) -> None:
        """Declare the values of lets, in order: of all that are needed, if none are named."""
        for number in sorted(stage.needed) if numbers is None else numbers:
            if (stage, number) not in self.known and number not in stage.sunk:
                self._add(stage, number)

    def _add(self, stage: StagePlan, number: int) -> None:
        let = stage.stage.lets[number]
        if isinstance(let, Const):
            self.known[stage, number] = plain_text(let.value, let.dtype, self.library.need)
        elif number in stage.rare:
            self.known[stage, number] = self._rarely(stage, number)
        else:
            text = self._text(stage, number)
            is_name = text.isidentifier()
            self.known[stage, number] = text if is_name else self.lines.let(in_register(let.dtype), text)

    def _rarely(self, stage: StagePlan, number: int) -> str:
        """A choice; what only the rare one needs is computed where it is asked for."""
        let = stage.stage.lets[number]
        assert isinstance(let, Call), let
        condition, usual = (self.operand(stage, let.args[place]) for place in (0, 2))
        name = self.lines.fresh("v")
        self.lines.line(f"{in_register(let.dtype)} {name} = {usual.text};")
        with self.lines.braces(f"if ({condition.text})"):
            branch = self.inside()
            for other in stage.rare[number]:
                branch._add(stage, other)
            self.lines.line(f"{name} = {branch.operand(stage, let.args[1]).text};")
        return name

    def operand(self, stage: StagePlan, number: int) -> Operand:
        """A let that was computed, as an operand."""
        let = stage.stage.lets[number]
        text = self.known.get((stage, number))
        if text is None:
            affine = stage.affine[number]
            assert affine is not None or isinstance(let, Const), let
            if affine is None:
                text = plain_text(let.value, let.dtype, self.library.need)  # type: ignore[union-attr]
            else:
                text = f"i64({self.sum(dict(affine.terms), affine.offset)})"
        return Operand(text, let.dtype)

    def _text(self, stage: StagePlan, number: int) -> str:
        let = stage.stage.lets[number]
        affine = stage.affine[number]
        if affine is not None:
            text = self.sum(dict(affine.terms), affine.offset)
            return text if text.isidentifier() and self.index == "i64" else f"i64({text})"
        match let:
            case SizeValue():
                size = Operand(f"i64({self.parameters.size(let.size)})", INT64)
                return cast(size, let.dtype, self.library.need)
            case Load(guard=guard, otherwise=otherwise):
                text = self.replaced.get(let.buffer) or self.locals.get(let.buffer) or self.element(stage, number)
                if guard is None or otherwise is None:
                    return text
                return f"{self.operand(stage, guard).text} ? {text} : {self.operand(stage, otherwise).text}"
            case Call(fn=fn, args=args, dtype=dtype):
                return self._called(fn, [self.operand(stage, arg) for arg in args], dtype)
        raise AssertionError(let)  # affine, or a constant

    def _called(self, fn: Fn, operands: Sequence[Operand], dtype: DType) -> str:
        need = self.library.need
        if not has_formula(fn, dtype):
            return called(fn, operands, dtype, need)
        wide = [accumulator(x.dtype) for x in operands]
        name = self.library.elementary(fn, wide, accumulator(dtype))
        return rounded(f"{name}({', '.join(x.text for x in operands)})", dtype, need)

    # Places.

    def element(self, stage: StagePlan, number: int) -> str:
        """The element that a load reads, as a value."""
        access = stage.loads[number]
        return self.read(self.place(stage, access), access.buffer.dtype)

    def read(self, element: str, dtype: DType) -> str:
        """An element of memory as a value."""
        if dtype in NARROW:
            self.library.need("narrow")
            return f"wide({element})"
        return element

    def at(self, access: Access) -> str:
        """The value of an element at a place without data."""
        return self.read(self.at_memory(access), access.buffer.dtype)

    def at_memory(self, access: Access) -> str:
        """The element at a place without data."""
        assert not access.data, access
        return self._element(access.buffer, self.sum(access.terms, access.offset))

    def place(self, stage: StagePlan, access: Access) -> str:
        """The element that an access goes to."""
        at = self.sum(access.terms, access.offset)
        parts = [] if at == "0" and access.data else [at]
        for number, stride in access.data:
            value = cast(self.operand(stage, number), INT64, self.library.need)
            parts.append(value if stride == 1 else f"{value} * {enclosed(self.parameters.size(stride))}")
        return self._element(access.buffer, " + ".join(parts))

    def _element(self, buffer: Buffer, index: str) -> str:
        if is_complex(buffer.dtype):
            self.library.need("complex")
        home = self.homes.get(buffer)
        return f"{self.parameters.pointer(buffer)}[{index}]" if home is None else home(index)

    def stored(self, value: Operand, dtype: DType) -> str:
        """A value as an element of memory."""
        text = cast(value, dtype, self.library.need)
        if dtype in NARROW:
            self.library.need("narrow")
            return f"to_{'bf16' if dtype == BFLOAT16 else 'f16'}({text})"
        return text

    def sum(self, terms: Mapping[Axis, Size], offset: Size) -> str:
        """offset + sum of axis * step."""
        parts = []
        for axis, step in terms.items():
            counter = self.counters[axis]
            if counter == "0":
                continue
            factor = "" if step == 1 else f" * {enclosed(self.parameters.size(step))}"
            parts.append(f"{counter}{factor}")
        if isinstance(offset, int) and offset < 0 and parts:
            return f"{' + '.join(parts)} - {-offset}"
        if offset != 0 or not parts:
            parts.append(enclosed(self.parameters.size(offset)))
        return " + ".join(parts)
