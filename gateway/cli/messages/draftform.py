"""Faults of a draft in a file, as far as they can be found without a node, and how to mend each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.errors import Finding
from gateway.ports import Json


def find_faults(draft: Mapping[str, Json]) -> Sequence[Finding]:
    """Find the faults of a draft that need no node: those of its members and of its schema."""
    import schemas
    from gateway.messages.draft_form import form_faults, schema_faults

    found = form_faults(draft)
    if "to" in draft and not (isinstance(draft["to"], str) and draft["to"]):
        found.append(Finding(place="/to", rule="unknown_peer", hint="trm peer list shows the names"))
    body_type, header, content = draft.get("type"), draft.get("header"), draft.get("content")
    if isinstance(header, dict) and isinstance(content, dict) and body_type in schemas.load_catalogue():
        found += schema_faults(str(body_type), header, content)
    return found


def explain_fault(draft: Mapping[str, Json], fault: Finding) -> dict[str, Json]:
    """Explain a fault as a line of corrections, as `schemas.explaining.explain` does, without a value from the file."""
    from schemas.explaining.explain import explain_finding

    body_type = str(draft.get("type"))
    expected, mend = _ours(draft, fault)
    if not mend and fault.place.startswith(("/header", "/content")):
        told = explain_finding(body_type, {"header": draft.get("header"), "content": draft.get("content")}, fault)
        expected, mend = told.expected, told.mend
    return {"place": fault.place, "rule": fault.rule, "hint": fault.hint, "expected": expected, "mend": mend}


def _ours(draft: Mapping[str, Json], fault: Finding) -> tuple[str, str]:
    """Explain a fault of the draft's own members; empty for faults inside header and content."""
    from schemas.explaining.nearest import find_nearest, likeliest_type, nearest_type

    match fault.place, fault.rule:
        case "/type", "required":
            content = draft.get("content", dict(draft))
            likely = likeliest_type(content)
            looks = f'its members look like those of {likely}: add "type": "{likely}"' if likely else "add `type`"
            return "the message type with its version", looks
        case "/type", _:
            near = nearest_type(draft["type"])
            return "a message type of trm schema list", f"did you mean {near}?" if near else "choose one of the list"
        case "/to", rule:
            mend = "add `to`" if rule == "required" else "replace the present value with it"
            return "the peer: its short name here, or its node id", f"{mend}; trm peer list shows the peers"
        case ("/header" | "/content") as half, "required":
            whole = {"/header": "who writes to whom and on which basis", "/content": "what the message says"}
            return f"an object: {whole[half]}", f"add `{half[1:]}`; trm schema show TYPE prints its members"
        case (("/header" | "/content"), "type") if not isinstance(draft.get(fault.place[1:]), dict):
            return "an object", "write members and values in braces"
        case "/purpose", _:
            near = find_nearest(draft.get("purpose"), _purposes())
            return f"a code of purpose: {', '.join(_purposes())}", f"did you mean {near}?" if near else "choose one"
        case "", "additionalProperties":
            return fault.hint, "facts of the case belong under `content`, who writes to whom under `header`"
        case "/header/seen", _:
            return fault.hint, "leave it out"
        case "/message", _:
            return fault.hint, "copy the id that trm attachment add printed, or leave it out"
        case (("/conversation" | "/in_reply_to"), _):
            return fault.hint, "copy the id that trm conversation list or trm message list prints"
        case _:
            return fault.hint, ""


def _purposes() -> list[str]:
    import schemas

    return [entry.code for entry in schemas.code_list("purpose").codes if not entry.retired]
