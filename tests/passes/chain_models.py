"""Chains of elementwise ops and movements, each of which is one kernel."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import graphc as gx
from graphc.sizes import Size

__all__ = ["CHAINS", "Chain"]

Build: TypeAlias = Callable[[gx.Node, Size, Size], gx.Node]


@dataclass(frozen=True)
class Chain:
    """A chain over x [n, m].

    of        what is made of x, n and m
    weighed   whether places are divided however axes are cut, or something is computed twice: costs decide
    beside    the shape of a further operand, which is added
    """

    name: str
    of: Build
    weighed: bool = False
    beside: Callable[[Size, Size], Sequence[Size]] | None = None

    def build(self, n: int | str, m: int | str) -> tuple[list[gx.Node], gx.Node]:
        """The inputs, and what is made of them."""
        x = gx.input("x", (n, m), "float64")
        rows, columns = x.shape
        y = self.of(x, rows, columns)
        if self.beside is None:
            return [x], y
        other = gx.input("other", tuple(self.beside(rows, columns)), "float64")
        return [x, other], y + other


CHAINS = (
    Chain("turned and flat", lambda x, n, m: gx.exp(x.T.reshape(m * n)) * 2),
    Chain("turned, flat, a row beside it", lambda x, n, m: x.T.reshape(m * n), beside=lambda n, m: (m * n,)),
    Chain("reshaped, turned, reshaped", lambda x, n, m: gx.exp(x.reshape(m, n).T.reshape(m * n)) * 2),
    Chain("reshaped and turned", lambda x, n, m: gx.exp(gx.exp(x).reshape(m, n).T)),
    Chain("turned, folded in two, turned", lambda x, n, m: gx.exp(_halves(x, n, m).T)),
    Chain("turned, folded in two, a row beside it", lambda x, n, m: _halves(x, n, m), beside=lambda n, m: (n // 2,)),
    Chain("turned, folded in two, flipped", lambda x, n, m: gx.tanh(gx.flip(_halves(x, n, m), 1))),
    Chain("turned, reshaped, cut", lambda x, n, m: gx.exp(x.T.reshape(m * n)[1::2]), weighed=True),
    Chain("cut, reshaped, cut", lambda x, n, m: gx.exp(x[:, ::2].reshape(-1)[1:]) * 2, weighed=True),
    Chain("cut, turned, reshaped, turned", lambda x, n, m: gx.exp(x[1:].T.reshape(1, -1).T)),
    Chain("flipped and turned", lambda x, n, m: gx.exp(gx.flip(gx.exp(x), 0).T)),
    Chain("rolled", lambda x, n, m: gx.exp(gx.roll(gx.exp(x), 1, 0))),
    Chain("rolled as one row", lambda x, n, m: gx.exp(gx.roll(gx.exp(x), 3))),
    Chain("padded and turned", lambda x, n, m: gx.pad(gx.exp(x), ((1, 2), (0, 1))).T),
    Chain("turned, flat, padded", lambda x, n, m: gx.exp(gx.pad(x.T.reshape(m * n), ((1, 2),)))),
    Chain("turned, flat, joined", lambda x, n, m: gx.exp(gx.concat([x.T.reshape(m * n) * 2, gx.ravel(x)], 0))),
    Chain("joined side by side", lambda x, n, m: gx.exp(gx.concat([gx.exp(x), x * 2], 1)).T),
    Chain("repeated", lambda x, n, m: gx.repeat(x, 2, 1), beside=lambda n, m: (n, 2 * m)),
    Chain("repeated, flipped", lambda x, n, m: gx.flip(gx.repeat(x, 2, 1), 1) * 2),
    Chain("padded twice", lambda x, n, m: gx.pad(gx.pad(gx.exp(x), ((1, 2), (0, 1)), 2.0), 1)),
    Chain("padded, a part of it", lambda x, n, m: gx.pad(gx.exp(x), ((1, 2), (0, 1)))[1:, :-1], weighed=True),
    Chain("joined, turned, joined", lambda x, n, m: gx.concat([gx.concat([x, x * 2], 0).T] * 2, 0), weighed=True),
    Chain("stacked, padded, flipped", lambda x, n, m: gx.flip(gx.pad(gx.stack([x, gx.exp(x)], 1), 1), -1)),
    Chain("joined, each second", lambda x, n, m: gx.exp(gx.concat([x, gx.exp(x)], 1)[:, 1::2]), weighed=True),
    Chain("joined, each second of each other one, from behind", lambda x, n, m: _crossed(x)[::-2], weighed=True),
    Chain("padded and rolled", lambda x, n, m: gx.roll(gx.pad(x, 1), 2, 0) * 2, weighed=True),
    Chain("rolled twice", lambda x, n, m: gx.roll(gx.roll(gx.exp(x), 1, 0), 1, 1), weighed=True),
    Chain("stacked and tiled", lambda x, n, m: gx.tile(gx.stack([x, gx.exp(x)], 0), (1, 2, 1)), weighed=True),
    Chain("set in place, padded", lambda x, n, m: gx.pad(gx.at(x)[1:].set(0.5), ((0, 0), (1, 1)))),
    Chain("tiled, turned", lambda x, n, m: gx.exp(gx.tile(x, (2, 3)).T)),
    Chain("tiled, cut", lambda x, n, m: gx.tile(x, (2, 2))[1:], weighed=True, beside=lambda n, m: (2 * m,)),
    Chain("computed and tiled", lambda x, n, m: gx.tile(gx.exp(x), (2, 3))),
    Chain("computed, tiled, computed", lambda x, n, m: gx.sin(gx.tile(gx.exp(x), (2, 1))), beside=lambda n, m: (m,)),
    Chain("computed, tiled, turned", lambda x, n, m: gx.tanh(gx.tile(gx.exp(x), (1, 2)).T) * 2),
    Chain("computed and repeated", lambda x, n, m: gx.repeat(gx.exp(x), 2, 1), beside=lambda n, m: (n, 2 * m)),
    Chain("computed, each row twice", lambda x, n, m: gx.repeat(gx.exp(x), 2, 0) * 2),
    Chain("computed, seen five times", lambda x, n, m: gx.broadcast_to(gx.exp(x), (5, n, m))),
    Chain("diagonal", lambda x, n, m: gx.exp(gx.diagonal(gx.exp(x)))),
    Chain("sum of the diagonal", lambda x, n, m: gx.exp(gx.trace(gx.exp(x)))),
    Chain("turned, flat, summed", lambda x, n, m: gx.sum(gx.exp(x.T.reshape(m * n)))),
    Chain("reshaped, summed by rows", lambda x, n, m: gx.sum(gx.exp(x).reshape(m, n), 1)),
    Chain("reshaped, shares of rows", lambda x, n, m: gx.softmax(gx.exp(x).reshape(m, n)), weighed=True),
    Chain("turned, folded in two, shares of rows", lambda x, n, m: gx.softmax(_halves(x, n, m))),
    Chain("three times", lambda x, n, m: gx.tanh(_halves(x, n, m).T.reshape(n // 2, 2 * m)[:, ::-1])),
    Chain("turned and reshaped", lambda x, n, m: x.T.reshape(n, m), weighed=True, beside=lambda n, m: (m,)),
    Chain("turned, reshaped, turned", lambda x, n, m: gx.exp(x.T.reshape(n, m).T), weighed=True),
    Chain("turned, reshaped, summed", lambda x, n, m: gx.sum(gx.exp(x.T.reshape(n, m)), 1), weighed=True),
    Chain("turned, reshaped, shares", lambda x, n, m: gx.softmax(x.T.reshape(n, m)), weighed=True),
)


def _crossed(x: gx.Node) -> gx.Node:
    return gx.concat([x[::2], gx.exp(x[1::2])], 0)


def _halves(x: gx.Node, n: Size, m: Size) -> gx.Node:
    """[n, m] turned, and each row of it cut in two."""
    return x[: n // 2 * 2].T.reshape(2 * m, n // 2)
