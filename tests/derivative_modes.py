"""Derivatives of a function of nodes, of several orders and modes, each as one number along given directions."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

import graphc as gx
from graphc.structure import Structure, leaves
from graphc.types import is_complex, is_differentiable

__all__ = ["Sample", "score"]

Array: TypeAlias = npt.NDArray[Any]  # Any: floats, integers and bools


def score(results: Structure) -> gx.Node:
    """One number that depends on every element of every float, by slopes that differ from place to place."""
    terms = [gx.constant(np.float64(0))]
    for place, y in enumerate(leaves(results)):
        if is_complex(y.dtype):
            terms.append(gx.sum(gx.sin(gx.real(y) + 0.1 * place) + gx.cos(0.7 * gx.imag(y))))
        elif is_differentiable(y.dtype):
            terms.append(gx.sum(gx.sin(1.3 * y + 0.1 * place)))
    return sum(terms[1:], terms[0])


def paired(xs: Iterable[gx.Node], along: Iterable[gx.Node]) -> gx.Node:
    """The sum of all products of elements, of complex ones the real part."""
    terms = [gx.sum(gx.real(x * v)) for x, v in zip(xs, along, strict=True)]
    return sum(terms, gx.constant(np.float64(0)))


@dataclass(frozen=True, eq=False)
class Sample:
    """Where a function is looked at: an input for each array, and three directions for those that move."""

    nodes: list[gx.Node]
    arrays: list[Array]
    along: list[list[gx.Node]]
    directions: list[list[Array]]

    @classmethod
    def of(cls, arrays: Sequence[Array], sizes: Sequence[str | None] = (), orders: int = 3) -> "Sample":
        """Inputs for arrays; `sizes` name leading extents."""
        names = [*sizes, *[None] * (len(arrays) - len(sizes))]
        shapes = [(name, *a.shape[1:]) if name else a.shape for a, name in zip(arrays, names, strict=True)]
        nodes = [gx.input(f"x{n}", shape, a.dtype) for n, (a, shape) in enumerate(zip(arrays, shapes, strict=True))]
        rng = np.random.default_rng(1)
        moving = [(x, a) for x, a in zip(nodes, arrays, strict=True) if is_differentiable(x.dtype)]
        along = [[gx.input(f"v{k}_{n}", x.shape, x.dtype) for n, (x, _) in enumerate(moving)] for k in range(orders)]
        drawn = [[_direction(a, rng) for _, a in moving] for _ in range(orders)]
        return cls(nodes, list(arrays), along, drawn)

    @property
    def wrt(self) -> list[gx.Node]:
        """The inputs that move."""
        return [x for x in self.nodes if is_differentiable(x.dtype)]

    @property
    def inputs(self) -> list[gx.Node]:
        """All inputs, those of the directions last."""
        return [*self.nodes, *(v for part in self.along for v in part)]

    @property
    def values(self) -> list[Array]:
        """An array for each."""
        return [*self.arrays, *(v for part in self.directions for v in part)]

    def derivatives(self, y: gx.Node, modes: Iterable[str]) -> dict[str, Structure]:
        """For "rf", say, the number that forward over reverse mode gives; after reverse mode the whole gradient too."""
        known: dict[str, Any] = {"": (y, [])}
        for mode in modes:
            for order in range(1, len(mode) + 1):
                if mode[:order] not in known:
                    before, along = known[mode[: order - 1]][0], self.along[order - 1]
                    known[mode[:order]] = self._slope(mode[order - 1], before, along)
        return known

    def _slope(self, mode: str, y: gx.Node, along: list[gx.Node]) -> tuple[gx.Node, list[gx.Node]]:
        if mode == "f":
            return gx.jvp(y, self.wrt, along), []
        slopes = gx.grad(y, self.wrt, unconnected="zero")
        return paired(slopes, along), slopes

    def run(self, outputs: Structure, compile: Callable[..., gx.CompiledFunction] = gx.compile, **options: Any) -> Any:
        """The values of outputs here."""
        return compile(self.inputs, outputs, **{"backend": "numpy", **options})(*self.values)


def _direction(like: Array, rng: np.random.Generator) -> Array:
    drawn = rng.standard_normal(like.shape)
    return (drawn + 1j * rng.standard_normal(like.shape) if is_complex(like.dtype) else drawn).astype(like.dtype)
