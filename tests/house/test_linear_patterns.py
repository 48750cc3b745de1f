"""No pattern of the product takes more than linear time, so that no text of a peer or a caller can buy much work."""

from __future__ import annotations

import ast
import importlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from support.house import PRODUCT, ROOT, syntax
from support.linear import faults_of
from support.tables import table

ANYWHERE = frozenset({"search", "sub", "subn", "split", "findall", "finditer"})
ANCHORED = frozenset({"match", "fullmatch"})
PROGRAMS = sorted(
    path
    for room in PRODUCT
    for path in (ROOT / room).rglob("*.py")
    if path.name not in ("bench.py", "__main__.py") and "/".join(path.parts[-2:]) != "migrations/env.py"
)
VERIFIERS = sorted((ROOT / "docs").glob("verify_*.py"))
NEVER_FAILS = {"keys/primitives/encoding.py _STRING"}
"""Takes a string without an end up to the end of the text, so that no place is tried twice."""
Trees = Mapping[Path, ast.Module]


def compiled(trees: Trees) -> Iterator[tuple[str, str | bytes, bool]]:
    """Each pattern that a module keeps: where, how it is spelled, and whether it is looked for anywhere in a text.

    One on which nothing is called is handed to a reader of one whole value.
    """
    used = uses(trees)
    for path in PROGRAMS:
        module = importlib.import_module(
            ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        )
        for name in {target.id for node in trees[path].body for target in targets(node)}:
            kept = getattr(module, name, None)
            for pattern in kept.values() if isinstance(kept, dict) else [kept]:
                if isinstance(pattern, re.Pattern):
                    called = {method for (file, other), methods in used.items() if other == name for method in methods}
                    own = used.get((path, name), set()) if name.startswith("_") else called
                    yield f"{path.relative_to(ROOT)} {name}", pattern.pattern, bool(own & ANYWHERE)


def targets(node: ast.stmt) -> list[ast.Name]:
    """The names that a statement of a module gives."""
    found = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target for target in found if isinstance(target, ast.Name)]


def uses(trees: Trees) -> Mapping[tuple[Path, str], set[str]]:
    """The methods that each file calls on each name."""
    found: defaultdict[tuple[Path, str], set[str]] = defaultdict(set)
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in ANYWHERE | ANCHORED:
                named = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
                found[path, named].add(node.attr)
    return found


def spelled(trees: Trees) -> Iterator[tuple[str, str, bool]]:
    """Each pattern that stands in a call: of `re`, or as an argument `pattern`."""
    for path, tree in trees.items():
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            place = f"{path.relative_to(ROOT)}:{call.lineno}"
            named = getattr(getattr(call.func, "value", None), "id", "") == "re"
            method = getattr(call.func, "attr", "")
            given = call.args[:1] if named and method in ANYWHERE | ANCHORED | {"compile"} else []
            given += [word.value for word in call.keywords if word.arg == "pattern"]
            for value in given:
                if isinstance(value, ast.Constant) and isinstance(value.value, str | bytes) and method != "compile":
                    yield place, value.value, method in ANYWHERE


def published() -> Iterator[tuple[str, str, bool]]:
    """Each `pattern` of the schemas; a validator looks for it anywhere, so that its own anchors count."""
    for path in sorted((ROOT / "schemas").rglob("*.json")):
        waiting = [json.loads(path.read_bytes())]
        while waiting:
            value = waiting.pop()
            if isinstance(value, dict):
                if isinstance(value.get("pattern"), str):
                    yield str(path.relative_to(ROOT)), value["pattern"], True
                waiting.extend(value.values())
            elif isinstance(value, list):
                waiting.extend(value)


def test_every_pattern_is_linear():
    """Of the code, of the verifiers that anybody runs, and of the schemas."""
    trees = {path: syntax(path) for path in [*PROGRAMS, *VERIFIERS]}
    patterns = sorted({*compiled(trees), *spelled(trees), *published()}, key=str)
    assert len(patterns) > 150
    slow = [
        f"{place}: {fault}"
        for place, pattern, anywhere in patterns
        for fault in faults_of(pattern, anywhere=anywhere and place not in NEVER_FAILS)
    ]
    assert slow == []


@table(
    ("pattern", "anywhere", "linear"),
    [
        (r"(a+)+", False, False),
        (r"(a|a)*b", False, False),
        (r"a+a+", False, False),
        (r".*x.*", False, False),
        (r"(\w{0,9}){0,9}", False, False),
        (r"[^\s@]+@[^\s@]+\.[a-z]{2,}", False, False),
        (r"a+@", True, False),
        (r"\s+$", True, False),
        (r"(?=\w*\d)x", True, False),
        (r"(.)\1", False, False),
        (r"a+@", False, True),
        (r"[a-z_]+(\.[a-z_]+)*", False, True),
        (r"[a-z0-9]+", True, True),
        (r'"[^"\\]*+(?:\\.[^"\\]*+)*+', True, True),
        (r"^a+$", True, True),
        (r"a?[a-z]{1,64}z", True, True),
    ],
)
def test_what_is_linear(pattern, anywhere, linear):
    """Slow patterns that everybody knows are found, and the quick ones beside them are not."""
    assert (faults_of(pattern, anywhere=anywhere) == []) is linear
