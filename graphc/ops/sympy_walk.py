"""SymPy expressions in an order in which operands come first.  No recursion: expressions may be deep."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

__all__ = ["Expression", "operands_first", "symbols_of"]

Expression: TypeAlias = Any  # a sympy.Basic: SymPy has no types, and is loaded where a formula is first used


def operands_first(root: Expression, operands: Callable[[Expression], Sequence[Expression]]) -> list[Expression]:
    """Every expression that `root` needs, once, after all that it needs.  Equal expressions are one."""
    order: list[Expression] = []
    seen = {root}
    stack = [(root, iter(operands(root)))]
    while stack:
        expression, rest = stack[-1]
        for operand in rest:
            if operand not in seen:
                seen.add(operand)
                stack.append((operand, iter(operands(operand))))
                break
        else:
            order.append(expression)
            stack.pop()
    return order


def symbols_of(root: Expression) -> list[Expression]:
    """The symbols that occur in it, in order of occurrence."""
    return [part for part in operands_first(root, lambda part: part.args) if part.is_Symbol]
