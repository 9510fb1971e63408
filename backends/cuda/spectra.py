"""Eigenvalues and singular values in CUDA C++, by Jacobi's methods: a block for each matrix.

Golub, Van Loan: Matrix Computations, 2013, algorithm 8.5.3.
Hestenes: Inversion of matrices by biorthogonalization, 1958.
"""

from collections.abc import Mapping

__all__ = ["SPECTRA"]

SWEEPS = 60  # which take 5 to 10

_SIZES = """\
template <class T> __device__ T size_of(T x) { return T(fabs(x)); }
template <class T> __device__ bool is_finite(T x) {
    const auto sum = real_part(x) * 0 + imaginary_part(x) * 0;
    return sum == 0;
}
"""
_ROTATIONS = f"""\
const int SWEEPS = {SWEEPS};
// The rotation that makes ((x, off), (conj off, y)) diagonal; `length` is that of off.
template <class R> struct Rotation {{
    R cosine, sine;
    __device__ Rotation(R x, R length, R y) {{
        const R slope = (y - x) / (2 * length);
        const R tangent = R(copysign(R(1), slope)) / (R(fabs(slope)) + R(hypot(slope, R(1))));
        cosine = R(1) / R(hypot(tangent, R(1)));
        sine = tangent * cosine;
    }}
}};
// Rotate columns p and q of a matrix [n, m], the second of which is first turned back by its phase.
template <class T, class R>
__device__ void rotate(T* a, i64 n, i64 row, i64 step, i64 p, i64 q, Rotation<R> turn, T phase) {{
    for (i64 i = threadIdx.x; i < n; i += blockDim.x) {{
        const T first = a[i * row + p * step], second = a[i * row + q * step] * conjugate(phase);
        a[i * row + p * step] = T(turn.cosine) * first - T(turn.sine) * second;
        a[i * row + q * step] = T(turn.sine) * first + T(turn.cosine) * second;
    }}
}}
"""
_COMPLEX_SIZE = """\
template <class T> __device__ T size_of(complex<T> x) { return T(hypot(x.x, x.y)); }
"""
_EIGH = """\
// a = v diag(w) v^H with w ascending; only the lower triangle is read.  nan where something is not finite.
template <class T, class R> __device__ void eigh(const T* a, R* w, T* v, T* work, T* turns, i64 n) {
    bool is_usable = true;
    for (i64 e = 0; e < n * n; ++e) is_usable = is_usable && (e / n < e % n || is_finite(a[e]));
    for (i64 e = threadIdx.x; e < n * n; e += blockDim.x) {
        const i64 i = e / n, j = e % n;
        work[e] = i == j ? T(real_part(a[e])) : i > j ? a[e] : conjugate(a[j * n + i]);
        turns[e] = i == j ? T(1) : T(0);
    }
    __syncthreads();
    bool is_turning = is_usable;
    for (int sweep = 0; sweep < SWEEPS && is_turning; ++sweep) {
        is_turning = false;
        for (i64 p = 0; p < n; ++p)
            for (i64 q = p + 1; q < n; ++q) {
                const T off = work[p * n + q];
                const R x = real_part(work[p * n + p]), y = real_part(work[q * n + q]), length = size_of(off);
                const R largest = fabs(x) > fabs(y) ? R(fabs(x)) : R(fabs(y));
                __syncthreads();
                if (length + largest == largest) continue;  // too small to change what is on the diagonal
                is_turning = true;
                const Rotation<R> turn(x, length, y);
                const T phase = off / T(length);
                rotate(work, n, n, i64(1), p, q, turn, phase);
                rotate(turns, n, n, i64(1), p, q, turn, phase);
                __syncthreads();
                rotate(work, n, i64(1), n, p, q, turn, conjugate(phase));
                __syncthreads();
                if (threadIdx.x == 0) work[p * n + q] = work[q * n + p] = T(0);
                __syncthreads();
            }
    }
    for (i64 i = threadIdx.x; i < n; i += blockDim.x) {
        const R own = real_part(work[i * n + i]);
        i64 rank = 0;
        for (i64 j = 0; j < n; ++j) {
            const R other = real_part(work[j * n + j]);
            rank += is_usable ? other < own || (other == own && j < i) : j < i;
        }
        w[rank] = is_usable ? own : R(__int_as_float(0x7fc00000));
        for (i64 k = 0; k < n; ++k) v[k * n + rank] = is_usable ? turns[k * n + i] : T(__int_as_float(0x7fc00000));
    }
    __syncthreads();
}
"""
_SVD = """\
// a [n, m] = u diag(s) v with s descending; `rows` and `k` are the larger and the smaller of n and m.
template <class T, class R>
__device__ void svd(const T* a, T* u, R* s, T* v, T* work, T* sorted, T* full, T* left, T* turns, T* ranked, T* factors,
                    R* lengths, i64 n, i64 m, i64 rows, i64 k) {
    const R epsilon = sizeof(R) == 4 ? R(1.1920928955078125e-07) : R(2.220446049250313e-16);
    const T nothing = T(__int_as_float(0x7fc00000));
    bool is_usable = true;
    for (i64 e = 0; e < n * m; ++e) is_usable = is_usable && is_finite(a[e]);
    const R unit = unit_of(a, n * m, 1);
    for (i64 e = threadIdx.x; e < rows * k; e += blockDim.x)
        work[e] = (n >= m ? a[e] : conjugate(a[e % k * m + e / k])) / T(unit);
    for (i64 e = threadIdx.x; e < k * k; e += blockDim.x) turns[e] = e / k == e % k ? T(1) : T(0);
    __syncthreads();
    bool is_turning = is_usable;
    for (int sweep = 0; sweep < SWEEPS && is_turning; ++sweep) {
        is_turning = false;
        for (i64 p = 0; p < k; ++p)
            for (i64 q = p + 1; q < k; ++q) {
                R x = 0, y = 0;
                T off = T(0);
                for (i64 i = 0; i < rows; ++i) {
                    const T first = work[i * k + p], second = work[i * k + q];
                    x = x + real_part(conjugate(first) * first);
                    y = y + real_part(conjugate(second) * second);
                    off = off + conjugate(first) * second;
                }
                const R length = size_of(off);
                __syncthreads();
                if (length <= epsilon * R(sqrt(x * y))) continue;
                is_turning = true;
                const Rotation<R> turn(x, length, y);
                rotate(work, rows, k, i64(1), p, q, turn, off / T(length));
                rotate(turns, k, k, i64(1), p, q, turn, off / T(length));
                __syncthreads();
            }
    }
    for (i64 i = threadIdx.x; i < k; i += blockDim.x) {
        R square = 0;
        for (i64 j = 0; j < rows; ++j) square = square + real_part(conjugate(work[j * k + i]) * work[j * k + i]);
        lengths[i] = R(sqrt(square));
    }
    __syncthreads();
    for (i64 i = threadIdx.x; i < k; i += blockDim.x) {
        i64 rank = 0;
        for (i64 j = 0; j < k; ++j)
            rank += is_usable ? lengths[j] > lengths[i] || (lengths[j] == lengths[i] && j < i) : j < i;
        s[rank] = is_usable ? lengths[i] : real_part(nothing);
        for (i64 j = 0; j < rows; ++j) sorted[j * k + rank] = work[j * k + i];
        for (i64 j = 0; j < k; ++j) ranked[j * k + rank] = turns[j * k + i];
    }
    __syncthreads();
    householder(sorted, full, factors, rows, k);
    for (i64 i = threadIdx.x; i < k; i += blockDim.x) {  // columns for singular values of 0 too
        orthonormal(full, factors, left + i, i, rows, k, k);
        for (i64 j = 0; j < rows && s[i] > 0; ++j) left[j * k + i] = sorted[j * k + i] / T(s[i]);
    }
    __syncthreads();
    for (i64 i = threadIdx.x; i < k; i += blockDim.x) s[i] = s[i] * unit;
    for (i64 e = threadIdx.x; e < n * k; e += blockDim.x) u[e] = !is_usable ? nothing : n >= m ? left[e] : ranked[e];
    for (i64 e = threadIdx.x; e < k * m; e += blockDim.x) {
        const i64 i = e / m, j = e % m;
        v[e] = !is_usable ? nothing : conjugate(n >= m ? ranked[j * k + i] : left[j * k + i]);
    }
    __syncthreads();
}
"""

SPECTRA: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "sizes": (_SIZES, ("parts",)),
    "complex sizes": (_COMPLEX_SIZE, ("complex parts", "sizes")),
    "rotations": (_ROTATIONS, ("sizes",)),
    "eigh": (_EIGH, ("rotations",)),
    "svd": (_SVD, ("rotations", "householder")),
}
