"""What the desk says to the pages of who runs a node and of who audits it, with everything on them that can be."""

from __future__ import annotations

from typing import Any

from support.consoles import NODE, NOW
from support.played_history import HISTORIES, HISTORY

ID = "q2x0bJr3QkK0m1c5n8sT4g"
OTHER = "r3x0bJr3QkK0m1c5n8sT4g"
NONE = {"count": 0, "oldest": None}
SOME = {"count": 3, "oldest": NOW - 7_200}
PEER: dict[str, Any] = {
    "name": "AL",
    "state": "active",
    "delivery": "failing",
    "held": None,
    "queued": SOME,
    "unreceived": SOME,
    "undelivered": NONE,
    "failing_since": NOW - 7_000,
    "attempts": 5,
    "next_try": NOW + 60,
    "contact": NOW - 90_000,
}
HELD = PEER | {"name": "UA <b>", "delivery": "held", "held": "our side has suspended it", "failing_since": None}
WORKERS: dict[str, Any] = {
    "workers": [
        {
            "id": id,
            "here": id == "a1",
            "host": host,
            "version": "0.2.0",
            "since": NOW - 7_200,
            "seen": seen,
            "away": away,
            "ahead": ahead,
            "leads": leads,
        }
        for id, host, seen, away, ahead, leads in (
            ("a1", "one.example", 1, False, 0, ["chores", "send AL"]),
            ("a2", "two.example", 2, False, -75, []),
            ("a3", "three.example", 400, True, 0, []),
        )
    ]
}
STATUS: dict[str, Any] = {
    "at": NOW,
    "stopped": None,
    "maintenance": None,
    "peers": [PEER, HELD],
    "failed": [
        {"kind": "failed", "peer": "AL", "reason": "expired", "count": 2, "oldest": NOW - 90_000},
        {"kind": "rejected", "peer": "AL", "reason": "gate_g2", "count": 1, "oldest": NOW - 90_000},
        {"kind": "held", "peer": "AL", "reason": "mapping_failed", "count": 1, "oldest": NOW - 90_000},
    ],
    "hand_over": {"adapter": "folder", "messages": SOME, "news": NONE, "drafts": 2},
    "webhooks": [
        {"name": "desk", "url": "http://127.0.0.1:9", "waiting": 4, "oldest": NOW - 60, "attempts": 2},
        {"name": "idle", "url": "http://127.0.0.1:9", "waiting": 0, "oldest": None, "attempts": 0},
    ],
    "content": {"damaged": 1, "key_place": "tpm", "epoch": 7, "epoch_made": NOW - 90_000, "rotating": True},
    "key_service": [],
    "storage": {
        "database": 5_000_000,
        "log": 1_000_000,
        "free": 500_000_000,
        "files": 2,
        "file_bytes": 70_000,
        "coming": 1,
    },
    "backup": NOW - 400_000,
    "erasing": {
        "looked": NOW - 300_000,
        "next": NOW - 200_000,
        "erased": [{"reason": "objection", "count": 2}],
        "left": 1,
        "requests": 2,
        "overdue": 1,
        "holds": 1,
    },
    "audit": {
        "entries": 90,
        "checkpoint": {"size": 80, "at": NOW - 60},
        "witnessed": None,
        "halted": "log_rolled_back",
    },
    "alarms": [{"kind": "message.failed", **SOME}, {"kind": "own.sig.ends_30", "count": 1, "oldest": NOW - 60}],
}


def alarm(seq: int, kind: str = "message.failed", **other: Any) -> dict[str, Any]:
    """One open alarm."""
    return {
        "id": str(seq),
        "at": NOW - 60,
        "kind": kind,
        "of_case": {"id": ID, "name": "Blue 7"},
        "peer": "AL",
        "message": ID,
        "reason": "expired",
        "count": None,
    } | other


