"""Peers, changes of trust, administrators, the corridor policy, and messages that came under a key revoked since."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.api.shape import (
    BY,
    COUNT,
    FINDING,
    FLAG,
    ID,
    NUMBER,
    OBJECT,
    TEXT,
    TIME,
    Maybe,
    Schema,
    Shape,
    about,
    many,
    maybe,
    named,
    null_or,
    one_of,
    record,
)
from gateway.api.shapes.node import DOCUMENT
from gateway.peers.scope import PeerState

PEER_STATE = named("PeerState", {"type": "string", "enum": [*PeerState]})
PEER: Mapping[str, Schema | Maybe] = {
    "name": TEXT,
    "node": TEXT,
    "country": TEXT,
    "state": PEER_STATE,
    "cause": null_or(TEXT),
    "missing": about(null_or(TEXT), "what keeps messages from passing"),
    "demo": FLAG,
    "descriptor_version": COUNT,
    "keyset_seen": null_or(TIME),
    "failing_since": null_or(TIME),
    "attempts": COUNT,
    "next_try": null_or(TIME),
}
PEER_LINE = named("Peer", record(**PEER))
SCOPE = about(OBJECT, "a scope, as in a scope file (docs/trust.md)")
RECORD = null_or(record(state=TEXT, not_before=null_or(TIME), expires=TIME, hash=TEXT, scope=SCOPE))
CHANGE = named(
    "Change",
    record(
        id=TEXT,
        subject=TEXT,
        action=TEXT,
        state=TEXT,
        peer=null_or(record(name=TEXT, node=TEXT, state=PEER_STATE)),
        needed=about(COUNT, "how many people it takes"),
        approvals=many(record(admin=TEXT, label=null_or(TEXT), at=TIME, emergency=FLAG)),
        at=TIME,
        effective=null_or(TIME),
        ends=null_or(TIME),
        change=null_or(about(OBJECT, "the exact object that is signed")),
        words=many(about(TEXT, "the same in sentences")),
    ),
    "A change of trust and who approved it.",
)
POLICY: Mapping[str, Schema | Maybe] = {
    "change": TEXT,
    "name": TEXT,
    "version": COUNT,
    "digest": about(TEXT, "sha256: and 64 digits"),
    "since": TIME,
    "usable": about(FLAG, "whether it can be applied; where not, nothing leaves"),
    "faults": many(FINDING),
}
ADMIN: Mapping[str, Schema | Maybe] = {
    "pseudonym": ID,
    "label": TEXT,
    "kid": TEXT,
    "at": TIME,
    "kind": one_of("file", "passkey"),
}
WORD: Mapping[str, Schema | Maybe] = {
    "approval": maybe(DOCUMENT),
    "assertion": maybe(about(OBJECT, "or what a browser gives for a passkey: `PublicKeyCredential.toJSON()`")),
    "emergency": maybe(about(FLAG, "of an assertion, as it was asked of the browser")),
}

SHAPES: Mapping[str, Shape] = {
    "peer.list": Shape(answer=record(peers=many(PEER_LINE))),
    "peer.add": Shape(
        arguments={
            "name": maybe(null_or(TEXT)),
            "chain": maybe(about({}, "the content of its pairing file")),
            "url": maybe(about(TEXT, "or the address to fetch it from")),
            "by": BY,
            "fingerprint": maybe(null_or(TEXT)),
        },
        answer=PEER_LINE,
        example={"url": "https://trm.example.al:8443", "by": "Ana Doe"},
        creates=True,
    ),
    "peer.show": Shape(
        answer=named(
            "WholePeer",
            record(
                **PEER,
                endpoint=TEXT,
                expires=TIME,
                contact=TEXT,
                units=many(record(id=TEXT, name=TEXT, roles=many(TEXT))),
                fingerprint=TEXT,
                scope=about(null_or(OBJECT), "what both sides permit now"),
                ours=RECORD,
                theirs=RECORD,
                history=many(OBJECT),
                faults=many(TEXT),
                pending=many(CHANGE),
                schemas=null_or(many(TEXT)),
                queued=COUNT,
                link=about(null_or(OBJECT), "where a reset of the link stands"),
                verified=null_or(TIME),
            ),
            "A peer with its units, what both sides permit, and the verified history of that.",
        )
    ),
    "peer.code": Shape(
        answer=record(name=TEXT, node=TEXT, code=about(TEXT, "60 digits in groups"), scanned=TEXT, demo=FLAG)
    ),
    "peer.scope": Shape(answer=SCOPE),
    "peer.tombstone": Shape(arguments={"tombstone": DOCUMENT, "by": BY}, answer=record(name=TEXT, node=TEXT, new=FLAG)),
    "peer.ping": Shape(
        answer=record(
            name=TEXT,
            ok=FLAG,
            steps=many(record(step=TEXT, ok=FLAG, detail=TEXT, fix=null_or(TEXT), ms=NUMBER, code=null_or(TEXT))),
        )
    ),
    "peer.probe": Shape(answer=record(id=ID, name=TEXT, legs=many(TEXT)), creates=True),
    "peer.probed": Shape(
        arguments={"seen": maybe(COUNT)},
        answer=record(
            id=ID, state=TEXT, reason=null_or(TEXT), legs=many(record(leg=TEXT, detail=TEXT)), over=FLAG, ok=FLAG
        ),
    ),
    "admin.list": Shape(
        answer=record(
            admins=many(record(**ADMIN)),
            offered=many(record(**ADMIN, card=about(OBJECT, "what `change.prepare` takes as `admin`"))),
            pending=many(CHANGE),
        )
    ),
    "change.list": Shape(arguments={"subject": maybe(TEXT), "state": maybe(TEXT)}, answer=record(changes=many(CHANGE))),
    "change.show": Shape(answer=CHANGE),
    "change.prepare": Shape(
        arguments={
            "action": TEXT,
            "subject": TEXT,
            "digits": maybe(TEXT),
            "channel": maybe(TEXT),
            "scope": maybe(SCOPE),
            "admin": maybe(OBJECT),
            "pseudonym": maybe(TEXT),
            "policy": maybe(about(TEXT, "the text of a policy file")),
        },
        answer=record(change=OBJECT, hash=TEXT, words=many(TEXT)),
        example={"action": "peer.suspend", "subject": "AL"},
    ),
    "change.propose": Shape(arguments={"change": OBJECT, **WORD}, answer=CHANGE, creates=True),
    "change.approve": Shape(arguments=WORD, answer=CHANGE),
    "change.withdraw": Shape(arguments={"by": BY}, answer=CHANGE, example={"by": "Ana Doe"}),
    "policy.show": Shape(
        answer=record(
            in_force=null_or(
                record(
                    **POLICY,
                    file=about(TEXT, "the file, to the byte"),
                    ways=many(about(TEXT, "a corridor from the country of this node, such as FR>AL")),
                )
            ),
            waiting=many(record(**POLICY)),
            pending=many(CHANGE),
            changes=many(OBJECT),
            faults=many(TEXT),
        )
    ),
    "review.list": Shape(answer=record(reviews=many(record(message=ID, peer=TEXT, kid=TEXT, received=TIME)))),
    "review.settle": Shape(arguments={"by": BY}, answer=record(message=ID), example={"by": "Ana Doe"}),
}
