// What kernels need of CUDA, on a CPU: each thread of a block is a fiber, blocks run one after the other.
//
// Found and told: threads that wait in different places, indices outside of shared memory, and two threads that
// touch the same element of shared memory, one of them writing, with no barrier between them.

#include <math.h>  // of C++: with functions of float
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

#define __global__
#define __device__
#define __constant__ static const
#define __launch_bounds__(threads, blocks)

struct Index { unsigned x; };
static Index threadIdx, blockIdx, blockDim, gridDim;

static inline float __int_as_float(int x) { float y; memcpy(&y, &x, 4); return y; }
static inline float __uint_as_float(unsigned x) { float y; memcpy(&y, &x, 4); return y; }

namespace emulated {

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

const unsigned MOST = 1024, WARP = 32;
const size_t STACK = 128 << 10;

static Fiber fibers[MOST];
static char* stacks;
static unsigned now, threads, waiting;
static unsigned waiting_in_warp[MOST / WARP];
static unsigned long long slots[2][MOST];
static unsigned long long block_number;
static unsigned block_epoch, warp_epoch[MOST / WARP];
const unsigned ROOM = 2 * MOST;
static unsigned queue[ROOM], first_in_queue, behind_queue;  // fibers that may go on, in a ring
static unsigned schedule, seed;
static char problem[512];
static void (*body)(const long long*);
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

// The present thread gives up for all.
[[gnu::format(printf, 1, 2)]] static void fail(const char* format, ...) {
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
    body(arguments);
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

static void exchange(unsigned& x, unsigned& y) {
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
        for (unsigned n = count; n > 1; --n) exchange(order[n - 1], order[drawn(n)]);
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

static void block_barrier(int line) {
    fibers[now].state = State::at_block;
    fibers[now].line = line;
    if (++waiting == threads) {
        require_one_place(0, threads, State::at_block, "__syncthreads");
        waiting = 0;
        ++block_epoch;
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

static void warp_barrier(int line) {
    warp_meeting(line, "__syncwarp");
    if (now % WARP == 0) ++warp_epoch[now / WARP];
    warp_meeting(line, "__syncwarp");
}

template <class T> T exchanged(T value, unsigned mask, unsigned from_lane, int line) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "shuffles move 4 or 8 bytes");
    if (mask != 0xffffffffu) fail("a shuffle of a part of a warp, line %d", line);
    if (lanes_of(now / WARP) != WARP) fail("a shuffle in a warp of %u threads, line %d", lanes_of(now / WARP), line);
    unsigned long long* slot = slots[fibers[now].exchanges++ % 2];
    memcpy(&slot[now], &value, sizeof(T));
    warp_meeting(line, "a shuffle");
    memcpy(&value, &slot[now / WARP * WARP + from_lane % WARP], sizeof(T));
    return value;
}

// Shared memory.

struct Visit { unsigned thread, block, warp; };
const unsigned NOBODY = ~0u;

static bool meets(const Visit& visit) {
    if (visit.thread == NOBODY || visit.thread == now || visit.block != block_epoch) return false;
    return visit.thread / WARP != now / WARP || visit.warp == warp_epoch[now / WARP];
}

struct Visits { Visit writer, reader, other; };

struct Memory {
    const char* name;
    char* bytes;
    size_t size, count;
    Visits* visits;
    unsigned long long block;  // of which it holds what was written
    void reset() {
        block = block_number;
        memset(bytes, 0xff, size);
        for (size_t n = 0; n < count; ++n) visits[n].writer.thread = visits[n].reader.thread = visits[n].other.thread = NOBODY;
    }
};

static void visited(Memory& memory, size_t at, bool writes) {
    Visits& visits = memory.visits[at];
    const Visit own = {now, block_epoch, warp_epoch[now / WARP]};
    const Visit* others[] = {&visits.writer, &visits.reader, &visits.other};
    for (int n = 0; n < (writes ? 3 : 1); ++n)
        if (meets(*others[n]))
            fail("a race: threads %u and %u touch element %zu of %s with no barrier between them, and %s writes",
                 others[n]->thread, now, at, memory.name, writes ? "the second" : "the first");
    if (writes) visits.writer = own;
    else if (visits.reader.thread == now || visits.reader.thread == NOBODY || visits.reader.block != block_epoch) visits.reader = own;
    else visits.other = own;
}

template <class T> struct Element {
    Memory& memory;
    T* values;
    size_t at;
    operator T() const { visited(memory, at, false); return values[at]; }
    Element& operator=(T value) { visited(memory, at, true); values[at] = value; return *this; }
    Element& operator=(const Element& other) { return *this = T(other); }
};

template <class T, size_t... extents> struct View;
template <class T, size_t extent> struct View<T, extent> {
    Memory& memory;
    T* values;
    size_t start;
    Element<T> operator[](long long at) const {
        if (at < 0 || size_t(at) >= extent) fail("index %lld of %s, which has %zu", at, memory.name, extent);
        return {memory, values, start + size_t(at)};
    }
};
template <class T, size_t extent, size_t... others> struct View<T, extent, others...> {
    Memory& memory;
    T* values;
    size_t start;
    View<T, others...> operator[](long long at) const {
        if (at < 0 || size_t(at) >= extent) fail("index %lld of %s, which has %zu", at, memory.name, extent);
        return {memory, values, start + size_t(at) * (others * ... * 1)};
    }
};

template <class T, size_t... extents> struct Shared {
    static const size_t count = (extents * ... * 1);
    alignas(16) T values[count];
    Visits visits[count];
    Memory memory;
    explicit Shared(const char* name) : memory{name, reinterpret_cast<char*>(values), sizeof values, count, visits, 0} {}
    auto operator[](long long at) {
        if (memory.block != block_number) memory.reset();
        return View<T, extents...>{memory, values, 0}[at];
    }
};

static bool run_block() {
    first_in_queue = behind_queue = ROOM;
    waiting = 0;
    for (unsigned warp = 0; warp < MOST / WARP; ++warp) waiting_in_warp[warp] = 0;
    ++block_number;
    for (unsigned thread = 0; thread < threads; ++thread) prepare(thread);
    release(0, threads);
    unsigned finished = 0;
    while (first_in_queue != behind_queue) {
        now = queue[first_in_queue++ % ROOM];
        threadIdx.x = now;
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

// What went wrong; "" for nothing.
static const char* run(void (*kernel)(const long long*), const long long* given, unsigned blocks, unsigned per_block,
                       unsigned in_schedule) {
    if (!stacks)
        stacks = static_cast<char*>(
            mmap(nullptr, MOST * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    problem[0] = 0;
    body = kernel, arguments = given, threads = per_block, schedule = in_schedule, seed = 1;
    blockDim.x = threads, gridDim.x = blocks;
    for (unsigned n = 0; n < blocks; ++n) {
        blockIdx.x = schedule == 1 ? blocks - 1 - n : n;
        if (!run_block()) break;
    }
    return problem;
}

}  // namespace emulated

#define __syncthreads() emulated::block_barrier(__LINE__)
#define __syncwarp() emulated::warp_barrier(__LINE__)
#define __shfl_sync(mask, x, lane) emulated::exchanged(x, mask, lane, __LINE__)
#define __shfl_xor_sync(mask, x, distance) emulated::exchanged(x, mask, (threadIdx.x % 32) ^ (distance), __LINE__)
#define __shfl_up_sync(mask, x, distance) \
    emulated::exchanged(x, mask, threadIdx.x % 32 < unsigned(distance) ? threadIdx.x % 32 : threadIdx.x % 32 - (distance), __LINE__)
