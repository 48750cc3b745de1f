#!/usr/bin/env python3
"""A second verifier of TRM evidence bundles (nrm.evidence/3), written from the specification, to be read in one go.

It shares no line with the gateway, so that nobody has to believe the gateway about its own evidence. It needs Python
3.11 and two packages for the signatures (pip install cryptography pynacl), no network, no clock and no gateway:

    python3 verify_evidence.py FILE FINGERPRINT FINGERPRINT [FINGERPRINT ...]

A fingerprint is six groups of five digits, from a source other than the file: one for each of the two nodes, and, if
wanted, one for each node that witnessed the log. Twelve groups and two versions, as two people compare them, are both
fingerprints, and refuse a chain that ends before its version. Exit code 0: verified, 1: refused, 2: no fingerprints.

    1 form        one spelling of JSON, exact members, one order
    2 who         both descriptor chains, signed by their roots; the fingerprints fit the newest roots
    3 statements  signed by a key of the sender, of one conversation or one number; content shown is what was signed
    4 receipts    signed by a key of the receiver, about these statements
                  (statements and receipts are signed in batches: one signature for a tree in which each has its place)
    5 log         entries of one node's audit log about them, under checkpoints that it and its witnesses signed
    6 weight      was each key valid and not revoked at the date of what it signed, and who had seen that before

What release 0.1.0 signed is of the first form: it is read for ever, also in its own bundles (nrm.evidence/2), and each
of its signatures is told with that caveat.
"""

import base64
import hashlib
import json
import re
import sys
from datetime import UTC, datetime
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple

import nacl.bindings
import nacl.exceptions
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey, MLDSA65PublicKey

DAY = 86_400
CONTEXT = b"nrm1"


class Form:
    """What differs between the forms of what is signed; the number in a payload type says which one it is."""

    def __init__(self, number, receipts, caveat):
        self.number = number
        self.receipts = receipts  # the documents that hold them
        self.caveat = caveat  # what is told of each signature

    def media(self, name):
        """The payload type of a document."""
        return f"application/vnd.nrm.{name}.v{self.number}+json"

    def base(self, record, kind, payload):
        """(bytes that both halves of a key sign, context of the ML-DSA half)."""
        pae = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)
        return (pae, b"") if self.number == 1 else (b"nrm1-sig\0" + key_hash(record) + pae, CONTEXT)

    def commitment(self, secret, body):
        """What a statement says of its content."""
        return b64(H("commit", lp(secret) + lp(body))) if self.number == 1 else commit_to_fields(secret, body)

    def link(self, said):
        """What the next number says of a statement."""
        names = ("epoch", "n", "id", "prev") if self.number == 1 else ("epoch", "n", "id", "commit", "prev")
        return b64(H("link", canon({name: said[name] for name in names})))


FIRST = Form(1, ("receipts", "receipt"), "signed in the first form, in which a signature does not name its whole key")
SECOND = Form(2, ("receipt",), None)
BUNDLES = {"nrm.evidence/2": (FIRST,), "nrm.evidence/3": (FIRST, SECOND)}
BOTH = (FIRST, SECOND)


class Refused(Exception):
    """Why a file proves nothing."""


def need(condition, why):
    """Refuse unless `condition` holds."""
    if not condition:
        raise Refused(why)


# --- 1 form: every object is canonical JSON and has exactly the members of its shape -------------------------------


def parse(data, limit=200_000):
    """JSON that is spelled in the one allowed way: sorted names, no white space, nothing twice."""
    need(len(data) <= limit, "too large")
    try:
        value = json.loads(data.decode("utf-8"))
        again = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    except (ValueError, RecursionError) as exc:
        raise Refused("not JSON") from exc
    need(again == data, "not canonical JSON")
    return value


def canon(value):
    """The one spelling of a value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def unb64(text):
    """Base64url without padding; only its one spelling."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, TypeError) as exc:
        raise Refused("not base64url") from exc
    need(b64(data) == text, "not the one spelling of base64url")
    return data


def b64(data):
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def H(label, data):
    """SHA-256 of a label and data."""
    return hashlib.sha256(b"nrm1/" + label.encode() + b"\0" + data).digest()


def lp(data):
    """A four-byte length, then the data."""
    return len(data).to_bytes(4, "big") + data


def whole(low=0, high=2**53 - 1):
    """An integer of a range."""
    return lambda v: type(v) is int and low <= v <= high


def like(pattern, most=4096):
    """Text that matches as a whole."""
    return lambda v: isinstance(v, str) and len(v) <= most and re.fullmatch(pattern, v, re.ASCII) is not None


def binary(size):
    """Base64url of so many bytes."""
    return lambda v: isinstance(v, str) and like(r"[A-Za-z0-9_-]*", 5000)(v) and len(unb64(v)) == size


def line(low, high):
    """One line for people without controls, bidi controls and invisible characters."""
    return lambda v: isinstance(v, str) and low <= len(v) <= high and not INVISIBLE.search(v)


def many(check, low, high, once=False):
    """An array of so many items; `once` if none may occur twice."""
    return lambda v: (
        isinstance(v, list)
        and low <= len(v) <= high
        and all(map(check, v))
        and not (once and len(set(map(repr, v))) < len(v))
    )


def plain(value):
    """What a field of a body is: text, a whole number, true, false, null, or an empty object or array."""
    return value in ({}, []) or value is None or isinstance(value, (str, bool)) or whole(1 - 2**53)(value)


def maybe(check):
    """null or that."""
    return lambda v: v is None or check(v)


def shaped(value, shape, what):
    """An object with exactly these members."""
    need(isinstance(value, dict) and value.keys() == shape.keys(), f"{what}: other members than it must have")
    need(all(check(value[name]) for name, check in shape.items()), f"{what}: a malformed member")
    return value


def ascending(keys, what):
    """One order, nothing twice."""
    need(all(a < b for a, b in pairwise(keys)), f"{what} are not in order, or not once each")


INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
NODE, CODE, ID, HASH, OBJECT = (
    like(r"n1[a-z2-7]{32}"),
    like(r"[a-z][a-z0-9_]{0,47}"),
    binary(16),
    binary(32),
    (lambda v: isinstance(v, dict)),
)
BUNDLE = {
    "type": lambda v: v in BUNDLES,
    "parties": many(many(OBJECT, 1, 1000), 2, 2),
    "log": maybe(OBJECT),
    "messages": many(OBJECT, 1, 1000),
    "receipts": many(OBJECT, 0, 10_000),
    "batches": many(OBJECT, 0, 20_000),
}
MESSAGE = {"statements": many(OBJECT, 1, 1000), "disclosure": maybe(OBJECT)}
DISCLOSURE = {"secret": lambda v: isinstance(v, str), "body": lambda v: isinstance(v, str)}
FIELDS = {"fields": many(OBJECT, 1, 16_384)}
FIELD = {
    "pointer": like(r"(/([ -.0-}]|~[01])+)+"),
    "value": plain,
    "salt": HASH,
    "index": whole(0, 16_383),
    "path": many(HASH, 6, 14),
}
DOCUMENT = {
    "payload": like(r"[A-Za-z0-9_-]*", 400_000),
    "payloadType": like(r"[ -~]*", 100),
    "signatures": many(OBJECT, 1, 18),
}
BATCH = {"count": lambda v: type(v) is int and v in (1, 8, 32, 128), "root": HASH, "signatures": many(OBJECT, 1, 1)}
IN_BATCH = {
    "batch": whole(),
    "blind": HASH,
    "index": whole(0, 127),
    "path": many(HASH, 0, 7),
    "payload": like(r"[A-Za-z0-9_-]*", 400_000),
}
SIGNATURE = {"kid": ID, "ed25519": binary(64), "mldsa65": maybe(binary(3309))}
KEY = {
    "kid": ID,
    "use": like("root|sig|http|log|wit"),
    "from": whole(),
    "until": whole(),
    "ed25519": binary(32),
}
FOR_DOCUMENTS, FOR_NOTES = {"mldsa65": binary(1952)}, {"mldsa44": binary(1312)}
HALVES = {"root": FOR_DOCUMENTS, "sig": FOR_DOCUMENTS, "http": {}, "log": FOR_NOTES, "wit": FOR_NOTES}
REVOKED = {"kid": ID, "at": whole(), "since": whole(), "reason": CODE}
KIND = {"kind": like("public_authority|international_organisation|ngo|service_provider|health")}
UNIT = {"id": like(r"[a-z0-9][a-z0-9-]{0,47}"), "name": line(1, 200), "roles": many(CODE, 0, 32, once=True)}
HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])"
DESCRIPTOR = {
    "node": NODE,
    "name": line(1, 100),
    "version": whole(1),
    "prev": maybe(HASH),
    "issued": whole(),
    "expires": whole(),
    "roots": many(OBJECT, 1, 9),
    "threshold": whole(1, 9),
    "keys": many(OBJECT, 0, 64),
    "endpoints": many(like(rf"https://{HOST}(:[1-9][0-9]{{0,4}})?", 300), 1, 8, once=True),
    "suites": many(like(r"nrm[1-9][0-9]{0,3}"), 1, 8, once=True),
    "log": like(r"[!-*,-~]{1,200}"),
    "revoked": many(OBJECT, 0, 1000),
    "country": like(r"[A-Z]{2}|[a-z][a-z0-9-]{2,31}"),
    "units": many(OBJECT, 0, 200),
    "contact": line(0, 300),
    "tls_spki": many(HASH, 1, 8, once=True),
}
STATEMENT = {
    "suite": like("nrm1"),
    "id": ID,
    "from": NODE,
    "from_desc": whole(1),
    "to": NODE,
    "to_desc": whole(1),
    "rcp": many(ID, 1, 8, once=True),
    "epoch": whole(1),
    "n": whole(1),
    "prev": maybe(HASH),
    "conv": ID,
    "reply_to": maybe(ID),
    "created": whole(),
    "expires": whole(),
    "schema": like(r"sha256:[0-9a-f]{64}"),
    "body_type": like(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*/[1-9][0-9]{0,3}", 100),
    "purpose": maybe(CODE),
    "commit": HASH,
    "parts": many(whole(1), 0, 64),
}
SECRET = {"salt": HASH, "parts": many(OBJECT, 0, 64)}
PART = {
    "n": whole(0, 63),
    "name": like(r"(?s:.*)", 255),
    "media": like(r"[ -~]+", 255),
    "len": whole(),
    "key": HASH,
    "sha256": HASH,
}
RECEIPTS = {"receipts": many(OBJECT, 1, 100)}
RECEIPT = {
    "of": HASH,
    "msg": ID,
    "from": NODE,
    "from_desc": whole(1),
    "to": NODE,
    "n": whole(1),
    "status": lambda v: v in STEPS,
    "at": whole(),
    "code": maybe(CODE),
}
STEPS = ("received", "delivered", "opened", "erased", "rejected")
LOG = {"node": NODE, "checkpoints": many(OBJECT, 1, 1000), "witnesses": many(many(OBJECT, 1, 1000), 0, 63)}
CHECKPOINT = {"note": like("[\\n -~\u2014]*", 262_144), "leaves": many(OBJECT, 1, 20_000)}
ENTRY = {"leaf": like(r"[A-Za-z0-9_-]*", 4096), "path": many(HASH, 0, 63)}
LEAF = {"seq": whole(1), "at": whole(), "of": HASH}


# --- 2 who: signatures, key records, chains of descriptors ----------------------------------------------------------


def verify_ed25519(key, message, signature):
    """By libsodium, which refuses keys and signatures of low order."""
    try:
        nacl.bindings.crypto_sign_open(signature + message, key)
    except nacl.exceptions.BadSignatureError as exc:
        raise Refused("an Ed25519 signature does not verify") from exc


def verify_signature(record, document, signature):
    """Both halves, over the base of the form and exactly these bytes; the key record says which halves there are."""
    need(signature["kid"] == record["kid"], "signed by another key")
    need((signature["mldsa65"] is None) == (record["mldsa65"] is None), "halves of signature and key differ")
    signed, context = document.form.base(record, document.kind, document.payload)
    verify_ed25519(unb64(record["ed25519"]), signed, unb64(signature["ed25519"]))
    if record["mldsa65"] is not None:
        half = MLDSA65PublicKey.from_public_bytes(unb64(record["mldsa65"]))
        try:
            half.verify(unb64(signature["mldsa65"]), signed, context)
        except InvalidSignature as exc:
            raise Refused("an ML-DSA-65 signature does not verify") from exc


class Document(NamedTuple):
    """A signed document of one form; nothing of it is believed yet. `mark` is the hash of what proves it, `batch` that
    by which a log names its batch, `tree` the batch of the second form.
    """

    form: Form
    name: str
    kind: str
    payload: bytes
    signatures: list
    mark: str
    batch: str
    tree: dict | None = None

    def read(self, shape):
        """The payload, of this shape; its `type` has the same name and number as that of the document."""
        typed = {"type": lambda v: v == f"nrm.{self.name}/{self.form.number}"}
        return shaped(parse(self.payload), {**typed, **shape}, self.name)


def read_document(value, kinds, most=1):
    """A document that is of one of these (form, name)."""
    shaped(value, DOCUMENT, "document")
    named = {form.media(name): (form, name) for form, name in kinds}
    kind, signatures = value["payloadType"], value["signatures"]
    need(kind in named, "a document is of another type")
    need(len(signatures) <= most, "too many signatures")
    for signature in signatures:
        shaped(signature, SIGNATURE, "signature")
    ascending([signature["kid"] for signature in signatures], "signatures")
    mark, batch = H("sigs", canon({"signatures": signatures})), H("receipts", canon(value))
    return Document(*named[kind], kind, unb64(value["payload"]), signatures, b64(mark), b64(batch))


class Batches:
    """What was signed once for many: trees of 1, 8, 32 or 128 leaves, in each of which a document has its place."""

    def __init__(self, values):
        self.values = [shaped(value, BATCH, "batch") for value in values]
        for value in self.values:
            shaped(value["signatures"][0], SIGNATURE, "signature")
        ascending([canon(value) for value in self.values], "batches")
        self.named, self.verified = set(), set()

    def read(self, value, forms, *names):
        """A document with one of these names; the second form has the last of them, and a place in a batch."""
        if SECOND not in forms or "batch" not in value:
            return read_document(value, [(FIRST, name) for name in names])
        shaped(value, IN_BATCH, "document in a batch")
        need(value["batch"] < len(self.values), "a batch that is not there")
        self.named.add(value["batch"])
        tree, payload, kind = self.values[value["batch"]], unb64(value["payload"]), SECOND.media(names[-1])
        size = 1 << len(value["path"])
        need(size == tree["count"] and value["index"] < size, "a place in a tree of another size")
        leaf = H("leaf", lp(kind.encode()) + unb64(value["blind"]) + payload)
        need(climb(leaf, value["index"], value["path"]) == unb64(tree["root"]), "a document is not in its batch")
        proof = {name: value[name] for name in ("blind", "index", "path")}
        mark = H("sigs", canon({**proof, "count": tree["count"], "signatures": tree["signatures"]}))
        hashes = b64(mark), b64(H("batch", canon(tree)))
        return Document(SECOND, names[-1], kind, payload, tree["signatures"], *hashes, tree)

    def verify(self, record, document):
        """The signature of a document, or that of its batch, which is verified once."""
        if document.tree is None:
            verify_signature(record, document, document.signatures[0])
        elif (document.batch, record["kid"]) not in self.verified:
            signed = {"type": "nrm.batch/2", "count": document.tree["count"], "root": document.tree["root"]}
            whole_tree = document._replace(kind=SECOND.media("batch"), payload=canon(signed))
            verify_signature(record, whole_tree, document.signatures[0])
            self.verified.add((document.batch, record["kid"]))

    def check(self):
        """Each batch is named by something."""
        need(len(self.named) == len(self.values), "a batch of nothing in this file")


def climb(node, index, path):
    """The root that a path leads to, in a tree with a power of two of leaves (RFC 9162, 2.1.3.2)."""
    for height, step in enumerate(map(unb64, path)):
        node = hashlib.sha256(b"\1" + (step + node if index >> height & 1 else node + step)).digest()
    return node


def check_key(record, form):
    """A key record: its id commits to it, its point is in the prime-order group, its halves fit its use."""
    use = record.get("use")
    need(isinstance(use, str) and use in HALVES, "key record: of no use")
    other = {"mldsa65": maybe(binary(1952))} if form is FIRST else HALVES[use]
    shaped(record, {**KEY, **other}, "key record")
    need(nacl.bindings.crypto_core_ed25519_is_valid_point(unb64(record["ed25519"])), "a key of low order")
    need(record["kid"] == b64(key_hash(record)[:16]), "a kid is not of its key")
    need(record["from"] < record["until"], "a key ends before it begins")
    if form is FIRST:
        need(use == "sig" or (use == "root") == (record["mldsa65"] is not None), "halves do not fit the use")


def key_hash(record):
    """What names the whole key; a kid is the first half of it."""
    notes = record.get("mldsa44")
    halves = lp(unb64(record["ed25519"])) + lp(unb64(record.get("mldsa65") or ""))
    return H("kid", halves + (b"" if notes is None else lp(unb64(notes))))


def halves_of(record):
    """The keys of a record."""
    return [record[half] for half in ("ed25519", "mldsa65", "mldsa44") if record.get(half) is not None]


def check_descriptor(document):
    """The shape of one version and the rules inside of it."""
    new = document.read(DESCRIPTOR)
    for record in (*new["roots"], *new["keys"]):
        check_key(record, document.form)
    for unit in new["units"]:
        shaped(unit, UNIT if document.form is FIRST else {**UNIT, **KIND}, "unit")
    for revoked in new["revoked"]:
        shaped(revoked, REVOKED, "revocation")
        need(revoked["since"] <= revoked["at"] <= new["issued"] + 300, "a key is revoked in the future")
    need(new["log"] == f"nrm1/{new['node']}" or new["log"].endswith(f".{new['node']}.trm"), "another node's log")
    need(0 < new["expires"] - new["issued"] <= 400 * DAY, "a descriptor lives too long")
    need(new["threshold"] <= len(new["roots"]), "threshold above the number of roots")
    ports = [re.search(r":([0-9]+)$", endpoint) for endpoint in new["endpoints"]]
    need(all(int(port[1]) < 65_536 for port in ports if port), "no port")
    units = [unit["id"] for unit in new["units"]] + ["gateway"]
    gone = [revoked["kid"] for revoked in new["revoked"]]
    need(len(set(units)) == len(units) and len(set(gone)) == len(gone), "a unit or a revocation occurs twice")
    records = new["roots"] + new["keys"]
    parts = [half for record in records for half in halves_of(record)]
    need(len(set(parts)) == len(parts), "one key has two uses")
    need({record["use"] for record in new["roots"]} == {"root"}, "another key among the roots")
    need("root" not in {record["use"] for record in new["keys"]}, "a root among the keys")
    need(not {record["kid"] for record in records} & set(gone), "a revoked key is listed")
    return new


PARTNER = "a key of an earlier version has another half or another use"


def read_chain(documents):
    """All versions of one node, 1 to the newest: each signed by its own roots and by those of the version before."""
    chain, last, parts = [], None, {}
    for value in documents:
        document = read_document(value, [(form, "descriptor") for form in BOTH], most=18)
        new, old = check_descriptor(document), chain[-1] if chain else None
        known = {root["kid"]: root for root in (*(old["roots"] if old else ()), *new["roots"])}
        for signature in document.signatures:
            need(signature["kid"] in known, "signed by no root")
            verify_signature(known[signature["kid"]], document, signature)
        signers = {signature["kid"] for signature in document.signatures}
        for voters in (new, old or new):
            valid = [root for root in voters["roots"] if root["from"] <= new["issued"] < root["until"]]
            need(sum(root["kid"] in signers for root in valid) >= voters["threshold"], "not enough roots signed")
        need((new["version"], new["prev"]) == (len(chain) + 1, last), "a version is missing, or another one")
        if old is None:
            text = base64.b32encode(H("node", roots_of(new))[:20]).decode().lower()
            need(new["node"] == "n1" + text, "a node id is not that of its roots")
        else:
            need(new["node"] == old["node"] and new["issued"] >= old["issued"], "a chain turns into another one")
            since = {revoked["kid"]: revoked["since"] for revoked in new["revoked"]}
            kept = [since.get(was["kid"], was["since"] + 1) <= was["since"] for was in old["revoked"]]
            need(all(kept), "a revocation was taken back")
            need(new["log"] == old["log"], "a log changes its name")
            need(is_first(old) or not is_first(new), "a descriptor of the first form follows one of the second")
        for key in (*new["roots"], *new["keys"]):
            for part in halves_of(key):
                need(parts.setdefault(part, (key["kid"], key["use"])) == (key["kid"], key["use"]), PARTNER)
        last = b64(H("desc", document.payload))
        chain.append(new)
    return chain


def is_first(descriptor):
    """Whether a version is of the first form."""
    return descriptor["type"] == "nrm.descriptor/1"


def check_form(form, chain, first):
    """Nothing of the first form names a version of the second: its node had left the first form by then."""
    need(form is not FIRST or all(map(is_first, chain[:first])), "something is signed in a form that its node had left")


def roots_of(descriptor):
    """What a node id and a fingerprint are computed from."""
    return canon({"roots": descriptor["roots"], "threshold": descriptor["threshold"]})


def fingerprint(descriptor):
    """The thirty digits that people compare."""
    x = digest = H("fp", descriptor["node"].encode() + roots_of(descriptor))
    for _ in range(5200):
        digest = hashlib.sha512(digest + x).digest()
    return "".join(f"{int.from_bytes(digest[5 * i : 5 * i + 5], 'big') % 100_000:05d}" for i in range(6))


def check_versions(chains, lowest):
    """No chain ends before the version that was compared with its fingerprint."""
    enough = [chain[-1]["version"] >= (lowest or {}).get(fingerprint(chain[-1]), 1) for chain in chains]
    need(all(enough), "a chain ends before the version that was compared: ask for a newer file")


def find_key(chain, kid, use, first=1):
    """The record of a key in the first version, at or after `first`, that lists it."""
    records = [key for version in chain[first - 1 :] for key in version["keys"]]
    found = [key for key in records if (key["kid"], key["use"]) == (kid, use)]
    need(found, f"no {use} key of the chain has this kid")
    return found[0]


def revocation_of(chain, kid):
    """The newest revocation of a key, None for a key that was never revoked."""
    return next((item for item in chain[-1]["revoked"] if item["kid"] == kid), None)


def published(chain, kid, at):
    """When a version was issued that first said that the key is not to be trusted at `at`; None for never."""
    said = [v["issued"] for v in chain if any(r["kid"] == kid and r["since"] <= at for r in v["revoked"])]
    return said[0] if said else None


def ended(chain, kid, first, at):
    """When a version was issued that takes back that the key is valid at `at`: 0 if none since `first` ever said so,
    None if it stands.
    """
    found, end, revoked = False, None, revocation_of(chain, kid)
    for version in chain[first - 1 :]:
        key = next((key for key in version["keys"] if (key["kid"], key["use"]) == (kid, "sig")), None)
        if key and key["from"] - 300 <= at < key["until"] + 300:
            found, end = True, None
        elif found and end is None and (key or (not revoked and version["issued"] + 300 <= at)):
            end = version["issued"]
    return end if found else 0


# --- 3 statements, 4 receipts ---------------------------------------------------------------------------------------


def read_message(value, chains, forms, batches):
    """[(hash, kid, statement, hash of what proves it)] of one message, the oldest sealing first."""
    shaped(value, MESSAGE, "message")
    documents = [batches.read(item, forms, "statement") for item in value["statements"]]
    ascending([document.payload for document in documents], "statements")
    sealings = []
    for document in documents:
        said, kid = document.read(STATEMENT), document.signatures[0]["kid"]
        need((said["n"] == 1) == (said["prev"] is None), "prev is null exactly for number 1")
        need({said["from"], said["to"]} == chains.keys(), "a statement is of another pair of nodes")
        need(said["to_desc"] <= len(chains[said["to"]]), "a statement names a descriptor that is not there")
        need(0 < said["expires"] - said["created"] <= 14 * DAY, "a statement lives too long")
        chain = chains[said["from"]]
        check_form(document.form, chain, said["from_desc"])
        batches.verify(find_key(chain, kid, "sig", said["from_desc"]), document)
        sealings.append((b64(H("stmt", document.payload)), kid, said, document.mark))
    sealings.sort(key=lambda sealing: sealing[2]["created"])
    lasting = [{**said, "rcp": 0, "from_desc": 0, "to_desc": 0, "created": 0} for _, _, said, _ in sealings]
    need(all(other == lasting[0] for other in lasting), "two statements of one message are of different messages")
    if value["disclosure"] is not None and "fields" in value["disclosure"]:
        check_fields(value["disclosure"], lasting[0]["commit"])
    elif value["disclosure"] is not None:
        shaped(value["disclosure"], DISCLOSURE, "disclosure")
        secret, body = unb64(value["disclosure"]["secret"]), unb64(value["disclosure"]["body"])
        shown = form_of(lasting[0]).commitment(secret, body)
        need(shown == lasting[0]["commit"], "the content is not what was signed")
        parts = shaped(parse(secret), SECRET, "secret")["parts"]
        numbers = [shaped(part, PART, "part")["n"] for part in parts]
        need(numbers == list(range(len(parts))), "parts are not numbered from 0")
    return sealings


# A body is cut into fields, each under its JSON pointer. A statement commits to the root of a tree over salted fields,
# so that one of them can be shown without the others.


def cut(value, above=""):
    """The (pointer, value) of each field: of whatever has nothing inside."""
    for name, item in enumerate(value) if isinstance(value, list) else value.items():
        need(isinstance(name, int) or (like(r"[ -~]{1,64}")(name) and not name.isdigit()), "a name that is not allowed")
        pointer = f"{above}/" + str(name).replace("~", "~0").replace("/", "~1")
        need(not isinstance(item, (dict, list)) or pointer.count("/") < 24, "nested too deep")
        if isinstance(item, (dict, list)) and item:
            yield from cut(item, pointer)
        else:
            need(plain(item), "a value that is not allowed")
            yield pointer, item


def commit_to_fields(secret, body):
    """The commitment to every field of a body, with the salts that are drawn out of the secret."""
    value = parse(body, len(body))
    need(isinstance(value, dict) and value, "a body is an object with members")
    fields = list(cut(value))
    need(len(fields) <= 16_384, "too many fields")
    size = max(64, 1 << (len(fields) - 1).bit_length())
    stream = hashlib.shake_256(b"nrm1/salt\0" + secret).digest(32 * size)
    salts = [stream[32 * place :][:32] for place in range(size)]
    level = [hash_field(salt, *field) for salt, field in zip(salts, fields, strict=False)] + salts[len(fields) :]
    level.sort()
    while len(level) > 1:
        level = [hashlib.sha256(b"\1" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=True)]
    return b64(H("commit", size.to_bytes(4, "big") + level[0]))


def hash_field(salt, pointer, value):
    """The leaf of one field."""
    return H("field", salt + lp(pointer.encode()) + canon(value))


def check_fields(value, commit):
    """Fields that are shown alone: the path of each leads to the commitment."""
    fields = [shaped(field, FIELD, "field") for field in shaped(value, FIELDS, "disclosure")["fields"]]
    ascending([field["pointer"] for field in fields], "fields")
    for field in fields:
        leaf, size = hash_field(unb64(field["salt"]), field["pointer"], field["value"]), 1 << len(field["path"])
        root = climb(leaf, field["index"], field["path"])
        proven = field["index"] < size and b64(H("commit", size.to_bytes(4, "big") + root)) == commit
        need(proven, "a field is not one of those that were signed")


def form_of(said):
    """The form of a statement that was read."""
    return next(form for form in BOTH if said["type"] == f"nrm.statement/{form.number}")


def read_receipts(document, chains, sealings, batches):
    """The receipts of one document that name a statement of the bundle; in the second form there is one."""
    batch = [parse(document.payload)] if document.name == "receipt" else document.read(RECEIPTS)["receipts"]
    typed = {"type": lambda v: v == f"nrm.receipt/{document.form.number}"}
    for told in batch:
        shaped(told, {**typed, **RECEIPT}, "receipt")
        need((told["code"] is None) == (told["status"] != "rejected"), "a code exactly for a rejection")
    pairs = {(told["from"], told["to"]) for told in batch}
    need(len(pairs) == 1 and set(min(pairs)) == chains.keys(), "receipts are of another pair of nodes")
    need(len({(told["of"], told["status"]) for told in batch}) == len(batch), "a batch says one thing twice")
    chain, kid = chains[batch[0]["from"]], document.signatures[0]["kid"]
    newest = max(told["from_desc"] for told in batch)
    check_form(document.form, chain, newest)
    batches.verify(find_key(chain, kid, "sig", newest), document)
    fitting = [told for told in batch if told["of"] in sealings]
    need(fitting, "receipts name none of the messages")
    for told in fitting:
        said = sealings[told["of"]][0]
        expected = (said["to"], said["from"], said["id"], said["n"])
        need((told["from"], told["to"], told["msg"], told["n"]) == expected, "a receipt and its statement disagree")
        need(document.form.number >= form_of(said).number, "a receipt is of an older form than its statement")
    return document, fitting


# --- 5 log: RFC 9162 tree, C2SP checkpoints and cosignatures --------------------------------------------------------


def root_from(leaf, index, size, path):
    """The root that a path leads to (RFC 9162, 2.1.3.2)."""
    node, last = hashlib.sha256(b"\0" + leaf).digest(), size - 1
    need(0 <= index < size, "an entry is not in the tree")
    for step in path:
        need(last > 0, "a path is too long")
        if index & 1 or index == last:
            node = hashlib.sha256(b"\1" + step + node).digest()
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\1" + node + step).digest()
        index, last = index >> 1, last >> 1
    need(last == 0, "a path is too short")
    return node


def read_note(note, chains, node):
    """(size, root, log kid, [(witness, kid, time)]) of a checkpoint; every signature line is verified."""
    text, _, rest = note.rpartition("\n\n")
    body = (text + "\n").encode()
    need(len(note.encode()) <= 262_144, "too large")
    need(re.fullmatch(r"[!-*,-~]{1,200}\n(0|[1-9][0-9]{0,15})\n[A-Za-z0-9+/]{43}=\n", body.decode()), "no checkpoint")
    origin, size, root = text.split("\n")
    need(int(size) < 2**53, "no size")
    lines = [re.fullmatch("\u2014 ([!-*,-~]{1,200}) ([A-Za-z0-9+/]+=*)", line) for line in rest.split("\n")[:-1]]
    need(rest.endswith("\n") and 1 <= len(lines) <= 128 and all(lines), "no signature lines")
    signers = [(name, [unb64_note(line[2]) for line in group]) for name, group in groupby(lines, lambda line: line[1])]
    ascending([name for name, _ in signers[1:]], "cosignatures")
    need(origin == lines[0][1] and origin in {version["log"] for version in chains[node]}, "another log")
    signed = []
    for place, (name, values) in enumerate(signers):
        who, use = (node, "log") if place == 0 else (name, "wit")
        need(place == 0 or (name in chains and name != node), "cosigned by somebody who is not in the file")
        key, at = read_signer(body, name, values, [k for v in chains[who] for k in v["keys"] if k["use"] == use])
        signed.append((who, key["kid"], at))
    return int(size), unb64_note(root), signed[0][1], signed[1:]


def read_signer(body, name, values, records):
    """(key, time) of the lines of one signer: Ed25519, and behind it ML-DSA-44 where its key has that half."""
    log = records[0]["use"] == "log" if records else False
    mark = b"\1" if log else b"\4"
    named = {note_id(name, mark, unb64(key["ed25519"])): key for key in records}
    need(values[0][:4] in named and len(values[0]) == (68 if log else 76), "signed by a foreign key")
    key, at = named[values[0][:4]], int.from_bytes(values[0][4:-64], "big")
    need(at < 2**53, "no time")
    stamp = b"" if log else b"cosignature/v1\ntime %d\n" % at
    verify_ed25519(unb64(key["ed25519"]), stamp + body, values[0][-64:])
    other = key.get("mldsa44")
    need(len(values) == (1 if other is None else 2), "signed by one half of a key, or by more than it has")
    if other is not None:
        need(values[1][:4] == note_id(name, b"\6", unb64(other)), "signed by the half of another key")
        need(values[1][4:12] == at.to_bytes(8, "big") and len(values[1]) == 2432, "the two halves say different times")
        verify_mldsa44(unb64(other), cosigned_message(name, at, body), values[1][12:])
    return key, at


def note_id(name, mark, key):
    """What a line of a note calls its key (C2SP signed-note)."""
    return hashlib.sha256(name.encode() + b"\n" + mark + key).digest()[:4]


def cosigned_message(name, at, body):
    """What the ML-DSA-44 half signs of a checkpoint (C2SP tlog-cosignature)."""
    origin, size, root = body.decode().split("\n")[:3]
    head = b"subtree/v1\n\0" + bytes([len(name)]) + name.encode() + at.to_bytes(8, "big")
    tree = bytes([len(origin)]) + origin.encode() + bytes(8) + int(size).to_bytes(8, "big")
    return head + tree + unb64_note(root)


def verify_mldsa44(key, message, signature):
    """The half of a log or of a witness."""
    try:
        MLDSA44PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature as exc:
        raise Refused("an ML-DSA-44 signature does not verify") from exc


def unb64_note(text):
    """Base64 as notes write it; only its one spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as exc:
        raise Refused("not base64") from exc
    need(base64.b64encode(data).decode() == text, "not the one spelling of base64")
    return data


def read_log(log, chains, sealings, batches, anchors, lowest):
    """{hash of a statement or batch: [(time, seq, witness, whether it counts, its name)]}, a line for each checkpoint.

    A witness counts if its fingerprint was given, its key was never revoked, and it signed before the key of the log
    was not to be trusted any more. Before a revocation of that key was published, it is good for a dispute.
    """
    shaped(log, LOG, "log")
    witnesses = [read_chain(chain) for chain in log["witnesses"]]
    ascending([chain[-1]["node"] for chain in witnesses], "witnesses")
    check_versions(witnesses, lowest)
    need(log["node"] in chains, "the log is of none of the parties")
    known = {**{chain[-1]["node"]: chain for chain in witnesses}, **chains}
    need(len(known) == len(chains) + len(witnesses), "a party among the witnesses")
    prints = {node: fingerprint(chain[-1]) for node, chain in known.items()}
    names = {node: chain[-1]["name"] for node, chain in known.items()} | names_of(chains)
    times, lines, sizes, places, seen = {}, [], [], [], set()
    for item in log["checkpoints"]:
        shaped(item, CHECKPOINT, "checkpoint")
        size, root, log_kid, cosigned = read_note(item["note"], known, log["node"])
        seen_by = []
        for who, kid, at in cosigned:
            limit = published(known[log["node"]], log_kid, at)
            given, intact = prints[who] in anchors, revocation_of(known[who], kid) is None
            if given and intact and (limit is None or at < limit):
                seen_by.append((at, who, limit is None))
        seen |= {who for who, _, _ in cosigned}
        sizes.append(size)
        for entry in item["leaves"]:
            shaped(entry, ENTRY, "entry")
            leaf = unb64(entry["leaf"])
            path = [unb64(step) for step in entry["path"]]
            fact = read_leaf(leaf, log["node"], chains, sealings, batches)
            need(root_from(leaf, fact["seq"] - 1, size, path) == root, "an entry is not in the log")
            places.append(fact["seq"])
            times.setdefault(fact["of"], []).extend(
                (at, fact["seq"], who, counts, names[who]) for at, who, counts in seen_by
            )
        named = [f"{known[who][-1]['name']} at {when(at)}" for at, who, counts in seen_by if counts]
        who = " and ".join(named) or "nobody whose fingerprint was given"
        lines.append(f"{len(item['leaves'])} entries in {size} of the log of {log['node']}, witnessed by {who}")
    ascending(sizes, "checkpoints")
    ascending(places, "entries")
    need({chain[-1]["node"] for chain in witnesses} <= seen, "a witness of nothing")
    return times, lines


def read_leaf(data, node, chains, sealings, batches):
    """An entry of the log about a statement or a batch of the bundle, and one that this node would write."""
    leaf = parse(data, limit=4096)
    about = leaf.get("of") if isinstance(leaf, dict) else None
    if isinstance(about, str) and about in sealings:
        said, sig = sealings[about]
        own = {"ev": "message.departed"} if said["from"] == node else {"ev": "message.received", "code": None}
        expected = {**own, "n": said["n"], "sig": sig}
    else:
        need(isinstance(about, str) and about in batches, "an entry about nothing of this file")
        expected = {"ev": "receipts.issued" if batches[about] == node else "receipts.held"}
    expected["peer"] = (set(chains) - {node}).pop()
    shaped(leaf, {**{name: lambda v: True for name in expected}, **LEAF}, "entry")
    need(all(canon(leaf[name]) == canon(value) for name, value in expected.items()), "an entry says otherwise")
    return leaf


# --- all of it ------------------------------------------------------------------------------------------------------


def verify(data, anchors, lowest=None):
    """The lines to print; `lowest` has the versions that came with fingerprints. Raises Refused."""
    bundle = parse(data, limit=64 * 1024 * 1024)
    first = isinstance(bundle, dict) and bundle.get("type") == "nrm.evidence/2"
    shaped(bundle, {name: check for name, check in BUNDLE.items() if not first or name != "batches"}, "bundle")
    chains = {chain[-1]["node"]: chain for chain in map(read_chain, bundle["parties"])}
    ascending([json.loads(unb64(chain[0]["payload"]))["node"] for chain in bundle["parties"]], "parties")
    need(all(fingerprint(chain[-1]) in anchors for chain in chains.values()), "no fingerprint fits one of the parties")
    check_versions(chains.values(), lowest)
    forms, batches = BUNDLES[bundle["type"]], Batches(bundle.get("batches", []))
    messages = [read_message(item, chains, forms, batches) for item in bundle["messages"]]
    sealings = {hash: (said, sig) for message in messages for hash, _, said, sig in message}
    firsts = [message[0][2] for message in messages]
    conversations = sorted({said["conv"] for said in firsts})
    one_number = len({(said["from"], said["epoch"], said["n"]) for said in firsts}) == 1
    need(len(conversations) == 1 or one_number, "several conversations")
    once = {(said["from"], said["epoch"], said["id"], said["commit"]) for said in firsts}
    need(len(once) == len(firsts), "a message occurs twice")
    order = ("created", "from", "epoch", "n", "id", "commit")
    ascending([tuple(said[name] for name in order) for said in firsts], "messages")
    documents = [batches.read(item, forms, *FIRST.receipts) for item in bundle["receipts"]]
    places = [item.get("batch", -1) for item in bundle["receipts"]]
    ascending([(one.payload, place) for one, place in zip(documents, places, strict=True)], "receipts")
    batches.check()
    told = [read_receipts(document, chains, sealings, batches) for document in documents]
    times, log_lines = {}, ["there is no log in the file"]
    if bundle["log"] is not None:
        issuers = {document.batch: fitting[0]["from"] for document, fitting in told}
        times, log_lines = read_log(bundle["log"], chains, sealings, issuers, anchors, lowest)
    lines = [f"conversation {' and '.join(conversations)} between " + " and ".join(chains)]
    for item, message in zip(bundle["messages"], messages, strict=True):
        lines += message_lines(message, item["disclosure"], told, chains, times)
    lines += [f"warning: {line}" for line in contradictions(messages, chains, times)]
    return [*lines, *(f"log: {line}" for line in log_lines)]


def message_lines(message, disclosure, receipts, chains, seen):
    """What each signature of one message is worth, with each caveat behind it. Raises Refused."""
    first, names = message[0][2], names_of(chains)
    yield f"{first['body_type']} {first['id']}: number {first['n']} from {first['from']} to {first['to']}"
    told = {}
    for document, fitting in receipts:
        for receipt in fitting:
            if receipt["of"] in {sealing[0] for sealing in message}:
                signed = (document.signatures[0]["kid"], seen.get(document.batch, []), document.form)
                told.setdefault(canon({**receipt, "type": 0}), []).append(signed)
    facts = [(json.loads(receipt), signed) for receipt, signed in told.items()]
    facts.sort(key=lambda item: (item[0]["at"], STEPS.index(item[0]["status"])))
    for hash, kid, said, _ in message:
        chain, name = chains[said["from"]], names[said["from"]]
        support = supported(hash, revocation_of(chain, kid), facts, chains, names)
        verdict, caveats = weigh(chain, name, kid, seen.get(hash, []), said["from_desc"], said["created"], support)
        caveats += form_caveats([form_of(said)])
        yield told_line((verdict, caveats), f"signed, dated {when(said['created'])}")
    for fact, signed in facts:
        chain, name = chains[fact["from"]], names[fact["from"]]
        weights = [weigh(chain, name, kid, by, fact["from_desc"], fact["at"]) for kid, by, _ in signed]
        verdict, caveats = min(weights, key=lambda weight: VERDICTS.index(weight[0]))
        caveats += form_caveats([form for _, _, form in signed])
        note = ["rejected does not mean unread"] if fact["status"] == "rejected" else []
        yield told_line((verdict, caveats + note), f"{fact['status']}, dated {when(fact['at'])}")
    if disclosure is None:
        yield "  not proven: what it said, only the hiding commitment remains"
    elif "fields" in disclosure:
        shown = ", ".join(field["pointer"] for field in disclosure["fields"])
        yield f"  proven: the content shown is what was signed, in single fields: {shown}"
        yield "  not proven: what its other fields say, or how many there are"
    else:
        yield "  proven: the content shown is what was signed"


def contradictions(messages, chains, seen):
    """Where a node signed two contents under one number or id, and where a number does not follow the one before."""
    for node, name in names_of(chains).items():
        numbered, ids = {}, {}
        for message in sorted(messages, key=lambda message: (message[0][2]["epoch"], message[0][2]["n"])):
            said = message[0][2]
            if said["from"] == node:
                numbered.setdefault((said["epoch"], said["n"]), []).append(message)
        for (_, n), found in numbered.items():
            ids.setdefault(found[0][0][2]["id"], []).append(found[0])
            if len(found) > 1:
                both = " and ".join(sorted({message[0][2]["id"] for message in found}))
                yield f"{name} signed two contents under number {n}, as {both}" + doubt(found, chains, seen)
        for id, found in ids.items():
            if len({message[0][2]["commit"] for message in found}) > 1:
                numbers = " and ".join(str(message[0][2]["n"]) for message in found)
                yield f"{name} signed two contents as {id}, under the numbers {numbers}" + doubt(found, chains, seen)
        for (epoch, n), found in numbered.items():
            links = {form_of(message[0][2]).link(message[0][2]) for message in numbered.get((epoch, n - 1), [])}
            if links and any(message[0][2]["prev"] not in links for message in found):
                yield f"{name} gave number {n} to a message that does not follow number {n - 1}"


def doubt(messages, chains, seen):
    """Whoever stole a key can sign a second content: the owner is to blame for what is proven alone."""
    weights = [
        weigh(chains[said["from"]], "", kid, seen.get(hash, []), said["from_desc"], said["created"])
        for message in messages
        for hash, kid, said, _ in message
    ]
    return "" if all(verdict == "proven" for verdict, _ in weights) else "; not all of these signatures are proven"


def form_caveats(forms):
    """That something is signed in the first form only."""
    newest = max(forms, key=lambda form: form.number)
    return [] if newest.caveat is None else [newest.caveat]


def told_line(weight, what):
    """A verdict, what it is about, and its caveats."""
    return f"  {weight[0]}: " + "; ".join([what, *weight[1]])


def names_of(chains):
    """What to call each party: its name, with its id where both give the same."""
    names = {node: chain[-1]["name"] for node, chain in chains.items()}
    alike = len(set(names.values())) < len(names)
    return {node: f"{name} [{node}]" if alike else name for node, name in names.items()}


VERDICTS = ("proven", "in doubt", "disputed")


def weigh(chain, name, kid, seen, first, at, support=""):
    """(verdict, caveats) of one signature of the node `name`, dated `at`. Raises Refused.

    Its own date is the word of whoever has the key. What a witness saw existed by then; and what one saw before a
    revocation was published, other than the node itself, can not be voided by it.
    """
    counted = min((item for item in seen if item[3]), default=None)
    end, revoked, out = ended(chain, kid, first, at), revocation_of(chain, kid), published(chain, kid, at)
    valid = end is None or (counted is not None and counted[0] < end)
    verdict, caveats = "proven", []
    if not valid:
        verdict, caveats = "in doubt", [f"the key was not listed as valid on {when(at)}"]
    if revoked is None:
        return verdict, caveats
    gone = f"{name} revoked the key as of {when(revoked['since'])} ({revoked['reason']})"
    if out is not None:
        other = min((item for item in seen if item[2] != chain[-1]["node"] and item[0] < out), default=None)
        need(other, "something is dated after its key was revoked, and no witness counts who saw it before")
        why = (
            f"{gone}, but published that on {when(out)} only and {other[4]} had witnessed it on {when(other[0])}: "
            f"it counts for whoever relies on {other[4]}"
        )
        return "disputed", [*caveats, why]
    if counted is not None and counted[0] < revoked["since"]:
        return verdict, [*caveats, f"{gone}, and {counted[4]} had witnessed it before"]
    return "in doubt", [*caveats, f"{gone}, and no witness saw it before{support}"]


def supported(hash, revoked, facts, chains, names):
    """What speaks for the date of a statement by a key that was revoked: a receipt of before, by a key that was not."""
    for fact, signed in facts:
        chain = chains[fact["from"]]
        intact = any(revocation_of(chain, kid) is None for kid, _, _ in signed)
        if revoked and intact and fact["of"] == hash and fact["at"] < revoked["since"]:
            return f": its own date and the receipt of {names[fact['from']]} of {when(fact['at'])} say so"
    return ": only its own date says so"


def when(at):
    """A time in the words of people."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC" if at < 253_402_300_800 else f"second {at}"


def read_anchors(words):
    """Fingerprint -> lowest version, from the words of a command; None if one is no fingerprint."""
    found = {}
    for word in words:
        head, _, tail = word.strip().rpartition(" ")
        digits, first = re.sub(r"[\s-]", "", word), re.sub(r"[\s-]", "", head)
        both = re.fullmatch(r"([1-9][0-9]{0,15})-([1-9][0-9]{0,15})", tail, re.ASCII)
        if both and re.fullmatch(r"[0-9]{60}", first, re.ASCII):
            told = [(first[:30], int(both[1])), (first[30:], int(both[2]))]
        elif re.fullmatch(r"[0-9]{30}", digits, re.ASCII):
            told = [(digits, 1)]
        else:
            return None
        for fingerprint, version in told:
            found[fingerprint] = max(version, found.get(fingerprint, 1))
    return found


def main(words):
    """Exit code 0: verified, 1: refused, 2: wrong usage."""
    anchors = read_anchors(words[1:])
    if not anchors:
        print("usage: verify_evidence.py FILE FINGERPRINT FINGERPRINT ...", file=sys.stderr)
        return 2
    try:
        lines = verify(Path(words[0]).read_bytes(), anchors, anchors)
    except (Refused, OSError) as exc:
        print(f"refused: {exc}", file=sys.stderr)
        return 1
    print(*lines, "verified", sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
