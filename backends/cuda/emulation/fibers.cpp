// Blocks and threads on a CPU: each thread of a block is a fiber, blocks run one after the other.
//
// Found and told: threads that wait in different places, or for ever.

#include <sys/mman.h>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

#include "machine.h"

namespace emulated {

unsigned now, block, epoch, warp_epochs[MOST / WARP];
char* stacks;

enum class State { ready, at_block, at_warp, done };

struct Fiber {
#if defined(__x86_64__)
    void* stack_pointer;
#else
    ucontext_t context;
#endif
    State state;
    int line;               // of the barrier that it waits at
    unsigned exchanges;     // how many it has taken part in
};

static Fiber fibers[MOST];
static unsigned threads, blocks, waiting;
static unsigned waiting_in_warp[MOST / WARP];
static unsigned long long slots[2][MOST];
const unsigned ROOM = 2 * MOST;
static unsigned queue[ROOM], first_in_queue, behind_queue;  // fibers that may go on, in a ring
static unsigned schedule, seed;
static char problem[512];
static void (*body)();
static const long long* arguments;

#if defined(__x86_64__)
static void* scheduler;
extern "C" void graphc_switch(void** from, void* to) __asm__("graphc_switch");
__asm__(
    ".text\n"
    "graphc_switch:\n"
    "  push %rbp\n  push %rbx\n  push %r12\n  push %r13\n  push %r14\n  push %r15\n"
    "  mov %rsp, (%rdi)\n"
    "  mov %rsi, %rsp\n"
    "  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n  pop %rbx\n  pop %rbp\n"
    "  ret\n");
static inline void leave() { graphc_switch(&fibers[now].stack_pointer, scheduler); }
static inline void enter() { graphc_switch(&scheduler, fibers[now].stack_pointer); }
#else
static ucontext_t scheduler;
static inline void leave() { swapcontext(&fibers[now].context, &scheduler); }
static inline void enter() { swapcontext(&scheduler, &fibers[now].context); }
#endif

Index thread_index() { return {now}; }
Index block_index() { return {block}; }
Index block_extent() { return {threads}; }
Index grid_extent() { return {blocks}; }
long long argument(size_t number) { return arguments[number]; }

void fail(const char* format, ...) {
    if (!problem[0]) {
        va_list values;
        va_start(values, format);
        vsnprintf(problem, sizeof problem, format, values);
        va_end(values);
    }
    leave();
    abort();  // nobody comes back to it
}

static void begin() {
    body();
    fibers[now].state = State::done;
    leave();
}

static void prepare(unsigned thread) {
    char* top = stacks + (thread + 1) * STACK;
#if defined(__x86_64__)
    void** stack = reinterpret_cast<void**>(top) - 1;  // so that a call seems to have come before
    *--stack = reinterpret_cast<void*>(begin);
    fibers[thread].stack_pointer = stack - 6;
#else
    getcontext(&fibers[thread].context);
    fibers[thread].context.uc_stack.ss_sp = top - STACK;
    fibers[thread].context.uc_stack.ss_size = STACK;
    makecontext(&fibers[thread].context, begin, 0);
#endif
    fibers[thread].state = State::ready;
    fibers[thread].exchanges = 0;
}

static void swap(unsigned& x, unsigned& y) {
    const unsigned z = x;
    x = y, y = z;
}

static unsigned drawn(unsigned below) {
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

// Schedules: 0 forward, 1 reverse, 2 at random, 3 each warp as far as it comes, 4 the same in reverse.
static void release(unsigned first, unsigned count) {
    unsigned order[MOST];
    for (unsigned n = 0; n < count; ++n) order[n] = first + (schedule == 1 || schedule == 4 ? count - 1 - n : n);
    if (schedule == 2)
        for (unsigned n = count; n > 1; --n) swap(order[n - 1], order[drawn(n)]);
    const bool is_greedy = schedule >= 3 && count <= WARP;
    for (unsigned n = 0; n < count; ++n) {
        if (is_greedy) queue[--first_in_queue % ROOM] = order[count - 1 - n];
        else queue[behind_queue++ % ROOM] = order[n];
    }
    for (unsigned thread = first; thread < first + count; ++thread) fibers[thread].state = State::ready;
}

static unsigned lanes_of(unsigned warp) { return threads - warp * WARP < WARP ? threads - warp * WARP : WARP; }

static void require_one_place(unsigned first, unsigned count, State state, const char* what) {
    for (unsigned thread = first; thread < first + count; ++thread)
        if (fibers[thread].state != state || fibers[thread].line != fibers[now].line)
            fail("threads %u and %u wait at different places, lines %d and %d of the source (%s)", now, thread,
                 fibers[now].line, fibers[thread].line, what);
}

void block_barrier(int line) {
    fibers[now].state = State::at_block;
    fibers[now].line = line;
    if (++waiting == threads) {
        require_one_place(0, threads, State::at_block, "__syncthreads");
        waiting = 0;
        ++epoch;
        release(0, threads);
    }
    leave();
}

static void warp_meeting(int line, const char* what) {
    const unsigned warp = now / WARP;
    fibers[now].state = State::at_warp;
    fibers[now].line = line;
    if (++waiting_in_warp[warp] == lanes_of(warp)) {
        require_one_place(warp * WARP, lanes_of(warp), State::at_warp, what);
        waiting_in_warp[warp] = 0;
        release(warp * WARP, lanes_of(warp));
    }
    leave();
}

void warp_barrier(int line) {
    warp_meeting(line, "__syncwarp");
    if (now % WARP == 0) ++warp_epochs[now / WARP];
    warp_meeting(line, "__syncwarp");
}

void exchange(void* value, size_t bytes, unsigned mask, unsigned from_lane, int line) {
    if (mask != 0xffffffffu) fail("a shuffle of a part of a warp, line %d", line);
    if (lanes_of(now / WARP) != WARP) fail("a shuffle in a warp of %u threads, line %d", lanes_of(now / WARP), line);
    unsigned long long* slot = slots[fibers[now].exchanges++ % 2];
    memcpy(&slot[now], value, bytes);
    warp_meeting(line, "a shuffle");
    memcpy(value, &slot[now / WARP * WARP + from_lane % WARP], bytes);
}

static bool run_block() {
    first_in_queue = behind_queue = ROOM;
    waiting = 0;
    for (unsigned warp = 0; warp < MOST / WARP; ++warp) waiting_in_warp[warp] = 0;
    ++epoch;
    begin_block();
    for (unsigned thread = 0; thread < threads; ++thread) prepare(thread);
    release(0, threads);
    unsigned finished = 0;
    while (first_in_queue != behind_queue) {
        now = queue[first_in_queue++ % ROOM];
        enter();
        if (problem[0]) return false;
        if (fibers[now].state == State::done) ++finished;
    }
    if (finished == threads) return true;
    for (unsigned thread = 0; thread < threads; ++thread)
        if (fibers[thread].state != State::done) {
            snprintf(problem, sizeof problem, "thread %u waits at line %d for others, of which %u have ended", thread,
                     fibers[thread].line, finished);
            break;
        }
    return false;
}

const char* run(void (*kernel)(), const long long* given, const Array* arrays, size_t count,
                unsigned in_all, unsigned per_block, unsigned in_schedule) {
    if (!stacks)
        stacks = static_cast<char*>(
            mmap(nullptr, MOST * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    problem[0] = 0;
    body = kernel, arguments = given, blocks = in_all, threads = per_block, schedule = in_schedule, seed = 1;
    epoch = 0;
    begin_launch(arrays, count);
    for (unsigned n = 0; n < blocks; ++n) {
        block = schedule == 1 ? blocks - 1 - n : n;
        if (!run_block()) break;
    }
    end_launch();
    return problem;
}

}  // namespace emulated
