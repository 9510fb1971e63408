"""Discrete Fourier transforms: names and arguments are those of numpy.fft.

In complex64 and complex128, and the floats that belong to them; float16, bfloat16 and integers are computed in float32.
"""

from graphc.ops.frequencies import fftfreq, fftshift, ifftshift, rfftfreq
from graphc.ops.transforms import (
    fft,
    fft2,
    fftn,
    hfft,
    ifft,
    ifft2,
    ifftn,
    ihfft,
    irfft,
    irfft2,
    irfftn,
    rfft,
    rfft2,
    rfftn,
)
from graphc.signatures import offered

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]

globals().update(offered(__name__, globals(), __all__))
