"""What the reference pages have to say, read from the code: operations, settings, audit entries."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from support.house import files_of, syntax

from adapters.kit.kind import find, offered
from gateway.api.routes import PREFIX, ROUTES
from gateway.foundation.config import Config
from gateway.node.rows import ROWS
from gateway.peers import backoff_rules, expiry_rules, split_view_rules

# --- the local API -------------------------------------------------------------------------------------------------


def arguments(operation: str) -> tuple[str, ...]:
    """What an operation takes, without what is in its path."""
    return tuple(name for name in ROWS[operation].arguments.model_fields if name not in ("id", "part"))


def operation_rows() -> list[str]:
    """The table of operations, a row each."""
    return [
        f"| {route.method} | `{PREFIX}{route.path}` | `{route.operation}` | {ROWS[route.operation].summary} | "
        f"{', '.join(f'`{name}`' for name in arguments(route.operation))} |"
        for route in ROUTES
    ]


def with_operations(page: Path) -> str:
    """The text of a page with the table of operations between its two markers."""
    head = ["| method | path | operation | what | arguments |", "|---|---|---|---|---|"]
    return put_between(page.read_text(encoding="utf-8"), "operations", [*head, *operation_rows()])


def put_between(text: str, name: str, lines: Sequence[str]) -> str:
    """The text with these lines between its two markers of this name."""
    before, opening, rest = text.partition(f"<!-- {name} -->\n")
    _, closing, after = rest.partition(f"<!-- /{name} -->")
    if not opening or not closing:
        raise RuntimeError(f"the page has no markers {name!r}")
    return before + opening + "\n".join(lines) + "\n" + closing + after


# --- settings ------------------------------------------------------------------------------------------------------


def settings() -> dict[str, str]:
    """Every key of node.toml with its default as the file would have it; "needed" where there is none."""
    return dict(_keys(Config, ""))


def adapter_settings() -> dict[str, dict[str, str]]:
    """For each kind of adapter of this repository, its keys under `[adapter]` with their defaults."""
    kinds = {name: find(name) for name, points in offered().items() if points[0].value.startswith("adapters.")}
    return {name: dict(_keys(kind.settings, "adapter.")) for name, kind in kinds.items()}


def _keys(model: type[BaseModel], before: str) -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        inner = [part for part in _models(field.annotation) if part is not model]
        if inner:
            many = "[]" if get_origin(field.annotation) is tuple else ""
            yield from _keys(inner[0], f"{before}{name}{many}.")
        else:
            yield f"{before}{name}", _default(field.default)


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models(part)]


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return "needed"
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`{list(value)}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def files_that_say(words: str) -> list[Path]:
    """The files of the gateway in which a call may stand; the others need not be parsed."""
    return [path for path in files_of("gateway") if words in path.read_text(encoding="utf-8")]


# --- alarms --------------------------------------------------------------------------------------------------------


_STOPPING = ("equivocation", "bad_chain", "rollback", "link_reset_required")
_KINDS = {
    "item.kind": expiry_rules.KINDS,
    "split.kind": split_view_rules.KINDS,
    "f'message.{named}'": ("message.rejected", "message.failed"),
    "f'{overdue}.overdue'": ("conversation.overdue", "erasure.overdue"),
    "f'peer.{refusal.code}'": tuple(f"peer.{c}" for c in _STOPPING),
    "backoff_rules.KIND": (backoff_rules.KIND,),
    "f'peer.{code}'": tuple(f"peer.{c}" for c in _STOPPING),
}


@cache
def alarms() -> frozenset[str]:
    """Every kind of alarm that is raised."""
    found: set[str] = set()
    for path in files_that_say("journal.raise_alarm("):
        for call in ast.walk(syntax(path)):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "journal.raise_alarm":
                kind = next(keyword.value for keyword in call.keywords if keyword.arg == "kind")
                words = ast.unparse(kind)
                code = re.fullmatch(r"f'peer\.\{Code\.([A-Z_]+)\}'", words)
                found |= set(_KINDS.get(words) or ([f"peer.{code[1].lower()}"] if code else [ast.literal_eval(kind)]))
    return frozenset(found)


# --- audit entries -------------------------------------------------------------------------------------------------


def audit_entries() -> dict[str, set[str]]:
    """Every event that an audit entry can have, with all members it can state."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in files_that_say("leaf("):
        tree = syntax(path)
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "leaf":
                for event in _events(call.args[1], tree):
                    found[event] |= {keyword.arg or "**" for keyword in call.keywords}
    return dict(found)


def _events(node: ast.expr, tree: ast.Module) -> list[str]:
    """The words that an expression for an event can be."""
    match node:
        case ast.Constant(value=str(word)):
            return [word]
        case ast.JoinedStr():  # the receipts of step 14
            return ["message.received", "message.rejected"]
        case _:  # an argument of the one function that changes peers
            calls = [
                call for call in ast.walk(tree) if isinstance(call, ast.Call) and ast.unparse(call.func) == "_change"
            ]
            return [event.value for call in calls if isinstance(event := call.args[4], ast.Constant)]
