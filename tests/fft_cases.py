"""Rows of the table: discrete Fourier transforms, of odd and even extents, cut and filled, in each normalisation."""

from collections.abc import Callable
from typing import Any

import numpy as np

from graphc import fft
from graphc.ir.node import Node
from graphc.ops.piecewise import abs
from graphc.ops.powers import square
from tests.case import Array, Case, between, normal, waves, with_complex

__all__ = ["FOURIER"]


def _like_numpy(name: str, *shape: int, of: str = "floats", **options: Any) -> Case:  # Any: options of several types
    """A row for the function that NumPy has under the same name and with the same options."""
    build: Callable[..., Node] = getattr(fft, name)
    reference: Callable[..., Array] = getattr(np.fft, name)
    told = ", ".join(f"{key} {value}" for key, value in options.items())
    return Case(
        f"{name} of {' by '.join(map(str, shape))} {of}{told and ', '}{told}",
        lambda x: build(x, **options),
        lambda x: reference(x, **options),
        (waves(*shape) if of == "waves" else normal(*shape),),
        terms=2 * int(np.prod(shape)),
    )


COMPLEX = (
    *(_like_numpy(name, n) for name in ("fft", "ifft") for n in (1, 2, 5, 6)),
    *(_like_numpy(name, 2, 3, norm=norm) for name in ("fft", "ifft") for norm in ("backward", "ortho", "forward")),
    _like_numpy("fft", 3, 4, 2, axis=1),
    _like_numpy("ifft", 4, 3, axis=0, n=6),
    _like_numpy("fft", 2, 5, n=3),
    _like_numpy("fft2", 2, 3, 4),
    _like_numpy("ifft2", 3, 4, s=(4, 3), axes=(1, 0), norm="ortho"),
    _like_numpy("fftn", 2, 3, 2),
    _like_numpy("fftn", 2, 3, 2, s=(4, -1), axes=(0, 2)),
    _like_numpy("ifftn", 2, 3, 2, axes=(1,), norm="forward"),
    _like_numpy("ifftn", 3, 3),
)

HALVES = (
    *(_like_numpy("rfft", n) for n in (1, 2, 5, 6)),
    *(_like_numpy("rfft", 2, 3, norm=norm) for norm in ("ortho", "forward")),
    _like_numpy("rfft", 4, 3, axis=0, n=5),
    _like_numpy("rfft", 4, 3, axis=0, n=3),
    _like_numpy("rfft2", 2, 3, 4),
    _like_numpy("rfftn", 3, 2, 3, s=(4, 2), axes=(0, 1), norm="ortho"),
    _like_numpy("ihfft", 2, 5),
    _like_numpy("ihfft", 4, norm="ortho"),
)

WHOLES = (
    *(_like_numpy("irfft", m, of=of) for of in ("floats", "waves") for m in (2, 4)),
    *(_like_numpy("irfft", m, n=n, of="waves") for m, n in ((1, 1), (3, 5), (3, 4), (2, 7), (4, 3))),
    *(_like_numpy("irfft", 2, 3, norm=norm, of="waves") for norm in ("ortho", "forward")),
    _like_numpy("irfft", 3, 2, axis=0, n=5, of="waves"),
    _like_numpy("irfft2", 2, 3, 3, of="waves"),
    _like_numpy("irfftn", 3, 2, 3, s=(4, 3), axes=(0, 1), norm="ortho", of="waves"),
    *(_like_numpy(name, 2, 3) for name in ("irfft2", "irfftn", "hfft")),
    _like_numpy("hfft", 2, 3, of="waves"),
    _like_numpy("hfft", 3, n=5, norm="ortho", of="waves"),
)

ORDERS = (
    *(_like_numpy(name, n) for name in ("fftshift", "ifftshift") for n in (1, 4, 5)),
    *(_like_numpy(name, 2, 3, 4, axes=(0, -1)) for name in ("fftshift", "ifftshift")),
    Case("fftfreq", lambda x: fft.fftfreq(6, x), lambda x: np.fft.fftfreq(6) / x, (between(1, 2),)),
    Case("rfftfreq", lambda x: fft.rfftfreq(5, x), lambda x: np.fft.rfftfreq(5) / x, (between(1, 2),)),
)

#: with derivatives that are not constant
ENERGIES = (
    Case(
        "fft, squared",
        lambda x: square(abs(fft.fft(x))),
        lambda x: np.abs(np.fft.fft(x)) ** 2,
        (normal(2, 5),),
        terms=25,
    ),
    Case(
        "rfft, squared",
        lambda x: square(abs(fft.rfft(x))),
        lambda x: np.abs(np.fft.rfft(x)) ** 2,
        (normal(2, 6),),
        terms=36,
    ),
    Case(
        "irfft, cubed",
        lambda z: fft.irfft(z, 5) ** 3,
        lambda z: np.fft.irfft(z, 5) ** 3,
        (waves(3),),
        terms=25,
    ),
    Case(
        "rfft, convolved",
        lambda x, y: fft.irfft(fft.rfft(x, 8) * fft.rfft(y, 8), 8),
        lambda x, y: np.convolve(x, y),
        (normal(5), normal(4)),
        terms=64,
    ),
)

FOURIER = (
    *with_complex(COMPLEX, {case.name for case in COMPLEX}),
    *HALVES,
    *WHOLES,
    *with_complex(ORDERS, {case.name for case in ORDERS}),
    *with_complex(ENERGIES, {"fft, squared"}),
)
