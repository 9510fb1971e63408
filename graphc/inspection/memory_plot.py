"""A memory plan as a picture: what lies where in the arena, and during which steps."""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import final

from graphc.dataclass import dataclass
from graphc.inspection.diagram import Colours
from graphc.inspection.escaping import markup
from graphc.inspection.picture import Picture
from graphc.printable import counted

__all__ = ["Content", "Stretch", "memory_picture"]

_WIDTH, _HEIGHT = 840.0, 320.0  # of the arena, in pixels; so are all lengths
_LEFT, _RIGHT, _TOP, _BOTTOM = 96.0, 18.0, 46.0, 64.0  # margins
_LETTER, _LINE = 7.0, 15.0  # of a text of 11.5 pixels
_KEY = 130.0  # width of a colour and its name below the picture
_TICKS = 10  # numbers along the steps, at most
_DRAWN = 2_000  # stretches: more are neither seen nor opened by a browser in good time

_STYLE = (
    ".graphc text{font:11.5px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#222}"
    ".graphc .middle{text-anchor:middle}.graphc .end{text-anchor:end}"
    ".graphc path{fill:none;stroke-width:1.2}.graphc g:hover rect{stroke-width:2.6}"
)


class Content(Enum):
    """What bytes of an arena hold."""

    TEMPORARY = "temporary"
    KEPT = "kept by loops"
    SCRATCH = "scratch"
    TABLE = "table"


_COLOURS: Mapping[Content, Colours] = {
    Content.TEMPORARY: Colours("#e1ebf8", "#4a78b5"),
    Content.KEPT: Colours("#f6e1e7", "#b5516f"),
    Content.SCRATCH: Colours("#eeeeee", "#8a8a8a"),
    Content.TABLE: Colours("#fdeccb", "#c98a1b"),
}
_PEAK, _BOUND = "#b03030", "#4f9153"


@final
@dataclass(frozen=True)
class Stretch:
    """Bytes from `offset` on that hold something from step `first` to step `last`, both included.

    name      written inside, where there is room
    tooltip   what it is, whose it is, and the user's lines
    """

    content: Content
    first: int
    last: int
    offset: int
    bytes: int
    name: str
    tooltip: str


def memory_picture(stretches: Sequence[Stretch], steps: int, peak: int, bound: int) -> Picture:
    """Steps from left to right, bytes of the arena from its bottom to its top, with the peak and the lower bound.

    Of more than 2,000 stretches the largest are drawn.
    """
    drawn = sorted(stretches, key=lambda one: -one.bytes * (one.last - one.first + 1))[:_DRAWN]
    scale = _Scale(_WIDTH / max(steps, 1), _HEIGHT / max(peak, 1))
    width, height = _LEFT + _WIDTH + _RIGHT, _TOP + _HEIGHT + _BOTTOM
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="graphc" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}">',
        f"<style>{_STYLE}</style>",
        '<rect width="100%" height="100%" fill="white"/>',
        *_heading(len(stretches), len(drawn), steps, peak, bound),
        *(line for stretch in drawn for line in _box(stretch, scale)),
        *_level(peak, "peak", _PEAK, "", scale),
        *_level(bound, "bound", _BOUND, "5 3", scale),
        *_steps(steps, scale),
        *_keys([content for content in Content if any(one.content is content for one in drawn)]),
        "</svg>",
    ]
    return Picture("\n".join(lines) + "\n")


@final
@dataclass(frozen=True)
class _Scale:
    """Pixels of one step and of one byte."""

    step: float
    byte: float

    def x(self, step: float) -> float:
        """Where a step begins."""
        return _LEFT + step * self.step

    def y(self, offset: float) -> float:
        """How far above the bottom a byte lies, from the top of the picture."""
        return _TOP + _HEIGHT - offset * self.byte


def _heading(stretches: int, drawn: int, steps: int, peak: int, bound: int) -> Iterator[str]:
    text = f"arena of {peak:,} bytes over {counted(steps, 'step')}, lower bound {bound:,}"
    yield f'<text x="{_LEFT:.1f}" y="18.0">{text}</text>'
    if drawn < stretches:
        yield f'<text x="{_LEFT:.1f}" y="34.0">the {drawn:,} largest of {stretches:,}</text>'


def _box(stretch: Stretch, scale: _Scale) -> Iterator[str]:
    x, y = scale.x(stretch.first), scale.y(stretch.offset + stretch.bytes)
    width, height = (stretch.last - stretch.first + 1) * scale.step, stretch.bytes * scale.byte
    colours = _COLOURS[stretch.content]
    yield f"<g><title>{markup(stretch.tooltip)}</title>"
    yield (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'fill="{colours.fill}" stroke="{colours.line}" stroke-width="0.8"/>'
    )
    if width >= len(stretch.name) * _LETTER + 4 and height >= _LINE:
        middle = y + height / 2 + 4
        yield f'<text class="middle" x="{x + width / 2:.1f}" y="{middle:.1f}">{markup(stretch.name)}</text>'
    yield "</g>"


def _level(bytes: int, what: str, colour: str, dashes: str, scale: _Scale) -> Iterator[str]:
    """A line across the arena at a number of bytes; that of the bound is named below it, as the peak may be near."""
    y = scale.y(bytes)
    text_y = y - 4 if what == "peak" else y + 12
    style = f'stroke="{colour}"' + (f' stroke-dasharray="{dashes}"' if dashes else "")
    yield f'<path {style} d="M{_LEFT:.1f} {y:.1f}H{_LEFT + _WIDTH:.1f}"><title>{what} {bytes:,} bytes</title></path>'
    yield f'<text class="end" x="{_LEFT - 6:.1f}" y="{text_y:.1f}">{what} {_short(bytes)}</text>'


def _short(bytes: int) -> str:
    """A number of bytes in five letters or so."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if bytes >= size:
            return f"{bytes / size:.3g} {unit}"
    return f"{bytes} B"


def _steps(steps: int, scale: _Scale) -> Iterator[str]:
    """The numbers of steps below the arena."""
    every = max(1, -(-steps // _TICKS))
    y = _TOP + _HEIGHT
    yield f'<path stroke="#8b8b8b" d="M{_LEFT:.1f} {y:.1f}H{_LEFT + _WIDTH:.1f}"/>'
    for step in range(0, steps, every):
        yield f'<text class="middle" x="{scale.x(step + 0.5):.1f}" y="{y + 16:.1f}">{step}</text>'
    yield f'<text class="end" x="{_LEFT - 6:.1f}" y="{y + 16:.1f}">step</text>'


def _keys(contents: Sequence[Content]) -> Iterator[str]:
    """What the colours mean."""
    y = _TOP + _HEIGHT + 34
    for place, content in enumerate(contents):
        x = _LEFT + _KEY * place
        colours = _COLOURS[content]
        yield f'<rect x="{x:.1f}" y="{y:.1f}" width="12" height="12" fill="{colours.fill}" stroke="{colours.line}"/>'
        yield f'<text x="{x + 18:.1f}" y="{y + 10:.1f}">{content.value}</text>'
