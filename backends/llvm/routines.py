"""The routines of the closed set, each as a function that is written for a step."""

from collections.abc import Mapping

from graphc.backends.llvm.exponential import expm
from graphc.backends.llvm.factorisations import cholesky, complement, lu, qr, triangular_solve
from graphc.backends.llvm.fourier import fft, irfft, rfft
from graphc.backends.llvm.native_routine import Write
from graphc.backends.llvm.sorting import sort
from graphc.backends.llvm.spectra import eig, eigh, svd

__all__ = ["ROUTINES"]

ROUTINES: Mapping[str, Write] = {
    "sort": sort,
    "cholesky": cholesky,
    "triangular_solve": triangular_solve,
    "lu": lu,
    "qr": qr,
    "complement": complement,
    "eigh": eigh,
    "eig": eig,
    "svd": svd,
    "expm": expm,
    "fft": fft,
    "rfft": rfft,
    "irfft": irfft,
}
