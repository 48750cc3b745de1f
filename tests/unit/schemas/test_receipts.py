"""The schemas of the receipt objects: documentation for other implementers, true to the protocol (nrm1 6.1, 7.14)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

PUBLISHED = Path(__file__).resolve().parents[3] / "schemas" / "published"

RECEIPT: dict[str, Any] = {
    "type": "nrm.receipt/2",
    "of": "A" * 43,
    "msg": "A" * 22,
    "from": "n1" + "a" * 32,
    "from_desc": 1,
    "to": "n1" + "b" * 32,
    "n": 1,
    "status": "received",
    "at": 1800000000,
    "code": None,
}


def valid(name: str, value: object) -> bool:
    """The verdict of the published schema."""
    schema = json.loads((PUBLISHED / name).read_bytes())
    return bool(Draft202012Validator(schema).is_valid(value))


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, True),
        ({"status": "rejected", "code": "schema"}, True),
        ({"status": "rejected"}, False),
        ({"code": "schema"}, False),
        ({"status": "rejected", "code": "no_key"}, False),
        ({"status": "read"}, False),
        ({"n": 0}, False),
        ({"text": "x"}, False),
    ],
)
def test_one_receipt(changes: dict[str, Any], verdict: bool) -> None:
    """Members are exact; a code is there exactly when the message was rejected, and never a local one."""
    assert verdict == valid("nrm.receipt.2.1.json", RECEIPT | changes)


@pytest.mark.parametrize(("count", "verdict"), [(0, False), (1, True), (100, True), (101, False)])
def test_receipts_of_the_first_form(count: int, verdict: bool) -> None:
    """They were signed 1 to 100 as one document (nrm1 7.14)."""
    first = RECEIPT | {"type": "nrm.receipt/1"}
    assert verdict == valid("nrm.receipts.1.1.json", {"type": "nrm.receipts/1", "receipts": [first] * count})
    assert valid("nrm.receipt.1.1.json", first)
    assert not valid("nrm.receipt.1.1.json", RECEIPT)
