"""Who a node is, in a chain of documents that its roots sign (nrm1 2.13, 2.7, 2.14).

``accept_descriptor`` applies the rules of nrm1 2.13 to 2.17 in this order:
  1. shape: canonical, exact members, 1 <= threshold <= roots <= 9, every key valid, no kid and no component key twice,
     no revoked kid listed
  2. at least `threshold` distinct roots of the new document sign; every signature that is there verifies
  3. first contact: version 1, prev null, the node id is that of its roots
  4. else: same node; a lower version is `rollback`; the same version is the same bytes, or `equivocation` where the
     roots held sign it; exactly one higher, with the matching `prev`, not issued earlier; at least the OLD threshold
     of the OLD roots sign too; revocations stay
  5. not issued more than 300 s ahead of `now`
Expiry counts only for the newest descriptor, when it is used: ``require_usable_descriptor``.

A second document under a held version counts as an equivocation only when the held roots signed it; otherwise it is
`bad_signature`, so that a stranger cannot make a peer look dishonest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.errors import Code, RefusedError, RemoteError
from gateway.foundation.ids import KeyId, NodeId, UnitId
from gateway.ports import Json
from keys.documents.fingerprint import compute_fingerprint, fingerprint_hash, node_id
from keys.documents.key_records import KeyRecord, Use
from keys.primitives.encoding import (
    DAY,
    SKEW,
    Check,
    b64u,
    canon,
    exact,
    h,
    is_code,
    is_count,
    is_hash,
    is_id,
    is_int,
    is_line,
    is_node,
    is_object,
    is_str,
    items,
    list_of,
    malformed,
    maybe_text,
    nullable,
    number,
    one_of,
    parse,
    parse_payload,
    text,
    texts,
    unb64u,
)
from keys.primitives.seal import SUITE
from keys.primitives.sign import (
    DESCRIPTOR,
    PublicKey,
    SignedDocument,
    SigningKey,
    sign_document,
    verify_signers,
)

LONGEST_LIFE: Final = 400 * DAY  # seconds from `issued` to `expires`
CHAIN_LIMIT: Final = 4 * 1024 * 1024  # bytes of a pairing file (nrm1 2.18)
GATEWAY: Final = UnitId("gateway")  # the unit that every node has
_ENDPOINT: Final = (
    r"https://(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])(?::[1-9][0-9]{0,4})?"
)
_UNIT_ID: Final = r"[a-z0-9][a-z0-9-]{0,47}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """An organisation of this NRM that can have a key of its own."""

    id: str
    name: str
    roles: tuple[str, ...] = ()

    def to_json(self) -> Json:
        """Return the member form `{id,name,roles}`."""
        return {"id": self.id, "name": self.name, "roles": list(self.roles)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """A key that must never be accepted again: revoked `at`, not to be trusted from `since` on (Unix seconds)."""

    kid: KeyId
    at: int
    since: int
    reason: str

    def to_json(self) -> Json:
        """Return the member form `{kid,at,since,reason}`."""
        return {"kid": self.kid, "at": self.at, "since": self.since, "reason": self.reason}


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """One version of who a node is. Holding one proves rule 1; only ``accept_descriptor`` proves the others.

    `hash` is H("desc", payload) as base64url, the form in which the next version and keysets name it.
    """

    node: NodeId
    name: str
    version: int
    prev: str | None
    issued: int
    expires: int
    roots: tuple[KeyRecord, ...]
    threshold: int
    keys: tuple[KeyRecord, ...]
    endpoints: tuple[str, ...]
    suites: tuple[str, ...]
    log: str
    revoked: tuple[Revocation, ...]
    country: str
    units: tuple[Unit, ...]
    contact: str
    tls_spki: tuple[bytes, ...]
    document: SignedDocument

    @property
    def hash(self) -> str:
        """H("desc", payload bytes), base64url."""
        return b64u(h("desc", self.document.payload))

    @property
    def fingerprint_hash(self) -> bytes:
        """The hash that the digits encode; a QR code carries it whole."""
        return fingerprint_hash(self.node, self.roots, self.threshold)

    @property
    def fingerprint(self) -> str:
        """Six groups of five digits (nrm1 2.9)."""
        return compute_fingerprint(self.node, self.roots, self.threshold)

    @property
    def authority(self) -> str:
        """`host:port` of the first endpoint in lower case, the port left out exactly when it is 443 (nrm1 9.12)."""
        return self.endpoints[0].removeprefix("https://").lower().removesuffix(":443")

    def key(self, kid: KeyId, use: Use | str) -> KeyRecord:
        """Return the record of `kid`, whatever the time.

        Raises RemoteError(revoked_key), or unknown_key for a kid that is not listed for `use`.
        """
        if any(revocation.kid == kid for revocation in self.revoked):
            raise RemoteError(Code.REVOKED_KEY, "key was revoked")
        for record in (*self.keys, *self.roots):
            if record.kid == kid and record.use == use:
                return record
        raise RemoteError(Code.UNKNOWN_KEY, f"no {use} key has this kid")

    def keys_of(self, use: Use | str, at: int) -> tuple[KeyRecord, ...]:
        """Return the records for `use` that are valid at `at`, Unix seconds; the one that began last comes last."""
        found = (record for record in (*self.keys, *self.roots) if record.use == use and record.valid_at(at))
        return tuple(sorted(found, key=lambda record: record.from_))

    def signing_key(self, kid: KeyId, *, at: int, use: Use | str = Use.SIG) -> PublicKey:
        """The key for a signature made at `at` (Unix seconds, 300 s allowed at both ends; nrm1 2.7).

        Raises RemoteError(revoked_key), or unknown_key for a kid that is not listed, or not valid then.
        """
        record = self.key(kid, use)
        if not record.valid_at(at, skew=SKEW):
            raise RemoteError(Code.UNKNOWN_KEY, f"{use} key is not valid at that time")
        return record.public


# --- building ----------------------------------------------------------------------------------------------------


def build_descriptor(
    *,
    name: str,
    issued: int,
    expires: int,
    roots: Sequence[KeyRecord],
    threshold: int,
    keys: Sequence[KeyRecord],
    endpoints: Sequence[str],
    log: str,
    country: str,
    contact: str,
    tls_spki: Sequence[bytes],
    units: Sequence[Unit] = (),
    revoked: Sequence[Revocation] = (),
    suites: Sequence[str] = (SUITE,),
    node: NodeId | None = None,
    version: int = 1,
    prev: str | None = None,
) -> bytes:
    """Build the payload to be signed by roots. For version 1 leave out `node`, `version` and `prev`.

    Raises RefusedError(invalid) for whatever rule 1 would refuse.
    """
    payload = canon(
        {
            "type": "nrm.descriptor/1",
            "node": node or node_id(roots, threshold),
            "name": name,
            "version": version,
            "prev": prev,
            "issued": issued,
            "expires": expires,
            "roots": [record.to_json() for record in roots],
            "threshold": threshold,
            "keys": [record.to_json() for record in keys],
            "endpoints": list(endpoints),
            "suites": list(suites),
            "log": log,
            "revoked": [revocation.to_json() for revocation in revoked],
            "country": country,
            "units": [unit.to_json() for unit in units],
            "contact": contact,
            "tls_spki": [b64u(pin) for pin in tls_spki],
        }
    )
    try:
        parse_descriptor(SignedDocument(payload=payload, payload_type=DESCRIPTOR, signatures=()))
    except RemoteError as exc:
        raise RefusedError(Code.INVALID, f"no valid descriptor: {exc.what}") from exc
    return payload


def sign_descriptor(payload: bytes, roots: Sequence[SigningKey]) -> SignedDocument:
    """Sign a payload by root keys: those of the document, and at a change of roots those of the version before too."""
    return sign_document(DESCRIPTOR, payload, roots)


def encode_chain(documents: Sequence[SignedDocument]) -> bytes:
    """The body of `GET /v1/descriptor`, which is also a pairing file (nrm1 2.18)."""
    return canon([document.to_json() for document in documents])


def decode_chain(data: bytes) -> tuple[SignedDocument, ...]:
    """Read a pairing file of at most 4 MiB. Raises RemoteError(too_large, malformed, wrong_type)."""
    value = parse(data, limit=CHAIN_LIMIT)
    if not isinstance(value, list):
        raise malformed("descriptor chain is not an array")
    return tuple(SignedDocument.from_json(item, DESCRIPTOR) for item in value)


# --- accepting ---------------------------------------------------------------------------------------------------


def accept_descriptor(prev: Descriptor | None, document: SignedDocument, now: int) -> Descriptor:
    """Apply rules 1 to 5 and return the accepted descriptor.

    `prev` is the newest descriptor held, None at first contact; receiving the held one again returns `prev`. Raises
    RemoteError: malformed, too_large, wrong_type, bad_key, revoked_key (1), bad_signature (2, 4), wrong_node,
    bad_chain, rollback, equivocation (3, 4), not_yet_valid (5). Nothing in a refused document is believed; a document
    refused with `equivocation` is proof of misconduct and has to be kept beside `prev`.
    """
    new = parse_descriptor(document)  # 1
    # Compared by payload: other signatures over the same bytes say nothing new, and peers repeat what they hold.
    if prev is not None and new.document.payload == prev.document.payload:
        return prev
    roots = (*(prev.roots if prev else ()), *new.roots)
    signers = verify_signers({record.kid: record.public for record in roots}, document)
    _require(new.roots, new.threshold, signers, new.issued)  # 2
    if prev is None:
        _first(new)  # 3
    else:
        _next(prev, new, signers)  # 4
    if new.issued > now + SKEW:  # 5
        raise RemoteError(Code.NOT_YET_VALID, "descriptor was issued in the future")
    return new


def accept_chain(
    documents: Sequence[SignedDocument], now: int, *, held: Sequence[Descriptor] = ()
) -> tuple[Descriptor, ...]:
    """Accept a chain and return all of it, from version 1 on.

    `held` are the accepted versions 1, 2, ...; `documents` may begin at any of them. A document whose version is held
    must equal the held one. Raises RemoteError as ``accept_descriptor``, and bad_chain when there is no document at
    all.
    """
    chain = list(held)
    for document in documents:
        version = parse_descriptor(document).version
        if version <= len(chain):
            _same(chain, version, document, now)
        else:
            chain.append(accept_descriptor(chain[-1] if chain else None, document, now))
    if not chain:
        raise RemoteError(Code.BAD_CHAIN, "no descriptor")
    return tuple(chain)


def require_usable_descriptor(descriptor: Descriptor, now: int) -> None:
    """Check that the newest descriptor has not expired. Raises RefusedError(stale_descriptor)."""
    if now >= descriptor.expires:
        raise RefusedError(
            Code.STALE_DESCRIPTOR, "descriptor has expired", hint="the peer's root holders must issue a new one"
        )


def common_suite(ours: Descriptor, theirs: Descriptor) -> str:
    """Find the suite that both signed descriptors offer. Raises RefusedError(no_common_suite)."""
    if SUITE in ours.suites and SUITE in theirs.suites:
        return SUITE
    raise RefusedError(Code.NO_COMMON_SUITE, f"not both nodes offer {SUITE}")


def key_at(chain: Iterable[Descriptor], kid: KeyId, from_desc: int) -> KeyRecord:
    """The `sig` record of `kid` in the first version at or after `from_desc` that lists it (evidence; nrm1 7.3).

    Revocation and validity do not matter here: ``revocation_of`` tells, and the verifier weighs. Raises
    RemoteError(unknown_key).
    """
    for descriptor in chain:
        if descriptor.version >= from_desc:
            for record in descriptor.keys:
                if record.kid == kid and record.use is Use.SIG:
                    return record
    raise RemoteError(Code.UNKNOWN_KEY, "no sig key of the chain has this kid")


def revocation_of(chain: Sequence[Descriptor], kid: KeyId) -> Revocation | None:
    """Find the revocation of `kid` in the newest version of the chain."""
    return next((item for item in chain[-1].revoked if item.kid == kid), None) if chain else None


def _same(chain: Sequence[Descriptor], version: int, document: SignedDocument, now: int) -> None:
    """Check that `document` is the held one. Another document is judged as the held one was, by the roots before it, so
    that only those who could have issued it can be blamed for a second one.
    """
    held = chain[version - 1]
    if document.payload == held.document.payload:
        return
    if parse_descriptor(document).node != held.node:
        raise RemoteError(Code.WRONG_NODE, "descriptor is of another node")
    accept_descriptor(chain[version - 2] if version > 1 else None, document, now)
    raise RemoteError(Code.EQUIVOCATION, "two descriptors under one version")


def _require(roots: Sequence[KeyRecord], threshold: int, signers: frozenset[KeyId], issued: int) -> None:
    """At least `threshold` of `roots` signed; a root counts while its record is valid at `issued` (nrm1 2.14)."""
    if sum(record.kid in signers and record.valid_at(issued) for record in roots) < threshold:
        raise RemoteError(Code.BAD_SIGNATURE, "not enough roots signed")


def _first(new: Descriptor) -> None:
    if new.version != 1 or new.prev is not None:
        raise RemoteError(Code.BAD_CHAIN, "first descriptor is not version 1")
    if new.node != node_id(new.roots, new.threshold):
        raise RemoteError(Code.WRONG_NODE, "node id is not that of its roots")


def _next(prev: Descriptor, new: Descriptor, signers: frozenset[KeyId]) -> None:
    if new.node != prev.node:
        raise RemoteError(Code.WRONG_NODE, "descriptor is of another node")
    if new.version < prev.version:
        raise RemoteError(Code.ROLLBACK, "descriptor is older than the one held")
    # Before equivocation is judged: only the held roots can incriminate themselves.
    _require(prev.roots, prev.threshold, signers, new.issued)
    if new.version == prev.version:
        raise RemoteError(Code.EQUIVOCATION, "two descriptors under one version")
    if new.version != prev.version + 1 or new.prev != prev.hash:
        raise RemoteError(Code.BAD_CHAIN, "descriptor does not follow the one held")
    if new.issued < prev.issued:
        raise RemoteError(Code.ROLLBACK, "descriptor was issued before the one held")
    # A revocation may reach further back, never less far: a thief of roots could else make a stolen key good again.
    since = {revocation.kid: revocation.since for revocation in new.revoked}
    if any(since.get(old.kid, old.since + 1) > old.since for old in prev.revoked):
        raise RemoteError(Code.ROLLBACK, "a revocation was taken back")


# --- rule 1 ------------------------------------------------------------------------------------------------------


def parse_descriptor(document: SignedDocument) -> Descriptor:
    """Rule 1: shape and keys, no signatures. Raises RemoteError(wrong_type, malformed, bad_key, revoked_key)."""
    if document.payload_type != DESCRIPTOR:
        raise RemoteError(Code.WRONG_TYPE, "document is no descriptor")
    member = exact(parse_payload(document.payload), _DESCRIPTOR, what="descriptor")
    descriptor = Descriptor(
        node=NodeId(text(member["node"])),
        name=text(member["name"]),
        version=number(member["version"]),
        prev=maybe_text(member["prev"]),
        issued=number(member["issued"]),
        expires=number(member["expires"]),
        roots=tuple(KeyRecord.from_json(item) for item in items(member["roots"])),
        threshold=number(member["threshold"]),
        keys=tuple(KeyRecord.from_json(item) for item in items(member["keys"])),
        endpoints=texts(member["endpoints"]),
        suites=texts(member["suites"]),
        log=text(member["log"]),
        revoked=tuple(_revocation(item) for item in items(member["revoked"])),
        country=text(member["country"]),
        units=tuple(_unit(item) for item in items(member["units"])),
        contact=text(member["contact"]),
        tls_spki=tuple(unb64u(item) for item in items(member["tls_spki"])),
        document=document,
    )
    _check_members(descriptor)
    _check_keys(descriptor)
    return descriptor


def _check_members(new: Descriptor) -> None:
    if not 0 < new.expires - new.issued <= LONGEST_LIFE:
        raise malformed("descriptor lives longer than 400 days, or not at all")
    if new.threshold > len(new.roots):
        raise malformed("threshold is higher than the number of roots")
    if any(int(port[1]) > 65_535 for endpoint in new.endpoints if (port := _PORT.search(endpoint))):
        raise malformed("endpoint has no valid port")
    if len({unit.id for unit in new.units} | {GATEWAY}) != len(new.units) + 1:
        raise malformed("a unit occurs twice or is called gateway")
    if len({revocation.kid for revocation in new.revoked}) != len(new.revoked):
        raise malformed("a key is revoked twice")


def _check_keys(new: Descriptor) -> None:
    if any(record.use is not Use.ROOT for record in new.roots) or any(record.use is Use.ROOT for record in new.keys):
        raise RemoteError(Code.BAD_KEY, "root keys are in roots and nowhere else")
    records = (*new.roots, *new.keys)
    # By component, since a kid covers both halves: one Ed25519 key under two kids would have two uses.
    components = Counter(part for record in records for part in (record.public.ed25519, record.public.mldsa65) if part)
    if max(components.values()) > 1:
        raise RemoteError(Code.BAD_KEY, "one key has two uses")
    revoked = {revocation.kid for revocation in new.revoked}
    if any(record.kid in revoked for record in records):
        raise RemoteError(Code.REVOKED_KEY, "a revoked key is listed")


def _unit(value: Json) -> Unit:
    member = exact(value, _UNIT, what="unit")
    return Unit(id=text(member["id"]), name=text(member["name"]), roles=texts(member["roles"]))


def _revocation(value: Json) -> Revocation:
    member = exact(value, _REVOCATION, what="revocation")
    return Revocation(
        kid=KeyId(text(member["kid"])),
        at=number(member["at"]),
        since=number(member["since"]),
        reason=text(member["reason"]),
    )


_PORT: Final = re.compile(r":([0-9]+)\Z")
_UNIT: Final[dict[str, Check]] = {
    "id": is_str(_UNIT_ID, 48),
    "name": is_line(1, 200),
    "roles": list_of(is_code, 0, 32, distinct=True),
}
_REVOCATION: Final[dict[str, Check]] = {"kid": is_id, "at": is_int(), "since": is_int(), "reason": is_code}
_DESCRIPTOR: Final[dict[str, Check]] = {
    "type": one_of("nrm.descriptor/1"),
    "node": is_node,
    "name": is_line(1, 100),
    "version": is_count,
    "prev": nullable(is_hash),
    "issued": is_int(),
    "expires": is_int(),
    "roots": list_of(is_object, 1, 9),
    "threshold": is_int(1, 9),
    "keys": list_of(is_object, 0, 64),
    "endpoints": list_of(is_str(_ENDPOINT, 300), 1, 8, distinct=True),
    "suites": list_of(is_str(r"nrm[1-9][0-9]{0,3}", 7), 1, 8, distinct=True),
    "log": is_str(r"[!-*,-~]{1,200}", 200),  # printable, no space and no plus: C2SP tlog-checkpoint
    "revoked": list_of(is_object, 0, 1000),
    "country": is_str(r"[A-Z]{2}|[a-z][a-z0-9-]{2,31}", 32),
    "units": list_of(is_object, 0, 200),
    "contact": is_line(0, 300),
    "tls_spki": list_of(is_hash, 1, 8, distinct=True),
}
