"""The form of a draft: its members, and what is wrong with it before anybody asks who takes it and why.

The node judges by this what comes to it, and `trm schema check` what lies in a file, without a node.
"""

from __future__ import annotations

from collections.abc import Mapping

import schemas
from gateway.errors import Finding
from gateway.ports import Json
from keys.primitives.encoding import is_id
from schemas.types import type_name

NEEDED = ("content", "header", "to", "type")
IDS = ("message", "conversation", "in_reply_to", "case")
CASE_ACCEPTED = "/content/case_ref_recipient"
LARGEST = 2_000_000
"""Bytes of a draft as it is stored."""
MEMBERS = frozenset((*NEEDED, *IDS, "purpose"))


def form_faults(draft: Mapping[str, Json]) -> list[Finding]:
    """Find what is wrong with the members of a draft; what its two halves hold is the matter of `schema_faults`."""
    faults = [Finding(place=f"/{name}", rule="required", hint="is missing") for name in NEEDED if name not in draft]
    if set(draft) - MEMBERS:
        faults.append(Finding(place="", rule="additionalProperties", hint="a draft has " + ", ".join(sorted(MEMBERS))))
    for name in ("header", "content"):
        if name in draft and not isinstance(draft[name], dict):
            faults.append(Finding(place=f"/{name}", rule="type", hint="an object"))
    header, body_type, purpose = draft.get("header"), draft.get("type"), draft.get("purpose")
    if isinstance(header, dict) and "seen" in header:
        faults.append(Finding(place="/header/seen", rule="additionalProperties", hint="the node fills this in"))
    if "type" in draft and not (isinstance(body_type, str) and body_type in schemas.load_catalogue()):
        faults.append(Finding(place="/type", rule="unknown_type", hint="trm schema list shows the types"))
    for name in IDS:
        if draft.get(name) is not None and not is_id(draft[name]):
            faults.append(Finding(place=f"/{name}", rule="format", hint="16 bytes as base64url"))
    if purpose is not None and not (isinstance(purpose, str) and purpose in schemas.code_list("purpose")):
        faults.append(Finding(place="/purpose", rule="unknown_code", hint="a code of the list purpose"))
    return faults


def schema_faults(body_type: str, header: Mapping[str, Json], content: Mapping[str, Json]) -> list[Finding]:
    """Find what the schema and the text policy refuse.

    The author and the consent are a person's to add, so what is missing in the header is no fault yet; nor is how we
    call the case that we accept, which the node knows.
    """
    body: dict[str, Json] = {"header": {**header, "seen": 0}, "content": dict(content)}
    findings = (*schemas.validate(body_type, body), *schemas.text_findings(body))
    added = ("/header", CASE_ACCEPTED) if type_name(body_type) == "referral.accept" else ("/header",)
    return [fault for fault in findings if not (fault.rule == "required" and fault.place.startswith(added))]
