"""The emulation finds what is wrong with a kernel: faults are planted, and each is told."""

import numpy as np
import pytest

from graphc.backends.cuda.device import Extents
from graphc.backends.cuda.emulation.emulator import SCHEDULES, Emulator, FaultError
from graphc.backends.cuda.module import Entry
from graphc.backends.cuda.prelude import TYPES, pieces_text
from tests.backends.cuda.emulated import NEEDS_COMPILER
from tests.case import Array

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
COPIED = """\
extern "C" __global__ void kernel_0(const float* __restrict__ x, float* y, i64 n) {
    const i64 i = threadIdx.x;
    y[i] = x[i];
}
"""
#: x turned around, through the result itself
HANDED = """\
extern "C" __global__ void kernel_0(const float* __restrict__ x, float* y, i64 n) {
    const i64 i = threadIdx.x;
    y[i] = x[i];
    __syncthreads();  // one
    const float other = y[n - 1 - i];
    __syncthreads();  // two
    y[i] = other;
}
"""
#: x with neighbours exchanged
IN_WARPS = HANDED.replace("__syncthreads", "__syncwarp").replace("n - 1 - i", "i ^ 1")
BY_BLOCKS = """\
extern "C" __global__ void kernel_0(const float* __restrict__ x, float* y, i64 n) {
    const i64 i = i64(blockIdx.x) * blockDim.x + threadIdx.x;
    y[i] = x[i];
}
"""
FAULTS = {
    "a vector between its places": (
        MOVED,
        "i % 4 == 0",
        "i % 4 == 2",
        "16 bytes are moved at once, not aligned, by thread 2 of block 0 at index 2 of x",
    ),
    "a vector between the places of the result": (
        MOVED,
        "&y[i]",
        "&y[i + 1]",
        "16 bytes are moved at once, not aligned, by thread 0 of block 0 at index 1 of y",
    ),
    "no barrier": (TURNED, BARRIER, "    y[i]", "a race: threads .* touch element .* of held"),
    "a barrier for some": (TURNED, BARRIER, "    if (i < 40) __syncthreads();\n    y[i]", "waits at|a race"),
    "another barrier for some": (
        TURNED,
        BARRIER,
        "    if (i < 40) __syncthreads();\n    else __syncthreads();\n    y[i]",
        "wait at different places",
    ),
    "behind shared memory": (TURNED, "held[n - 1 - i]", "held[n - i]", "index 64 of held, which has 64"),
    "behind the result": (
        TURNED,
        "y[i] =",
        "y[i + 1] =",
        "thread 63 of block 0 writes 4 bytes at index 64 of y, which has",
    ),
    "far behind the result": (COPIED, "y[i] =", "y[i + 1024] =", "writes 4 bytes at index 1024 of y, which has 64"),
    "far before the result": (
        COPIED,
        "y[i] =",
        "y[i - 100000] =",
        "writes 4 bytes at index -100000 of y, which has 64",
    ),
    "behind what is read": (
        COPIED,
        "= x[i]",
        "= x[i + 1]",
        "thread 63 of block 0 reads 4 bytes at index 64 of x, which",
    ),
    "before what is read": (
        COPIED,
        "= x[i]",
        "= x[i - 1]",
        "thread 0 of block 0 reads 4 bytes at index -1 of x, which",
    ),
    "far behind what is read": (COPIED, "= x[i]", "= x[i << 20]", "reads 4 bytes at index 1048576 of x, which has 64"),
    "behind what is read, by a number that is not used": (
        COPIED,
        "y[i] = x[i]",
        "const float next = x[i + 1];\n    y[i] = i + 1 < n ? next : 0.0f",
        "thread 63 of block 0 reads 4 bytes at index 64 of x",
    ),
    "behind what is read, by a number that is compared": (
        COPIED,
        "y[i] = x[i]",
        "y[i] = x[i + 1] > x[i] ? x[i] : 0.0f",
        "thread 63 of block 0 reads 4 bytes at index 64 of x",
    ),
    "behind an array in registers": (
        COPIED,
        "y[i] = x[i];",
        "float own[4] = {x[i]};\n    for (int e = 0; e <= 4; ++e) y[i] = own[e];",
        "index 4 of 'float .4.' in registers, line",
    ),
    "a vector behind what is read": (
        MOVED,
        "&x[i]",
        "&x[i + 4]",
        "thread 60 of block 0 reads 16 bytes at index 64 of x",
    ),
    "a vector behind the result": (
        MOVED,
        "&y[i]",
        "&y[i + 4]",
        "thread 60 of block 0 writes 16 bytes at index 64 of y",
    ),
    "a place that all write": (
        COPIED,
        "y[i] = x[i];",
        "y[i] = x[i];\n    y[0] = 7;",
        "a race: threads 0 and 1 touch element 0 of y with no barrier between them, and the second writes",
    ),
    "a result that is read too early": (
        HANDED,
        "    __syncthreads();  // one\n",
        "",
        "a race: .* element .* of y with",
    ),
    "a result that is still read": (
        HANDED,
        "    __syncthreads();  // two\n",
        "",
        "a race: threads .* touch element .* of y with no barrier",
    ),
    "a neighbour that is read too early": (
        IN_WARPS,
        "    __syncwarp();  // one\n",
        "",
        "a race: threads 0 and 1 touch",
    ),
    "a neighbour that is still read": (IN_WARPS, "    __syncwarp();  // two\n", "", "a race: threads . and 1 touch"),
    "another warp, and a barrier of warps": (IN_WARPS, "i ^ 1", "i ^ 32", "a race: threads .* and .* touch element"),
    "a vector that another thread reads": (
        MOVED,
        "if (i % 4 == 0)",
        "if (i == 6) y[i] = y[i] + 1;\n    if (i % 4 == 0)",
        "a race: threads .* and .* touch element 6 of y",
    ),
    "a place that two blocks write": (
        BY_BLOCKS,
        "y[i] =",
        "y[threadIdx.x] =",
        "a race: blocks 0 and 1 touch element 0 of y, and the first writes",
    ),
    "a place that another block has written": (
        BY_BLOCKS,
        "= x[i]",
        "= blockIdx.x ? y[i - 32] : x[i]",
        "a race: blocks 0 and 1 touch element 0 of y, and the first writes",
    ),
    "a place that another block has read": (
        BY_BLOCKS,
        "= x[i]",
        "= blockIdx.x ? x[i] : y[i + 32]",
        "a race: blocks 0 and 1 touch element 32 of y, and the second writes",
    ),
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
    right = {"turned": TURNED, "moved": MOVED, "folded twice": FOLDED.replace(ONCE, TWICE)}
    right |= {"copied": COPIED, "handed": HANDED, "in warps": IN_WARPS, "by blocks": BY_BLOCKS}
    found = {name: whole(kernel) for name, kernel in right.items()}
    for name, (kernel, part, wrong, _) in FAULTS.items():
        source = whole(kernel)
        assert part in source, name
        found[name] = source.replace(part, wrong, 1)
    found["not written"] = whole(TURNED.replace("    y[i] =", "    if (i != 5) y[i] ="))
    found["not set"] = whole(TURNED.replace("    held[i] =", "    if (i != 5) held[i] ="))
    return found


@pytest.fixture(scope="module")
def emulator() -> Emulator:
    """All of them, compiled at once."""
    made = Emulator()
    made.make([(source, [ENTRY]) for source in sources().values()])
    return made


def result(emulator: Emulator, name: str, schedule: int = 0, extents: Extents | None = None) -> Array:
    """What a kernel makes of 0, 1, 2 ..., in two blocks if it asks which one it is in."""
    emulator.schedule = schedule
    source = sources()[name]
    code, blocks = emulator.code(source, [ENTRY]), 2 if "blockIdx" in source else 1
    x = np.arange(THREADS, dtype=np.float32)
    given, made = emulator.allocate(x.nbytes), emulator.allocate(x.nbytes)
    emulator.upload(given.address, x)
    code.launch("kernel_0", blocks, THREADS // blocks, [given.address, made.address, THREADS], extents)
    y = np.empty_like(x)
    emulator.download(y, made.address)
    return y


@pytest.mark.parametrize("schedule", range(len(SCHEDULES)), ids=SCHEDULES)
def test_right_kernels_give_the_same_in_every_order(emulator: Emulator, schedule: int) -> None:
    np.testing.assert_array_equal(result(emulator, "turned", schedule), np.arange(THREADS)[::-1])
    np.testing.assert_array_equal(result(emulator, "handed", schedule), np.arange(THREADS)[::-1])
    np.testing.assert_array_equal(result(emulator, "in warps", schedule), np.arange(THREADS) ^ 1)
    for name in ("moved", "copied", "by blocks"):
        np.testing.assert_array_equal(result(emulator, name, schedule), np.arange(THREADS))
    assert (result(emulator, "folded twice", schedule) == 2016.0 * 64).all()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(emulator: Emulator, fault: str) -> None:
    with pytest.raises(FaultError, match=FAULTS[fault][-1]):
        result(emulator, fault)


def test_what_is_not_written_is_nan(emulator: Emulator) -> None:
    assert np.flatnonzero(np.isnan(result(emulator, "not written"))).tolist() == [5]


def test_shared_memory_that_is_not_set_is_nan(emulator: Emulator) -> None:
    assert np.flatnonzero(np.isnan(result(emulator, "not set"))).tolist() == [THREADS - 1 - 5]


def test_an_array_may_be_a_part_of_what_lies_there(emulator: Emulator) -> None:
    with pytest.raises(FaultError, match="thread 60 of block 0 reads 16 bytes at index 60 of x, which has 62"):
        result(emulator, "moved", extents=lambda: [248, 256, None])
    with pytest.raises(FaultError, match="thread 63 of block 0 writes 4 bytes at index 63 of y, which has 63"):
        result(emulator, "copied", extents=lambda: [256, 252, None])


def test_what_shares_memory_is_one_array(emulator: Emulator) -> None:
    emulator.schedule = 0
    x = np.arange(THREADS, dtype=np.float32)
    memory = emulator.allocate(x.nbytes)
    emulator.upload(memory.address, x)
    arguments = [memory.address, memory.address, THREADS]
    emulator.code(sources()["copied"], [ENTRY]).launch("kernel_0", 1, THREADS, arguments)
    with pytest.raises(FaultError, match="a race: threads 0 and 1 touch element 1 of x and y"):
        emulator.code(sources()["behind what is read"], [ENTRY]).launch("kernel_0", 1, THREADS, arguments)


def test_what_lies_in_an_array_is_told_by_its_members(emulator: Emulator) -> None:
    kernel = """
template <class T> __attribute__((noinline)) T same(T z) { return z; }
extern "C" __global__ void kernel_0(const c64* __restrict__ x, c64* y, i64 n) {
    y[threadIdx.x] = same(x[threadIdx.x + 1]);
}
"""
    source, types = TYPES + pieces_text(["complex"]) + kernel, ("const c64* __restrict__", "c64*", "i64")
    x, y = emulator.allocate(THREADS * 8), emulator.allocate(THREADS * 8)
    code = emulator.code(source, [Entry("kernel_0", types, ())])
    emulator.schedule = 0
    with pytest.raises(FaultError, match="thread 63 of block 0 reads 4 bytes at index 64 of x, which has 64"):
        code.launch("kernel_0", 1, THREADS, [x.address, y.address, THREADS])
    with pytest.raises(FaultError, match="a race: threads 0 and 1 touch element 1 of x and y"):
        code.launch("kernel_0", 1, THREADS, [x.address, x.address, THREADS])
