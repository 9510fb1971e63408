"""What a notebook shows of nodes, graphs, programs and functions: the view that `gx.show` gives of them."""

from collections.abc import Callable
from typing import ClassVar

__all__ = ["Displayed"]


class Displayed:
    """Something that `gx.show` shows.  The root package supplies the view: what is shown knows no views."""

    __slots__ = ()

    _view: ClassVar[Callable[[object], str]]

    @property
    def measure(self) -> str:
        """How large it is, in a word or two: `24 nodes`; nothing where that has no meaning."""
        return ""

    def _repr_html_(self) -> str:
        return Displayed._view(self)
