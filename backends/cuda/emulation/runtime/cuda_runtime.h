// As much of the CUDA runtime as launchers need, on a CPU.
#pragma once

#include <functional>

typedef int cudaError_t;
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
const cudaError_t cudaSuccess = 0;

static const char* emulated_problem = "";
static std::function<void()> emulated_body;

static inline void emulated_launch(std::function<void()> body, unsigned blocks, unsigned threads) {
    emulated_body = body;
    emulated_problem = emulated::run([](const long long*) { emulated_body(); }, nullptr, blocks, threads, 0);
}
#define LAUNCH(kernel, blocks, threads, ...) emulated_launch([=] { kernel(__VA_ARGS__); }, blocks, threads)

static inline cudaError_t cudaMalloc(void** memory, size_t bytes) {
    *memory = aligned_alloc(256, (bytes + 255) / 256 * 256);
    memset(*memory, 0xff, bytes);
    return cudaSuccess;
}
static inline cudaError_t cudaMemcpy(void* to, const void* of, size_t bytes, cudaMemcpyKind) {
    memmove(to, of, bytes);
    return cudaSuccess;
}
static inline cudaError_t cudaGetLastError() { return emulated_problem[0] ? 1 : cudaSuccess; }
static inline cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }
static inline const char* cudaGetErrorString(cudaError_t) { return emulated_problem; }
