"""The C++ that every launcher begins with: arrays in .npy files, memory on the device, launches."""

__all__ = ["OPENING", "PRINTING"]

OPENING = """\
#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#ifndef MOST_RECORDED
#define MOST_RECORDED 16384  // launches and copies of one CUDA graph
#endif
#ifndef LAUNCH
#define LAUNCH(kernel, blocks, threads, ...) kernel<<<unsigned(blocks), unsigned(threads), 0, stream>>>(__VA_ARGS__)
#endif

namespace program {

[[noreturn]] inline void fail(const std::string& problem) {
    std::fprintf(stderr, "%s\\n", problem.c_str());
    std::exit(1);
}

inline void require(cudaError_t status, const char* what) {
    if (status != cudaSuccess) fail(std::string(what) + ": " + cudaGetErrorString(status));
}

static cudaStream_t stream;  // that all is done in, in order
static i64 recorded = -1;    // launches and copies of the recording; -1 outside of one

// What follows is not done, but becomes a CUDA graph.
inline void record() {
    require(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), "cudaStreamBeginCapture");
    recorded = 0;
}

// Do all that was recorded, as one launch.
inline void replay() {
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t made = nullptr;
    require(cudaStreamEndCapture(stream, &graph), "cudaStreamEndCapture");
    require(cudaGraphInstantiate(&made, graph, 0), "cudaGraphInstantiate");
    require(cudaGraphLaunch(made, stream), "cudaGraphLaunch");
    require(cudaStreamSynchronize(stream), "the kernels");
    require(cudaGraphExecDestroy(made), "cudaGraphExecDestroy");
    require(cudaGraphDestroy(graph), "cudaGraphDestroy");
    recorded = -1;
}

// Count what was done: a graph of many launches takes much memory, so it is parted.
inline void counted() {
    if (recorded < 0 || ++recorded < MOST_RECORDED) return;
    replay();
    record();
}

inline i64 floormod(i64 x, i64 y) {
    if (y == 0) fail("a size is divided by 0");
    return (x % y + y) % y;
}
inline i64 floordiv(i64 x, i64 y) { return (x - floormod(x, y)) / y; }
inline i64 least(i64 x, i64 y) { return x < y ? x : y; }
inline i64 greatest(i64 x, i64 y) { return x > y ? x : y; }

// A kernel that fails is told by its name.
template <class T> struct Same { typedef T type; };
template <class... P>
inline void launch(const char* name, void (*kernel)(P...), i64 blocks, int threads, typename Same<P>::type... given) {
    if (blocks == 0) return;
    LAUNCH(kernel, blocks, threads, given...);
    require(cudaGetLastError(), name);
    counted();
}

template <class T> inline T* allocated(i64 count) {
    void* memory = nullptr;
    require(cudaMalloc(&memory, count ? size_t(count) * sizeof(T) : 1), "cudaMalloc");
    return static_cast<T*>(memory);
}

inline void copied(void* to, const void* of, i64 bytes, cudaMemcpyKind kind) {
    if (bytes) require(cudaMemcpyAsync(to, of, size_t(bytes), kind, stream), "cudaMemcpyAsync");
    if (kind != cudaMemcpyDeviceToDevice) require(cudaStreamSynchronize(stream), "the kernels");
}

inline void moved(void* to, const void* of, i64 bytes) {
    copied(to, of, bytes, cudaMemcpyDeviceToDevice);
    counted();
}

template <class T> inline T fetched(const T* from) {
    T value;
    copied(&value, from, sizeof value, cudaMemcpyDeviceToHost);
    return value;
}

// The rows of an array that grows with the steps of a loop.
template <class T> inline void ensure(T*& stack, i64& held, i64 rows, i64 row) {
    if (held >= rows) return;
    const i64 wanted = 2 * rows < 8 ? 8 : 2 * rows;
    T* fresh = allocated<T>(wanted * row);
    moved(fresh, stack, held * row * i64(sizeof(T)));
    stack = fresh;
    held = wanted;
}

struct Array {
    std::vector<i64> shape;
    std::vector<char> bytes;
};

// A file of NumPy, format 1, in C order; `kind` is its dtype, as NumPy writes it.
inline Array read(const std::string& path, const std::string& kind, size_t itemsize) {
    std::ifstream file(path, std::ios::binary);
    char head[10];
    if (!file.read(head, sizeof head) || std::memcmp(head, "\\x93NUMPY", 6) != 0) fail(path + " is no .npy file");
    std::string text(size_t((unsigned char)head[8]) + 256 * size_t((unsigned char)head[9]), ' ');
    file.read(&text[0], std::streamsize(text.size()));
    if (text.find("'descr': '" + kind + "'") == std::string::npos) fail(path + " is of another dtype than " + kind);
    if (text.find("'fortran_order': False") == std::string::npos) fail(path + " is not in C order");
    Array array;
    size_t at = text.find("'shape': (") + 10;
    i64 count = 1;
    while (at < text.size() && text[at] != ')') {
        char* end = nullptr;
        const i64 extent = std::strtoll(text.c_str() + at, &end, 10);
        if (end == text.c_str() + at) break;
        array.shape.push_back(extent);
        count *= extent;
        at = text.find_first_of(",)", size_t(end - text.c_str()));
        while (at < text.size() && (text[at] == ',' || text[at] == ' ')) ++at;
    }
    array.bytes.resize(size_t(count) * itemsize);
    file.read(array.bytes.data(), std::streamsize(array.bytes.size()));
    if (!file) fail(path + " is too short");
    return array;
}

inline void require_extent(i64 found, i64 wanted, const char* what) {
    if (found == wanted) return;
    fail(std::string(what) + ": an extent is " + std::to_string(found) + ", not " + std::to_string(wanted));
}

inline void require_same(i64 left, i64 right, const char* problem) {
    if (left != right) fail(std::string(problem) + ": " + std::to_string(left) + " and " + std::to_string(right));
}

// A size that is given as text.
inline i64 number(const std::string& text) {
    char* end = nullptr;
    const i64 value = std::strtoll(text.c_str(), &end, 10);
    if (text.empty() || *end != 0 || value < 0) fail(text + " is no size");
    return value;
}

inline void shown(bool x) { std::printf(" %d", int(x)); }
inline void shown(float x) { std::printf(" %.9g", double(x)); }
inline void shown(double x) { std::printf(" %.17g", x); }
template <class T> inline void shown(T x) { std::printf(" %lld", (long long)x); }
"""

#: after all overloads of `shown`
PRINTING = """\
template <class T> inline void print(const char* name, const T* from, i64 count) {
    std::vector<char> bytes(size_t(count) * sizeof(T) + 1);
    copied(bytes.data(), from, count * i64(sizeof(T)), cudaMemcpyDeviceToHost);
    const T* values = reinterpret_cast<const T*>(bytes.data());
    std::printf("%s", name);
    for (i64 n = 0; n < count; ++n) shown(values[n]);
    std::printf("\\n");
}
"""
