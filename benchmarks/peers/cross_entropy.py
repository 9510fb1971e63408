"""Softmax cross-entropy of integer labels, and its gradient."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

import graphc as gx

__all__ = ["ByHand", "compiled"]

Array: TypeAlias = npt.NDArray[Any]


def compiled(batch: int | str, classes: int) -> gx.CompiledFunction:
    """z [batch, classes], labels [batch]   ->   loss, d loss / d z [batch, classes]"""
    z = gx.input("z", (batch, classes))
    labels = gx.input("labels", (batch,), "int64")
    picked = gx.take_along_axis(z, gx.expand_dims(labels, 1), 1)[:, 0]
    loss = gx.mean(gx.logsumexp(z, 1) - picked)
    return gx.compile([z, labels], [loss, gx.grad(loss, z)], backend="numpy")


class ByHand:
    """Everything in place, labels as indices, `rows_at_once` rows at a time (all of them for None)."""

    def __init__(self, batch: int, classes: int, dtype: str = "float32", rows_at_once: int | None = None) -> None:
        self.rows = np.arange(batch)
        self.top, self.total = np.empty((batch, 1), dtype), np.empty((batch, 1), dtype)
        self.picked = np.empty(batch, dtype)
        self.step = rows_at_once or batch

    def run(self, z: Array, labels: Array, back: Array) -> Array:
        """The loss; its gradient goes to `back`."""
        n = len(z)
        for first in range(0, n, self.step):
            part = slice(first, first + self.step)
            self._rows(z[part], labels[part], back[part], part, n)
        loss: Array = np.add.reduce(np.log(self.total[:, 0]) - self.picked) / n
        return loss

    def _rows(self, z: Array, labels: Array, back: Array, part: slice, n: int) -> None:
        top, total, rows = self.top[part], self.total[part], self.rows[: len(z)]
        np.maximum.reduce(z, axis=1, keepdims=True, out=top)
        np.subtract(z, top, out=back)
        self.picked[part] = back[rows, labels]
        np.exp(back, out=back)
        np.add.reduce(back, axis=1, keepdims=True, out=total)
        np.multiply(back, 1 / (total * n), out=back)
        back[rows, labels] -= 1 / n
