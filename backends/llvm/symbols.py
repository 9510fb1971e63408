"""Where functions of other libraries lie in this process: those of C, and the BLAS and LAPACK that SciPy carries."""

import ctypes
import sys
from collections.abc import Iterable, Mapping
from functools import cache

__all__ = ["BLAS", "LAPACK", "address_of", "blas", "c_functions", "lapack"]

BLAS, LAPACK = "blas_", "lapack_"  # before the names of their functions

# Libraries by platform, in the order they are asked; None is all that the process has loaded.
C_LIBRARIES: Mapping[str, tuple[str | None, ...]] = {
    "linux": ("libm.so.6", "libc.so.6", None),  # None alone: another C library than GNU's
    "darwin": ("libSystem.B.dylib", None),
    "win32": ("ucrtbase", "msvcrt", "kernel32"),
}


def c_functions(names: Iterable[str]) -> dict[str, int]:
    """The addresses of functions of the C library and its mathematics: malloc, fmod, pthread_create ..."""
    found = {name: _c_function(name) for name in names}
    missing = sorted(name for name, address in found.items() if not address)
    assert not missing, f"no library of C has {', '.join(missing)}"
    return found


def blas(names: Iterable[str]) -> dict[str, int]:
    """The addresses of functions of BLAS, as Fortran calls them: every argument is a pointer, integers have 32 bits."""
    from scipy.linalg import cython_blas

    capsules: Mapping[str, object] = cython_blas.__pyx_capi__
    return {name: _in_capsule(capsules[name]) for name in names}


def lapack(names: Iterable[str]) -> dict[str, int]:
    """The addresses of functions of LAPACK, called in the same way."""
    from scipy.linalg import cython_lapack

    capsules: Mapping[str, object] = cython_lapack.__pyx_capi__
    return {name: _in_capsule(capsules[name]) for name in names}


def address_of(function: object) -> int:
    """Where a function of a `ctypes` library or type begins."""
    return ctypes.cast(function, ctypes.c_void_p).value or 0  # type: ignore[arg-type]  # its types know no functions


@cache
def _c_function(name: str) -> int:
    """Its address, or 0."""
    for library in _c_libraries():
        function = getattr(library, name, None)
        if function is not None:
            return address_of(function)
    return 0


@cache
def _c_libraries() -> tuple[ctypes.CDLL, ...]:
    libraries = []
    for name in C_LIBRARIES.get(sys.platform, (None,)):
        try:
            libraries.append(ctypes.CDLL(name))
        except OSError:  # a system of the same name with other libraries
            continue
    return tuple(libraries)


def _in_capsule(capsule: object) -> int:
    """The pointer that an object of Cython holds."""
    python = ctypes.pythonapi
    name_of = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(("PyCapsule_GetName", python))
    pointer_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(("PyCapsule_GetPointer", python))
    return int(pointer_of(capsule, name_of(capsule)))
