"""What a CPU has in place of instructions that it has not: C++ for pieces of the prelude."""

from graphc.backends.cuda.prelude import NARROW_FLOATS, VECTORS
from graphc.backends.cuda.tile_text import SHARED_VECTORS, TENSOR_CORES

__all__ = ["TWINS"]


def _by_members(name: str, *members: str) -> str:
    """How a structure is copied: the compiler tells of loads and stores of its members, not of it as a whole."""
    first = ", ".join(f"{member}(other.{member})" for member in members)
    then = " ".join(f"{member} = other.{member};" for member in members)
    return (
        f"    {name}() = default;\n    {name}(const {name}& other) : {first} {{}}\n"
        f"    {name}& operator=(const {name}& other) {{ {then} return *this; }}\n"
    )


_COMPLEX = _by_members("complex", "x", "y")
_BEST = f"""\
template <class T> struct Best {{
    T value; i64 place;
{_by_members("Best", "value", "place")}    Best(T value, i64 place) : value(value), place(place) {{}}
}};
"""

_NARROW_FLOATS = f"""\
struct f16 {{
    u16 bits;
{_by_members("f16", "bits")}    f16(u16 bits) : bits(bits) {{}}
}};
struct bf16 {{
    u16 bits;
{_by_members("bf16", "bits")}    bf16(u16 bits) : bits(bits) {{}}
}};
"""
_NARROW_FUNCTIONS = """\
inline float wide(f16 x) { _Float16 y; memcpy(&y, &x, 2); return float(y); }
inline float wide(bf16 x) { return __uint_as_float(u32(x.bits) << 16); }
template <class T> f16 to_f16(T x) { const _Float16 y = _Float16(x); f16 z; memcpy(&z, &y, 2); return z; }
inline bf16 to_bf16(float x) {
    u32 bits;
    memcpy(&bits, &x, 4);
    if (x != x) return {u16(bits >> 16 | 0x40)};
    return {u16((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}
"""

_VECTORS = """\
template <class T, int n> struct alignas(n * sizeof(T)) Vector { T at[n]; };
template <int n, class T> Vector<T, n> load_vector(const T* from) {
    Vector<T, n> values;
    emulated::load(&values, from, sizeof values);
    return values;
}
template <class T, int n> void store_vector(T* to, Vector<T, n> values) { emulated::store(to, &values, sizeof values); }
"""

_SHARED_VECTORS = """\
template <int n, class T, size_t m> Vector<T, n> load_row(emulated::View<T, m> row, int at) {
    return load_vector<n>(row.part(at, n));
}
template <class T, size_t m, int n> void store_row(emulated::View<T, m> row, int at, Vector<T, n> values) {
    store_vector(row.part(at, n), values);
}
"""

#: a thread has of a the rows `group` and 8 below at two words, of b one column, of the total two rows and columns
_TENSOR_CORES = """\
template <class T, size_t m> u32 word_of(emulated::View<T, m> row, int at) {
    u32 word;
    emulated::load(&word, row.part(at, sizeof word / sizeof(T)), sizeof word);
    return word;
}
template <class T> struct Halves {  // two numbers of 16 bits
    static const int count = 2;
    static double number(u32 word, int place) { return wide(T{u16(word >> 16 * place)}); }
};
struct TensorFloat {  // one of 32, of which the last 13 are not read
    static const int count = 1;
    static double number(u32 word, int) { return __uint_as_float(word & 0xffffe000u); }
};
template <class Word> void add_products(float (&total)[4], const u32 (&a)[4], const u32 (&b)[2]) {
    const unsigned group = threadIdx.x % 32 / 4, member = threadIdx.x % 4;
    double sums[4] = {};
    for (unsigned other = 0; other < 4; ++other) {
        u32 rows[4], columns[2][2];
        for (int part = 0; part < 4; ++part) rows[part] = __shfl_sync(0xffffffffu, a[part], group * 4 + other);
        for (int j = 0; j < 2; ++j)
            for (int part = 0; part < 2; ++part)
                columns[j][part] = __shfl_sync(0xffffffffu, b[part], (member * 2 + j) * 4 + other);
        for (int e = 0; e < 4; ++e)
            for (int part = 0; part < 2; ++part)
                for (int place = 0; place < Word::count; ++place)
                    sums[e] += Word::number(rows[e / 2 + part * 2], place) * Word::number(columns[e % 2][part], place);
    }
    for (int e = 0; e < 4; ++e) total[e] = float(double(total[e]) + sums[e]);
}
inline void add_f16(float (&total)[4], const u32 (&a)[4], const u32 (&b)[2]) { add_products<Halves<f16>>(total, a, b); }
inline void add_bf16(float (&total)[4], const u32 (&a)[4], const u32 (&b)[2]) {
    add_products<Halves<bf16>>(total, a, b);
}
inline void add_tf32(float (&total)[4], const u32 (&a)[4], const u32 (&b)[2]) {
    add_products<TensorFloat>(total, a, b);
}
"""

TWINS = (
    (NARROW_FLOATS, _NARROW_FLOATS + _NARROW_FUNCTIONS),
    ("    complex() = default;\n", _COMPLEX),
    ("template <class T> struct Best { T value; i64 place; };\n", _BEST),
    (VECTORS, _VECTORS),
    (SHARED_VECTORS, _SHARED_VECTORS),
    (TENSOR_CORES, _TENSOR_CORES),
)
