// As much of the CUDA runtime as launchers need, on a CPU.
#pragma once

#include <cstdlib>
#include <vector>

typedef int cudaError_t;
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
const cudaError_t cudaSuccess = 0;

static const char* emulated_problem = "";
static std::vector<emulated::Array> emulated_memory;
template <class Body> static Body* emulated_body;

template <class Body> static void emulated_launch(Body body, unsigned blocks, unsigned threads) {
    emulated_body<Body> = &body;
    std::vector<emulated::Array> arrays = emulated_memory;
    arrays.push_back({"the launch", &emulated_body<Body>, sizeof(Body*), 1});
    arrays.push_back({"the launch", &body, sizeof body, 1});
    const auto run = [] { (*emulated_body<Body>)(); };
    emulated_problem = emulated::run(run, nullptr, arrays.data(), arrays.size(), blocks, threads, 0);
}
#define LAUNCH(kernel, blocks, threads, ...) emulated_launch([=] { kernel(__VA_ARGS__); }, blocks, threads)

static inline cudaError_t cudaMalloc(void** memory, size_t bytes) {
    *memory = aligned_alloc(256, (bytes + 255) / 256 * 256);
    memset(*memory, 0xff, bytes);
    emulated_memory.push_back({"memory of the device", *memory, bytes, 1});
    return cudaSuccess;
}
static inline cudaError_t cudaMemcpy(void* to, const void* of, size_t bytes, cudaMemcpyKind) {
    memmove(to, of, bytes);
    return cudaSuccess;
}
static inline cudaError_t cudaGetLastError() { return emulated_problem[0] ? 1 : cudaSuccess; }
static inline cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }
static inline const char* cudaGetErrorString(cudaError_t) { return emulated_problem; }
