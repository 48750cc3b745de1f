"""What a desk says around a draft, for tests of the console: the units of two countries, and one draft."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from support import played_cases

ID = "AAAAAAAAAAAAAAAAAAAAAA"
OTHER = "BBBBBBBBBBBBBBBBBBBBBA"
SCRIPT = "<script>alert(1)</script>"
HERE = f"/drafts/{ID}"
WHOLE = f"{HERE}/whole"
"""The form of one page."""


def unit(peer: str, state: str, *roles: str, name: str = "Focal point") -> dict[str, Any]:
    """One unit of the directory."""
    country = "FR" if state == "own" else peer
    return {
        "peer": peer,
        "state": state,
        "node": "n1" + ("a" if state == "own" else "b") * 32,
        "country": country,
        "unit": "fp",
        "name": name,
        "kind": "ngo",
        "roles": [*roles],
        "contact": "duty desk",
    }


def draft(body_type: str = "enquiry.capacity/1", *, state: str = "waiting", **other: Any) -> dict[str, Any]:
    """What `draft.show` says of one."""
    said = {"type": body_type, "to": "AL", "header": {}, "content": {}} | other.pop("draft", {})
    return {
        "id": ID,
        "of_case": None,
        "state": state,
        "at": 1,
        "type": body_type,
        "to": "AL",
        "unit": "fp",
        "record": None,
        "version": "v1",
        "first_by": None,
        "first_by_caller": False,
        "draft": said,
    } | other


NODE = {
    "name": "FR",
    "node": "n1" + "a" * 32,
    "country": "FR",
    "demo": False,
    "endpoint": "x",
    "fingerprint": "x",
    "scanned": "x",
    "descriptor": {"version": 1, "issued": 1, "expires": 2},
    "keyset": None,
    "units": [],
    "peers": 1,
    "queued": 0,
    "to_hand_over": 0,
    "alarms": 0,
    "endings": [],
    "process": {},
    "key_place": "file",
}
PEER = {
    "name": "AL",
    "node": "n1" + "b" * 32,
    "country": "AL",
    "state": "active",
    "cause": None,
    "missing": None,
    "demo": False,
    "first_form": False,
    "descriptor_version": 1,
    "keyset_seen": 1,
    "failing_since": None,
    "attempts": 0,
    "next_try": None,
}
ROLE = "national_focal_point"
KNOWN: Mapping[str, Any] = {
    "directory.list": {"units": [unit("FR", "own", ROLE), unit("AL", "active", ROLE, "case_manager")]},
    "node.show": NODE,
    "peer.list": {"peers": [PEER]},
    **played_cases.ANSWERS,
    "draft.show": draft(),
    "message.list": {"messages": [], "next": None},
    "draft.save": {"id": ID, "state": "waiting", "version": "v1", "findings": []},
    "draft.change": {"id": ID, "state": "waiting", "version": "v2", "findings": []},
}
PREVIEW = {
    "type": "enquiry.capacity/1",
    "purpose": None,
    "corridor": "FR>AL",
    "step": "before_acceptance",
    "policy": {"name": "two-step", "version": 1, "digest": "x"},
    "leaves": {"header": {}, "content": {}},
    "dropped": [],
    "first": None,
    "warnings": [],
    "goes": True,
    "doubts": [],
    "code": None,
    "findings": [],
}
