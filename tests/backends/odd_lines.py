"""Programs whose lines, comments and size names end as no comment of generated code may."""

from pathlib import Path

import graphc as gx

__all__ = ["ODD_LINES", "odd_program"]

#: what follows `y = gx.exp(x)`, as a line of a user may end
ODD_LINES = {
    "continued": " + \\\n    1",
    "comment": "  # \\",
    "slashes": "  # //\\\\\\",
    "trigraph": "  # what??/",
    "trigraphs": "  # ???=??(??)",
    "opened": "  # /* //",
    "marks": "  # '''\" R\"( #define ; { } \f \v \u2028",
}


def odd_program(folder: Path, ending: str, size: str) -> tuple[gx.Node, gx.Node]:
    """An input with a size of this name, and what a line with this ending makes of it."""
    file = folder / "odd.py"
    file.write_text(f"y = gx.exp(x){ending}\n", encoding="utf-8")
    x = gx.input("x", (size, 3))
    names: dict[str, gx.Node] = {"x": x}
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), {"gx": gx}, names)
    return x, names["y"]
