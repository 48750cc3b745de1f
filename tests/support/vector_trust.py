"""Vectors of trust: records, effective scopes, changes and approvals (docs/spec/trust.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from support.vector_judges import chain_of, code_of
from support.vector_parties import NODE, NOW, Party, id_of, key_of, signed

from gateway.errors import Code, GatewayError
from gateway.peers.scope import Direction, Scope, ScopeFacts, intersect, outside
from keys.documents.admin_card import AdminCard
from keys.documents.change import Approval, Change
from keys.documents.trust_record import Assertion, TrustRecord, TrustState, accept_trust
from keys.primitives.domains import APPROVAL, KEYSET, TRUST
from keys.primitives.encoding import DAY, canon, parse
from keys.primitives.hybrid_keys import SigningKey
from keys.primitives.sign import SignedDocument, sign_document

Case = dict[str, Any]

SCOPE = Scope(
    types=frozenset({"referral.request", "info.reply"}),
    directions=frozenset(Direction),
    corridors=frozenset({("FR", "AL"), ("AL", "FR")}),
    units=frozenset({"paris"}),
    roles=frozenset({"case_worker", "national_focal_point"}),
    purposes=frozenset({"referral"}),
    max_bytes=10_000,
    max_file_bytes=90_000,
)
HEADER = {
    "sender_unit": "paris",
    "sender_role": "case_worker",
    "recipient_unit": "tirana",
    "recipient_role": "national_focal_point",
}


def trust() -> Case:
    """Everything of the page, each part with what it is judged by."""
    return {"now": NOW, "records": _records(), "scopes": _scopes(), "changes": _changes(), "approvals": _approvals()}


def _records() -> Case:
    """A record offered to `me`, who holds the records `held` of the issuer whose descriptor is `issuer`."""
    cor = Party(name="cor")
    issuer = cor.first()
    first = TrustRecord(
        node=issuer.node,
        peer=NODE,
        peer_desc_version=1,
        peer_desc_hash=Change.parse(_suspension().encode()).hash,
        state=TrustState.ACTIVE,
        scope=SCOPE.to_json(),
        not_before=NOW,
        expires=NOW + 366 * DAY,
        approvals=(Assertion(admin=id_of("ana"), credential=id_of("key"), assertion=_suspension().hash),),
        prev=None,
    )
    second = replace(first, state=TrustState.SUSPENDED, prev=first.hash)
    wide: Any = first.scope | {"more": []}
    unsorted: Any = first.scope | {"types": ["referral.request", "info.reply"]}

    def case(
        name: str,
        code: str | None,
        record: TrustRecord,
        *held: TrustRecord,
        key: SigningKey = cor.sig,
        kind: str = TRUST,
    ) -> Case:
        return {
            "name": name,
            "code": code,
            "held": [sign_document(TRUST, item.encode(), [cor.sig]).to_json() for item in held],
            "document": sign_document(kind, record.encode(), [key]).to_json(),
            "hash": record.hash,
        }

    cases = [
        case("the first record", None, first),
        case("the second record", None, second, first),
        case("a record that is held already", None, first, first, second),
        case("a second record without the first", "bad_chain", second),
        case("a fork", "bad_chain", replace(second, state=TrustState.ACTIVE, expires=NOW + DAY), first, second),
        case(
            "after a revocation",
            "bad_chain",
            replace(first, prev=replace(first, state=TrustState.REVOKED).hash),
            replace(first, state=TrustState.REVOKED),
        ),
        case("about another node", "misdirected", replace(first, peer=issuer.node)),
        case("of another node", "unknown_sender", replace(first, node="n1" + "b" * 32)),
        case("by another key", "bad_signature", first, key=key_of("stranger/sig", hybrid=False)),
        case("a keyset", "wrong_type", first, kind=KEYSET),
        case("longer than 400 days", "malformed", replace(first, expires=NOW + 401 * DAY)),
        case("a scope with a member more", "malformed", replace(first, scope=wide)),
        case("a list that is not sorted", "malformed", replace(first, scope=unsorted)),
    ]
    issuer_document = signed(cor.payload(), cor.roots).to_json()
    return {"issuer": issuer_document, "me": NODE, "cases": cases}


def _scopes() -> list[Case]:
    """A message from the issuer of `sender` to that of `receiver`; `verdict` is the member that keeps it out."""
    theirs = replace(SCOPE, units=frozenset({"tirana"}), max_bytes=5_000, max_file_bytes=70_000)
    message: Case = {
        "body_type": "referral.request/1",
        "corridor": ["FR", "AL"],
        "purpose": "referral",
        "size": 5_000,
        "header": HEADER,
    }

    def case(name: str, verdict: str | None, mine: Scope = SCOPE, other: Scope = theirs, **changes: Any) -> Case:
        return {
            "name": name,
            "verdict": verdict,
            "sender": mine.to_json(),
            "receiver": other.to_json(),
            "message": message | changes,
        }

    none: frozenset[Any] = frozenset()
    return [
        case("both permit it", None),
        case("without a purpose", None, purpose=None),
        case("a later version of the type", None, body_type="referral.request/2"),
        case("never blocked", None, replace(SCOPE, types=none), body_type="consent.withdrawal/1"),
        case("the sender lists no type", "types", replace(SCOPE, types=none)),
        case("the receiver lists no type", "types", SCOPE, replace(theirs, types=none)),
        case("the sender only receives", "directions", replace(SCOPE, directions=frozenset({Direction.RECEIVE}))),
        case("the receiver only sends", "directions", SCOPE, replace(theirs, directions=frozenset({Direction.SEND}))),
        case("another corridor", "corridors", corridor=["FR", "UA"]),
        case("another purpose", "purposes", purpose="return"),
        case("one byte more than the smaller bound", "max_bytes", size=5_001),
        case("a file as large as the smaller bound", None, largest_file=70_000),
        case("a file one byte larger", "max_file_bytes", largest_file=70_001),
        case("a unit of the sender that is not listed", "units", header=HEADER | {"sender_unit": "lyon"}),
        case("a unit of the receiver that is not listed", "units", header=HEADER | {"recipient_unit": "paris"}),
        case("a role that is not listed", "roles", header=HEADER | {"sender_role": "interpreter"}),
    ]


def _suspension(**changes: Any) -> Change:
    usual = {"node": NODE, "subject": "n1" + "b" * 32, "prev": None, "at": NOW, "action": "peer.suspend", "body": {}}
    return Change(**{**usual, **changes})


def _changes() -> list[Case]:
    """A change as an object; its canonical form is hashed."""

    def case(name: str, code: str | None, value: Mapping[str, Any], hash: str | None = None) -> Case:
        return {"name": name, "code": code, "change": dict(value), "hash": hash}

    good = _suspension()
    narrow = _suspension(action="peer.narrow", prev=good.hash, body={"scope": SCOPE.to_json()})
    return [
        case("a suspension", None, good.to_json(), good.hash),
        case("a narrowing that follows it", None, narrow.to_json(), narrow.hash),
        case("an unknown action", "malformed", good.to_json() | {"action": "peer.trust"}),
        case("a body with a word of its own", "malformed", good.to_json() | {"body": {"reason": "x"}}),
        case("a subject that is none", "malformed", good.to_json() | {"subject": "everybody"}),
        case("a member more", "malformed", good.to_json() | {"more": 1}),
    ]


def _approvals() -> Case:
    """An approval of the change with the hash `change`, judged with the `card` of an enrolled administrator."""
    key = key_of("ana/admin")
    card = AdminCard.make(pseudonym=id_of("ana"), label="Ana B.", at=NOW, key=key)
    change = _suspension()
    good = Approval.sign(change, admin=card.pseudonym, key=key, at=NOW + 5)
    altered: Any = parse(good.document.payload, limit=10_000)

    def case(name: str, code: str | None, document: SignedDocument, of: Change = change) -> Case:
        return {"name": name, "code": code, "change": of.hash, "document": document.to_json()}

    cases = [
        case("an approval", None, good.document),
        case("of another change", "conflict", good.document, _suspension(action="peer.revoke")),
        case(
            "made an emergency afterwards",
            "bad_signature",
            replace(good.document, payload=canon(altered | {"emergency": True})),
        ),
        case(
            "by another key",
            "bad_signature",
            Approval.sign(change, admin=card.pseudonym, key=key_of("eve/admin"), at=NOW).document,
        ),
        case("a trust record", "wrong_type", replace(good.document, payload_type=TRUST)),
    ]
    return {"card": card.document.to_json(), "cases": cases}


# --- judges ----------------------------------------------------------------------------------------------------------


def record(file: Case, case: Case) -> str | None:
    """What the product says to a record."""
    issuer = chain_of({"documents": {"one": file["issuer"]}, "now": NOW}, ["one"])[-1]

    def judged() -> object:
        chain: list[TrustRecord] = []
        for held in case["held"]:
            document = SignedDocument.from_json(held, TRUST)
            signer = issuer.signing_key(document.signature.kid, at=NOW)
            taken = accept_trust(chain, document, signer=signer, issuer=issuer.node, me=file["me"])
            assert taken is not None
            chain.append(taken)
        document = SignedDocument.from_json(case["document"], TRUST)
        found = [key.public for key in issuer.keys if key.use == "sig"]
        return accept_trust(chain, document, signer=found[0], issuer=issuer.node, me=file["me"])

    return code_of(judged)


def scope(case: Case) -> str | None:
    """Which member keeps the message out, as the sender and the receiver see it alike."""
    mine, theirs, said = Scope.from_json(case["sender"]), Scope.from_json(case["receiver"]), case["message"]
    facts = ScopeFacts(
        body_type=said["body_type"],
        direction=Direction.SEND,
        corridor=(said["corridor"][0], said["corridor"][1]),
        purpose=said["purpose"],
        size=said["size"],
        header=said["header"],
        largest_file=said.get("largest_file"),
    )
    sending = outside(intersect(mine, theirs), facts)
    arriving = outside(intersect(theirs, mine), replace(facts, direction=Direction.RECEIVE))
    return sending if sending == arriving else "the two sides differ"


def change(case: Case) -> str | None:
    """What the product says to a change; another hash is an error of the file."""

    def judged() -> None:
        found = Change.parse(canon(case["change"]))
        assert found.hash == case["hash"]

    return code_of(judged)


def approval(file: Case, case: Case) -> str | None:
    """What the product says to an approval."""
    card = AdminCard.from_json(file["card"])

    def judged() -> None:
        found = Approval.read(SignedDocument.from_json(case["document"], APPROVAL))
        found.document.verify(card.key)
        if found.change != case["change"]:
            raise GatewayError(Code.CONFLICT, "of another change")

    return code_of(judged)
