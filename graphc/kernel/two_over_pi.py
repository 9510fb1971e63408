"""The binary digits of 2/pi, to reduce the largest angles.

Payne, Hanek: Radian reduction for trigonometric functions, 1983.
"""

__all__ = ["WORDS", "word"]

#: the digits after the point, 64 at a time: as many as the largest float64 needs, and 128 more
WORDS = (
    0xA2F9836E4E441529, 0xFC2757D1F534DDC0, 0xDB6295993C439041, 0xFE5163ABDEBBC561, 0xB7246E3A424DD2E0,
    0x06492EEA09D1921C, 0xFE1DEB1CB129A73E, 0xE88235F52EBB4484, 0xE99C7026B45F7E41, 0x3991D639835339F4,
    0x9C845F8BBDF9283B, 0x1FF897FFDE05980F, 0xEF2F118B5A0A6D1F, 0x6D367ECF27CB09B7, 0x4F463F669E5FEA2D,
    0x7527BAC7EBE5F17B, 0x3D0739F78A5292EA, 0x6BFB5FB11F8D5D08, 0x56033046FC7B6BAB, 0xF0CFBC209AF4361D,
    0xA9E391615EE61B08,
)  # fmt: skip


def word(index: int) -> int:
    """Digits 64 `index` + 1 to 64 `index` + 64, the first as the highest bit; 0 before the first and after the last."""
    return WORDS[index] if 0 <= index < len(WORDS) else 0
