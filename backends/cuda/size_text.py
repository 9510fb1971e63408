"""Sizes as expressions of C++."""

from collections.abc import Iterator, Mapping

from graphc import polynomials
from graphc.expressions import FloorDiv, Max, Min, Mod, Operation, Symbol, terms_of
from graphc.polynomials import Atom, Terms
from graphc.sizes import Size

__all__ = ["pieces_of", "size_text"]

_CALLS: Mapping[type[Operation], str] = {FloorDiv: "floordiv", Mod: "floormod", Min: "least", Max: "greatest"}


def size_text(size: Size, symbols: Mapping[str, str]) -> str:
    """The expression, of 64 bits where a symbol is in it; `symbols` has the variable of each symbol."""
    if isinstance(size, int):
        return str(size)
    texts: dict[Atom, str] = {}
    for atom in polynomials.atoms([terms_of(size)]):
        if isinstance(atom, Symbol):
            texts[atom] = symbols[atom.name]
        else:
            assert isinstance(atom, Operation), atom
            operands = ", ".join(_wide(_sum(terms, texts)) for terms in atom.operands())
            texts[atom] = f"{_CALLS[type(atom)]}({operands})"
    return _sum(terms_of(size), texts)


def pieces_of(size: Size) -> Iterator[str]:
    """The pieces of the prelude that the expression needs."""
    for atom in polynomials.atoms([terms_of(size)]):
        if isinstance(atom, Operation):
            yield "division" if isinstance(atom, FloorDiv | Mod) else _CALLS[type(atom)]


def _wide(text: str) -> str:
    return f"i64({text})" if text.lstrip("-").isdigit() else text


def _sum(terms: Terms, texts: Mapping[Atom, str]) -> str:
    """A sum of products, the first one positive if any is."""
    parts: list[str] = []
    for monomial, coefficient in sorted(terms, key=lambda term: term[1] < 0):
        factors = [texts[atom] for atom, exponent in monomial for _ in range(exponent)]
        if abs(coefficient) != 1 or not factors:
            factors.append(str(abs(coefficient)))
        sign = "-" if coefficient < 0 else "+"
        parts.append((f" {sign} " if parts else "-" if coefficient < 0 else "") + " * ".join(factors))
    return "".join(parts) or "0"
