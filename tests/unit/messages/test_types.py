"""The types that prove: each is constructed by the step that earns it and nowhere else in the product."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import gateway
from gateway.messages import types

PLACES = {
    "PermittedMessage": {"delivery/outbound/steps.py _permit"},
    "ValidMessage": {"delivery/outbound/steps.py _validate", "messages/content_codec.py valid_message"},
    "AuthenticStatement": {"delivery/inbound/steps.py authenticate_statement"},
    "ExaminedMessage": {"delivery/inbound/steps.py examine_message"},
    "AcceptedMessage": {"delivery/inbound/steps.py accept_message"},
    "SealedEnvelope": {"delivery/outbound/departure_steps.py seal"},
}


def constructed(root: Path) -> dict[str, set[str]]:
    """By type, where below `root` it is constructed: file and function."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in root.rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
                    name = ast.unparse(call.func).rpartition(".")[2]
                    if name in PLACES:
                        found[name].add(f"{path.relative_to(root).as_posix()} {function.name}")
    return dict(found)


def test_each_type_is_constructed_by_the_step_that_earns_it() -> None:
    """A second constructor would let something pass that no step has looked at."""
    assert all(hasattr(types, name) for name in PLACES)
    assert constructed(Path(gateway.__file__).parent) == PLACES


def test_a_constructor_elsewhere_is_found(tmp_path: Path) -> None:
    """The scan sees a call through a module and one inside a nested function."""
    source = "def outer():\n    def inner():\n        return types.AcceptedMessage()\n    return ExaminedMessage()\n"
    (tmp_path / "sly.py").write_text(source)
    assert constructed(tmp_path) == {
        "AcceptedMessage": {"sly.py outer", "sly.py inner"},
        "ExaminedMessage": {"sly.py outer"},
    }
