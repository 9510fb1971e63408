"""Where the repository is, and which modules its three source folders hold."""

from pathlib import Path

ROOT = Path(__file__).parents[2]

FOLDERS = {"graphc": "graphc", "graphc.passes": "passes", "graphc.backends": "backends"}


def source_modules(root: Path = ROOT) -> dict[str, Path]:
    """Every module under `root` by the name it is imported by; a package's name stands for its `__init__`."""
    return {
        module_name(package, path.relative_to(root / folder)): path
        for package, folder in FOLDERS.items()
        for path in sorted((root / folder).rglob("*.py"))
    }


def module_name(package: str, path: Path) -> str:
    """The name of the module at `path` inside the folder of `package`."""
    parts = path.with_suffix("").parts
    return ".".join((package, *(part for part in parts if part != "__init__")))
