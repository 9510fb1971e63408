"""The machines that code is written for: what LLVM calls them, and how wide their vectors are."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any, final

from graphc.backends.llvm.lock import LLVM
from graphc.dataclass import dataclass
from graphc.types import DTYPES

__all__ = ["NAMED", "TILED", "Machine", "host", "restricted"]

TILED = (DTYPES["float32"], DTYPES["float64"])  # products of these are made in tiles of registers
WIDTHS = (64, 32, 16)  # bytes of a vector register: AVX-512; AVX2; SSE and NEON

# What a machine of narrower vectors lacks, by the beginning of the feature's name.
ABOVE_32 = ("avx512", "avx10", "amx", "evex512")
ABOVE_16 = (*ABOVE_32, "avx", "fma", "f16c", "xop", "vaes", "vpclmulqdq", "sha512", "sm3", "sm4")


@final
@dataclass(frozen=True)
class Machine:
    """A processor and its system, as data.

    triple, cpu, features   what LLVM's target machine is made of; the features are one text
    vector_bytes   of one register: 64, 32 or 16
    has_fma        whether x * y + z with one rounding is an instruction; if not, `llvm.fma` calls a function
    """

    triple: str
    cpu: str
    features: str
    vector_bytes: int
    has_fma: bool

    @property
    def key(self) -> str:
        """A text that two machines share if and only if they run the same objects: for caches."""
        return f"{self.triple} {self.cpu} {self.features}"

    @property
    def is_x86(self) -> bool:
        return self.triple.startswith(("x86_64", "amd64"))

    @property
    def is_aarch64(self) -> bool:
        return self.triple.startswith(("aarch64", "arm64"))

    @property
    def is_linux(self) -> bool:
        return "-linux" in self.triple

    @property
    def is_windows(self) -> bool:
        return "-windows" in self.triple

    def lanes(self, itemsize: int) -> int:
        """How many elements of `itemsize` bytes one register holds."""
        return self.vector_bytes // itemsize

    def target_machine(self) -> Any:
        """LLVM's own form of it: an `llvmlite.binding.TargetMachine`, whose code may lie anywhere in memory.

        Level 2: level 1 and 3 take as long and give code as fast; level 0 ends the process on masks of AVX-512.
        """
        import llvmlite.binding as llvm

        with LLVM:
            if self.triple.removesuffix("-elf") == llvm.get_process_triple():
                llvm.initialize_native_target()
                llvm.initialize_native_asmprinter()
            else:
                llvm.initialize_all_targets()
                llvm.initialize_all_asmprinters()
            return llvm.Target.from_triple(self.triple).create_target_machine(
                cpu=self.cpu, features=self.features, opt=2, reloc="pic", codemodel="small"
            )


@cache
def host() -> Machine:
    """The machine that runs this.  Vectors of 64 bytes are used where it has them: it asks for 32 only by taste."""
    import llvmlite.binding as llvm

    with LLVM:
        triple, cpu, features = llvm.get_process_triple(), llvm.get_host_cpu_name(), dict(llvm.get_host_cpu_features())
    if "-windows" in triple:
        triple += "-elf"  # the form of objects that LLVM links in memory there
    return _of_features(triple, cpu, features)


def restricted(vector_bytes: int) -> Machine:
    """The host as if its vectors had at most `vector_bytes`; without AVX there is no fma either.  For tests."""
    import llvmlite.binding as llvm

    assert vector_bytes in WIDTHS, vector_bytes
    whole = host()
    if whole.vector_bytes <= vector_bytes:
        return whole
    above = ABOVE_32 if vector_bytes == 32 else ABOVE_16
    with LLVM:
        features = dict(llvm.get_host_cpu_features())
    features = {name: has and not name.startswith(above) for name, has in features.items()}
    return replace(_of_features(whole.triple, whole.cpu, features), vector_bytes=vector_bytes)


def _of_features(triple: str, cpu: str, features: Mapping[str, bool]) -> Machine:
    text = ",".join(f"{'+' if features[name] else '-'}{name}" for name in sorted(features))
    machine = Machine(triple, cpu, text, 16, has_fma=features.get("fma", False))
    if machine.is_x86:
        if features.get("avx512f"):
            return replace(machine, features=f"{text},-prefer-256-bit", vector_bytes=64)
        return replace(machine, vector_bytes=32 if features.get("avx2") else 16)
    return replace(machine, has_fma=machine.is_aarch64)


#: machines to write code for, whatever the host is: their code is looked at, not run
NAMED: Mapping[str, Machine] = {
    "x86-64": Machine("x86_64-unknown-linux-gnu", "x86-64", "", 16, has_fma=False),
    "x86-64-v2": Machine("x86_64-unknown-linux-gnu", "x86-64-v2", "", 16, has_fma=False),
    "x86-64-v3": Machine("x86_64-unknown-linux-gnu", "x86-64-v3", "", 32, has_fma=True),
    "x86-64-v4": Machine("x86_64-unknown-linux-gnu", "x86-64-v4", "-prefer-256-bit", 64, has_fma=True),
    "x86-64-v3-windows": Machine("x86_64-pc-windows-msvc", "x86-64-v3", "", 32, has_fma=True),
    "aarch64-linux": Machine("aarch64-unknown-linux-gnu", "generic", "+neon", 16, has_fma=True),
    "apple-arm64": Machine("arm64-apple-darwin", "apple-m1", "", 16, has_fma=True),
}
