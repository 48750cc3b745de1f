"""Referrals whose free fields all carry the number of their referral, and a check that no copy carries another's."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from support.generate import _Maker
from support.running import header

from gateway.ports import Json
from schemas import load_catalogue

REFERRAL = "referral.request/1"
_MARK = re.compile(r"mark(\d{4})of9d7c1e")
_ID = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{22}(?![A-Za-z0-9_-])")


def mark(number: int) -> str:
    """The text that stands in every free field of referral `number`: too long to stand in a random id by chance."""
    return f"mark{number:04d}of9d7c1e"


def case_number(number: int) -> str:
    """The number that the case system gave the case of referral `number`."""
    return f"{mark(number)}-case"


@dataclass(slots=True, kw_only=True)
class _MarkedMaker(_Maker):
    """Makes bodies whose free texts are the mark with a running number behind it."""

    number: int
    running: Any = field(default_factory=count)

    def _string(self, schema: Any) -> str:
        if "pattern" in schema or "format" in schema or schema["maxLength"] < 20:
            return _Maker._string(self, schema)
        return f"{mark(self.number)}{next(self.running)}"


def referral(number: int, to: str, consent_id: str) -> dict[str, Json]:
    """A request of random shape for referral `number`, valid under its schema."""
    root = load_catalogue().find(REFERRAL).document
    maker = _MarkedMaker(rng=random.Random(number), root=root, share=0.5, text=400, array=3, number=number)
    made: dict[str, Any] = maker.value(root)
    person = made["content"]["person"]
    for member in ("birth_date", "birth_year", "birth_estimated"):
        person.pop(member, None)
        person.get("unknown", {}).pop(member, None)
    if not person.get("unknown", True):
        del person["unknown"]
    person["age_group"] = "adult"  # who consents in person (G2)
    made["content"].pop("child", None)
    made["content"]["legal_status"] = "irregular"  # nothing about an asylum seeker goes to the State of origin (G5)
    for item in made["content"].get("proceedings", ()):
        item["proceeding"] = "residence"  # nor data about crimes to a focal point (G9)
    made["content"].pop("attachments", None)  # no file goes with these
    named = {"author_ref": f"{mark(number)}-author", "case_ref_sender": case_number(number)}
    return {
        "type": REFERRAL,
        "to": to,
        "purpose": "referral",
        "header": header(**named, consent_ref=consent_id, transfer_instrument=f"{mark(number)} arrangement"),
        "content": made["content"],
    }


@dataclass(slots=True)
class Copies:
    """Collects every copy that was looked at, and what was wrong with it.

    `owner` says to which referral an id belongs: messages, conversations, consents, statement hashes.
    """

    owner: dict[str, int] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    def look(self, place: str, number: int, text: str, *, marked: bool) -> None:
        """A copy of referral `number` at `place`: it must carry that number (if `marked`) and no other one."""
        self.seen[place] = self.seen.get(place, 0) + 1
        found = {int(digits) for digits in _MARK.findall(text)}
        if marked and number not in found:
            self.complaints.append(f"{place}: a copy of {number} does not carry its mark")
        found |= {self.owner[id] for id in _ID.findall(text) if id in self.owner}
        if found - {number}:
            self.complaints.append(f"{place}: a copy of {number} carries {sorted(found - {number})}")
