// Memory on a CPU that knows who touched it.  Before each load and store of a kernel the compiler calls __tsan_...
//
// Found and told: what lies in no array that the kernel was given; indices outside of arrays in shared memory and in
// registers; vectors between their places; two threads of a block that touch an element with no barrier between them,
// and two blocks that do, one of them writing.

#include <sys/mman.h>
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "machine.h"

namespace emulated {

struct Visit { unsigned thread, epoch, warp_epoch; };  // epochs count from 1: before, nobody came

struct Visits {
    Visit writer, reader, other;  // readers of two warps, if there were two
    unsigned writing, reading;    // 1 and the number of the first block that did
};

struct Watched {
    std::string name;
    char* start;
    size_t bytes, element;
    Visits* visits;
    bool holds(const char* place) const { return size_t(place - start) < bytes; }
};

const size_t SHARED = 1 << 18;  // bytes, more than a block has

static std::vector<Watched> watched;  // those of the launch, which do not overlap, then those in shared memory
static bool is_running;
static size_t of_launch, last_found, shared_bytes, shared_count;
static char* shared_memory;
static Visits* shared_visits;

template <class T> static T* fresh(size_t count) {
    void* room =
        mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) abort();
    return static_cast<T*>(room);
}

static size_t count_of(const Watched& array) { return (array.bytes + array.element - 1) / array.element; }

void begin_launch(const Array* arrays, size_t count) {
    is_running = true;
    for (const Array* array = arrays; array < arrays + count; ++array)
        if (array->bytes)
            watched.push_back({array->name, (char*)array->start, array->bytes, array->element, nullptr});
    const auto begins_before = [](const Watched& x, const Watched& y) { return x.start < y.start; };
    std::stable_sort(watched.begin(), watched.end(), begins_before);
    size_t kept = 0;
    for (size_t n = 1; n < watched.size(); ++n) {  // what shares memory is one array
        Watched &before = watched[kept], &next = watched[n];
        if (next.start >= before.start + before.bytes) {
            watched[++kept] = next;
            continue;
        }
        before.bytes = std::max(before.bytes, size_t(next.start + next.bytes - before.start));
        before.element = std::min(before.element, next.element);
        before.name += " and " + next.name;
    }
    if (!watched.empty()) watched.resize(kept + 1);
    for (Watched& array : watched) array.visits = fresh<Visits>(count_of(array));
    of_launch = watched.size();
}

void begin_block() {
    watched.resize(of_launch);
    shared_bytes = shared_count = 0;
}

void end_launch() {
    watched.resize(of_launch);
    for (Watched& array : watched) munmap(array.visits, count_of(array) * sizeof(Visits));
    watched.clear();
    is_running = false;
}

// What has happened before the present access.
static bool precedes(const Visit& visit) {
    return visit.epoch != epoch || (visit.thread / WARP == now / WARP && visit.warp_epoch != warp_epochs[now / WARP]);
}

static void visited(const Watched& array, size_t at, bool writes) {
    Visits& visits = array.visits[at];
    const unsigned own_block = block + 1, others_block = visits.writing ? visits.writing : writes ? visits.reading : 0;
    if (others_block && others_block != own_block)
        fail("a race: blocks %u and %u touch element %zu of %s, and %s writes", others_block - 1, block, at,
             array.name.c_str(), visits.writing ? "the first" : "the second");
    const Visit own = {now, epoch, warp_epochs[now / WARP]};
    const Visit* others[] = {&visits.writer, &visits.reader, &visits.other};
    for (int n = 0; n < (writes ? 3 : 1); ++n)
        if (others[n]->thread != now && !precedes(*others[n]))
            fail("a race: threads %u and %u touch element %zu of %s with no barrier between them, and %s writes",
                 others[n]->thread, now, at, array.name.c_str(), writes ? "the second" : "the first");
    if (writes) {
        visits.writer = own;
        visits.writing = own_block;
        return;
    }
    if (!visits.reading) visits.reading = own_block;
    if (visits.reader.thread == now || precedes(visits.reader)) visits.reader = own;
    else if (precedes(visits.other) || visits.other.thread / WARP == visits.reader.thread / WARP) visits.other = own;
}

static size_t distance(const Watched& array, const char* place) {
    if (array.holds(place)) return 0;
    return place < array.start ? array.start - place : place - array.start - array.bytes + 1;
}

