"""Folds and running combinations over the threads of a warp and of a block, in CUDA C++.

Every fold has a fixed order: that of the lanes, then that of the warps.
"""

from collections.abc import Mapping

from graphc.kernel.monoids import Monoid

__all__ = ["FOLDS", "REDUCTIONS"]

#: what a fold over threads is called
FOLDS: Mapping[Monoid, str] = {
    Monoid.SUM: "Sum",
    Monoid.PROD: "Product",
    Monoid.MAX: "Max",
    Monoid.MIN: "Min",
    Monoid.ANY: "Any",
    Monoid.ALL: "All",
    Monoid.ARGMAX: "First<Greater>",
    Monoid.ARGMIN: "First<Less>",
}

_MONOIDS = """\
struct Sum { template <class T> static __device__ T of(T x, T y) { return plus(x, y); } };
struct Product { template <class T> static __device__ T of(T x, T y) { return times(x, y); } };
struct Max { template <class T> static __device__ T of(T x, T y) { return maximum(x, y); } };
struct Min { template <class T> static __device__ T of(T x, T y) { return minimum(x, y); } };
struct Any { static __device__ bool of(bool x, bool y) { return x || y; } };
struct All { static __device__ bool of(bool x, bool y) { return x && y; } };
"""

_BEST = """\
// The best value and its place: nan comes first, then the lower place.
template <class T> struct Best { T value; i64 place; };
struct Greater { template <class T> static __device__ bool holds(T x, T y) { return x > y; } };
struct Less { template <class T> static __device__ bool holds(T x, T y) { return x < y; } };
template <class Better> struct First {
    template <class T> static __device__ bool is_better(T x, T y) {
        return Better::holds(x, y) || (x != x && y == y);
    }
    template <class T> static __device__ Best<T> of(Best<T> x, Best<T> y) {
        if (is_better(x.value, y.value)) return x;
        if (is_better(y.value, x.value)) return y;
        return x.place <= y.place ? x : y;
    }
};
template <class T> __device__ Best<T> shuffle_xor(Best<T> x, int distance) {
    return {shuffle_xor(x.value, distance), shuffle_xor(x.place, distance)};
}
"""

_SHUFFLES = """\
const unsigned WHOLE_WARP = 0xffffffffu;
template <class T> __device__ T shuffle_xor(T x, int distance) { return __shfl_xor_sync(WHOLE_WARP, x, distance); }
template <class T> __device__ T shuffle_up(T x, int distance) { return __shfl_up_sync(WHOLE_WARP, x, distance); }
template <class T> __device__ T shuffle_from(T x, int lane) { return __shfl_sync(WHOLE_WARP, x, lane); }
#define SHUFFLE_AS_INT(T) \\
    template <> __device__ inline T shuffle_xor(T x, int distance) { return T(shuffle_xor(int(x), distance)); } \\
    template <> __device__ inline T shuffle_up(T x, int distance) { return T(shuffle_up(int(x), distance)); } \\
    template <> __device__ inline T shuffle_from(T x, int lane) { return T(shuffle_from(int(x), lane)); }
SHUFFLE_AS_INT(bool)
SHUFFLE_AS_INT(i8)
SHUFFLE_AS_INT(i16)
SHUFFLE_AS_INT(u8)
SHUFFLE_AS_INT(u16)
"""

_COMPLEX_SHUFFLES = """\
template <class T> __device__ complex<T> shuffle_xor(complex<T> x, int distance) {
    return {shuffle_xor(x.x, distance), shuffle_xor(x.y, distance)};
}
template <class T> __device__ complex<T> shuffle_up(complex<T> x, int distance) {
    return {shuffle_up(x.x, distance), shuffle_up(x.y, distance)};
}
template <class T> __device__ complex<T> shuffle_from(complex<T> x, int lane) {
    return {shuffle_from(x.x, lane), shuffle_from(x.y, lane)};
}
"""

_WARP_FOLD = """\
// All lanes get the combination of the values of all.
template <class Fold, class T> __device__ T warp_fold(T x) {
    const int lane = threadIdx.x % 32;
    for (int distance = 1; distance < 32; distance *= 2) {
        const T other = shuffle_xor(x, distance);
        x = lane & distance ? Fold::of(other, x) : Fold::of(x, other);
    }
    return x;
}
"""

_BLOCK_FOLD = """\
// The same for all threads of a block; `room` has an element for each warp.
template <class Fold, class T, class Room> __device__ T block_fold(T x, Room& room) {
    x = warp_fold<Fold>(x);
    __syncthreads();  // what was in the room before has been read
    if (threadIdx.x % 32 == 0) room[threadIdx.x / 32] = x;
    __syncthreads();
    x = room[0];
    for (unsigned warp = 1; warp < blockDim.x / 32; ++warp) x = Fold::of(x, T(room[warp]));
    return x;
}
"""

_WARP_SCAN = """\
// Each lane gets the combination of the values up to its own, after `carry`, which becomes the combination of all.
template <class Fold, class T> __device__ T scan_of_lanes(T x) {
    const int lane = threadIdx.x % 32;
    for (int distance = 1; distance < 32; distance *= 2) {
        const T other = shuffle_up(x, distance);
        if (lane >= distance) x = Fold::of(other, x);
    }
    return x;
}
template <class Fold, class T> __device__ T warp_scan(T x, T& carry) {
    x = Fold::of(carry, scan_of_lanes<Fold>(x));
    carry = shuffle_from(x, 31);
    return x;
}
"""

_BLOCK_SCAN = """\
// The same for all threads of a block; `room` has an element for each warp.
template <class Fold, class T, class Room> __device__ T block_scan(T x, T& carry, Room& room) {
    x = scan_of_lanes<Fold>(x);
    __syncthreads();  // what was in the room before has been read
    if (threadIdx.x % 32 == 31) room[threadIdx.x / 32] = x;
    __syncthreads();
    T before = carry;
    for (unsigned warp = 0; warp < blockDim.x / 32; ++warp) {
        if (warp == threadIdx.x / 32) before = carry;
        carry = Fold::of(carry, T(room[warp]));
    }
    return Fold::of(before, x);
}
"""

REDUCTIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "monoids": (_MONOIDS, ("wrapping", "extremes")),
    "shuffles": (_SHUFFLES, ()),
    "complex shuffles": (_COMPLEX_SHUFFLES, ("complex", "shuffles")),
    "best": (_BEST, ("shuffles",)),
    "warp fold": (_WARP_FOLD, ("shuffles",)),
    "block fold": (_BLOCK_FOLD, ("warp fold",)),
    "warp scan": (_WARP_SCAN, ("shuffles",)),
    "block scan": (_BLOCK_SCAN, ("warp scan",)),
}
