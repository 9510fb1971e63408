// What kernels need of CUDA, on a CPU.  The compiler tells the runtime of each of their loads and stores.
#pragma once

#include <math.h>  // of C++: with functions of float
#include <cstddef>
#include <cstring>

#define __global__
#define __device__
#define __constant__ static const
#define __launch_bounds__(threads, blocks)

static inline float __int_as_float(int x) { float y; memcpy(&y, &x, 4); return y; }
static inline float __uint_as_float(unsigned x) { float y; memcpy(&y, &x, 4); return y; }

namespace emulated {

struct Index { unsigned x; };

// The same for a thread from its beginning to its end.
[[gnu::const]] Index thread_index();
[[gnu::const]] Index block_index();
[[gnu::const]] Index block_extent();
[[gnu::const]] Index grid_extent();

// What a kernel was given.
long long argument(size_t number);

// The present thread gives up for all.
[[noreturn, gnu::format(printf, 1, 2)]] void fail(const char* format, ...);

void block_barrier(int line);
void warp_barrier(int line);
void exchange(void* value, size_t bytes, unsigned mask, unsigned from_lane, int line);

template <class T> T exchanged(T value, unsigned mask, unsigned from_lane, int line) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "shuffles move 4 or 8 bytes");
    exchange(&value, sizeof value, mask, from_lane, line);
    return value;
}

// So many bytes at once, from or to a place that is a multiple of them.
void load(void* to, const void* from, size_t bytes);
void store(void* to, const void* from, size_t bytes);

// Shared memory of the present block.
void* shared(const char* name, size_t count, size_t element);
void require_index(long long at, size_t extent, const char* name);

template <class T, size_t... extents> struct View;
template <class T, size_t extent> struct View<T, extent> {
    const char* name;
    T* values;
    T& operator[](long long at) const {
        require_index(at, extent, name);
        return values[at];
    }
    T* part(long long at, long long count) const {
        require_index(at + count - 1, extent, name);
        return &(*this)[at];
    }
};
template <class T, size_t extent, size_t... others> struct View<T, extent, others...> {
    const char* name;
    T* values;
    View<T, others...> operator[](long long at) const {
        require_index(at, extent, name);
        return {name, values + at * (others * ... * 1)};
    }
};

// The compiler does not tell of a structure that is loaded or stored as a whole.
template <class T> constexpr size_t bytes_of_element() {
    static_assert(!__is_class(T) || !__is_trivially_copyable(T), "its members are copied one by one");
    return sizeof(T);
}

template <class T, size_t... extents> View<T, extents...> shared_array(const char* name) {
    return {name, static_cast<T*>(shared(name, (extents * ... * 1), bytes_of_element<T>()))};
}

// An array that a kernel is given, the elements of which threads may write one by one.
struct Array {
    const char* name;
    const void* start;
    size_t bytes, element;
};

// Runs a kernel.  What went wrong; "" for nothing.
const char* run(void (*kernel)(), const long long* arguments, const Array* arrays, size_t count,
                unsigned blocks, unsigned threads, unsigned schedule);

}  // namespace emulated

#define threadIdx emulated::thread_index()
#define blockIdx emulated::block_index()
#define blockDim emulated::block_extent()
#define gridDim emulated::grid_extent()
#define __syncthreads() emulated::block_barrier(__LINE__)
#define __syncwarp() emulated::warp_barrier(__LINE__)
#define __shfl_sync(mask, x, lane) emulated::exchanged(x, mask, lane, __LINE__)
#define __shfl_xor_sync(mask, x, distance) emulated::exchanged(x, mask, (threadIdx.x % 32) ^ (distance), __LINE__)
#define __shfl_up_sync(mask, x, distance) \
    emulated::exchanged(x, mask, threadIdx.x % 32 < unsigned(distance) ? threadIdx.x % 32 : threadIdx.x % 32 - (distance), __LINE__)