static const Watched* nearest(const char* place) {
    const Watched* found = nullptr;
    for (const Watched& array : watched)
        if (!found || distance(array, place) < distance(*found, place)) found = &array;
    return found;
}

static long long index_in(const Watched& array, const char* place) {
    const long long element = array.element, offset = place - array.start;
    return offset / element - (offset % element < 0);
}

[[noreturn]] static void outside(const char* place, size_t bytes, bool writes) {
    const char* what = writes ? "writes" : "reads";
    const Watched* array = nearest(place);
    if (!array) fail("thread %u of block %u %s memory, and has no array", now, block, what);
    fail("thread %u of block %u %s %zu bytes at index %lld of %s, which has %zu", now, block, what, bytes,
         index_in(*array, place), array->name.c_str(), array->bytes / array->element);
}

static void visit(const void* at, size_t bytes, size_t alignment, bool writes) {
    const char* place = static_cast<const char*>(at);
    if (!is_running || size_t(place - stacks) < MOST * STACK) return;
    if (last_found >= watched.size() || !watched[last_found].holds(place)) {
        for (last_found = 0; last_found < watched.size() && !watched[last_found].holds(place);) ++last_found;
        if (last_found == watched.size()) outside(place, bytes, writes);
    }
    const Watched& array = watched[last_found];
    const size_t offset = place - array.start;
    if (bytes > array.bytes - offset) outside(place, bytes, writes);
    if (reinterpret_cast<size_t>(at) % alignment)
        fail("%zu bytes are moved at once, not aligned, by thread %u of block %u at index %lld of %s", bytes, now, block,
             index_in(array, place), array.name.c_str());
    for (size_t n = offset / array.element; n * array.element < offset + bytes; ++n) visited(array, n, writes);
}

void load(void* to, const void* from, size_t bytes) {
    visit(from, bytes, bytes, false);
    memcpy(to, from, bytes);
}

void store(void* to, const void* from, size_t bytes) {
    visit(to, bytes, bytes, true);
    memcpy(to, from, bytes);
}

void* shared(const char* name, size_t count, size_t element) {
    for (size_t n = of_launch; n < watched.size(); ++n)
        if (watched[n].name == name) return watched[n].start;
    if (!shared_memory) shared_memory = fresh<char>(SHARED), shared_visits = fresh<Visits>(SHARED);
    const size_t bytes = count * element;
    if (shared_bytes + bytes > SHARED) fail("%s has no room in shared memory", name);
    Watched array = {name, shared_memory + shared_bytes, bytes, element, shared_visits + shared_count};
    memset(array.start, 0xff, bytes);
    std::fill_n(array.visits, count, Visits{});
    shared_bytes += (bytes + 15) / 16 * 16;
    shared_count += count;
    watched.push_back(array);
    return array.start;
}

void require_index(long long at, size_t extent, const char* name) {
    if (at < 0 || size_t(at) >= extent) fail("index %lld of %s, which has %zu", at, name, extent);
}

}  // namespace emulated

#define TOLD(bytes)                                                                                        \
    extern "C" void __tsan_read##bytes(const void* at) { emulated::visit(at, bytes, bytes, false); }       \
    extern "C" void __tsan_write##bytes(const void* at) { emulated::visit(at, bytes, bytes, true); }       \
    extern "C" void __tsan_unaligned_read##bytes(const void* at) { emulated::visit(at, bytes, 1, false); } \
    extern "C" void __tsan_unaligned_write##bytes(const void* at) { emulated::visit(at, bytes, 1, true); }
TOLD(1)
TOLD(2)
TOLD(4)
TOLD(8)
TOLD(16)
extern "C" void __tsan_read_range(const void* at, size_t bytes) { emulated::visit(at, bytes, 1, false); }
extern "C" void __tsan_write_range(const void* at, size_t bytes) { emulated::visit(at, bytes, 1, true); }

// What the compiler tells of an index outside of an array in registers.
struct Told {
    struct { const char* file; unsigned line, column; } place;
    const struct { unsigned short kind, bits; char name[1]; } *array;
};
extern "C" void __ubsan_handle_out_of_bounds(const Told* told, size_t index) {
    emulated::fail("index %lld of %s in registers, line %u", (long long)index, told->array->name, told->place.line);
}

extern "C" void __tsan_func_entry(const void*) {}
extern "C" void __tsan_func_exit(void) {}
extern "C" void __tsan_vptr_update(void*, void*) {}
extern "C" void __tsan_init(void) {}
