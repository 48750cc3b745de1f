"""The rooms that hold rules take the clock, randomness and keys as arguments, and do no I/O (ADR 0011)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from support.house import ROOT, contract, files_of, imported, syntax

CONTRACT = contract("pure rooms")
EXEMPT = {
    "schemas/publishing/build.py",  # makes the published files; no node imports it
    "schemas/resources.py",  # reads the package's own data with importlib.resources
}
PURE = sorted(
    path
    for module in CONTRACT["source_modules"]
    for path in files_of(module)
    if path.relative_to(ROOT).as_posix() not in EXEMPT
)
WORLD = {*CONTRACT["forbidden_modules"], "builtins", "fcntl", "http", "importlib", "mmap", "pickle", "zoneinfo"}
NAMES = {"open", "input", "print", "breakpoint", "exec", "eval", "__import__"}
CLOCK = {"now", "utcnow", "today", "localtime", "monotonic", "perf_counter", "time_ns"}
CHANCE = {"urandom", "randombytes", "token_bytes", "token_hex", "token_urlsafe", "generate_key", "getrandbits"}


def faults(tree: ast.AST) -> Iterator[str]:
    """What a file does that a pure room must not do, in words."""
    for name in imported(tree):
        if name.split(".")[0] in WORLD:
            yield f"imports {name}"
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Name) and call.func.id in NAMES:
            yield f"line {call.lineno} calls {call.func.id}"
        if isinstance(call.func, ast.Attribute):
            name = call.func.attr
            if name in CLOCK | CHANCE or (name == "generate" and not call.args and not call.keywords):
                yield f"line {call.lineno} calls .{name}"


def test_no_pure_file_touches_the_world():
    """No I/O module, no clock, no randomness, no open()."""
    found = [f"{path.relative_to(ROOT)} {fault}" for path in PURE for fault in faults(syntax(path))]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "import os.path",
        "from pathlib import Path",
        "def f():\n    import socket",
        "from time import time",
        "import random",
        "open('x')",
        "datetime.now(UTC)",
        "date.today()",
        "X25519PrivateKey.generate()",
        "nacl.utils.randombytes(4)",
        "importlib.import_module('os')\nimport importlib",
    ],
)
def test_a_planted_fault_is_found(source):
    """The scan sees each kind of fault it is there for."""
    assert list(faults(ast.parse(source))) != []


def test_randomness_from_the_caller_is_allowed():
    """A key made from the caller's source of randomness is no fault."""
    assert list(faults(ast.parse("SigningKey.generate(rand, hybrid=True)\nnow + 300"))) == []


def test_every_rules_module_is_pure():
    """Whatever is called rules stands in the contract, and the procedures of both directions do."""
    named = {path for path in files_of("gateway") if path.stem == "rules" or "rules" in path.parts}
    named |= {ROOT / "gateway" / "delivery" / way / "steps.py" for way in ("inbound", "outbound")}
    assert sorted(str(path.relative_to(ROOT)) for path in named - set(PURE)) == []
