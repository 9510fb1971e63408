"""Pictures as text."""

from typing import final

__all__ = ["Picture"]


@final
class Picture(str):
    """The text of an SVG file: saved as it is, shown as a picture by a notebook."""

    __slots__ = ()

    def _repr_svg_(self) -> str:
        return str(self)
