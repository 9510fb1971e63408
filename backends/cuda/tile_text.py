"""Tiles in shared memory and tensor cores in CUDA C++."""

from collections.abc import Mapping

__all__ = ["SHARED_VECTORS", "TENSOR_CORES", "TILES"]

SHARED_VECTORS = """\
// Elements side by side of a row in shared memory.
template <int n, class T, int m> __device__ Vector<T, n> load_row(const T (&row)[m], int at) {
    return *reinterpret_cast<const Vector<T, n>*>(row + at);
}
template <class T, int m, int n> __device__ void store_row(T (&row)[m], int at, Vector<T, n> values) {
    *reinterpret_cast<Vector<T, n>*>(row + at) = values;
}
"""


def _instruction(name: str, shape: str) -> str:
    """The function that adds by one instruction."""
    return f"""\
__device__ inline void add_{name}(float (&total)[4], const u32 (&a)[4], const u32 (&b)[2]) {{
    asm volatile("mma.sync.aligned.{shape}.row.col.f32.{name}.{name}.f32 "
                 "{{%0, %1, %2, %3}}, {{%4, %5, %6, %7}}, {{%8, %9}}, {{%0, %1, %2, %3}};"
                 : "+f"(total[0]), "+f"(total[1]), "+f"(total[2]), "+f"(total[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}}
"""


TENSOR_CORES = f"""\
// 32 bits of a row in shared memory; and a[16][k] b[k][8] added to the total of a warp, each thread with its parts.
template <class T, int m> __device__ u32 word_of(const T (&row)[m], int at) {{
    return *reinterpret_cast<const u32*>(row + at);
}}
{_instruction("f16", "m16n8k16")}{_instruction("bf16", "m16n8k16")}{_instruction("tf32", "m16n8k8")}"""

TILES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "shared vectors": (SHARED_VECTORS, ("vectors",)),
    "tensor cores": (TENSOR_CORES, ("narrow",)),
}
