// As much of the CUDA runtime as launchers need, on a CPU.  There is one stream, and what is recorded is not done.
#pragma once

#include <cstdlib>
#include <functional>
#include <vector>

typedef int cudaError_t;
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
enum cudaStreamCaptureMode { cudaStreamCaptureModeGlobal };
const cudaError_t cudaSuccess = 0, emulated_misuse = 900;
typedef std::vector<std::function<void()>>* cudaGraph_t;
typedef cudaGraph_t cudaGraphExec_t;
typedef int* cudaStream_t;

static const char* emulated_problem = "";
static std::vector<emulated::Array> emulated_memory;
template <class Body> static Body* emulated_body;
static cudaGraph_t emulated_recording = nullptr;

// Do it, or record it.
static inline void emulated_step(std::function<void()> step) {
    if (emulated_recording) emulated_recording->push_back(step);
    else step();
}
static inline cudaError_t emulated_status() {
    return emulated_problem[0] ? 1 : emulated_recording ? emulated_misuse : cudaSuccess;
}
template <class Body> static void emulated_launch(Body body, unsigned blocks, unsigned threads) {
    emulated_step([=] {
        Body launched = body;
        emulated_body<Body> = &launched;
        std::vector<emulated::Array> arrays = emulated_memory;
        arrays.push_back({"the launch", &emulated_body<Body>, sizeof(Body*), 1});
        arrays.push_back({"the launch", &launched, sizeof launched, 1});
        const auto run = [] { (*emulated_body<Body>)(); };
        const char* problem = emulated::run(run, nullptr, arrays.data(), arrays.size(), blocks, threads, 0);
        if (!emulated_problem[0]) emulated_problem = problem;
    });
}
#define LAUNCH(kernel, blocks, threads, ...) emulated_launch([=] { kernel(__VA_ARGS__); }, blocks, threads)

static inline cudaError_t cudaMalloc(void** memory, size_t bytes) {
    *memory = aligned_alloc(256, (bytes + 255) / 256 * 256);
    memset(*memory, 0xff, bytes);
    emulated_memory.push_back({"memory of the device", *memory, bytes, 1});
    return emulated_status();
}
static inline cudaError_t cudaMemcpyAsync(void* to, const void* of, size_t bytes, cudaMemcpyKind, cudaStream_t) {
    emulated_step([=] { memmove(to, of, bytes); });
    return cudaSuccess;
}
static inline cudaError_t cudaStreamCreate(cudaStream_t*) { return cudaSuccess; }
static inline cudaError_t cudaStreamSynchronize(cudaStream_t) { return emulated_status(); }
static inline cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode) {
    const cudaError_t status = emulated_status();
    emulated_recording = new std::vector<std::function<void()>>();
    return status;
}
static inline cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t* graph) {
    *graph = emulated_recording;
    emulated_recording = nullptr;
    return *graph ? cudaSuccess : emulated_misuse;
}
static inline cudaError_t cudaGraphInstantiate(cudaGraphExec_t* made, cudaGraph_t graph, unsigned long long) {
    *made = new std::vector<std::function<void()>>(*graph);
    return cudaSuccess;
}
static inline cudaError_t cudaGraphLaunch(cudaGraphExec_t made, cudaStream_t) {
    for (auto& step : *made) step();
    return emulated_status();
}
static inline cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    delete graph;
    return cudaSuccess;
}
static inline cudaError_t cudaGraphExecDestroy(cudaGraphExec_t made) { return cudaGraphDestroy(made); }
static inline cudaError_t cudaGetLastError() { return emulated_problem[0] ? 1 : cudaSuccess; }
static inline const char* cudaGetErrorString(cudaError_t status) {
    return status == emulated_misuse ? "what is recorded is waited for" : emulated_problem;
}
