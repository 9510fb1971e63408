"""The emulation finds what is wrong with a kernel: faults are planted, and each is told."""

import numpy as np
import pytest

from graphc.backends.cuda.emulation.emulator import SCHEDULES, Emulator, FaultError
from graphc.backends.cuda.module import Entry
from graphc.backends.cuda.prelude import TYPES, pieces_text
from tests.backends.cuda.emulated import NEEDS_COMPILER

pytestmark = NEEDS_COMPILER

THREADS = 64

#: y[i] = x[63 - i], through shared memory
TURNED = """\
extern "C" __global__ void kernel_0(const float* __restrict__ x, float* y, i64 n) {
    __shared__ float held[64];
    const i64 i = threadIdx.x;
    held[i] = x[i];
    __syncthreads();
    y[i] = held[n - 1 - i];
}
"""
FOLDED = """\
extern "C" __global__ void kernel_0(const float* __restrict__ x, float* y, i64 n) {
    __shared__ float room[8];
    y[threadIdx.x] = block_fold<Sum>(x[threadIdx.x], room);
}
"""
ONCE = "y[threadIdx.x] = block_fold<Sum>(x[threadIdx.x], room);"
TWICE = """const float once = block_fold<Sum>(x[threadIdx.x], room);
    y[threadIdx.x] = block_fold<Sum>(once, room);"""
BARRIER = "    __syncthreads();\n    y[i]"
MOVED = """\
extern "C" __global__ void kernel_0(const float* __restrict__ x, float* y, i64 n) {
    const i64 i = threadIdx.x;
    if (i % 4 == 0) store_vector(&y[i], load_vector<4>(&x[i]));
}
"""
FAULTS = {
    "a vector between its places": (MOVED, "i % 4 == 0", "i % 4 == 2", "16 bytes are moved at once, not aligned"),
    "no barrier": (TURNED, BARRIER, "    y[i]", "a race: threads .* touch element .* of held"),
    "a barrier for some": (TURNED, BARRIER, "    if (i < 40) __syncthreads();\n    y[i]", "waits at|a race"),
    "another barrier for some": (
        TURNED,
        BARRIER,
        "    if (i < 40) __syncthreads();\n    else __syncthreads();\n    y[i]",
        "wait at different places",
    ),
    "behind shared memory": (TURNED, "held[n - 1 - i]", "held[n - i]", "index 64 of held, which has 64"),
    "behind the result": (TURNED, "y[i] =", "y[i + 1] =", "wrote beside piece"),
    "a part of a warp": (FOLDED, "0xffffffffu", "0xffffu", "a shuffle of a part of a warp"),
    "room that is still read": (
        FOLDED.replace(ONCE, TWICE),
        "    __syncthreads();  // what was in the room before has been read\n",
        "",
        "a race",
    ),
}


ENTRY = Entry("kernel_0", ("const float* __restrict__", "float*", "i64"), ())


def whole(kernel: str) -> str:
    return TYPES + pieces_text(["monoids", "block fold", "vectors"]) + kernel


def sources() -> dict[str, str]:
    """Kernels that are right, and such with a fault, by name."""
    found = {"turned": whole(TURNED), "moved": whole(MOVED), "folded twice": whole(FOLDED.replace(ONCE, TWICE))}
    for name, (kernel, right, wrong, _) in FAULTS.items():
        source = whole(kernel)
        assert right in source
        found[name] = source.replace(right, wrong, 1)
    found["not written"] = whole(TURNED.replace("    y[i] =", "    if (i != 5) y[i] ="))
    found["not set"] = whole(TURNED.replace("    held[i] =", "    if (i != 5) held[i] ="))
    return found


@pytest.fixture(scope="module")
def emulator() -> Emulator:
    """All of them, compiled at once."""
    made = Emulator()
    made.make([(source, [ENTRY]) for source in sources().values()])
    return made


def result(emulator: Emulator, name: str, schedule: int = 0) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    """What a kernel makes of 0, 1, 2 ..."""
    emulator.schedule = schedule
    code = emulator.code(sources()[name], [ENTRY])
    x = np.arange(THREADS, dtype=np.float32)
    given, made = emulator.allocate(x.nbytes), emulator.allocate(x.nbytes)
    emulator.upload(given.address, x)
    code.launch("kernel_0", 1, THREADS, [given.address, made.address, THREADS])
    y = np.empty_like(x)
    emulator.download(y, made.address)
    return y


@pytest.mark.parametrize("schedule", range(len(SCHEDULES)), ids=SCHEDULES)
def test_right_kernels_give_the_same_in_every_order(emulator: Emulator, schedule: int) -> None:
    np.testing.assert_array_equal(result(emulator, "turned", schedule), np.arange(THREADS)[::-1])
    np.testing.assert_array_equal(result(emulator, "moved", schedule), np.arange(THREADS))
    assert (result(emulator, "folded twice", schedule) == 2016.0 * 64).all()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(emulator: Emulator, fault: str) -> None:
    with pytest.raises(FaultError, match=FAULTS[fault][-1]):
        result(emulator, fault)


def test_what_is_not_written_is_nan(emulator: Emulator) -> None:
    assert np.flatnonzero(np.isnan(result(emulator, "not written"))).tolist() == [5]


def test_shared_memory_that_is_not_set_is_nan(emulator: Emulator) -> None:
    assert np.flatnonzero(np.isnan(result(emulator, "not set"))).tolist() == [THREADS - 1 - 5]
