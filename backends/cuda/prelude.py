"""What emitted kernels share: small functions of CUDA C++, each in the text only where something needs it."""

from collections.abc import Iterable, Mapping

from graphc.backends.cuda.eigenvalues import EIGENVALUES
from graphc.backends.cuda.exponential import EXPONENTIAL
from graphc.backends.cuda.matrices import FACTORISATIONS
from graphc.backends.cuda.reductions import REDUCTIONS
from graphc.backends.cuda.spectra import SPECTRA
from graphc.backends.cuda.tile_text import TILES
from graphc.dataclass import dataclass
from graphc.kernel.philox import MULTIPLIERS, ROUNDS, WEYL
from graphc.kernel.two_over_pi import WORDS

__all__ = ["NARROW_FLOATS", "PIECES", "TYPES", "VECTORS", "Piece", "pieces_text"]

TYPES = """\
typedef signed char i8;
typedef short i16;
typedef int i32;
typedef long long i64;
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
"""


@dataclass(frozen=True)
class Piece:
    """Text, and the names of the pieces that it needs."""

    text: str
    needs: tuple[str, ...] = ()


NARROW_FLOATS = """\
// Floats of 16 bits: float in registers, rounded after every operation.
struct f16 { u16 bits; };
struct bf16 { u16 bits; };
__device__ inline float wide(f16 x) { float y; asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits)); return y; }
__device__ inline float wide(bf16 x) { return __uint_as_float(u32(x.bits) << 16); }
__device__ inline f16 to_f16(float x) { f16 y; asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x)); return y; }
__device__ inline f16 to_f16(double x) { f16 y; asm("cvt.rn.f16.f64 %0, %1;" : "=h"(y.bits) : "d"(x)); return y; }
__device__ inline bf16 to_bf16(float x) { bf16 y; asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"(x)); return y; }
"""

_COMPLEX = """\
template <class T> struct alignas(2 * sizeof(T)) complex {
    T x, y;  // the real part and the imaginary part
    complex() = default;
    __device__ complex(T x, T y = 0) : x(x), y(y) {}
};
typedef complex<float> c64;
typedef complex<double> c128;
template <class T> __device__ complex<T> operator+(complex<T> a, complex<T> b) { return {a.x + b.x, a.y + b.y}; }
template <class T> __device__ complex<T> operator-(complex<T> a, complex<T> b) { return {a.x - b.x, a.y - b.y}; }
template <class T> __device__ complex<T> operator-(complex<T> a) { return {-a.x, -a.y}; }
template <class T> __device__ complex<T> operator*(complex<T> a, complex<T> b) {
    return {a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x};
}
template <class T> __device__ bool operator==(complex<T> a, complex<T> b) { return a.x == b.x && a.y == b.y; }
template <class T> __device__ bool operator!=(complex<T> a, complex<T> b) { return a.x != b.x || a.y != b.y; }
"""

_WRAPPING = """\
// Integers wrap around.
template <class T> __device__ T plus(T x, T y) { return x + y; }
template <class T> __device__ T minus(T x, T y) { return x - y; }
template <class T> __device__ T times(T x, T y) { return x * y; }
template <> __device__ inline i32 plus(i32 x, i32 y) { return i32(u32(x) + u32(y)); }
template <> __device__ inline i64 plus(i64 x, i64 y) { return i64(u64(x) + u64(y)); }
template <> __device__ inline i32 minus(i32 x, i32 y) { return i32(u32(x) - u32(y)); }
template <> __device__ inline i64 minus(i64 x, i64 y) { return i64(u64(x) - u64(y)); }
template <> __device__ inline i32 times(i32 x, i32 y) { return i32(u32(x) * u32(y)); }
template <> __device__ inline i64 times(i64 x, i64 y) { return i64(u64(x) * u64(y)); }
template <> __device__ inline u16 times(u16 x, u16 y) { return u16(u32(x) * u32(y)); }
"""

