"""Texts kept in files: printed graphs, generated source, errors."""

from dataclasses import dataclass
from pathlib import Path
from typing import final


@final
@dataclass(frozen=True)
class Golden:
    """Compares a text with the file of that name in `folder`, or rewrites the file."""

    folder: Path
    update: bool

    def __call__(self, name: str, text: str) -> None:
        """Assert that `text` is what `<name>.txt` holds, but for one newline at the end."""
        path = self.folder / f"{name}.txt"
        text = text.removesuffix("\n") + "\n"
        if self.update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"no golden text {path.name}: write it with --update-golden, then read it"
        assert text == path.read_text(encoding="utf-8"), f"{path.name} differs; is it meant? --update-golden"
