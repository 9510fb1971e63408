"""How many operations a GPU makes at most: what each of its processors does in a cycle, and how fast these come."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, TypeAlias

__all__ = ["attribute", "peak"]

Attribute: TypeAlias = Callable[[str], int]  # of a device, by the name of CUDA

#: compute capability -> multiplications with an addition that a multiprocessor makes in a cycle: of float32, and by
#: tensor cores of 16 bits, added up in float32.  NVIDIA: CUDA C++ programming guide, arithmetic instructions, and the
#: white papers of the architectures
PER_CYCLE: Mapping[tuple[int, int], Mapping[str, int]] = {
    (8, 0): {"float32": 64, "bfloat16": 1024, "float16": 1024},
    (8, 6): {"float32": 128, "bfloat16": 512, "float16": 512},
    (8, 9): {"float32": 128, "bfloat16": 512, "float16": 512},
    (9, 0): {"float32": 128, "bfloat16": 2048, "float16": 2048},
}


def peak(dtype: str, asked: Attribute) -> float | None:
    """Multiplications and additions a second of a device; None where nothing is known of it."""
    capability = asked("COMPUTE_CAPABILITY_MAJOR"), asked("COMPUTE_CAPABILITY_MINOR")
    each = PER_CYCLE.get(capability, {}).get(dtype)
    if each is None:
        return None
    return 2.0 * each * asked("MULTIPROCESSOR_COUNT") * asked("CLOCK_RATE") * 1000  # of kHz


def attribute(name: str, ordinal: int = 0) -> int:
    """An attribute of a GPU that is there."""
    api: Any = import_module("cuda.bindings.driver")
    which = getattr(api.CUdevice_attribute, f"CU_DEVICE_ATTRIBUTE_{name}")
    _, device = api.cuDeviceGet(ordinal)
    status, value = api.cuDeviceGetAttribute(which, device)
    assert not int(status), (name, status)
    return int(value)