STEPS = ("name", "tcp", "tls")
DELIVERY: dict[str, Any] = {
    "at": NOW,
    "days": [
        {"day": NOW // 86_400 * 86_400 - 86_400 * back, "peer": "AL", "within_hour": 9 - back, "later": 1, "not_yet": n}
        for back, n in ((0, 3), (1, 0), (8, 0))
    ],
    "queues": [
        {"queue": "to_send", "count": 3, "times": [NOW - 70_000, NOW - 7_200, NOW - 60]},
        {"queue": "not_taken_there", "count": 0, "times": []},
        {"queue": "not_taken_here", "count": 3, "times": [NOW - 7_200, NOW - 700, NOW - 70]},
        {"queue": "second_person", "count": 1, "times": [NOW - 90_000]},
        {"queue": "failed", "count": 0, "times": []},
    ],
}
LINKS: dict[str, Any] = {
    "peers": [
        {
            "name": name,
            "node": node,
            "country": country,
            "state": "active",
            "cause": None,
            "missing": None,
            "demo": False,
            "first_form": False,
            "descriptor_version": 1,
            "keyset_seen": NOW,
            "failing_since": None,
            "attempts": 0,
            "next_try": None,
        }
        for name, node, country in (("AL", "n1" + "a" * 32, "AL"), ("UA <b>", "n1" + "u" * 32, "UA"))
    ]
}
ENDINGS = [
    {"subject": "own.sig", "at": NOW + 86_400, "peer": None},
    {"subject": "peer.trust", "at": NOW + 86_400 * 20, "peer": "UA <b>"},
    {"subject": "own.descriptor", "at": NOW + 86_400 * 300, "peer": None},
]
HOLDS = {
    "holds": [
        {"id": OTHER, "of_case": None, "ground": "restriction_18", "until": "2026-11-30", "over": False, "at": NOW}
    ]
}
ANSWERS: dict[str, Any] = {
    "node.status": STATUS,
    "node.delivery": DELIVERY,
    "node.show": NODE | {"endings": ENDINGS},
    "peer.list": LINKS,
    "retention.list": HOLDS,
    "node.workers": WORKERS,
    "keys.list": {
        "keys": [
            {"use": use, "kid": use, "made": NOW - 90_000, "current": True}
            for use in ("sig", "http", "log", "wit", "enc", "epoch")
        ]
    },
    "alarm.list": {
        "next": None,
        "open": 5,
        "alarms": [
            alarm(1),
            alarm(2, reason="cancelled"),
            alarm(3, "message.held", reason="mapping_failed"),
            alarm(4, "own.sig.ends_30", peer=None, message=None, of_case=None, reason=None),
            alarm(5, "peer.review", message=None, of_case=None, reason=None, count=12),
        ],
    },
    "alarm.dismiss": {"id": "1"},
    "message.resend_many": {"matched": 2, "again": 1, "refused": [{"id": ID, "code": "not_active"}], "more": False},
    "peer.ping": {
        "name": "AL",
        "ok": False,
        "steps": [
            {
                "step": step,
                "ok": step != "tls",
                "detail": "a detail",
                "fix": None if step != "tls" else "a fix",
                "ms": 3,
                "code": None if step != "tls" else "unreachable",
            }
            for step in STEPS
        ],
    },
    "peer.probe": {"id": ID, "name": "AL", "legs": ["submission"]},
    "peer.probed": {
        "id": ID,
        "state": "queued",
        "reason": None,
        "legs": [{"leg": "submission", "detail": "on disk"}],
        "over": False,
        "ok": False,
    },
    "adapter.check": {
        "adapter": {
            "kind": "folder",
            "version": "1",
            "target": "/srv/cases",
            "can_pull": True,
            "can_push": True,
            "erasure": "erases",
        },
        "ok": False,
        "findings": [{"place": "/out", "rule": "writable", "hint": "chmod"}],
    },
}
LOG: dict[str, Any] = {
    "origin": "fr.n1abc.trm",
    "entries": 90,
    "quorum": 1,
    "witnessed": {"size": 70, "by": [{"peer": "AL", "node": "n1al", "at": NOW - 60}]},
    "partly_witnessed": None,
}
AUDIT: dict[str, Any] = {
    "audit.case": HISTORY,
    "audit.cases": HISTORIES,
    "audit.show": LOG | {"checkpoint": {"size": 80, "at": NOW - 60}, "halted": None},
    "audit.list": {
        "next": "40",
        "entries": [
            {
                "seq": 90,
                "at": NOW - 1,
                "event": "message.state",
                "covered": "open",
                "facts": {"id": ID, "peer": "n1al", "state": "failed", "code": "expired"},
            },
            {
                "seq": 80,
                "at": NOW - 90,
                "event": "session.begun",
                "facts": {"id": OTHER, "kid": None},
                "covered": "signed",
            },
            {"seq": 70, "at": NOW - 900, "event": "node.made", "facts": {"node": "n1fr"}, "covered": "witnessed"},
        ],
    },
    "audit.reads": {
        "next": "12",
        "reads": [
            {"at": NOW - 60, "what": what, "id": id, "reader": reader, "name": name, "conversation": conversation}
            for what, id, reader, name, conversation in (
                ("message", ID, "person/p1", "Eva <b>", None),
                ("file/2", ID, "token/t1", None, None),
                ("conversation", OTHER, "person/p1", "Eva <b>", ID),
                ("evidence", OTHER, "owner", "owner", None),
                ("consent", OTHER, "person/p1", "Eva <b>", None),
            )
        ],
    },
    "audit.verify": LOG
    | {
        "ok": False,
        "checkpoints": 4,
        "newest": 80,
        "findings": [
            {"place": "entry 17", "rule": "root", "hint": ""},
            {"place": "checkpoint 80", "rule": "signature", "hint": ""},
        ],
    },
    "audit.export": {"lines": ['{"a":1}', '{"b":2}'], "upto": 90, "next": None},
}
AUDITED = (
    "/audit",
    "/audit/entries",
    "/audit/entries?event=message.state&subject=n1al&until=2026-09-21",
    f"/audit/reads?message={ID}",
    "/audit/reads",
    "/histories",
    f"/histories/{ID}",
)
MESSAGE: dict[str, Any] = {
    "id": ID,
    "direction": "out",
    "peer": "UA <b>",
    "state": "queued",
    "reason": None,
    "held": "our side has suspended it",
    "n": None,
    "at": NOW - 60,
    "expires": NOW + 60,
    "out_of_order": False,
    "type": "referral.request/1",
    "conversation": OTHER,
    "in_reply_to": None,
    "purpose": "Tulpe-7391",
    "unit": "focal-point",
}
LISTED: dict[str, Any] = {
    "message.list": {
        "next": "7",
        "messages": [
            MESSAGE,
            MESSAGE | {"direction": "in", "state": "held", "reason": "mapping_failed", "n": 4, "held": None},
        ],
    },
    "attachment.moving": {
        "moving": [
            {
                "id": ID,
                "peer": "AL",
                "state": state,
                "files": 2,
                "bytes": size << 20,
                "done": done << 20,
                "rate": rate << 20,
                "since": 1_700_000_000,
                "last": None,
            }
            for state, size, done, rate in (("going", 640, 320, 48), ("coming", 70, 7, 0), ("waiting", 900, 0, 0))
        ]
    },
    "message.show": MESSAGE
    | {
        "receipts": [],
        "erased": None,
        "case": "Tulpe-7391",
        "dropped": [],
        "header": {"note": "Tulpe-7391"},
        "content": {"note": "Tulpe-7391"},
    },
}
PATHS = (
    "/network",
    "/operations",
    "/operations/alarms",
    "/operations/alarms/message.failed",
    "/operations/alarms/own.sig.ends_30",
    "/operations/alarms/peer.review",
    "/operations/resend?state=failed&peer=AL&reason=expired&days=2",
    "/operations/resend?state=held",
    "/operations/peers/AL",
    "/operations/peers/UA%20%3Cb%3E",
    f"/operations/probes/{ID}",
    "/operations/adapter",
    "/operations/messages?peer=AL&state=held",
)
ALIKE = (PATHS[4], PATHS[5], PATHS[7], PATHS[9], AUDITED[1], AUDITED[4])
"""Those that differ from another one in what they say only."""


def answers(**other: Any) -> dict[str, Any]:
    """What the desk says to every question of these pages."""
    return ANSWERS | AUDIT | LISTED | {name.replace("__", "."): value for name, value in other.items()}
