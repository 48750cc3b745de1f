"""A draft in a file: its faults, as far as they are seen without a node, and how each is mended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gateway.errors import Finding
from gateway.ports import Json

NEEDED = ("type", "to", "header", "content")
IDS = ("message", "conversation", "in_reply_to")
MEMBERS = (*NEEDED, *IDS, "purpose")


def faults(draft: Mapping[str, Json]) -> Sequence[Finding]:
    """The faults of a draft that need no node to be seen: its members and its schema.

    The author and the consent are a person's to add, so a member missing in the header is no fault yet.
    """
    import schemas

    found = list(_of_form(draft))
    body_type, header, content = draft.get("type"), draft.get("header"), draft.get("content")
    if isinstance(header, dict) and isinstance(content, dict) and body_type in schemas.catalogue():
        body: dict[str, Json] = {"header": {**header, "seen": 0}, "content": content}
        judged = (*schemas.validate(str(body_type), body), *schemas.text_findings(body))
        found += [fault for fault in judged if not (fault.rule == "required" and fault.place.startswith("/header"))]
    purpose = draft.get("purpose")
    if purpose is not None and purpose not in schemas.code_list("purpose"):
        found.append(Finding(place="/purpose", rule="unknown_code", hint="a code of the list purpose"))
    return found


def _of_form(draft: Mapping[str, Json]) -> Iterator[Finding]:
    import schemas
    from keys.primitives.encoding import is_id

    for name in NEEDED:
        if name not in draft:
            yield Finding(place=f"/{name}", rule="required", hint="is missing")
    if "type" in draft and draft["type"] not in schemas.catalogue():
        yield Finding(place="/type", rule="unknown_type", hint="trm schema list shows the types")
    for name in ("header", "content"):
        if name in draft and not isinstance(draft[name], dict):
            yield Finding(place=f"/{name}", rule="type", hint="an object")
    if "to" in draft and not (isinstance(draft["to"], str) and draft["to"]):
        yield Finding(place="/to", rule="unknown_peer", hint="trm peer list shows the names")
    for name in IDS:
        if draft.get(name) is not None and not is_id(draft[name]):
            yield Finding(place=f"/{name}", rule="format", hint="16 bytes as base64url")
    if isinstance(header := draft.get("header"), dict) and "seen" in header:
        yield Finding(place="/header/seen", rule="additionalProperties", hint="the node fills this in")
    if set(draft) - set(MEMBERS):
        yield Finding(place="", rule="additionalProperties", hint=f"only {', '.join(MEMBERS)}")


def explained(draft: Mapping[str, Json], fault: Finding) -> dict[str, Json]:
    """A fault as a line of corrections: see `schemas.explain`; what comes from the file is not in it."""
    from schemas.explain import explain

    body_type = str(draft.get("type"))
    expected, mend = _ours(draft, fault)
    if not mend and fault.place.startswith(("/header", "/content")):
        told = explain(body_type, {"header": draft.get("header"), "content": draft.get("content")}, fault)
        expected, mend = told.expected, told.mend
    return {"place": fault.place, "rule": fault.rule, "hint": fault.hint, "expected": expected, "mend": mend}


def _ours(draft: Mapping[str, Json], fault: Finding) -> tuple[str, str]:
    """Words for the members of the draft itself; none for what is in its two halves."""
    from schemas.explain import likeliest_type, nearest, nearest_type

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
            mend = "add `to`" if rule == "required" else "put it in the place of what stands there"
            return "the peer: its short name here, or its node id", f"{mend}; trm peer list shows the peers"
        case ("/header" | "/content") as half, "required":
            whole = {"/header": "who writes to whom and on which basis", "/content": "what the message says"}
            return f"an object: {whole[half]}", f"add `{half[1:]}`; trm schema show TYPE prints its members"
        case (("/header" | "/content"), "type") if not isinstance(draft.get(fault.place[1:]), dict):
            return "an object", "write members and values in braces"
        case "/purpose", _:
            near = nearest(draft.get("purpose"), _purposes())
            return f"a code of purpose: {', '.join(_purposes())}", f"did you mean {near}?" if near else "choose one"
        case "", "additionalProperties":
            return fault.hint, "facts of the case stand under `content`, who writes to whom under `header`"
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
