"""Pictures of small graphs as SVG, drawn without any other program."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from unicodedata import east_asian_width

from graphc.errors import UnsupportedError
from graphc.inspection.diagram import COLOURS, Box, Colours, Diagram, diagram_of
from graphc.inspection.escaping import markup
from graphc.inspection.layout import Layout, laid_out
from graphc.inspection.listing import Kind, Showable
from graphc.inspection.picture import Picture

__all__ = ["to_svg"]

_LARGEST = 400  # boxes; ordering and reading both fail beyond
_LETTER = 7.0  # width of a letter at 11.5 pixels, in pixels; so are all lengths
_LINE = 15.0  # height of a line of text
_PADDING = 9.0  # inside a box, left and right
_BETWEEN = 42.0  # height between layers
_MARGIN = 18.0
_HEAD, _MOST_HEADS = 9.0, 40  # width of an arrow head with the room beside it; a box has room for so many
_KEY = 110.0  # width of a colour and its name below the picture

_STYLE = (
    ".graphc text{font:11.5px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;text-anchor:middle;fill:#222}"
    ".graphc .sub{fill:#666;font-size:10.5px}.graphc path{fill:none;stroke:#8b8b8b;stroke-width:1.1}"
)


def to_svg(shown: Showable) -> Picture:
    """A picture of the graph of a node, of several nodes, or of a compiled function: operands above readers.

    Boxes are coloured by kind, results have a thick line, and the user's line is the tooltip.  For graphs of
    up to 400 nodes; larger ones raise UnsupportedError.
    """
    diagram = diagram_of(shown)
    if len(diagram.boxes) > _LARGEST:
        raise UnsupportedError(
            f"a picture of {len(diagram.boxes)} nodes; the limit is {_LARGEST}",
            hint="show a part of the graph, or gx.to_dot with Graphviz",
        )
    widths = _widths(diagram)
    return Picture("\n".join(_drawn(diagram, widths, laid_out(widths, diagram.edges))) + "\n")


def _widths(diagram: Diagram) -> list[float]:
    """The width of each box: room for its lines, and for its arrow heads side by side."""
    entering = Counter(target for _, target in diagram.edges)
    return [
        max(_width(box), min(_MOST_HEADS, entering[number]) * _HEAD + 2 * _PADDING)
        for number, box in enumerate(diagram.boxes)
    ]


def _width(box: Box) -> float:
    letters = max(sum(2 if east_asian_width(c) in "WF" else 1 for c in line) for line in box.lines)
    return letters * _LETTER + 2 * _PADDING


def _height(box: Box) -> float:
    return len(box.lines) * _LINE + 8


def _drawn(diagram: Diagram, widths: Sequence[float], layout: Layout) -> Iterator[str]:
    boxes = diagram.boxes
    heights = [0.0] * (max(layout.layer, default=-1) + 1)
    for box, layer in zip(boxes, layout.layer, strict=True):
        heights[layer] = max(heights[layer], _height(box))
    tops = list(accumulate((height + _BETWEEN for height in heights), initial=_MARGIN))
    kinds = [kind for kind in Kind if any(box.kind is kind for box in boxes)]
    width = max(layout.width, _KEY * len(kinds)) + 2 * _MARGIN
    height = tops[-1] + _MARGIN
    left = (width - layout.width) / 2
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="graphc" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}">'
    )
    yield f"<style>{_STYLE}</style>"
    yield '<rect width="100%" height="100%" fill="white"/>'
    ports = _ports(diagram, widths, layout)
    for (source, target), passes, port in zip(diagram.edges, layout.passes, ports, strict=True):
        layer = layout.layer[source]
        points = [(left + layout.centre[source], tops[layer] + _height(boxes[source]))]
        for level, x in enumerate(passes, layer + 1):
            points += [(left + x, tops[level]), (left + x, tops[level] + heights[level])]
        yield from _edge([*points, (left + port, tops[layout.layer[target]])])
    for box, width_of_box, centre, layer in zip(boxes, widths, layout.centre, layout.layer, strict=True):
        yield from _box(box, width_of_box, left + centre, tops[layer])
    yield from _keys(kinds, (width - _KEY * len(kinds)) / 2, tops[-1] - _LINE)
    yield "</svg>"


def _keys(kinds: Sequence[Kind], left: float, top: float) -> Iterator[str]:
    """What the colours mean."""
    for place, kind in enumerate(kinds):
        x = left + _KEY * place + _PADDING
        yield f'<rect x="{x:.1f}" y="{top:.1f}" width="12" height="12" rx="3" {_paint(COLOURS[kind])}/>'
        yield f'<text x="{x + 18:.1f}" y="{top + 10:.1f}" style="text-anchor:start">{kind.value}</text>'


def _ports(diagram: Diagram, widths: Sequence[float], layout: Layout) -> list[float]:
    """Where each edge enters its box: side by side, in the order they come from."""
    entering: dict[int, list[tuple[float, int]]] = {}
    for number, ((source, target), passes) in enumerate(zip(diagram.edges, layout.passes, strict=True)):
        entering.setdefault(target, []).append((passes[-1] if passes else layout.centre[source], number))
    ports = [0.0] * len(diagram.edges)
    for target, edges in entering.items():
        step = min(16.0, (widths[target] - 16) / len(edges))
        for place, (_, number) in enumerate(sorted(edges)):
            ports[number] = layout.centre[target] + step * (place - (len(edges) - 1) / 2)
    return ports


def _edge(points: Sequence[tuple[float, float]]) -> Iterator[str]:
    """Curves between layers and straight lines past them, ending in an arrow head."""
    x, y = points[0]
    parts = [f"M{x:.1f} {y:.1f}"]
    for place, (to_x, to_y) in enumerate(points[1:]):
        bend = (to_y - y) / 2
        curve = f"C{x:.1f} {y + bend:.1f} {to_x:.1f} {to_y - bend:.1f} {to_x:.1f} {to_y:.1f}"
        parts.append(curve if place % 2 == 0 else f"L{to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    yield f'<path d="{" ".join(parts)}"/>'
    yield f'<path style="fill:#8b8b8b;stroke:none" d="M{x:.1f} {y:.1f}l-3.5 -7h7z"/>'


def _box(box: Box, width: float, centre: float, top: float) -> Iterator[str]:
    height = _height(box)
    paint = _paint(COLOURS[box.kind], thickness=2.6 if box.is_output else 1.1)
    yield f"<g><title>{markup(box.tooltip)}</title>"
    yield (
        f'<rect x="{centre - width / 2:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="5" {paint}/>'
    )
    for number, line in enumerate(box.lines):
        style = ' class="sub"' if number else ""
        yield f'<text x="{centre:.1f}" y="{top + 16 + _LINE * number:.1f}"{style}>{markup(line)}</text>'
    yield "</g>"


def _paint(colours: Colours, thickness: float = 1.1) -> str:
    return f'fill="{colours.fill}" stroke="{colours.line}" stroke-width="{thickness}"'
