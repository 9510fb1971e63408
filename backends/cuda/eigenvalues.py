"""Eigenvalues and eigenvectors of any square matrices in CUDA C++: a block for each matrix.

The QR method with shifts.  Golub, Van Loan: Matrix Computations, 2013, sections 7.4 to 7.6.
"""

from collections.abc import Mapping

from graphc.sizes import Size

__all__ = ["EIGENVALUES", "scratch_of_eig"]

STEPS = 200  # for one eigenvalue, which takes 2 to 5

_EIG = f"""\
template <class R> __device__ complex<R> root_of(complex<R> x) {{
    const R size = size_of(x), large = R(sqrt((size + R(fabs(x.x))) / 2));
    if (large == 0) return complex<R>(0);
    const R small = R(fabs(x.y)) / (2 * large);
    return x.x >= 0 ? complex<R>(large, R(copysign(small, x.y))) : complex<R>(small, R(copysign(large, x.y)));
}}
// x over its size; 1 where it is nothing beside `other`.
template <class C, class R> __device__ C phase_of(C x, R other) {{
    const R size = size_of(x);
    return size <= other * R(1e-20) ? C(1) : x / C(size);
}}
// t becomes zero below its first subdiagonal, and q the basis in which it is: by reflections.  `v` is of one of them.
template <class C> __device__ void hessenberg(C* t, C* q, C* v, i64 n) {{
    for (i64 k = 0; k + 2 < n; ++k) {{
        const auto unit = unit_of(t + (k + 1) * n + k, n - k - 1, n);
        auto below = real_part(C(0));
        for (i64 i = k + 2; i < n; ++i) below = below + square_of(t[i * n + k] / C(unit));
        if (below == 0) continue;
        const C first = t[(k + 1) * n + k] / C(unit);
        const auto size = size_of(first), length = decltype(size)(sqrt(size * size + below));
        const C phase = phase_of(first, length);
        const C factor = C(1 / (1 + size / length));
        for (i64 i = k + 1 + threadIdx.x; i < n; i += blockDim.x)
            v[i] = t[i * n + k] / C(unit) / C(length) + (i == k + 1 ? phase : C(0));
        __syncthreads();
        for (i64 j = k + threadIdx.x; j < n; j += blockDim.x) {{
            C sum = C(0);
            for (i64 i = k + 1; i < n; ++i) sum = sum + conjugate(v[i]) * t[i * n + j];
            sum = sum * factor;
            for (i64 i = k + 1; i < n; ++i) t[i * n + j] = j == k && i > k + 1 ? C(0) : t[i * n + j] - sum * v[i];
        }}
        __syncthreads();
        for (i64 e = threadIdx.x; e < 2 * n; e += blockDim.x) {{
            C* row = e < n ? t + e * n : q + (e - n) * n;
            C sum = C(0);
            for (i64 j = k + 1; j < n; ++j) sum = sum + row[j] * v[j];
            sum = sum * factor;
            for (i64 j = k + 1; j < n; ++j) row[j] = row[j] - sum * conjugate(v[j]);
        }}
        __syncthreads();
    }}
}}
// The eigenvalue of the last two rows and columns that is nearer to the last number; now and then another number,
// as the method may walk in a circle.
template <class C> __device__ C shift_of(const C* t, i64 last, int step, i64 n) {{
    const C *row = t + last * n + last, *above = row - n;
    if (step % 10 == 9) return row[0] + C(size_of(row[-1]));
    const C half = (above[-1] - row[0]) / C(2), across = above[0] * row[-1];
    const C root = root_of(half * half + across);
    const C sum = half + root, rest = half - root, larger = size_of(sum) > size_of(rest) ? sum : rest;
    return larger == C(0) ? row[0] : row[0] - across / larger;
}}
// A step of the rows and columns from `first` to `last`; `turns` are cosines and sines of its rotations.
template <class C> __device__ void turned(C* t, C* q, C* turns, C shift, i64 first, i64 last, i64 n) {{
    for (i64 i = first + threadIdx.x; i <= last; i += blockDim.x) t[i * n + i] = t[i * n + i] - shift;
    __syncthreads();
    for (i64 k = first; k < last; ++k) {{
        C *upper = t + k * n, *lower = upper + n;
        const C x = upper[k], y = lower[k];
        const auto size = size_of(x), length = decltype(size)(hypot(size, size_of(y)));
        const C cosine = C(length == 0 ? 1 : size / length), phase = phase_of(x, length);
        const C sine = length == 0 ? C(0) : phase * (conjugate(y) / C(length));
        __syncthreads();
        for (i64 j = k + threadIdx.x; j < n; j += blockDim.x) {{
            const C one = upper[j], other = lower[j];
            upper[j] = cosine * one + sine * other;
            lower[j] = j == k ? C(0) : cosine * other - conjugate(sine) * one;
        }}
        if (threadIdx.x == 0) turns[2 * k] = cosine, turns[2 * k + 1] = sine;
        __syncthreads();
    }}
    for (i64 e = threadIdx.x; e <= last + n; e += blockDim.x) {{
        const bool is_of_t = e <= last;
        C* row = is_of_t ? t + e * n : q + (e - last - 1) * n;
        for (i64 k = is_of_t && e > first ? e - 1 : first; k < last; ++k) {{
            const C one = row[k], other = row[k + 1], cosine = turns[2 * k], sine = turns[2 * k + 1];
            row[k] = cosine * one + conjugate(sine) * other;
            row[k + 1] = cosine * other - sine * one;
        }}
        if (is_of_t && e >= first) row[e] = row[e] + shift;
    }}
    __syncthreads();
}}
// Column `i` of x: t x = t[i, i] x for an upper triangle t.
template <class C, class R> __device__ void eigenvector(const C* t, C* x, i64 i, i64 n, R epsilon) {{
    const R largest = 1 / epsilon, own = size_of(t[i * n + i]), least = epsilon * (own > epsilon ? own : epsilon);
    for (i64 j = n - 1; j > i; --j) x[j * n + i] = C(0);
    x[i * n + i] = C(1);
    for (i64 j = i - 1; j >= 0; --j) {{
        C sum = C(0);
        for (i64 k = j + 1; k <= i; ++k) sum = sum - t[j * n + k] * x[k * n + i];
        const C gap = t[j * n + j] - t[i * n + i];
        const C found = sum / (size_of(gap) > least ? gap : C(least));
        const R size = size_of(found);
        x[j * n + i] = found;
        for (i64 k = j; k <= i && size > largest; ++k) x[k * n + i] = x[k * n + i] / C(size);  // none overflows
    }}
}}
// a v = v diag(w), columns of length 1 with a real largest element.  nan where something is not finite.
template <class T, class C> __device__ void eig(const T* a, C* w, C* v, C* work, i64 n) {{
    typedef decltype(real_part(C(0))) R;
    const R epsilon = sizeof(R) == 4 ? R(1.1920928955078125e-07) : R(2.220446049250313e-16);
    const C nothing = C(R(__int_as_float(0x7fc00000)));
    C *t = work, *q = work + n * n, *x = work + 2 * n * n, *turns = work + 3 * n * n;
    bool is_usable = true;
    R largest = 0;
    for (i64 e = 0; e < n * n; ++e) {{
        const R parts[2] = {{R(fabs(real_part(a[e]))), R(fabs(imaginary_part(a[e])))}};
        for (int part = 0; part < 2; ++part) largest = parts[part] > largest ? parts[part] : largest;
        is_usable = is_usable && is_finite(a[e]);
    }}
    R factor = 1;  // with which the largest part is between 1 and 2, unless it is denormal
    for (; is_usable && largest * factor >= 2;) factor = factor / 2;
    for (; is_usable && largest > 0 && largest * factor < 1 && is_finite(factor * 2);) factor = factor * 2;
    for (i64 e = threadIdx.x; e < n * n; e += blockDim.x) {{
        t[e] = is_usable ? C(factor) * C(a[e]) : C(0);
        q[e] = C(e / n == e % n ? 1 : 0);
    }}
    __syncthreads();
    hessenberg(t, q, turns, n);
    int step = 0;
    for (i64 last = n - 1; last > 0;) {{
        i64 first = last;
        for (; first > 0; --first) {{
            const R near = size_of(t[first * n + first]) + size_of(t[(first - 1) * n + first - 1]);
            const R least = near > epsilon ? near : epsilon;
            if (size_of(t[first * n + first - 1]) <= epsilon * least) break;
        }}
        const bool is_done = first == last || step == {STEPS};
        const C shift = is_done ? C(0) : shift_of(t, last, step, n);
        __syncthreads();
        if (is_done) {{
            if (threadIdx.x == 0) t[last * n + last - 1] = C(0);
            --last;
            step = 0;
        }} else {{
            if (threadIdx.x == 0 && first > 0) t[first * n + first - 1] = C(0);
            turned(t, q, turns, shift, first, last, n);
            ++step;
        }}
        __syncthreads();
    }}
    for (i64 i = threadIdx.x; i < n; i += blockDim.x) {{
        w[i] = is_usable ? t[i * n + i] / C(factor) : nothing;
        eigenvector(t, x, i, n, epsilon);
        R square = 0, best = -1;
        i64 place = 0;  // of the largest element
        for (i64 j = 0; j < n; ++j) {{
            C sum = C(0);
            for (i64 k = 0; k <= i; ++k) sum = sum + q[j * n + k] * x[k * n + i];
            v[j * n + i] = sum;
            square = square + square_of(sum);
            if (size_of(sum) > best) best = size_of(sum), place = j;
        }}
        const C scale = conjugate(v[place * n + i]) / C(best) / C(sqrt(square));
        for (i64 j = 0; j < n; ++j) {{
            const C element = scale * v[j * n + i];
            v[j * n + i] = !is_usable ? nothing : j == place ? C(element.x) : element;
        }}
    }}
    __syncthreads();
}}
"""


def scratch_of_eig(n: Size) -> Size:
    """Complex numbers: three matrices, and the rotations of a step."""
    return 3 * n * n + 2 * n


EIGENVALUES: Mapping[str, tuple[str, tuple[str, ...]]] = {"eig": (_EIG, ("complex sizes", "unit"))}