_DIVISION = """\
// Rounded down, and what is left with the sign of the divisor; 0 where the divisor is 0.
template <class T> __device__ T floordiv(T x, T y) {
    if (y == T(0)) return T(0);
    if (y == T(-1)) return minus(T(0), x);
    const T quotient = x / y;
    return x % y != T(0) && (x < T(0)) != (y < T(0)) ? quotient - 1 : quotient;
}
template <class T> __device__ T floormod(T x, T y) {
    if (y == T(0) || y == T(-1)) return T(0);
    const T rest = x % y;
    return rest != T(0) && (rest < T(0)) != (y < T(0)) ? rest + y : rest;
}
"""

_UNSIGNED_DIVISION = """\
template <class T> __device__ T quotient_of(T x, T y) { return y == T(0) ? T(0) : T(x / y); }
template <class T> __device__ T rest_of(T x, T y) { return y == T(0) ? T(0) : T(x % y); }
"""

_FLOAT_DIVISION = """\
__device__ inline float remainder_of(float x, float y) { return fmodf(x, y); }
__device__ inline double remainder_of(double x, double y) { return fmod(x, y); }
template <class T> __device__ T float_mod(T x, T y) {
    const T rest = remainder_of(x, y);
    if (y == T(0)) return rest;
    if (rest == T(0)) return T(copysign(T(0), y));
    return (rest < T(0)) != (y < T(0)) ? rest + y : rest;
}
template <class T> __device__ T float_floordiv(T x, T y) {
    if (y == T(0)) return x / y;
    const T rest = remainder_of(x, y);
    T quotient = (x - rest) / y;
    if (rest != T(0) && (rest < T(0)) != (y < T(0))) quotient = quotient - T(1);
    if (quotient == T(0)) return T(copysign(T(0), x / y));
    const T down = T(floor(quotient));
    return quotient - down > T(0.5) ? down + T(1) : down;
}
"""

_CONVERSION = """\
// A float as an integer of 64 bits: without its fraction, the nearest limit where it does not fit, 0 for nan.
__device__ inline i64 to_i64(double x) {
    if (x != x) return 0;
    if (x >= 9223372036854775808.0) return 9223372036854775807LL;
    return x < -9223372036854775808.0 ? -9223372036854775807LL - 1 : i64(x);
}
__device__ inline u64 to_u64(double x) {
    if (!(x > 0.0)) return 0;
    return x >= 18446744073709551616.0 ? 18446744073709551615ULL : u64(x);
}
"""

_SHIFTS = """\
// All bits are gone where `y` is no number of bits.
template <class T> __device__ T shifted_left(T x, T y) { return u64(y) < 8 * sizeof(T) ? T(u64(x) << u64(y)) : T(0); }
template <class T> __device__ T shifted_right(T x, T y) { return u64(y) < 8 * sizeof(T) ? T(x >> y) : T(0); }
template <class T> __device__ T shifted_right_with_sign(T x, T y) {
    return u64(y) < 8 * sizeof(T) ? T(x >> y) : x < T(0) ? T(-1) : T(0);
}
"""

VECTORS = """\
// Elements that are moved at once, up to 16 bytes.
template <class T, int n> struct alignas(n * sizeof(T)) Vector { T at[n]; };
template <int n, class T> __device__ Vector<T, n> load_vector(const T* from) {
    return *reinterpret_cast<const Vector<T, n>*>(from);
}
template <class T, int n> __device__ void store_vector(T* to, Vector<T, n> values) {
    *reinterpret_cast<Vector<T, n>*>(to) = values;
}
"""

_PHILOX = f"""\
// Philox 4x32-10: word `index` of the stream of a key and a purpose.
struct Words {{ u32 w[4]; }};
__device__ inline Words philox(u64 key, u64 purpose, u64 count) {{
    u32 k0 = u32(key), k1 = u32(key >> 32);
    u32 c0 = u32(count), c1 = u32(count >> 32), c2 = u32(purpose), c3 = u32(purpose >> 32);
    for (int round = 0; round < {ROUNDS}; ++round) {{
        const u64 low = u64({MULTIPLIERS[0]:#x}u) * c0, high = u64({MULTIPLIERS[1]:#x}u) * c2;
        c0 = u32(high >> 32) ^ c1 ^ k0;
        c1 = u32(high);
        c2 = u32(low >> 32) ^ c3 ^ k1;
        c3 = u32(low);
        k0 += {WEYL[0]:#x}u;
        k1 += {WEYL[1]:#x}u;
    }}
    return {{{{c0, c1, c2, c3}}}};
}}
__device__ inline u32 philox32(u64 key, u64 purpose, i64 index) {{
    const Words words = philox(key, purpose, u64(index >> 2));
    const int place = int(index & 3);
    return place < 2 ? (place ? words.w[1] : words.w[0]) : (place == 2 ? words.w[2] : words.w[3]);
}}
__device__ inline u64 philox64(u64 key, u64 purpose, i64 index) {{
    const Words words = philox(key, purpose, u64(index >> 1));
    return index & 1 ? u64(words.w[3]) << 32 | words.w[2] : u64(words.w[1]) << 32 | words.w[0];
}}
"""

