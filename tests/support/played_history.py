"""What the desk says of the history of a case to an auditor, played: everything on it that can be."""

from __future__ import annotations

from typing import Any

from support.consoles import NOW

CASE = "q2x0bJr3QkK0m1c5n8sT4g"
REFERRAL = {"direction": "out", "peer": "AL", "kind": "referral.request/1"}
QUESTION = {"direction": "in", "peer": "IT", "kind": "info.request/1"}
ERASED = {"direction": "out", "peer": "UA <b>", "kind": None}
FAY = {"kind": "person", "name": "Fay D. <b>"}
BASIS: dict[str, Any] = {
    "consent": NOW - 90_000,
    "legal_basis": ["6_1_e"],
    "transfer_basis": None,
    "vital_interest": False,
}
LOG: dict[str, Any] = {
    "ok": True,
    "origin": "trm.example/FR",
    "entries": 4_207,
    "witnessed": {"size": 4_000, "by": [{"peer": "AL", "node": "n1al", "at": NOW - 600}]},
    "partly_witnessed": None,
    "quorum": 1,
    "checkpoints": 9,
    "newest": 4_200,
    "findings": [],
}


def act(event: str, entry: int | None, by: list[Any], about: Any, **other: Any) -> dict[str, Any]:
    """One act; what is not said of it is empty."""
    known = {"status": None, "message": about, "basis": None, "covered": "witnessed" if entry else None}
    return {"at": NOW - 60, "event": event, "by": by, "entry": entry, **known, **other}


def place(name: str, messages: int, erased: int, **other: Any) -> dict[str, Any]:
    """What a place has erased."""
    return {"place": name, "messages": messages, "erased": erased, "peer": None, "at": None, "until": None, **other}


WHOSE: dict[str, Any] = {
    "id": CASE,
    "number": "FR-2026-0412",
    "references": [{"peer": "AL", "reference": "K7P-4QD"}, {"peer": "IT", "reference": "C9R-6TD"}],
    "at": NOW - 900_000,
}
HISTORIES: dict[str, Any] = {
    "cases": [WHOSE, WHOSE | {"id": "r3x0bJr3QkK0m1c5n8sT4g", "number": None, "references": []}],
    "next": "1.x",
}
HISTORY: dict[str, Any] = WHOSE | {
    "now": NOW,
    "verdict": "complete",
    "broken_at": None,
    "missing": 0,
    "acts": [
        act("receipts.held", 4_206, [], REFERRAL, status="opened"),
        act("message.queued", 4_171, [FAY, {"kind": "user", "name": None}], REFERRAL, basis=BASIS),
        act("message.queued", 4_170, [FAY], REFERRAL, basis=BASIS | {"consent": None, "vital_interest": True}),
        act("message.received", 4_150, [], QUESTION, basis=BASIS | {"consent": None, "legal_basis": []}),
        act("message.state", 4_149, [], REFERRAL, status="failed"),
        act("message.erased", 4_101, [{"kind": "owner", "name": None}], ERASED),
        act("consent.recorded", None, [], None),
        act("case.opened", 3_402, [{"kind": "unknown", "name": None}], None),
    ],
    "looks": [
        {"at": NOW - 60, "what": what, "message": about, "by": by}
        for what, about, by in (
            ("message", REFERRAL, FAY),
            ("file/2", QUESTION, {"kind": "token", "name": "registry"}),
            ("case", None, {"kind": "person", "name": None}),
        )
    ],
    "more_looks": True,
    "erased": [
        place("here", 7, 1, at=NOW - 5_000),
        place("case_system", 1, 0),
        place("peer", 3, 1, peer="AL", at=NOW - 4_000),
        place("peer", 0, 0, peer="IT"),
        place("backups", 1, 0, until=NOW + 600_000),
    ],
    "holds": [{"ground": "restriction_18", "until": "2027-12-01"}],
    "log": LOG,
    "checkpoint": {"size": 4_200, "at": NOW - 900, "root": "7Jb0bJr3QkK0m1c5n8sT4gq2x0bJr3QkK0m1c5n8sT4"},
    "fingerprint": "41207 88310 52946 07715 36082 91450",
}
