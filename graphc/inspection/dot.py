"""Graphs in the DOT language of Graphviz, and the pictures that its program draws of them."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import final

from graphc.dataclass import dataclass
from graphc.errors import ArgumentError, UnsupportedError
from graphc.inspection.bodies import bodies_of
from graphc.inspection.diagram import COLOURS, Box, diagram_of
from graphc.inspection.escaping import excerpt, markup
from graphc.inspection.listing import Listing, Showable, listing_of

__all__ = ["Dot", "to_dot"]

_DRAWN_LINES = 1000  # of source; Graphviz takes minutes for a few thousand edges
_DRAWN = ("pdf", "png", "svg")


@final
@dataclass(frozen=True)
class Dot:
    """A graph as DOT source."""

    source: str

    def __str__(self) -> str:
        return self.source

    def svg(self) -> str:
        """The picture as SVG.  Raises UnsupportedError where Graphviz is not installed."""
        return self._drawn("svg").decode("utf-8")

    def save(self, path: str | Path) -> None:
        """Write the source (.dot, .gv) or, where Graphviz is installed, the picture (.pdf, .png, .svg)."""
        path = Path(path)
        suffix = path.suffix.removeprefix(".")
        if suffix in ("dot", "gv"):
            path.write_text(self.source, encoding="utf-8")
        elif suffix in _DRAWN:
            path.write_bytes(self._drawn(suffix))
        else:
            raise ArgumentError(f"a graph is not saved as {path.name!r}", hint=f".dot, .gv, .{', .'.join(_DRAWN)}")

    def _drawn(self, form: str) -> bytes:
        try:
            import graphviz
        except ImportError:
            raise UnsupportedError(
                "the Python package graphviz is not installed", hint="pip install graphviz, or gx.to_svg"
            ) from None
        try:
            drawn: bytes = graphviz.Source(self.source).pipe(format=form)
        except graphviz.ExecutableNotFound:
            raise UnsupportedError(
                "the program `dot` of Graphviz is not installed", hint="install it, or gx.to_svg"
            ) from None
        return drawn

    def _repr_html_(self) -> str:
        if self.source.count("\n") <= _DRAWN_LINES:
            with suppress(UnsupportedError):
                return self.svg()
        return f"<pre>{markup(excerpt(self.source))}</pre>"


def to_dot(shown: Showable) -> Dot:
    """The graph of a node, of several nodes, or of a compiled function, for Graphviz.

    Boxes are coloured by kind, scopes are frames, and the user's line is the tooltip.  So is the body of a loop or a
    branch: dashed lines lead into it from what its inputs stand for, and from what it gives to the loop or branch.
    """
    return Dot("\n".join(_source(listing_of(shown))) + "\n")


def _source(listing: Listing) -> Iterator[str]:
    yield "digraph graphc {"
    yield '  node [shape=box, style="rounded,filled", fontname="monospace", fontsize=11, margin="0.12,0.06"]'
    yield '  edge [color="#777777", arrowsize=0.6]'
    yield '  graph [fontname="monospace", fontsize=11]'
    yield from _graph(listing, "")
    pending = [("", listing, body) for body in bodies_of(listing)]
    for number, (outer_name, outer, body) in enumerate(pending):  # which grows by the bodies in bodies
        name = f"b{number}_"
        yield f"  subgraph cluster_{name} {{"
        yield f'  label={_string(body.title)}; color="#777777"; style="rounded,dashed"'
        yield from _graph(body.listing, name)
        yield "  }"
        for inner, (_, operand) in body.stands.items():
            if outer.is_placed(operand):
                yield _passage(f"{outer_name}{outer.numbers[operand]}", f"{name}{body.listing.numbers[inner]}")
        for given in dict.fromkeys(node for nodes in body.results.values() for node in nodes):
            yield _passage(f"{name}{body.listing.numbers[given]}", f"{outer_name}{outer.numbers[body.owner]}")
        pending += [(name, body.listing, inner) for inner in bodies_of(body.listing)]
    yield "}"


def _graph(listing: Listing, name: str) -> Iterator[str]:
    """The boxes and edges of one graph, without bodies; all that stands for something is called `name` and a number."""
    diagram = diagram_of(listing.graph)
    yield from _framed(diagram.boxes, name)
    yield from (f"  n{name}{operand} -> n{name}{reader}" for operand, reader in diagram.edges)


def _passage(source: str, target: str) -> str:
    return f"  n{source} -> n{target} [style=dashed]"


def _framed(boxes: tuple[Box, ...], name: str) -> Iterator[str]:
    """The boxes, sorted into one frame per scope; frames open and close as the path changes."""
    places: dict[tuple[str, ...], int] = {(): 0}  # of paths, in the order in which they appear
    for box in boxes:
        for depth in range(len(box.path)):
            places.setdefault(box.path[: depth + 1], len(places))

    def frames(box: Box) -> tuple[int, ...]:
        return tuple(places[box.path[: depth + 1]] for depth in range(len(box.path)))

    opened: tuple[int, ...] = ()
    for number, box in sorted(enumerate(boxes), key=lambda item: frames(item[1])):
        wanted = frames(box)
        shared = sum(1 for one, other in zip(opened, wanted, strict=False) if one == other)
        yield from ("  }" for _ in opened[shared:])
        for frame, part in zip(wanted[shared:], box.path[shared:], strict=True):
            yield f"  subgraph cluster_{name}{frame} {{"
            yield f'  label={_string(part)}; color="#bbbbbb"; style="rounded"'
        opened = wanted
        yield _node(f"{name}{number}", box)
    yield from ("  }" for _ in opened)


def _node(name: str, box: Box) -> str:
    colours = COLOURS[box.kind]
    width = ", penwidth=2.5" if box.is_output else ""
    return (
        f"  n{name} [label={_string(*box.lines)}, tooltip={_string(*box.tooltip.splitlines())}, "
        f'fillcolor="{colours.fill}", color="{colours.line}"{width}]'
    )


def _string(*lines: str) -> str:
    """A quoted string of DOT: nothing in it is an escape or an entity of Graphviz but the line breaks."""
    safe = (line.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;") for line in lines)
    return '"' + "\\n".join(safe) + '"'
