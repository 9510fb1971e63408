"""Choices that seldom hold, and what only they need."""

from collections.abc import Mapping, Sequence

from graphc.kernel.scalar import Call, Fn, Let, Load
from graphc.kernel.steps import Stage, Store, Total

__all__ = ["operands", "rare_lets"]


def rare_lets(stage: Stage, needed: frozenset[int]) -> Mapping[int, Sequence[int]]:
    """For each choice that seldom holds, the lets that nothing else needs, in order."""
    found: dict[int, list[int]] = {}
    choices = [n for n in sorted(needed) if isinstance(let := stage.lets[n], Call) and let.fn is Fn.RARELY]
    if not choices:
        return found
    users: dict[int, set[int]] = {n: set() for n in needed}
    for number in needed:
        for used in operands(stage.lets[number]):
            users.setdefault(used, set()).add(number)
    kept = {effect.value for effect in stage.effects}
    kept.update(part for effect in stage.effects if isinstance(effect, Store | Total) for part in effect.index)
    taken: set[int] = set()
    for choice in choices:  # an inner choice comes before the outer one that has it
        let = stage.lets[choice]
        assert isinstance(let, Call), let
        condition, wanted, other = let.args
        inside: set[int] = set()
        for number in range(choice - 1, -1, -1):
            if number not in needed or number in kept or number in (condition, other) or number in taken:
                continue
            by = users[number]
            if by and all(user in inside or (user == choice and number == wanted) for user in by):
                inside.add(number)
        found[choice] = sorted(inside)
        taken |= inside
    return found


def operands(let: Let) -> Sequence[int]:
    """The lets that a let is made of."""
    match let:
        case Call(args=args):
            return args
        case Load(index=index, guard=guard, otherwise=otherwise):
            return [*index, *(n for n in (guard, otherwise) if n is not None)]
    return ()
