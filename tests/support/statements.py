"""Count the logical lines of product code by folder: statements, without docstrings.

    python tests/support/statements.py [ROOT]

Packing several calls into one line does not change the figure, and neither does a comment.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from pathlib import Path

PRODUCT = ("gateway", "keys", "schemas", "adapters")


def count_statements(tree: ast.AST) -> int:
    """Count every statement of a module but its docstrings."""
    return sum(isinstance(node, ast.stmt) and not is_docstring(node) for node in ast.walk(tree))


def is_docstring(node: ast.stmt) -> bool:
    """Whether a statement is nothing but a text."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def by_folder(root: Path) -> Counter[str]:
    """Count the statements of each package, those of `gateway/` by slice."""
    found: Counter[str] = Counter()
    for package in PRODUCT:
        for path in (root / package).rglob("*.py"):
            parts = path.relative_to(root).parts
            folder = "/".join(parts[:2]) if package == "gateway" and len(parts) > 2 else package
            found[folder] += count_statements(ast.parse(path.read_text(encoding="utf-8")))
    return found


def main(arguments: list[str]) -> None:
    """Print the table for a checkout, this one if none is named."""
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parents[2]
    found = by_folder(root)
    for folder, count in sorted(found.items()):
        print(f"{count:7} {folder}")
    print(f"{found.total():7} in all")


if __name__ == "__main__":
    main(sys.argv[1:])