_TWO_OVER_PI = f"""\
// The binary digits of 2/pi after the point, 64 at a time.
__constant__ u64 two_over_pi_words[{len(WORDS)}] = {{
    {", ".join(f"{word:#x}ULL" for word in WORDS)}
}};
__device__ inline u64 two_over_pi(i64 index) {{ return u64(index) < {len(WORDS)} ? two_over_pi_words[index] : 0; }}
"""

PIECES: Mapping[str, Piece] = {
    "narrow": Piece(NARROW_FLOATS),
    "complex": Piece(_COMPLEX),
    "bits": Piece(
        "template <class To, class From> __device__ To bits_of(From x) {\n"
        "    To y;\n    memcpy(&y, &x, sizeof y);\n    return y;\n}\n"
    ),
    "limits": Piece(
        "template <class T> __device__ T infinity() { return T(__int_as_float(0x7f800000)); }\n"
        "template <class T> __device__ T not_a_number() { return T(__int_as_float(0x7fc00000)); }\n"
    ),
    "wrapping": Piece(_WRAPPING),
    "division": Piece(_DIVISION, ("wrapping",)),
    "unsigned division": Piece(_UNSIGNED_DIVISION),
    "float division": Piece(_FLOAT_DIVISION),
    "conversion": Piece(_CONVERSION),
    "shifts": Piece(_SHIFTS),
    "extremes": Piece(
        "// The first where it is beyond the other, or nan.\n"
        "template <class T> __device__ T maximum(T x, T y) { return x > y || x != x ? x : y; }\n"
        "template <class T> __device__ T minimum(T x, T y) { return x < y || x != x ? x : y; }\n"
    ),
    "less": Piece("template <class T> __device__ bool less(T x, T y) { return x < y; }\n"),
    "quotient": Piece("template <class T> __device__ T quotient(T x, T y) { return x / y; }\n"),
    "sign": Piece(
        "// -1, 0 or 1; nan stays.\n"
        "template <class T> __device__ T sign_of(T x) {\n"
        "    return x > T(0) ? T(1) : x < T(0) ? T(-1) : x == T(0) ? T(0) : x;\n}\n"
    ),
    "absolute": Piece("template <class T> __device__ T absolute(T x) { return x < T(0) ? T(0 - u64(x)) : x; }\n"),
    "least": Piece("__device__ inline i64 least(i64 x, i64 y) { return x < y ? x : y; }\n"),
    "greatest": Piece("__device__ inline i64 greatest(i64 x, i64 y) { return x > y ? x : y; }\n"),
    "vectors": Piece(VECTORS),
    "philox": Piece(_PHILOX),
    "two over pi": Piece(_TWO_OVER_PI),
    "multiply_add": Piece(
        "template <class T> __device__ T multiply_add(T x, T y, T z) { return plus(times(x, y), z); }\n"
        "template <> __device__ inline float multiply_add(float x, float y, float z) { return fmaf(x, y, z); }\n"
        "template <> __device__ inline double multiply_add(double x, double y, double z) { return fma(x, y, z); }\n",
        ("wrapping",),
    ),
} | {
    name: Piece(text, needs)
    for table in (REDUCTIONS, FACTORISATIONS, SPECTRA, EIGENVALUES, EXPONENTIAL, TILES)
    for name, (text, needs) in table.items()
}


def pieces_text(wanted: Iterable[str]) -> str:
    """The texts of pieces and of all that they need, in the order of the table."""
    found: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += PIECES[name].needs
    return "\n".join(PIECES[name].text for name in PIECES if name in found)
