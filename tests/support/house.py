"""What the house tests look at: the files of the repository, the settings in pyproject.toml, the imports of a file."""

from __future__ import annotations

import ast
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("gateway", "keys", "schemas", "adapters")


def pyproject() -> dict[str, Any]:
    """The parsed pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def contract(words: str) -> dict[str, Any]:
    """The import contract whose name has these words."""
    found = [entry for entry in pyproject()["tool"]["importlinter"]["contracts"] if words in entry["name"]]
    assert len(found) == 1, f"{len(found)} contracts named {words!r}"
    entry: dict[str, Any] = found[0]
    return entry


def tracked() -> list[Path]:
    """Every file that is or would be in the repository; in a copy without git, all but hidden folders and caches."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        names = (path.relative_to(ROOT) for path in ROOT.rglob("*"))
        hidden = (".", "__pycache__")
        listed = [name.as_posix() for name in names if not any(part.startswith(hidden) for part in name.parts)]
    return sorted({path for name in listed if name and (path := ROOT / name).is_file()})


def files_of(module: str) -> list[Path]:
    """The files of a module or of a package with all below it."""
    path = ROOT.joinpath(*module.split("."))
    return [path.with_suffix(".py")] if path.with_suffix(".py").exists() else sorted(path.rglob("*.py"))


def syntax(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module a file imports, also inside functions, as it is written there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
