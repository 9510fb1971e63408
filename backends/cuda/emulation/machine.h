// What fibers and memory know of each other.
#pragma once

#include "shim.h"

namespace emulated {

const unsigned MOST = 1024, WARP = 32;
const size_t STACK = 128 << 10;

// The thread that runs.
extern unsigned now, block;
extern unsigned epoch;                     // grows with each barrier of a block, and from block to block
extern unsigned warp_epochs[MOST / WARP];  // grow with each barrier of a warp
extern char* stacks;

// Arrays of a launch are known from its beginning to its end, and those in shared memory until the next block begins.
void begin_launch(const Array* arrays, size_t count);
void begin_block();
void end_launch();

}  // namespace emulated
