"""Functions on a device that is emulated, and arrays of others there."""

from collections.abc import Sequence
from typing import Any

import numpy as np

import graphc as gx
from graphc.backends.cuda.emulation.emulator import Emulator
from tests.backends.cuda.emulated import made_at_once
from tests.case import Array

__all__ = ["Foreign", "Model", "Trained", "aligned", "on_device"]


class Foreign:
    """An array of another library on the device: all that is known of it is DLPack."""

    def __init__(self, array: Array) -> None:
        self.array = array

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0

    def __dlpack__(self, **given: object) -> object:
        return self.array.__dlpack__()


def aligned(array: Array) -> Array:
    """The same where vectors of 16 bytes may begin."""
    room = np.empty(array.nbytes + 64, np.uint8)
    start = -room.ctypes.data % 64
    found = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    found[...] = array
    return found


def on_device(
    inputs: Any, outputs: Any, updates: Any = None, emulator: Emulator | None = None
) -> tuple[gx.CompiledFunction, Emulator]:
    """A function that an emulated device runs in an arena."""
    device = emulator or Emulator(apart=False)
    plain = gx.compile(inputs, outputs, updates=updates, backend="numpy")
    return made_at_once([plain], device)[0], device


class Model:
    """Two layers, and what trains them."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.x, self.t = gx.input("x", ("batch", 12)), gx.input("t", ("batch",), "int64")
        self.w = gx.param("w", rng.standard_normal((12, 20)).astype(np.float32) * 0.3)
        self.v = gx.param("v", rng.standard_normal((20, 5)).astype(np.float32) * 0.3)
        self.y = gx.tanh(self.x @ self.w) @ self.v
        self.loss = gx.mean(gx.square(gx.logsumexp(self.y, 1) - gx.astype(self.t, "float32")))
        self.updates = gx.optim.Adam([self.w, self.v], 0.01)(gx.grad(self.loss, [self.w, self.v]))

    def batches(self, sizes: Sequence[int]) -> list[tuple[Array, Array]]:
        rng = np.random.default_rng(1)
        return [(rng.standard_normal((n, 12)).astype(np.float32), rng.integers(0, 5, n)) for n in sizes]


class Trained:
    """A model, what trains it on a device, what looks at it there, and what it was at first."""

    def __init__(self) -> None:
        self.model, self.emulator = Model(), Emulator(apart=False)
        plain = [
            gx.compile([self.model.x, self.model.t], self.model.loss, updates=self.model.updates, backend="numpy"),
            gx.compile([self.model.x], self.model.y, backend="numpy"),
        ]
        self.plain = plain[0]
        self.step, self.looks = made_at_once(plain, self.emulator)
        self.start = {variable: variable.value for variable in self.step.variables}

    def reset(self) -> None:
        """Let all be as at first."""
        for variable, value in self.start.items():
            variable.value = value
        self.step.release()
        self.looks.release()
        self.emulator.recorded.clear()

    def expected(self, batches: Sequence[tuple[Array, Array]]) -> tuple[list[Any], list[Array]]:
        """The losses and last values that NumPy finds.  Variables are then what they were at first."""
        losses, after = (
            [self.plain(*batch) for batch in batches],
            [variable.value for variable in self.step.variables],
        )
        self.reset()
        return losses, after
