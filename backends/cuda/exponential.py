"""The exponential of matrices in CUDA C++: a block for each matrix."""

from collections.abc import Mapping

__all__ = ["EXPONENTIAL", "SQUARES"]

SQUARES = 7  # matrices of scratch, and one element more

_EXPM = """\
template <class T> __device__ void multiplied(const T* a, const T* b, T* product, i64 n) {
    for (i64 e = threadIdx.x; e < n * n; e += blockDim.x) {
        const i64 i = e / n, j = e % n;
        T sum = T(0);
        for (i64 k = 0; k < n; ++k) sum = sum + a[i * n + k] * b[k * n + j];
        product[e] = sum;
    }
    __syncthreads();
}
// x a2 + y a4 + z a6 + w, and what is in `sum` already.
template <class T>
__device__ void combined(const T* powers, double x, double y, double z, double w, bool adds, T* sum, i64 n) {
    const T* a4 = powers + n * n;
    const T* a6 = a4 + n * n;
    for (i64 e = threadIdx.x; e < n * n; e += blockDim.x) {
        const T one = T(e / n == e % n ? w : 0), before = adds ? sum[e] : T(0);
        sum[e] = before + T(z) * a6[e] + T(y) * a4[e] + T(x) * powers[e] + one;
    }
    __syncthreads();
}
// e^a by the approximant of Pade of degree 13, of a halved as often as it takes, and squared as often.
// Higham: The scaling and squaring method for the matrix exponential revisited, 2005, algorithm 2.3.
template <class T> __device__ void expm(const T* a, T* result, T* work, i64* order, i64 n) {
    const i64 size = n * n;
    T *scaled = work, *powers = work + size, *odd = work + 4 * size, *even = work + 5 * size, *inner = work + 6 * size;
    for (i64 j = threadIdx.x; j < n; j += blockDim.x) {
        auto sum = real_part(T(0));
        for (i64 i = 0; i < n; ++i) sum = sum + fabs(real_part(a[i * n + j])) + fabs(imaginary_part(a[i * n + j]));
        inner[j] = T(sum);
    }
    __syncthreads();
    auto largest = real_part(T(0));
    bool is_usable = true;
    for (i64 j = 0; j < n; ++j) {
        const auto sum = real_part(inner[j]);
        is_usable = is_usable && sum - sum == 0;  // neither nan nor infinite
        if (sum > largest) largest = sum;
    }
    __syncthreads();
    if (!is_usable) {
        for (i64 e = threadIdx.x; e < size; e += blockDim.x) result[e] = T(__int_as_float(0x7fc00000));
        return;
    }
    int halvings = 0;
    auto factor = real_part(T(1));
    for (; largest * factor > 5.371920351148152; ++halvings) factor = factor / 2;
    for (i64 e = threadIdx.x; e < size; e += blockDim.x) scaled[e] = T(factor) * a[e];
    __syncthreads();
    multiplied(scaled, scaled, powers, n);
    multiplied(powers, powers, powers + size, n);
    multiplied(powers + size, powers, powers + 2 * size, n);
    const T* a6 = powers + 2 * size;
    combined(powers, 40840800.0, 16380.0, 1.0, 0.0, false, inner, n);
    multiplied(a6, inner, even, n);
    combined(powers, 1187353796428800.0, 10559470521600.0, 33522128640.0, 32382376266240000.0, true, even, n);
    multiplied(scaled, even, odd, n);
    combined(powers, 1323241920.0, 960960.0, 182.0, 0.0, false, inner, n);
    multiplied(a6, inner, even, n);
    combined(powers, 7771770303897600.0, 129060195264000.0, 670442572800.0, 64764752532480000.0, true, even, n);
    // (even - odd) x = even + odd
    for (i64 e = threadIdx.x; e < size; e += blockDim.x) {
        scaled[e] = even[e] - odd[e];
        inner[e] = even[e] + odd[e];
    }
    __syncthreads();
    T *packed = powers, *x = powers + size, *sign = work + 7 * size;
    lu(scaled, packed, order, sign, n, n);
    for (i64 j = threadIdx.x; j < n; j += blockDim.x) {
        for (i64 i = 0; i < n; ++i) {
            T rest = inner[order[i] * n + j];
            for (i64 k = 0; k < i; ++k) rest = rest - packed[i * n + k] * x[k * n + j];
            x[i * n + j] = rest;
        }
        for (i64 i = n - 1; i >= 0; --i) {
            T rest = x[i * n + j];
            for (i64 k = i + 1; k < n; ++k) rest = rest - packed[i * n + k] * x[k * n + j];
            x[i * n + j] = rest / packed[i * n + i];
        }
    }
    __syncthreads();
    T* other = odd;
    for (int count = 0; count < halvings; ++count) {
        multiplied(x, x, other, n);
        T* const before = x;
        x = other, other = before;
    }
    for (i64 e = threadIdx.x; e < size; e += blockDim.x) result[e] = x[e];
    __syncthreads();
}
"""

EXPONENTIAL: Mapping[str, tuple[str, tuple[str, ...]]] = {"expm": (_EXPM, ("lu",))}
