"""The published vectors with randomness in them: ML-DSA-65 signatures and sealed keys differ at each run.

What is random lies under the member names of ``RANDOM`` and nowhere else, so that the rest can be compared.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import orjson
from support import vector_forms
from support.batches import proofs, prove
from support.first_form import first_batch
from support.sign_as import sign_as
from support.vector_parties import NODE, NOW, Party, edited, id_of, key_of, record, seed, signed, without

from gateway.errors import Code
from gateway.foundation.ids import NodeId, UnitKind
from gateway.messages.answers import Answer, encode_answers
from keys.documents import envelope as wire
from keys.documents.descriptor import Descriptor, Revocation, Unit, name_log
from keys.documents.descriptor_chain import accept_descriptor, encode_chain
from keys.documents.envelope import Receipt, Status, Void
from keys.documents.key_records import Use
from keys.documents.taken_list import MOST, MOST_PAGES, TakenPage, Withdrawn
from keys.primitives.domains import DESCRIPTOR, KEYSET, RECEIPT, RECEIPT_1, STATEMENT, TAKEN, VOID
from keys.primitives.encoding import DAY, b64u, canon, unb64u
from keys.primitives.hybrid_keys import Signature, SigningKey, kid_of
from keys.primitives.seal import EncPrivateKey, enc_kid, seal_cek, seal_content
from keys.primitives.sign import SignedDocument, sign_document

Case = dict[str, Any]

RANDOM: Final = frozenset({"enc", "ct", "cts", "bytes", "signatures", "leaf", "path", "note"})
"""Members whose values differ at each run; the file is compared without them."""

# --- descriptors ---------------------------------------------------------------------------------------------------


class _Chain:
    """Documents by name, and the cases about them."""

    def __init__(self) -> None:
        self.documents: dict[str, SignedDocument] = {}
        self.cases: list[Case] = []

    def add(self, name: str, document: SignedDocument) -> bytes:
        """Keep a document; returns its payload."""
        self.documents[name] = document
        return document.payload

    def case(self, rule: int, name: str, document: str, code: str | None, *, held: str = "", now: int = NOW) -> None:
        """One document offered to who holds others."""
        self.cases.append(
            {"rule": rule, "name": name, "held": held.split(), "document": document, "now": now, "code": code}
        )

    def offer(self, rule: int, name: str, document: SignedDocument, code: str | None, *, held: str = "") -> None:
        """A document that is in the file for this one case."""
        self.add(name, document)
        self.case(rule, name, name, code, held=held)

    def file(self) -> Case:
        """The content of the file."""
        documents = {name: document.to_json() for name, document in self.documents.items()}
        return {"now": NOW, "documents": documents, "cases": self.cases}


def _doubled(document: SignedDocument) -> SignedDocument:
    return replace(document, signatures=(document.signatures[0], document.signatures[0]))


def descriptors() -> Case:
    """nrm1 2.13: a chain that is accepted, and each refusal."""
    alb, bel, chain = Party(name="alb", size=3, threshold=2), Party(name="bel"), _Chain()
    _threshold(chain, alb)
    first = chain.add("bel-1", signed(bel.payload(), bel.roots))
    chain.case(3, "first contact, one root of one", "bel-1", None)
    _shape(chain, bel, first)
    _first(chain, bel)
    _next(chain, bel, first)
    vector_forms.descriptors(chain.offer, bel)
    file = chain.file()
    held = accept_descriptor(None, chain.documents["bel-1"], NOW)
    return file | {
        "facts": {"node": held.node, "hash": held.hash, "authority": held.authority, "fingerprint": held.fingerprint},
        "pairing_bytes": len(encode_chain([chain.documents["bel-1"]])),
    }


def _threshold(chain: _Chain, alb: Party) -> None:
    """Rules 2 and 4 with two of three roots."""
    one = chain.add("alb-1", signed(alb.payload(), alb.roots[:2]))
    chain.case(3, "first contact, two roots of three", "alb-1", None)
    chain.case(5, "the same document again", "alb-1", None, held="alb-1")
    chain.case(5, "300 seconds ahead", "alb-1", None, now=NOW - 1_300)
    chain.case(5, "301 seconds ahead", "alb-1", "not_yet_valid", now=NOW - 1_301)
    new = key_of("alb/root-4")
    roots = [*alb.roots[:2], new]
    payload = alb.following(one, roots=[record(root, Use.ROOT) for root in roots])
    chain.offer(4, "alb-2", signed(payload, [alb.roots[0], alb.roots[1]]), None, held="alb-1")
    chain.case(4, "lower than what is held", "alb-1", "rollback", held="alb-1 alb-2")
    chain.offer(
        4, "signed by new roots, one of them old", signed(payload, [alb.roots[0], new]), "bad_signature", held="alb-1"
    )
    document = signed(alb.payload(), alb.roots[:1])
    chain.offer(2, "one root of two that are needed", document, "bad_signature")
    chain.offer(2, "one root twice", _doubled(document), "bad_signature")


def _shape(chain: _Chain, bel: Party, first: bytes) -> None:
    """Rule 1, with true signatures."""
    value = orjson.loads(first)
    sig, http = value["keys"]
    root = value["roots"][0]
    wrong: dict[str, tuple[bytes, str]] = {
        "a member more": (edited(first, extra=None), "malformed"),
        "a member less": (canon(without(value, "contact")), "malformed"),
        "not canonical": (first.replace(b'"country":"FR"', b'"country": "FR"'), "malformed"),
        "threshold above the number of roots": (edited(first, threshold=2), "malformed"),
        "threshold 0": (edited(first, threshold=0), "malformed"),
        "lives 401 days": (edited(first, expires=value["issued"] + 401 * DAY), "malformed"),
        "no pin": (edited(first, tls_spki=[]), "malformed"),
        "an endpoint with a path": (edited(first, endpoints=["https://bel.example:8443/v1"]), "malformed"),
        "a unit called gateway": (
            edited(first, units=[{"id": "gateway", "name": "x", "kind": "ngo", "roles": []}]),
            "malformed",
        ),
        "a unit of no kind": (edited(first, units=[{"id": "shelter", "name": "x", "roles": []}]), "malformed"),
        "a unit of an unknown kind": (edited(first, units=[UNIT | {"kind": "club"}]), "malformed"),
        "a sig key without its ML-DSA-65 half": (edited(first, keys=[sig | {"mldsa65": None}, http]), "bad_key"),
        "a log key of Ed25519 alone": (edited(first, keys=[sig, http, http | {"use": "log"}]), "malformed"),
        "a log key without its ML-DSA-44 half": (edited(first, keys=[sig, http, _bare(http, "log")]), "bad_key"),
        "a wit key without its ML-DSA-44 half": (edited(first, keys=[sig, http, _bare(http, "wit")]), "bad_key"),
        "an http key with a member for another half": (
            edited(first, keys=[sig, http | {"mldsa65": None}]),
            "malformed",
        ),
        "an invisible character in a name": (edited(first, name="NRM \u202e"), "malformed"),
        "the kid of another key": (edited(first, keys=[sig | {"kid": http["kid"]}]), "bad_key"),
        "one key with two uses": (
            edited(first, keys=[sig, http, _mixed(http, sig)]),
            "bad_key",
        ),
        "a root among the keys": (edited(first, keys=[sig, root]), "bad_key"),
        "a low-order Ed25519 key": (edited(first, keys=[sig, _low_order(http)]), "bad_key"),
        "the log of another node": (edited(first, log=name_log(NodeId(NODE))), "malformed"),
        "a log with a suffix": (edited(first, log=value["log"] + "/2"), "malformed"),
        "a revoked key is listed": (edited(first, revoked=[_revoked(http["kid"])]), "revoked_key"),
    }
    for name, (payload, code) in wrong.items():
        chain.offer(1, name, signed(payload, bel.roots), code)
    document = signed(first, bel.roots)
    chain.offer(1, "a signature of another type", _typed(document), "wrong_type")


UNIT: Final = {"id": "shelter", "name": "x", "kind": "ngo", "roles": []}


def _bare(http: Case, use: str) -> Case:
    """The Ed25519 key of `http` as a key of notes without its other half."""
    return http | {"use": use, "mldsa44": None}


def _mixed(http: Case, sig: Case) -> Case:
    """A key of one half of each."""
    kid = kid_of(unb64u(http["ed25519"]), unb64u(sig["mldsa65"]))
    return sig | {"ed25519": http["ed25519"], "kid": kid}


def _low_order(http: Case) -> Case:
    point = bytes([1]) + bytes(31)
    return http | {"ed25519": b64u(point), "kid": kid_of(point, None)}


def _revoked(kid: str, *, since: int = NOW - 950) -> Case:
    return {"kid": kid, "at": NOW - 900, "since": since, "reason": "stolen"}


def _typed(document: SignedDocument) -> SignedDocument:
    return replace(document, payload_type=STATEMENT)


def _first(chain: _Chain, bel: Party) -> None:
    """Rules 2 and 3."""
    first = bel.payload()
    stranger = key_of("stranger/root-1")
    chain.offer(2, "signed by no root of it", signed(first, [stranger]), "bad_signature")
    good = signed(first, bel.roots)
    stripped = replace(good.signatures[0], mldsa65=None)
    chain.offer(2, "without the ML-DSA-65 half", replace(good, signatures=(stripped,)), "bad_signature")
    mixed = replace(good.signatures[0], mldsa65=stranger.sign(DESCRIPTOR, first).mldsa65)
    chain.offer(2, "with the ML-DSA-65 half of another key", replace(good, signatures=(mixed,)), "bad_signature")
    bit = bytes([good.signatures[0].ed25519[0] ^ 1]) + good.signatures[0].ed25519[1:]
    flipped = replace(good.signatures[0], ed25519=bit)
    chain.offer(2, "one bit of the Ed25519 half flipped", replace(good, signatures=(flipped,)), "bad_signature")
    other = edited(first, node=NODE, log=name_log(NodeId(NODE)))
    chain.offer(3, "the node id of other roots", signed(other, bel.roots), "wrong_node")
    chain.offer(3, "version 2 first", signed(bel.following(first), bel.roots), "bad_chain")


def _next(chain: _Chain, bel: Party, first: bytes) -> None:
    """Rule 4 with one root."""
    offer = chain.offer
    old_key, node = key_of("bel/old", hybrid=False), orjson.loads(first)["node"]
    gone = Revocation(kid=old_key.public.kid, at=NOW - 900, since=NOW - 950, reason="stolen")
    second = bel.following(first, revoked=[gone])
    offer(4, "bel-2", signed(second, bel.roots), None, held="bel-1")
    third = bel.following(second, revoked=[gone])
    offer(4, "bel-3", signed(third, bel.roots), None, held="bel-1 bel-2")
    chain.case(4, "a version is missing", "bel-3", "bad_chain", held="bel-1")
    offer(4, "another prev", signed(edited(second, prev=b64u(bytes(32))), bel.roots), "bad_chain", held="bel-1")
    fork = edited(second, contact="another desk")
    offer(4, "two under one version", signed(fork, bel.roots), "equivocation", held="bel-1 bel-2")
    earlier = edited(second, issued=NOW - 1_001, expires=NOW)
    offer(4, "issued earlier", signed(earlier, bel.roots), "rollback", held="bel-1")
    back = edited(third, revoked=[])
    offer(4, "a revocation taken back", signed(back, bel.roots), "rollback", held="bel-1 bel-2")
    later = edited(third, revoked=[_revoked(old_key.public.kid, since=NOW - 920)])
    offer(4, "a revocation from a later time on", signed(later, bel.roots), "rollback", held="bel-1 bel-2")
    ahead = edited(second, revoked=[_revoked(old_key.public.kid) | {"at": NOW - 689}])
    offer(1, "a revocation 301 seconds after its descriptor", signed(ahead, bel.roots), "malformed", held="bel-1")
    unborn = edited(second, revoked=[_revoked(old_key.public.kid, since=NOW - 899)])
    offer(1, "not to be trusted only after it was revoked", signed(unborn, bel.roots), "malformed", held="bel-1")
    renamed = edited(second, log=f"bel.{node}.trm")
    offer(4, "another name of the log", signed(renamed, bel.roots), "bad_chain", held="bel-1")
    _uses(chain, bel, first)
    root = key_of("bel/root-2")
    taken = edited(second, roots=[record(root, Use.ROOT).to_json()])
    offer(4, "signed by new roots alone", signed(taken, [root]), "bad_signature", held="bel-1")
    chain.case(4, "of another node", "alb-1", "wrong_node", held="bel-1")


def _uses(chain: _Chain, bel: Party, first: bytes) -> None:
    """Rule 4: a component key keeps its other half and its use, also where a version between does not list it."""
    sig, http = record(bel.sig, Use.SIG), record(bel.http, Use.HTTP)
    hybrid = SigningKey(bel.sig.seeds()[0], seed("bel/other half"))
    document = signed(bel.following(first, keys=[record(hybrid, Use.SIG), http]), bel.roots)
    chain.offer(4, "a key with another half than before", document, "bad_key", held="bel-1")
    between = signed(bel.following(first, keys=[sig]), bel.roots)
    chain.offer(4, "bel-2-without-http", between, None, held="bel-1")
    again = signed(bel.following(between.payload, keys=[sig, record(_as_log(bel), Use.LOG)]), bel.roots)
    chain.offer(4, "a key comes back for another use", again, "bad_key", held="bel-1 bel-2-without-http")


def _as_log(bel: Party) -> SigningKey:
    """The Ed25519 half of the `http` key as a key of notes."""
    return SigningKey(bel.http.seeds()[0], mldsa44_seed=seed("bel/another half"))


# --- keysets -------------------------------------------------------------------------------------------------------


def keysets() -> Case:
    """nrm1 2.20: a keyset that is accepted, and each refusal."""
    bel, chain = Party(name="bel"), _Chain()
    one = signed(bel.payload(), bel.roots)
    two = signed(bel.following(one.payload), bel.roots)
    held = accept_descriptor(None, one, NOW)
    payload = bel.keyset_payload(held)
    chain.documents = {"desc-1": one, "desc-2": two, "keyset-1": bel.keyset(payload)}
    cases: list[Case] = []

    def case(name: str, code: str | None, document: SignedDocument | None = None, **more: Any) -> None:
        if document is not None:
            chain.documents[name] = document
        cases.append(
            {
                "name": name,
                "held": ["desc-1"],
                "last": None,
                "document": name if document else "keyset-1",
                "now": NOW,
                "code": code,
                **more,
            }
        )

    def changed(**members: Any) -> SignedDocument:
        return bel.keyset(edited(payload, **members))

    key = bel.enc_key().to_json()
    assert isinstance(key, dict)
    case("accepted", None)
    case("the same again", None, last="keyset-1")
    case("48 hours later", "stale_keyset", now=NOW + 2 * DAY)
    case("301 seconds before it was issued", "not_yet_valid", now=NOW - 301)
    case("after a newer descriptor", "rollback", held=["desc-1", "desc-2"])
    case("lives 48 hours and a second", "malformed", changed(expires=NOW + 2 * DAY + 1))
    case("a member more", "malformed", changed(extra=1))
    case("a key for a unit that is not listed", "malformed", changed(enc=[key | {"unit": "shelter"}]))
    case("a key that ends when it begins", "malformed", changed(enc=[key | {"until": key["from"]}]))
    case("the kid of another key", "bad_key", changed(enc=[key | {"kid": id_of("kid")}]))
    case("one key twice", "bad_key", changed(enc=[key, key]))
    case("a key that is not reduced", "bad_key", changed(enc=[key | _unreduced(bel)]))
    case("of another node", "wrong_node", changed(node=NODE))
    case("names a descriptor that is not held", "newer_descriptor", changed(desc_version=2))
    case("names another descriptor", "bad_chain", changed(desc_hash=b64u(bytes(32))))
    case("an older one", "rollback", changed(version=2), last=None)
    cases[-1] |= {"document": "keyset-1", "last": "an older one"}
    case("another one under its number", "rollback", changed(expires=NOW + DAY), last="keyset-1")
    case("the key swapped, not signed again", "bad_signature", _resealed(bel, payload, key))
    case("signed by a key that is not listed", "unknown_key", sign_document(KEYSET, payload, [key_of("x")]))
    case("a void", "wrong_type", sign_document(VOID, payload, [bel.sig]))
    return chain.file() | {"cases": cases}


def _unreduced(bel: Party) -> Case:
    public = b"\xff" * 3 + bel.enc.public[3:]
    return {"pub": b64u(public), "kid": enc_kid(public)}


def _resealed(bel: Party, payload: bytes, key: Case) -> SignedDocument:
    other = EncPrivateKey(seed("attacker/enc"))
    swapped = edited(payload, enc=[key | {"pub": b64u(other.public), "kid": other.kid}])
    return replace(bel.keyset(payload), payload=swapped)


# --- envelopes -----------------------------------------------------------------------------------------------------

LIFE: Final = 14 * DAY
BODY: Final = canon({"header": {"seen": 0}, "content": {"note": "synthetic content, Erë, Шевченко"}})


class _Sealer:
    """Seals from alb to bel; everything can be made to lie."""

    def __init__(self) -> None:
        self.alb, self.bel = Party(name="cor"), Party(name="bel")
        self.to_keys = [self.bel.enc, EncPrivateKey(seed("bel/enc-shelter"))]
        units = [Unit(id="shelter", name="Shelter", kind=UnitKind.SERVICE_PROVIDER, roles=("shelter",))]
        self.own_document = signed(self.bel.payload(units=units), self.bel.roots)
        second = self.bel.following(self.own_document.payload, units=units, contact="another desk")
        taken = Revocation(
            kid=key_of("bel/old", hybrid=False).public.kid, at=NOW - 900, since=NOW - 950, reason="stolen"
        )
        third = self.bel.following(second, units=units, revoked=[taken])
        self.own_later = [signed(payload, self.bel.roots) for payload in (second, third)]
        self.sender_document = signed(self.alb.payload(), self.alb.roots)
        gone = Revocation(kid=self.alb.sig.public.kid, at=NOW - 900, since=NOW - 950, reason="stolen")
        keys = [record(key_of("cor/sig-2"), Use.SIG), record(self.alb.http, Use.HTTP)]
        after = self.alb.following(self.sender_document.payload, keys=keys, revoked=[gone])
        self.after_document = signed(after, self.alb.roots)
        self.own = accept_descriptor(None, self.own_document, NOW)
        self.sender = accept_descriptor(None, self.sender_document, NOW)
        self.secret = wire.Secret(salt=seed("envelopes/salt")).encode()
        self.cek = seed("envelopes/cek")

    def statement(self, **changes: Any) -> wire.Statement:
        """An honest statement but for `changes`."""
        usual: dict[str, Any] = {
            "id": id_of("envelopes/message"),
            "from_": self.sender.node,
            "from_desc": 1,
            "to": self.own.node,
            "to_desc": 1,
            "rcp": (self.bel.enc.kid,),
            "epoch": 1,
            "n": 1,
            "prev": None,
            "conv": id_of("envelopes/conversation"),
            "reply_to": None,
            "created": NOW,
            "expires": NOW + LIFE,
            "body_type": "referral.request/1",
            "schema": "sha256:" + "5a" * 32,
            "purpose": "referral",
            "commit": wire.compute_commitment(self.secret, BODY),
        }
        return wire.Statement(**{**usual, **changes})

    def inner(self, statement: bytes, **frames: bytes) -> bytes:
        """The padded frames, signed by alb."""
        proof = frames.get("proof") or prove(self.alb.sig, STATEMENT, statement)
        usual = {"statement": statement, "proof": proof, "secret": self.secret, "body": BODY}
        return wire.pack_inner(**{**usual, **frames})

    def seal(self, inner: bytes, *, keys: int = 1, **header: Any) -> Case:
        """The envelope over `inner`, with a clear header that is true unless `header` says otherwise."""
        to = self.to_keys[:keys]
        usual: dict[str, Any] = {
            "id": id_of("envelopes/message"),
            "to": self.own.node,
            "exp": wire.round_up_to_hour(NOW + LIFE),
            "parts": (),
        }
        clear = {**usual, **header}
        hdr = wire.header_hash(kids=[key.kid for key in to], **clear)
        rcp = tuple(
            wire.Recipient(kid=key.kid, enc=seal_cek(key.public, self.cek, wire.cek_info(key.kid, hdr))) for key in to
        )
        ct = seal_content(self.cek, wire.body_context(hdr), inner)
        envelope: Case = orjson.loads(wire.Envelope(rcp=rcp, ct=ct, **clear).encode())
        return envelope

    def stated(self, *, header: Case | None = None, keys: int = 1, **changes: Any) -> Case:
        """The envelope over a statement that lies as `changes` say."""
        return self.seal(self.inner(self.statement(**changes).encode()), keys=keys, **(header or {}))


def envelopes() -> Case:
    """nrm1 3: envelopes that open, and envelopes that break one thing each."""
    sealer = _Sealer()
    one = sealer.stated()
    two = sealer.stated(rcp=tuple(key.kid for key in sealer.to_keys), keys=2)
    cases = [*_headers(one, two), *_opening(one), *_frames(sealer), *_signatures(sealer, one), *_crossed(sealer)]
    statement = sealer.statement()
    return {
        "now": NOW,
        "documents": {
            "recipient-1": sealer.own_document.to_json(),
            "recipient-2": sealer.own_later[0].to_json(),
            "recipient-3": sealer.own_later[1].to_json(),
            "sender-1": sealer.sender_document.to_json(),
            "sender-2": sealer.after_document.to_json(),
        },
        "enc_seeds": {key.kid: key.seed().hex() for key in sealer.to_keys},
        "cts": {"one": one["ct"], "two": two["ct"]},
        "valid": [
            {"name": "one recipient", "envelope": one | {"ct": "@one"}, "now": NOW},
            {"name": "two recipients", "envelope": two | {"ct": "@two"}, "now": NOW},
            {"name": "300 seconds behind its end", "envelope": one | {"ct": "@one"}, "now": NOW + LIFE + 299},
            {"name": "300 seconds ahead", "envelope": one | {"ct": "@one"}, "now": NOW - 300},
            {
                "name": "names an older descriptor of the recipient that still serves",
                "envelope": one | {"ct": "@one"},
                "now": NOW,
                "recipient": ["recipient-1", "recipient-2"],
            },
        ],
        "opened": {
            "cek": sealer.cek.hex(),
            "hdr": wire.parse_envelope(canon(one)).hdr.hex(),
            "statement": orjson.loads(statement.encode()),
            "statement_hash": wire.statement_hash(statement.encode()),
            "link": statement.link,
            "secret": b64u(sealer.secret),
            "body": b64u(BODY),
        },
        "invalid": cases,
    }


def _case(step: str, name: str, envelope: Case, code: str, **more: Any) -> Case:
    return {"step": step, "name": name, "envelope": envelope, "now": NOW, "code": code, **more}


def _headers(one: Case, two: Case) -> list[Case]:
    """Steps 4 to 7."""
    first, second = one | {"ct": "@one"}, two | {"ct": "@two"}
    rcp = one["rcp"]
    nine = [rcp[0] | {"kid": id_of(f"kid {number}")} for number in range(9)]
    spaced = canon(one | {"ct": ""}).replace(b'"ct":', b'"ct": ')
    return [
        _case("3", "a member more", first | {"alg": "none"}, "malformed"),
        _case("3", "a member less", without(first, "parts"), "malformed"),
        _case("3", "a truth value for a time", first | {"exp": True}, "malformed"),
        {"step": "3", "name": "not canonical", "bytes": b64u(spaced), "now": NOW, "code": "malformed"},
        _case("3", "ends within an hour", first | {"exp": first["exp"] + 1}, "malformed"),
        _case("3", "no recipient", first | {"rcp": []}, "malformed"),
        _case("3", "a recipient twice", first | {"rcp": [*rcp, *rcp]}, "malformed"),
        _case("3", "nine recipients", first | {"rcp": nine, "ct": ""}, "malformed"),
        _case("4", "another suite", first | {"v": "nrm2"}, "unsupported_suite"),
        _case("4", "to another node", first | {"to": NODE}, "misrouted"),
        _case("4", "300 seconds behind exp", first, "expired", now=first["exp"] + 300),
        _case("5", "a key that is not held", first | {"rcp": [rcp[0] | {"kid": id_of("x")}]}, "unknown_recipient_key"),
        _case("6", "another id", first | {"id": id_of("another id")}, "undecryptable"),
        _case("6", "an hour longer", first | {"exp": first["exp"] + 3_600}, "undecryptable"),
        _case("6", "a part added", first | {"parts": [65_536]}, "undecryptable"),
        _case("6", "recipients in another order", second | {"rcp": two["rcp"][::-1]}, "undecryptable"),
        _case("6", "a recipient taken away", second | {"rcp": two["rcp"][:1]}, "undecryptable"),
    ]


def _flipped(text: str, place: int) -> str:
    data = bytearray(unb64u(text))
    data[place] ^= 1
    return b64u(bytes(data))


def _opening(one: Case) -> list[Case]:
    """Step 7: one bit of what was sealed."""
    sealed = one["rcp"][0]

    def enc(place: int) -> Case:
        return one | {"ct": "@one", "rcp": [sealed | {"enc": _flipped(sealed["enc"], place)}]}

    return [
        _case("6", "one bit of the ML-KEM-768 half", enc(0), "undecryptable"),
        _case("6", "one bit of the X25519 half", enc(1_088), "undecryptable"),
        _case("6", "one bit of the sealed key", enc(1_120), "undecryptable"),
        _case("6", "one bit of the key commitment", one | {"ct": _flipped(one["ct"], 40)}, "undecryptable"),
        _case("6", "cut at a chunk", one | {"ct": b64u(unb64u(one["ct"])[: 56 + 16_400])}, "undecryptable"),
    ]


def _frames(sealer: _Sealer) -> list[Case]:
    """Step 8, with the form of the statement."""
    statement = sealer.statement().encode()
    inner = sealer.inner(statement)

    def sealed(name: str, data: bytes) -> Case:
        return _case("7", name, sealer.seal(data), "malformed")

    def written(name: str, **members: Any) -> Case:
        return _case("9", name, sealer.seal(sealer.inner(edited(statement, **members))), "malformed")

    return [
        sealed("padding that is not zero", inner[:-1] + b"\1"),
        sealed("one byte of padding more", inner + b"\0"),
        sealed("a frame cut short", (2**31).to_bytes(4, "big") + inner[4:]),
        written("a member more in the statement", extra=None),
        written("number 2 without prev", n=2),
        _case("9", "a statement of the first form", sealer.seal(vector_forms.inner(sealer)), "wrong_type"),
        written("a body type with a capital", body_type="Referral.request/1"),
    ]


def _signatures(sealer: _Sealer, one: Case) -> list[Case]:
    """Steps 10 and 8."""
    statement = sealer.statement().encode()
    stranger = key_of("stranger/sig")
    (good,), (foreign,) = (proofs(key, (STATEMENT, statement)) for key in (sealer.alb.sig, stranger))
    true_half = good.batch.signature

    def by(name: str, code: str, signature: Signature) -> Case:
        batch = replace(good.batch, signature=signature)
        return proven(name, code, replace(good, batch=batch).encode())

    def proven(name: str, code: str, frame: bytes) -> Case:
        return _case("8", name, sealer.seal(sealer.inner(statement, proof=frame)), code)

    changed = edited(statement, conv=id_of("other"))
    (as_receipt,) = proofs(sealer.alb.sig, (RECEIPT, statement))
    both = orjson.loads(good.encode())
    both["signatures"] *= 2
    alone = canon({"signatures": [sign_as(STATEMENT, statement, sealer.alb.sig).signature.to_json()]})
    true = one | {"ct": "@one"}
    return [
        by("the ML-DSA-65 half taken away", "bad_signature", replace(true_half, mldsa65=None)),
        by(
            "the ML-DSA-65 half of another key",
            "bad_signature",
            replace(true_half, mldsa65=foreign.batch.signature.mldsa65),
        ),
        proven("signed as a receipt", "bad_signature", as_receipt.encode()),
        proven("signed alone", "malformed", alone),
        proven("signed by a key that is not listed", "unknown_key", foreign.encode()),
        proven("two signatures", "malformed", canon(both)),
        proven("no proof", "malformed", b"{}"),
        _case(
            "8",
            "changed after signing",
            sealer.seal(sealer.inner(changed, proof=good.encode())),
            "bad_signature",
        ),
        _case("8", "by a key that was revoked", true, "revoked_key", sender=["sender-1", "sender-2"]),
        _case("10", "the request is signed by another node", true, "unknown_sender", signer=NODE),
        _case(
            "9",
            "names a descriptor of the recipient from before a revocation",
            true,
            "newer_descriptor",
            recipient=["recipient-1", "recipient-2", "recipient-3"],
        ),
    ]


def _crossed(sealer: _Sealer) -> list[Case]:
    """Step 11: what is said twice, the clock, the commitment."""

    def lie(name: str, code: str, *, now: int = NOW, **changes: Any) -> Case:
        return _case("9", name, sealer.stated(**changes), code, now=now)

    true = sealer.statement().encode()
    longer = wire.round_up_to_hour(NOW + LIFE) + 3_600
    body = sealer.seal(sealer.inner(true, body=b'{"content":{"note":"another"},"header":{"seen":0}}'))
    empty = sealer.seal(sealer.inner(true, body=b"{}"))
    secret = sealer.seal(sealer.inner(true, secret=wire.Secret(salt=seed("another salt")).encode()))
    short = {"expires": NOW + 600, "header": {"exp": wire.round_up_to_hour(NOW + 600)}}
    return [
        lie("another suite inside", "downgrade", suite="nrm2"),
        lie("to another node inside", "misdirected", to=NODE),
        lie("another id inside", "spliced", id=id_of("other message")),
        lie("another key inside", "spliced", rcp=(id_of("kid"),)),
        lie("parts inside and not outside", "spliced", parts=(65_536,)),
        lie("an hour longer outside", "spliced", header={"exp": longer}),
        lie("301 seconds ahead", "not_yet_valid", created=NOW + 301),
        lie("300 seconds behind expires, before exp", "expired", now=NOW + 900, **short),
        lie("lives 14 days and a second", "malformed", created=NOW - 1),
        lie("names a descriptor of the recipient that never was", "malformed", to_desc=2),
        _case("9", "another body", body, "bad_commitment"),
        _case("9", "a body without fields", empty, "malformed"),
        _case("9", "another secret", secret, "bad_commitment"),
    ]


# --- receipts and voids --------------------------------------------------------------------------------------------


def _receipt(issuer: Descriptor, **changes: Any) -> Receipt:
    usual: dict[str, Any] = {
        "of": b64u(seed("receipts/statement")),
        "msg": id_of("receipts/message"),
        "from_": issuer.node,
        "from_desc": 1,
        "to": NODE,
        "n": 7,
        "status": Status.RECEIVED,
        "at": NOW,
        "code": None,
    }
    return Receipt(**{**usual, **changes})


def receipts() -> Case:
    """nrm1 6.3: receipts as they are issued, and each refusal; the body of an answer."""
    bel = Party(name="bel")
    issuer = bel.first()
    one = _receipt(issuer)
    rejected = _receipt(issuer, of=b64u(seed("void")), status=Status.REJECTED, code="void")
    three = (one, _receipt(issuer, status=Status.DELIVERED, at=NOW + 9), rejected)
    first = one.to_json()

    def told(*items: Case, key: SigningKey = bel.sig, kind: str = RECEIPT) -> Case:
        """These objects in one batch, whatever they are."""
        proven = [orjson.loads(proof.encode()) for proof in proofs(key, *((kind, canon(item)) for item in items))]
        common = {name: proven[0][name] for name in ("count", "signatures")}
        places = [{name: proof[name] for name in ("blind", "index", "path")} for proof in proven]
        listed = [{"receipt": item, **place} for item, place in zip(items, places, strict=True)]
        return common | {"receipts": sorted(listed, key=lambda one: one["index"])}

    def case(name: str, code: str | None, value: Case) -> Case:
        return {"name": name, "code": code, "now": NOW, "receipts": value}

    good = told(*(receipt.to_json() for receipt in three))
    listed = good["receipts"]
    answers = [Answer(id=id_of("a"), code=Code.EXPIRED), Answer(id=None, code=Code.MALFORMED)]
    altered = [listed[0] | {"receipt": listed[0]["receipt"] | {"n": 8}}, *listed[1:]]
    moved = [one | {"receipt": other["receipt"]} for one, other in zip(listed, listed[1:] + listed[:1], strict=True)]
    lone = told(rejected.to_json())["receipts"][0]
    mixed = [listed[0], lone | {"path": listed[0]["path"], "index": listed[0]["index"] + 1}]
    return {
        "now": NOW,
        "me": NODE,
        "documents": {"issuer-1": signed(bel.payload(), bel.roots).to_json()},
        "valid": [
            case("three receipts", None, good),
            case("one of them without the others", None, good | {"receipts": listed[1:2]}),
            case("one that was signed alone", None, told(first)),
        ],
        "answer": b64u(encode_answers(answers, None)),
        "invalid": [
            case("rejected without a code", "malformed", told(first | {"status": "rejected"})),
            case("a code beside received", "malformed", told(first | {"code": "void"})),
            case("an unknown status", "malformed", told(first | {"status": "read"})),
            case("one thing twice", "malformed", told(first, first)),
            case("of two nodes", "malformed", told(first, first | {"from": NODE, "status": "opened"})),
            case("for two nodes", "malformed", told(first, first | {"to": issuer.node, "status": "opened"})),
            case("no receipt", "malformed", good | {"receipts": []}),
            case("129 receipts", "malformed", good | {"receipts": listed[:1] * 129}),
            case("in another order", "malformed", good | {"receipts": listed[::-1]}),
            case("for another node", "spliced", told(first | {"to": "n1" + "b" * 32})),
            case("of another node than the signer", "spliced", told(first | {"from": "n1" + "b" * 32})),
            case("a receipt of the first form", "wrong_type", told(one.to_json(RECEIPT_1))),
            case("receipts of the first form", "wrong_type", first_batch(bel.sig, one).to_json()),
            case("by a key that is not listed", "unknown_key", told(first, key=key_of("stranger/sig"))),
            case("changed after signing", "bad_signature", good | {"receipts": altered}),
            case("at the place of another", "bad_signature", good | {"receipts": moved}),
            case("one of another batch", "bad_signature", good | {"receipts": mixed}),
            case("signed as statements", "bad_signature", told(first, kind=STATEMENT)),
        ],
    }


def voids() -> Case:
    """nrm1 5.6: the void question, its hash, and what is no void."""
    cor = Party(name="cor")
    sender = cor.first()
    void = Void(id=id_of("void"), from_=sender.node, to=NODE, epoch=1, n=1, commit=None, prev=None, created=NOW)
    payload = void.encode()

    def case(name: str, code: str | None, data: bytes, *, key: SigningKey = cor.sig, kind: str = VOID) -> Case:
        return {"name": name, "code": code, "document": sign_document(kind, data, [key]).to_json()}

    altered = replace(sign_document(VOID, payload, [cor.sig]), payload=edited(payload, n=2, prev=b64u(bytes(32))))
    return {
        "now": NOW,
        "documents": {"sender-1": signed(cor.payload(), cor.roots).to_json()},
        "valid": case("a void", None, payload),
        "of": wire.statement_hash(payload),
        "invalid": [
            case("a member more", "malformed", edited(payload, code="void")),
            case("without the commitment", "malformed", canon(without(orjson.loads(payload), "commit"))),
            case("number 2 without prev", "malformed", edited(payload, n=2)),
            case("a prev at number 1", "malformed", edited(payload, prev=b64u(bytes(32)))),
            case("a keyset", "wrong_type", payload, kind=KEYSET),
            case("by a key that is not listed", "unknown_key", payload, key=key_of("stranger/sig")),
            {"name": "changed after signing", "code": "bad_signature", "document": altered.to_json()},
        ],
    }


def taken() -> Case:
    """nrm1 5.16: a page of what was taken away, and what is none."""
    cor = Party(name="cor")
    sender = cor.first()
    page = TakenPage(
        from_=sender.node,
        to=NODE,
        reset=b64u(seed("reset")),
        page=0,
        more=False,
        withdrawals=(
            Withdrawn(consent=id_of("whole"), grants=None, at=NOW - 60),
            Withdrawn(consent=id_of("in part"), grants=(0, 2), at=NOW - 30),
        ),
        erasures=(id_of("erased"),),
        voids=(id_of("void"),),
        created=NOW,
    )
    payload = page.encode()
    many = [id_of(f"erased {place}") for place in range(MOST)]
    twice = [page.withdrawals[0].to_json() | {"grants": [1, 1]}]

    def case(name: str, code: str | None, data: bytes, *, key: SigningKey = cor.sig, kind: str = TAKEN) -> Case:
        return {"name": name, "code": code, "document": sign_document(kind, data, [key]).to_json()}

    altered = replace(sign_document(TAKEN, payload, [cor.sig]), payload=edited(payload, withdrawals=[]))
    return {
        "now": NOW,
        "documents": {"sender-1": signed(cor.payload(), cor.roots).to_json()},
        "valid": case("a page", None, payload),
        "invalid": [
            case("a member more", "malformed", edited(payload, holds=[])),
            case("more than a page holds", "malformed", edited(payload, erasures=many)),
            case("a page behind the last", "malformed", edited(payload, page=MOST_PAGES)),
            case("more behind the last page", "malformed", edited(payload, page=MOST_PAGES - 1, more=True)),
            case("a grant twice", "malformed", edited(payload, withdrawals=twice)),
            case("a message twice", "malformed", edited(payload, erasures=[*page.erasures] * 2)),
            case("a void", "wrong_type", payload, kind=VOID),
            case("by a key that is not listed", "unknown_key", payload, key=key_of("stranger/sig")),
            {"name": "changed after signing", "code": "bad_signature", "document": altered.to_json()},
        ],
    }
