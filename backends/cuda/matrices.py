"""Factorisations of matrices in CUDA C++: a block for each matrix, a thread for each column of a triangular system."""

from collections.abc import Mapping

__all__ = ["FACTORISATIONS"]

_PARTS = """\
// Parts of real numbers, as complex ones have them.
template <class T> __device__ T real_part(T x) { return x; }
template <class T> __device__ T imaginary_part(T x) { return T(0); }
template <class T> __device__ T conjugate(T x) { return x; }
template <class T> __device__ T made_of(T x, T y) { return x; }
"""
_UNIT = """\
template <class T> __device__ auto square_of(T x) {
    return real_part(x) * real_part(x) + imaginary_part(x) * imaginary_part(x);
}
// The largest part of so many numbers, or 1 where that is 0 or not finite: divided by it, no square is out of range.
template <class T> __device__ auto unit_of(const T* x, i64 count, i64 stride) {
    auto largest = real_part(T(0));
    for (i64 i = 0; i < count; ++i) {
        const auto real = fabs(real_part(x[i * stride])), imaginary = fabs(imaginary_part(x[i * stride]));
        largest = real > largest ? real : largest;
        largest = imaginary > largest ? imaginary : largest;
    }
    return largest > 0 && largest - largest == 0 ? largest : decltype(largest)(1);
}
"""
_COMPLEX_PARTS = """\
template <class T> __device__ T real_part(complex<T> x) { return x.x; }
template <class T> __device__ T imaginary_part(complex<T> x) { return x.y; }
template <class T> __device__ complex<T> conjugate(complex<T> x) { return {x.x, -x.y}; }
template <class T> __device__ complex<T> operator/(complex<T> a, complex<T> b) {
    const bool is_flat = fabs(b.x) >= fabs(b.y);  // Smith: Algorithm 116, complex division, 1962
    const T ratio = is_flat ? b.y / b.x : b.x / b.y, size = is_flat ? b.x + b.y * ratio : b.y + b.x * ratio;
    if (is_flat) return {(a.x + a.y * ratio) / size, (a.y - a.x * ratio) / size};
    return {(a.x * ratio + a.y) / size, (a.y * ratio - a.x) / size};
}
"""
_CHOLESKY = """\
// l, zero above the diagonal, with l l^H = a; nan where there is none.
template <class T> __device__ void cholesky(const T* a, T* l, i64 n) {
    bool is_positive = true;
    for (i64 j = 0; j < n; ++j) {
        for (i64 i = threadIdx.x; i < n; i += blockDim.x) {
            T rest = i == j ? T(real_part(a[i * n + j])) : i < j ? T(0) : a[i * n + j];
            for (i64 k = 0; k < j && i >= j; ++k) rest = rest - l[i * n + k] * conjugate(l[j * n + k]);
            l[i * n + j] = rest;
        }
        __syncthreads();
        const auto square = real_part(l[j * n + j]);
        is_positive = is_positive && square > 0;
        const T root = T(sqrt(square));
        __syncthreads();
        for (i64 i = j + threadIdx.x; i < n; i += blockDim.x) l[i * n + j] = i == j ? root : l[i * n + j] / root;
        __syncthreads();
    }
    if (!is_positive)
        for (i64 e = threadIdx.x; e < n * n; e += blockDim.x) l[e] = T(__int_as_float(0x7fc00000));
}
"""
_TRIANGULAR = """\
// One column x of t x = b, where t is a triangle of a; `stride` elements are between those of a column.
template <bool lower, bool transposed, bool unit, class T>
__device__ void triangular_solve(const T* a, const T* b, T* x, i64 n, i64 stride) {
    const bool forward = lower != transposed;
    for (i64 step = 0; step < n; ++step) {
        const i64 i = forward ? step : n - 1 - step;
        T rest = b[i * stride];
        for (i64 k = forward ? 0 : n - 1; k != i; forward ? ++k : --k)
            rest = rest - (transposed ? a[k * n + i] : a[i * n + k]) * x[k * stride];
        x[i * stride] = unit ? rest : rest / a[i * n + i];
    }
}
"""
_LU = """\
// The rows of a in another order are l u, packed in one matrix: Doolittle's method with partial pivoting.
template <class T, class Place, class Sign>
__device__ void lu(const T* a, T* packed, Place* order, Sign* sign, i64 n, i64 m) {
    for (i64 e = threadIdx.x; e < n * m; e += blockDim.x) packed[e] = a[e];
    for (i64 i = threadIdx.x; i < n; i += blockDim.x) order[i] = i;
    if (threadIdx.x == 0) *sign = Sign(1);
    __syncthreads();
    for (i64 k = 0; k < m; ++k) {
        i64 best = k;
        for (i64 i = k + 1; i < n; ++i) {
            const T x = packed[i * m + k], y = packed[best * m + k];
            const auto size = fabs(real_part(x)) + fabs(imaginary_part(x));
            if (size > fabs(real_part(y)) + fabs(imaginary_part(y))) best = i;
        }
        __syncthreads();
        for (i64 j = threadIdx.x; j < m && best != k; j += blockDim.x) {
            const T x = packed[k * m + j];
            packed[k * m + j] = packed[best * m + j];
            packed[best * m + j] = x;
        }
        if (threadIdx.x == 0 && best != k) {
            const Place place = order[k];
            order[k] = order[best];
            order[best] = place;
            *sign = -*sign;
        }
        __syncthreads();
        const T pivot = packed[k * m + k];
        for (i64 i = k + 1 + threadIdx.x; i < n && pivot != T(0); i += blockDim.x)
            packed[i * m + k] = packed[i * m + k] / pivot;
        __syncthreads();
        const i64 columns = m - k - 1;
        for (i64 e = threadIdx.x; e < (n - k - 1) * columns; e += blockDim.x) {
            const i64 i = k + 1 + e / columns, j = k + 1 + e % columns;
            packed[i * m + j] = packed[i * m + j] - packed[i * m + k] * packed[k * m + j];
        }
        __syncthreads();
    }
}
"""
_HOUSEHOLDER = """\
// `full` becomes r at and above the diagonal, below it are the reflections 1 - t v v^H without their leading 1.
template <class T> __device__ void householder(const T* a, T* full, T* factors, i64 n, i64 m) {
    for (i64 e = threadIdx.x; e < n * m; e += blockDim.x) full[e] = a[e];
    __syncthreads();
    for (i64 k = 0; k < m; ++k) {
        const T first = full[k * m + k];
        const auto unit = unit_of(full + k * m + k, n - k, m);
        auto square = square_of(first / T(unit));
        bool is_kept = imaginary_part(first) == 0;
        for (i64 i = k + 1; i < n; ++i) {
            square = square + square_of(full[i * m + k] / T(unit));
            is_kept = is_kept && full[i * m + k] == T(0);
        }
        const T length = is_kept ? -first : T(copysign(unit * sqrt(square), real_part(first)));
        const T factor = is_kept ? T(0) : (length + first) / length, scale = is_kept ? T(1) : first + length;
        __syncthreads();
        for (i64 j = k + 1 + threadIdx.x; j < m && !is_kept; j += blockDim.x) {
            T sum = full[k * m + j];
            for (i64 i = k + 1; i < n; ++i) sum = sum + conjugate(full[i * m + k] / scale) * full[i * m + j];
            sum = conjugate(factor) * sum;
            full[k * m + j] = full[k * m + j] - sum;
            for (i64 i = k + 1; i < n; ++i) full[i * m + j] = full[i * m + j] - sum * (full[i * m + k] / scale);
        }
        __syncthreads();
        for (i64 i = k + 1 + threadIdx.x; i < n; i += blockDim.x) full[i * m + k] = full[i * m + k] / scale;
        if (threadIdx.x == 0) {
            full[k * m + k] = -length;
            factors[k] = factor;
        }
        __syncthreads();
    }
}
// Column `number` of the product of the reflections, into a column of q with `stride` elements between its own.
template <class T>
__device__ void orthonormal(const T* full, const T* factors, T* q, i64 number, i64 n, i64 m, i64 stride) {
    for (i64 i = 0; i < n; ++i) q[i * stride] = i == number ? T(1) : T(0);
    for (i64 k = m - 1; k >= 0; --k) {
        T sum = q[k * stride];
        for (i64 i = k + 1; i < n; ++i) sum = sum + conjugate(full[i * m + k]) * q[i * stride];
        sum = factors[k] * sum;
        q[k * stride] = q[k * stride] - sum;
        for (i64 i = k + 1; i < n; ++i) q[i * stride] = q[i * stride] - sum * full[i * m + k];
    }
}
template <class T> __device__ void qr(const T* a, T* q, T* r, T* full, T* factors, i64 n, i64 m) {
    householder(a, full, factors, n, m);
    for (i64 j = threadIdx.x; j < m; j += blockDim.x) orthonormal(full, factors, q + j, j, n, m, m);
    for (i64 e = threadIdx.x; e < m * m; e += blockDim.x) r[e] = e / m <= e % m ? full[e] : T(0);
    __syncthreads();
}
template <class T> __device__ void complement(const T* a, T* rest, T* full, T* factors, i64 n, i64 m) {
    householder(a, full, factors, n, m);
    for (i64 j = m + threadIdx.x; j < n; j += blockDim.x) orthonormal(full, factors, rest + j - m, j, n, m, n - m);
    __syncthreads();
}
"""

FACTORISATIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "parts": (_PARTS, ()),
    "complex parts": (_COMPLEX_PARTS, ("parts", "complex")),
    "cholesky": (_CHOLESKY, ("parts",)),
    "triangular_solve": (_TRIANGULAR, ("parts",)),
    "lu": (_LU, ("parts",)),
    "unit": (_UNIT, ("parts",)),
    "householder": (_HOUSEHOLDER, ("unit",)),
}
