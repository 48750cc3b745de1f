"""Faults of a draft in a file: found without a node, and each with what to do about it."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.cli.messages.draftform import explain_fault, find_faults
from gateway.errors import Finding

DRAFT: dict[str, Any] = {"type": "info.request/1", "to": "AL", "purpose": "referral", "header": {}, "content": {}}


def test_members_and_schema_are_judged() -> None:
    """A peer that is no name, and what the schema of the type asks for."""
    found = {(fault.place, fault.rule) for fault in find_faults(DRAFT | {"to": ""})}
    assert ("/to", "unknown_peer") in found
    assert ("/content/items", "required") in found
    assert "/to" not in {fault.place for fault in find_faults(DRAFT)}


@pytest.mark.parametrize(
    ("draft", "place", "rule", "mend"),
    [
        ({"type": "inf.request/1"}, "/type", "unknown_type", "did you mean info.request/1?"),
        ({}, "/to", "required", "add `to`; trm peer list shows the peers"),
        ({"purpose": "referra"}, "/purpose", "enum", "did you mean referral?"),
        ({}, "/header", "required", "add `header`; trm schema show TYPE prints its members"),
        ({"header": []}, "/header", "type", "write members and values in braces"),
        ({}, "", "additionalProperties", "facts of the case belong under `content`, who writes to whom under `header`"),
        ({}, "/header/seen", "x", "leave it out"),
        ({}, "/message", "x", "copy the id that trm attachment add printed, or leave it out"),
        ({}, "/in_reply_to", "x", "copy the id that trm conversation list or trm message list prints"),
    ],
)
def test_each_fault_has_its_mend(draft: dict[str, Any], place: str, rule: str, mend: str) -> None:
    """In the words of the shell, and without a value of the file."""
    told = explain_fault(draft, Finding(place=place, rule=rule, hint="h"))
    assert (told["place"], told["rule"], told["mend"]) == (place, rule, mend)
