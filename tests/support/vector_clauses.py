"""Vectors of what a reader of the other files had to guess, each under the clause that answers it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from support import vector_judges as judges
from support.batches import by
from support.vector_parties import NODE, NOW, Party, edited, id_of, key_of, notes_key_of, record, seed, signed
from support.vector_plain import statement
from support.vector_trust import SCOPE

from gateway.delivery.outbound.exchange import FINAL_WORDS
from gateway.errors import Code
from gateway.messages.answers import Answer, encode_answers, read_answers, sign_receipts
from keys.documents.descriptor import Revocation, parse_descriptor
from keys.documents.envelope import Receipt, Statement, Status, parse_envelope
from keys.documents.key_records import KeyRecord, Use
from keys.documents.tombstone import accept_tombstone, build_tombstone
from keys.documents.trust_record import is_scope
from keys.primitives.domains import DESCRIPTOR, TOMBSTONE
from keys.primitives.encoding import DAY, b64u, canon, lp, maybe_bytes, parse, unb64u
from keys.primitives.hybrid_keys import kid_of
from keys.primitives.sign import SignedDocument, sign_document

Case = dict[str, Any]


def clauses() -> Case:
    """Each group with what it is judged by."""
    return {
        "now": NOW,
        "kids": _kids(),
        "endpoints": _endpoints(),
        "keys": _keys(),
        "descriptors": _descriptors(),
        "tombstones": _tombstones(),
        "envelopes": _envelopes(),
        "statements": _statements(),
        "scopes": _scopes(),
        "answers": _answers(),
    }


# --- identity ------------------------------------------------------------------------------------------------------


def _kids() -> list[Case]:
    """1.8, 2.4: an absent half contributes the length of nothing; an ML-DSA-44 half stands behind that."""
    ed25519, notes = key_of("clauses/http", hybrid=False).public.ed25519, notes_key_of("clauses/log").public
    assert notes.mldsa44 is not None
    return [
        {
            "clause": "2.4",
            "name": "without an ML-DSA-65 half",
            "ed25519": b64u(ed25519),
            "mldsa65": None,
            "mldsa44": None,
            "hashed": (lp(ed25519) + lp(b"")).hex(),
            "kid": kid_of(ed25519, None),
        },
        {
            "clause": "2.4",
            "name": "with an ML-DSA-44 half",
            "ed25519": b64u(notes.ed25519),
            "mldsa65": None,
            "mldsa44": b64u(notes.mldsa44),
            "hashed": (lp(notes.ed25519) + lp(b"") + lp(notes.mldsa44)).hex(),
            "kid": kid_of(notes.ed25519, None, notes.mldsa44),
        },
    ]


def _endpoints() -> Case:
    """2.12, at rule 1: the payload with this one endpoint."""
    told: dict[str, str | None] = {
        "https://bel.example:8443": None,
        "https://bel.example": None,
        "https://BEL.example:443": None,
        "https://192.0.2.7:8443": None,
        "https://[2001:db8::7]:8443": None,
        "https://xn--bcher-kva.example:8443": None,
        f"https://{'a' * 253}:8443": None,
        f"https://{'a' * 254}:8443": "malformed",
        "https://bücher.example:8443": "malformed",
        "https://under_score.example:8443": "malformed",
        "https://bel.example.:8443": "malformed",
        "https://-bel.example:8443": "malformed",
        "https://bel.example:0": "malformed",
        "https://bel.example:08443": "malformed",
        "https://bel.example:65536": "malformed",
        "https://bel.example:8443/": "malformed",
        "https://user@bel.example:8443": "malformed",
        "http://bel.example:8443": "malformed",
        "HTTPS://bel.example:8443": "malformed",
    }
    cases = [
        {"clause": "2.12", "name": name, "endpoint": endpoint, "code": code}
        for name, (endpoint, code) in zip((f"endpoint {n}" for n in range(len(told))), told.items(), strict=True)
    ]
    return {"payload": b64u(Party(name="bel").payload()), "cases": cases}


def _keys() -> Case:
    """2.7: a kid is looked up in one descriptor, for one use, at one time."""
    bel = Party(name="bel")
    gone = key_of("clauses/gone", hybrid=False).public.kid
    revoked = [Revocation(kid=gone, at=NOW - 900, since=NOW - 950, reason="stolen")]
    sig = record(bel.sig, Use.SIG)

    def case(name: str, code: str | None, kid: str = sig.kid, *, use: str = "sig", at: int = NOW) -> Case:
        return {"clause": "2.7", "name": name, "kid": kid, "use": use, "at": at, "code": code}

    return {
        "payload": b64u(bel.payload(revoked=revoked)),
        "cases": [
            case("a key of this use and time", None),
            case("a key of another use", "unknown_key", bel.http.public.kid),
            case("a key for another use", "unknown_key", use="http"),
            case("a root", "unknown_key", bel.roots[0].public.kid),
            case("a key that is not listed", "unknown_key", id_of("no key")),
            case("300 seconds before it begins", None, at=sig.from_ - 300),
            case("301 seconds before it begins", "unknown_key", at=sig.from_ - 301),
            case("299 seconds behind its end", None, at=sig.until + 299),
            case("300 seconds behind its end", "unknown_key", at=sig.until + 300),
            case("a revoked key", "revoked_key", gone),
            case("a revoked key before it was revoked", "revoked_key", gone, at=NOW - DAY),
        ],
    }


def _descriptors() -> Case:
    """2.14, 2.16: roots count while their record is valid at `issued` of the new document, without allowance."""
    bel = Party(name="bel")
    old, new = bel.roots[0], key_of("bel/root-2")
    documents: dict[str, SignedDocument] = {}
    cases: list[Case] = []

    def held(name: str, until: int) -> bytes:
        roots = [record(old, Use.ROOT, until=until)]
        documents[name] = signed(bel.payload(roots=roots), [old])
        return documents[name].payload

    def offered(name: str, code: str | None, first: str, roots: list[KeyRecord]) -> None:
        payload = bel.following(documents[first].payload, roots=roots)
        documents[name] = signed(payload, [old, new])
        cases.append(
            {"clause": "2.16", "rule": 4, "name": name, "held": [first], "document": name, "now": NOW, "code": code}
        )

    issued = _issued(bel)
    held("held, valid to the last second", issued + 1)
    held("held, over when the next is issued", issued)
    offered("the held root is still valid", None, "held, valid to the last second", [record(new, Use.ROOT)])
    ended = "held, over when the next is issued"
    offered("the held root has ended", "bad_signature", ended, [record(new, Use.ROOT)])
    return {"documents": {name: document.to_json() for name, document in documents.items()}, "cases": cases}


def _tombstones() -> Case:
    """2.24: all roots of one version, none of which was revoked since."""
    alb = Party(name="alb", size=2)
    (stays, leaves), new = alb.roots, key_of("alb/root-4")
    first, payload = signed(alb.payload(), [stays]), build_tombstone(alb.first().node, NOW - 1_000)
    roots = [record(root, Use.ROOT) for root in (stays, new)]
    gone = Revocation(kid=leaves.public.kid, at=NOW - 900, since=NOW - 950, reason="robbed")
    documents = {
        "alb-1": first,
        "replaced": signed(alb.following(first.payload, roots=roots), [stays]),
        "revoked": signed(alb.following(first.payload, roots=roots, revoked=[gone]), [stays]),
        "of the first two": sign_document(TOMBSTONE, payload, alb.roots),
        "of the newest two": sign_document(TOMBSTONE, payload, [stays, new]),
        "of one": sign_document(TOMBSTONE, payload, [stays]),
    }
    told = [
        ("all roots", ["alb-1"], "of the first two", None),
        ("the threshold alone", ["alb-1"], "of one", "bad_signature"),
        ("a root was replaced since", ["alb-1", "replaced"], "of the first two", None),
        ("a root was revoked since", ["alb-1", "revoked"], "of the first two", "revoked_key"),
        ("made anew after a root was revoked", ["alb-1", "revoked"], "of the newest two", None),
    ]
    cases = [
        {"clause": "2.24", "name": name, "held": held, "document": document, "now": NOW, "code": code}
        for name, held, document, code in told
    ]
    return {"documents": {name: document.to_json() for name, document in documents.items()}, "cases": cases}


def _issued(bel: Party) -> int:
    """When the version after the first is issued."""
    payload = bel.following(signed(bel.payload(), bel.roots).payload)
    return parse_descriptor(SignedDocument(payload=payload, payload_type=DESCRIPTOR, signatures=())).issued


# --- messages ------------------------------------------------------------------------------------------------------


def _envelopes() -> list[Case]:
    """3.3, 4.4: canonical form, then `v`, then the members."""

    def case(name: str, text: str, code: str) -> Case:
        return {"clause": "3.3", "name": name, "text": text, "code": code}

    return [
        case("another suite and nothing else", '{"v":"nrm2"}', "unsupported_suite"),
        case("a word that names no suite", '{"v":"x"}', "unsupported_suite"),
        case("another suite, not canonical", '{"v": "nrm2"}', "malformed"),
        case("a number for a suite", '{"v":2}', "malformed"),
        case("no suite", "{}", "malformed"),
        case("this suite and nothing else", '{"v":"nrm1"}', "malformed"),
    ]


def _statements() -> Case:
    """3.3: a suite of another form is malformed; another one of the form is told at step 11, as `downgrade`."""
    base = statement()

    def case(name: str, suite: str, code: str | None) -> Case:
        payload = replace(base, suite=suite).encode()
        return {"clause": "3.3", "name": name, "statement": b64u(payload), "code": code}

    return {
        "cases": [
            case("this suite", "nrm1", None),
            case("another suite has its form", "nrm2", None),
            case("a suite of four digits has its form", "nrm9999", None),
            case("a suite of five digits", "nrm10000", "malformed"),
            case("a suite that counts from 0", "nrm0", "malformed"),
            case("a suite in capitals", "NRM1", "malformed"),
            case("no suite", "", "malformed"),
        ]
    }


def _scopes() -> list[Case]:
    """8.2: the forms and limits of a scope."""
    good: Case = SCOPE.to_json()

    def case(name: str, code: str | None, **members: Any) -> Case:
        return {"clause": "8.2", "name": name, "scope": good | members, "code": code}

    names = [f"u{number:03}" for number in range(257)]
    empty = {name: [] for name in good if name not in ("max_bytes", "max_file_bytes")}
    return [
        case("everything listed", None),
        case("nothing listed", None, **empty),
        case("a role and a purpose that no list has", None, roles=["zzz"], purposes=["zzz"]),
        case("a type with its version", "malformed", types=["referral.request/1"]),
        case("a type of 64 characters", None, types=["a" * 64]),
        case("a type of 65 characters", "malformed", types=["a" * 65]),
        case("a role in capitals", "malformed", roles=["Case_worker"]),
        case("a purpose of 48 characters", None, purposes=["a" * 48]),
        case("a purpose of 49 characters", "malformed", purposes=["a" * 49]),
        case("a third direction", "malformed", directions=["both", "receive", "send"]),
        case("a corridor of three countries", "malformed", corridors=[["AL", "FR", "UA"]]),
        case("a party without a country code", None, corridors=[["AL", "kosovo"]]),
        case("256 units", None, units=names[:256]),
        case("257 units", "malformed", units=names),
        case("a unit twice", "malformed", units=["paris", "paris"]),
        case("not sorted", "malformed", units=["tirana", "paris"]),
        case("no byte", None, max_bytes=0, max_file_bytes=0),
        case("less than no byte", "malformed", max_bytes=-1),
        case("a truth value for a number", "malformed", max_file_bytes=True),
    ]


def _answers() -> Case:
    """6.7, 6.10: which word of an answer decides."""
    bel = Party(name="bel")
    issuer = bel.first()
    one, two = id_of("clauses/one"), id_of("clauses/two")

    def receipt(msg: str, status: Status, code: str | None = None) -> Receipt:
        return Receipt(
            of=b64u(seed(f"statement of {msg}")),
            msg=msg,
            from_=issuer.node,
            from_desc=1,
            to=NODE,
            n=1,
            status=status,
            at=NOW,
            code=code,
        )

    def case(name: str, clause: str, verdict: Any, told: list[Answer], *receipts: Receipt) -> Case:
        signed_together = sign_receipts(receipts, by(bel.sig)) if receipts else None
        body = parse(encode_answers(told, signed_together), limit=10_000)
        return {
            "clause": clause,
            "name": name,
            "asked": [one, two][: len(told)],
            "body": body,
            "verdict": verdict,
        }

    def said(id: str | None, code: Code | None = None) -> Answer:
        return Answer(id=id, code=code)

    received, refused = receipt(one, Status.RECEIVED), receipt(one, Status.REJECTED, "schema")
    late = said(one, Code.EXPIRED)
    return {
        "me": NODE,
        "documents": {"issuer-1": signed(bel.payload(), bel.roots).to_json()},
        "cases": [
            case("received", "6.7", ["received"], [said(one)], received),
            case("a code beside a received receipt", "6.10", ["received"], [late], received),
            case("no code beside a rejected receipt", "6.10", ["rejected"], [said(one)], refused),
            case("another code beside a rejected receipt", "6.10", ["rejected"], [late], refused),
            case("a code alone", "6.9", ["expired"], [late]),
            case("one receipt for two", "6.7", ["received", "expired"], [said(one), said(two, Code.EXPIRED)], received),
            case("an envelope that could not be read", "6.7", ["malformed"], [said(None, Code.MALFORMED)]),
            case("neither code nor receipt", "6.7", None, [said(one)]),
            case("the answer to another envelope", "6.7", None, [said(two, Code.EXPIRED)]),
        ],
    }


# --- judges --------------------------------------------------------------------------------------------------------


def verdicts(file: Case) -> Iterator[tuple[str, object, object]]:
    """Each case: where it is, what the product says, what the file says."""
    for case in file["kids"]:
        yield case["name"], kid_of(unb64u(case["ed25519"]), None, maybe_bytes(case["mldsa44"])), case["kid"]
    for case in file["endpoints"]["cases"]:
        yield case["endpoint"], _endpoint(file["endpoints"], case), case["code"]
    for case in file["keys"]["cases"]:
        yield case["name"], _key(file["keys"], case), case["code"]
    chains = file["descriptors"] | {"now": file["now"]}
    for case in chains["cases"]:
        yield case["name"], judges.descriptor(chains, case), case["code"]
    ends = file["tombstones"] | {"now": file["now"]}
    for case in ends["cases"]:
        yield case["name"], _ended(ends, case), case["code"]
    for case in file["envelopes"]:
        yield case["name"], _parsed(case["text"].encode()), case["code"]
    for case in file["statements"]["cases"]:
        yield case["name"], _stated(unb64u(case["statement"])), case["code"]
    for case in file["scopes"]:
        yield case["name"], None if is_scope(case["scope"]) else "malformed", case["code"]
    told = file["answers"] | {"now": file["now"]}
    for case in told["cases"]:
        yield case["name"], _answered(told, case), case["verdict"]


def _offered(payload: bytes) -> SignedDocument:
    """A descriptor before its signatures are looked at."""
    return SignedDocument(payload=payload, payload_type=DESCRIPTOR, signatures=())


def _endpoint(group: Case, case: Case) -> str | None:
    payload = edited(unb64u(group["payload"]), endpoints=[case["endpoint"]])
    return judges.code_of(lambda: parse_descriptor(_offered(payload)))


def _key(group: Case, case: Case) -> str | None:
    descriptor = parse_descriptor(_offered(unb64u(group["payload"])))
    return judges.code_of(lambda: descriptor.signing_key(case["kid"], at=case["at"], use=case["use"]))


def _ended(group: Case, case: Case) -> str | None:
    document = SignedDocument.from_json(group["documents"][case["document"]], TOMBSTONE)
    return judges.code_of(lambda: accept_tombstone(judges.chain_of(group, case["held"]), document, case["now"]))


def _parsed(data: bytes) -> str | None:
    return judges.code_of(lambda: parse_envelope(data))


def _stated(data: bytes) -> str | None:
    return judges.code_of(lambda: Statement.parse(data))


def _answered(group: Case, case: Case) -> list[str] | None:
    """What a sender believes of each envelope, None where the body is no answer to these."""
    issuer = judges.chain_of(group, ["issuer-1"])[-1]
    asked, data = case["asked"], canon(case["body"])
    code = judges.code_of(lambda: read_answers(data, asked=asked, issuer=issuer, me=group["me"], now=group["now"]))
    if code is not None:
        return None
    answer = read_answers(data, asked=asked, issuer=issuer, me=group["me"], now=group["now"])
    told = {receipt.msg: str(receipt.status) for receipt in answer.receipts if receipt.status in FINAL_WORDS}
    words = [told.get(id, said.code) for id, said in zip(asked, answer.answers, strict=True)]
    return None if None in words else [str(word) for word in words]
