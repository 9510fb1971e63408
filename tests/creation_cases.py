"""Rows of the table: arrays of one value, numbers in steps, grids, padding, stacking."""

from collections.abc import Callable

import numpy as np

from graphc.ir.node import Node
from graphc.ops import filling, grids, movement, stacking
from graphc.ops.padding import PadMode, pad
from graphc.ops.repetition import repeat
from tests.case import Array, Case, between, normal

__all__ = ["CREATION", "PADDING", "STACKING"]

Widths = list[tuple[int, int]]


def _made(name: str, build: Callable[[], Node], reference: Callable[[], Array]) -> Case:
    """A row for a function of sizes alone: it is multiplied, so that it has an operand to be compiled with."""
    return Case(name, lambda x: build() * x, lambda x: reference() * x, (normal(),), order=1)


CREATION = (
    _made("arange", lambda: grids.arange(3, 20, 4), lambda: np.arange(3, 20, 4)),
    _made("arange downwards", lambda: grids.arange(9, -2, -3), lambda: np.arange(9, -2, -3)),
    _made("arange of floats", lambda: grids.arange(1, 0, -0.3, dtype="float64"), lambda: np.arange(1, 0, -0.3)),
    _made("arange of nothing", lambda: grids.arange(3, 3), lambda: np.arange(3, 3)),
    _made("eye", lambda: filling.eye(3, 4, 1, "float64"), lambda: np.eye(3, 4, 1)),
    _made("tri", lambda: filling.tri(3, 5, 1, "float64"), lambda: np.tri(3, 5, 1)),
    _made("ones", lambda: filling.ones((2, 3), "float64"), lambda: np.ones((2, 3))),
    _made("indices", lambda: grids.indices((2, 3)), lambda: np.indices((2, 3))),
    Case("full", lambda x: filling.full((2, *x.shape), x), lambda x: np.stack([x, x]), (normal(3),)),
    Case("full_like", lambda x: x * filling.full_like(x, 2.5), lambda x: 2.5 * x, (normal(3, 2),)),
    Case("zeros_like", lambda x: filling.zeros_like(x), np.zeros_like, (normal(3, 2),), order=0),
    Case("ones_like", lambda x: filling.ones_like(x), np.ones_like, (normal(3, 2),), order=0),
    Case(
        "linspace",
        lambda x, y: grids.linspace(x, y, 5),
        lambda x, y: np.linspace(x, y, 5),
        (normal(3), normal(3)),
    ),
    Case(
        "linspace without its end",
        lambda x, y: grids.linspace(x, y, 4, endpoint=False, axis=-1),
        lambda x, y: np.linspace(x, y, 4, endpoint=False, axis=-1),
        (normal(3), normal(3)),
    ),
    Case("linspace of one", lambda x: grids.linspace(x, 7, 1), lambda x: np.linspace(x, 7, 1), (normal(2),)),
    Case(
        "logspace",
        lambda x: grids.logspace(x, 1, 4, base=2),
        lambda x: np.logspace(x, 1, 4, base=2),
        (normal(2),),
    ),
    Case(
        "geomspace",
        lambda x, y: grids.geomspace(x, y, 5),
        lambda x, y: np.geomspace(x, y, 5),
        (between(-2, -1, 3), between(-9, -3, 3)),
    ),
    Case("meshgrid", grids.meshgrid, lambda *xs: tuple(np.meshgrid(*xs)), (normal(2), normal(3), normal(4))),
    Case(
        "meshgrid, ij",
        lambda *xs: grids.meshgrid(*xs, indexing="ij"),
        lambda *xs: tuple(np.meshgrid(*xs, indexing="ij")),
        (normal(2), normal(3)),
    ),
)


def _padded(mode: PadMode, widths: Widths, name: str) -> Case:
    return Case(
        f"pad, {mode}{name}",
        lambda x: pad(x, widths, mode=mode),
        lambda x: np.pad(x, widths, mode=mode),
        (normal(3, 4),),
    )


PADDING = tuple(
    case
    for mode in ("edge", "reflect", "symmetric", "wrap")
    for case in (_padded(mode, [(1, 2), (0, 3)], ""), _padded(mode, [(7, 0), (5, 9)], " several times"))
)

STACKING = (
    Case("atleast_1d", stacking.atleast_1d, np.atleast_1d, (normal(),)),
    Case("atleast_2d", stacking.atleast_2d, np.atleast_2d, (normal(3),)),
    Case("atleast_3d", stacking.atleast_3d, np.atleast_3d, (normal(3, 2),)),
    Case("hstack", lambda x, y: stacking.hstack((x, y)), lambda x, y: np.hstack((x, y)), (normal(2, 3), normal(2, 1))),
    Case(
        "hstack of rows", lambda x, y: stacking.hstack((x, y)), lambda x, y: np.hstack((x, y)), (normal(3), normal(2))
    ),
    Case("vstack", lambda x, y: stacking.vstack((x, y)), lambda x, y: np.vstack((x, y)), (normal(3), normal(2, 3))),
    Case("dstack", lambda x, y: stacking.dstack((x, y)), lambda x, y: np.dstack((x, y)), (normal(3), normal(3))),
    Case(
        "array_split",
        lambda x: stacking.array_split(x, 3),
        lambda x: tuple(np.array_split(x, 3)),
        (normal(7, 2),),
        symbolic=False,
    ),
    Case(
        "tile by axis",
        lambda x: movement.tile(x, (2, 1, 3)),
        lambda x: np.tile(x, (2, 1, 3)),
        (normal(2, 3),),
    ),
    Case("repeat of all", lambda x: repeat(x, 2), lambda x: np.repeat(x, 2), (normal(2, 3),)),
    Case("roll of all", lambda x: movement.roll(x, 4), lambda x: np.roll(x, 4), (normal(2, 3),)),
    Case(
        "roll of two axes",
        lambda x: movement.roll(x, (1, -1), (0, 1)),
        lambda x: np.roll(x, (1, -1), (0, 1)),
        (normal(2, 3),),
    ),
    *(
        Case(f"rot90, {k}", lambda x, k=k: movement.rot90(x, k), lambda x, k=k: np.rot90(x, k), (normal(2, 3),))
        for k in (1, 2, -1)
    ),
)
