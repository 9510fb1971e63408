"""The user's lines behind a step, as comments and errors name them."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from graphc.origin import Origin
from graphc.printable import printable

__all__ = ["LINES_SHOWN", "lines_behind", "origins_behind", "saying"]

LINES_SHOWN = 4
_LOOKED_AT = 200  # origins of a step; more cost time and are not read
_WIDEST = 90  # characters of a line of source, and of its rules
_RULES = 3  # named beside one line


def origins_behind(origins: Iterable[Origin]) -> Iterator[Origin]:
    """The origins of all nodes that a step computes, merged ones apart, up to a bound."""
    return islice((part for origin in origins for part in origin.behind()), _LOOKED_AT)


def lines_behind(origins: Sequence[Origin], limit: int = LINES_SHOWN) -> list[str]:
    """The user's lines, each once: `net.py:7  y = tanh(x)  (and grad of tanh)`, where a rule made something of it.

    Without `and`, all that is there of the line was made by the rule.  At most `limit` lines; the last then says
    how many more there are.
    """
    if len(origins) == 1 and origins[0].merged is None:
        return [_line({_rule(origins[0]): origins[0]})]
    found: dict[tuple[str, int], dict[str, Origin]] = {}
    for origin in origins_behind(origins):
        found.setdefault((origin.file, origin.line), {}).setdefault(_rule(origin), origin)
    lines = [_line(rules) for rules in islice(found.values(), limit)]
    return lines if len(found) <= limit else [*lines[: limit - 1], f"and {len(found) - limit + 1} more"]


def saying(origins: Sequence[Origin]) -> Hashable:
    """Equal for steps behind which `lines_behind` finds the same lines: told at once where no node stands for many."""
    for origin in origins:
        if origin.merged is not None:
            return tuple(origins)
    return tuple([(origin.file, origin.line, _rule(origin)) for origin in origins[:_LOOKED_AT]])


def _rule(origin: Origin) -> str:
    return " from ".join(origin.rules()) if origin.derived_from else ""


def _line(rules: Mapping[str, Origin]) -> str:
    origin = next(iter(rules.values()))
    source = origin.source()
    text = printable(f"{origin.place()}  {source}" if source else origin.place(), _WIDEST)
    named = [rule for rule in rules if rule]
    if not named:
        return text
    more = [f"{len(named) - _RULES} more"] if len(named) > _RULES else []
    rules_text = printable(", ".join((*named[:_RULES], *more)), _WIDEST)
    return f"{text}  (and {rules_text})" if "" in rules else f"{text}  ({rules_text})"
