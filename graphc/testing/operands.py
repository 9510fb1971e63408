"""Operands and options for the holes of a template."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import NamedTuple, TypeAlias, final

from graphc.dataclass import dataclass
from graphc.ir.node import Node
from graphc.sizes import equal
from graphc.testing.choices import Choices
from graphc.types import BOOL, DType, is_complex, is_floating, is_integer

__all__ = ["KINDS", "Named", "filled", "is_alike"]

_HOLE = re.compile(r"\{([^{}]+)\}")
_VALUES = ("0.5", "2.0", "1.0", "-0.25", "3.0", "0.1")


class Named(NamedTuple):
    """A node and what the program calls it."""

    name: str
    node: Node


Kind: TypeAlias = Callable[[DType], bool]

KINDS: Mapping[str, Kind] = {
    "any": lambda dtype: True,
    "number": lambda dtype: dtype != BOOL,
    "real": lambda dtype: is_integer(dtype) or is_floating(dtype),
    "float": is_floating,
    "whole": is_integer,
    "bool": lambda dtype: dtype == BOOL,
    "complex": is_complex,
}

#: what stands for an operand of a kind where there is none, made of an operand of another kind
_MADE: Mapping[str, tuple[str, str]] = {
    "bool": ("real", "({} > 0.5)"),
    "whole": ("float", 'gx.astype(gx.clip(gx.nan_to_num({}), -100, 100), "int32")'),
    "complex": ("float", "gx.complex({0}, gx.cos({0}))"),
    "float": ("number", 'gx.astype(gx.real({}), "float32")'),
    "real": ("any", 'gx.astype(gx.real({}), "float32")'),
    "number": ("any", 'gx.astype({}, "int16")'),
}

#: what matrices are made of; only those of full rank have factors that can be derived
_MATRICES: Mapping[str, str] = {
    "square": "{}",
    "steep": "(gx.tanh({0}) + 4 * gx.eye({0}.shape[-1], dtype={0}.dtype))",
    "definite": "(gx.tanh({0}) @ gx.tanh({0}).mT + 2 * gx.eye({0}.shape[-1], dtype={0}.dtype))",
    "full": "(gx.tanh({0}) + 4 * gx.eye({0}.shape[-2], {0}.shape[-1], dtype={0}.dtype))",
}


def filled(template: str, pool: Sequence[Named], choices: Choices) -> str | None:
    """A line of a program, or None where there is no operand for a hole."""
    filling = _Filling(pool, choices)
    parts: list[str] = []
    end = 0
    for hole in _HOLE.finditer(template):
        found = filling.text(hole[1])
        if found is None:
            return None
        parts += [template[end : hole.start()], found]
        end = hole.end()
    return "".join((*parts, template[end:]))


@final
@dataclass
class _Filling:
    """What fills the holes of one template, from left to right."""

    pool: Sequence[Named]
    choices: Choices
    operands: list[Named] = field(default_factory=list)
    kind: str = "any"  # of the first operand

    def text(self, hole: str) -> str | None:
        """What stands in a hole."""
        if "|" in hole:
            hole = self.choices.of(hole.split("|"))
            return self.choices.of(_VALUES) if hole == "value" else hole
        if hole.isdecimal():
            return self.operands[int(hole)].name
        name, _, rank = hole.partition(":")
        if name in KINDS:
            return self._operand(name, int(rank or 0))
        if name in _MATRICES:
            return self._matrix(_MATRICES[name], of_any_extents=name == "full")
        match name:
            case "like":
                return self._like()
            case "same":
                first = self._first
                return self._named([x for x in self.pool if is_alike(x.node, first.node)])
            case "mask":
                return self._mask()
            case "key":
                return f"gx.random.key({self.choices.number(10)})"
            case "axis":
                return str(self.choices.number(max(self._first.node.ndim, 1)))
            case "axes":
                rank_of_first = self._first.node.ndim
                return self.choices.of(("None", "0", "-1", "(0, 1)")[: 1 if not rank_of_first else rank_of_first + 2])
            case "few":
                return str(1 + self.choices.number(3))
            case "value":
                return self.choices.of(_VALUES)
            case "flag":
                return str(self.choices.flag())
        raise AssertionError(f"no hole is called {hole!r}")

    @property
    def _first(self) -> Named:
        return self.operands[0]

    def _named(self, fitting: Sequence[Named]) -> str:
        found = self.choices.late(fitting)
        self.operands.append(found)
        return found.name

    def _operand(self, kind: str, rank: int) -> str | None:
        """An operand of a kind, made of another where there is none."""
        if not self.operands:
            self.kind = kind
        fitting = [x for x in self.pool if KINDS[kind](x.node.dtype) and x.node.ndim >= rank]
        if fitting:
            return self._named(fitting)
        if kind not in _MADE:
            return None
        other, expression = _MADE[kind]
        inner = self._operand(other, rank)
        return None if inner is None else expression.format(inner)

    def _matrix(self, expression: str, *, of_any_extents: bool) -> str | None:
        matrices = [x for x in self.pool if is_floating(x.node.dtype) and x.node.ndim >= 2]
        fitting = [x for x in matrices if of_any_extents or _is_square(x.node)]
        return expression.format(self._named(fitting)) if fitting else None

    def _like(self) -> str:
        first = self._first
        fitting = [x for x in self.pool if KINDS[self.kind](x.node.dtype) and _broadcasts(x.node, first.node)]
        if not self.choices.flag(0.3):
            fitting = [x for x in fitting if x.node.dtype == first.node.dtype]
        return self._named(fitting or [first])

    def _mask(self) -> str:
        first = self._first
        fitting = [x for x in self.pool if x.node.dtype == BOOL and _broadcasts(x.node, first.node)]
        if fitting:
            return self.choices.late(fitting).name
        return first.name if first.node.dtype == BOOL else f"(gx.abs({first.name}) > 0.5)"


def is_alike(one: Node, other: Node) -> bool:
    """Whether two nodes have one type."""
    return one.dtype == other.dtype and _agree(one, other)


def _agree(one: Node, other: Node) -> bool:
    return one.ndim == other.ndim and all(equal(a, b) is True for a, b in zip(one.shape, other.shape, strict=True))


def _broadcasts(x: Node, y: Node) -> bool:
    pairs = zip(reversed(x.shape), reversed(y.shape), strict=False)
    return all(a == b or a == 1 or b == 1 for a, b in pairs)


def _is_square(x: Node) -> bool:
    return equal(x.shape[-1], x.shape[-2]) is True and x.shape[-1] != 0
