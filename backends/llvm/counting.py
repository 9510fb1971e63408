"""What routines keep in integers of 32 bits, which those of LAPACK have."""

from typing import final

from graphc.dataclass import dataclass
from graphc.errors import UnsupportedError
from graphc.sizes import Size

__all__ = ["LARGEST", "Counted"]

LARGEST = 2**31 - 1


@final
@dataclass(frozen=True)
class Counted:
    """The largest such number of a step of a routine, which comes from `lines` of the user."""

    routine: str
    number: Size
    lines: tuple[str, ...]

    def require_small(self, number: int) -> None:
        """Raise where `number`, which it is for some sizes, has more bits."""
        if number > LARGEST:
            problem = f"{self.routine}: native code counts to {LARGEST:,} here, and this takes {number:,}"
            raise UnsupportedError(problem, hint='backend="numpy"').located(self.lines)
