"""Chains of descriptors: which one follows which, and which key of a chain signed (nrm1 2.14 to 2.18).

``accept_descriptor`` applies the rules of nrm1 2.13 to 2.17 in this order:
  1. shape: ``parse_descriptor``
  2. at least `threshold` distinct roots of the new document sign; every signature that is there verifies
  3. first contact: version 1, prev null, the node id is that of its roots
  4. else: same node; none of the first form behind one of the second; a lower version is `rollback`; the same version
     is the same bytes, or `equivocation` where the roots held sign it; exactly one higher, with the matching `prev`,
     not issued earlier; at least the OLD threshold of the OLD roots sign too; revocations and the log stay; a
     component key of any version before stays with its other half and its use
  5. not issued more than 300 s ahead of `now`
Expiry and the form count only for the newest one, when it is used: ``require_usable_descriptor``.

A second document under a held version counts as an equivocation only when the held roots signed it; otherwise it is
`bad_signature`, so that a stranger cannot make a peer look dishonest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from gateway.errors import Code, RefusedError, RemoteError
from gateway.foundation.ids import KeyId
from keys.documents.descriptor import DESCRIPTORS, Descriptor, Revocation, parse_descriptor
from keys.documents.fingerprint import node_id
from keys.documents.key_records import KeyRecord, Use, verify_signers
from keys.primitives.encoding import (
    SKEW,
    canon,
    malformed,
    parse,
)
from keys.primitives.seal import SUITE
from keys.primitives.sign import SignedDocument

CHAIN_LIMIT: Final = 4 * 1024 * 1024  # bytes of a pairing file (nrm1 2.18)


def encode_chain(documents: Sequence[SignedDocument]) -> bytes:
    """The body of `GET /v1/descriptor`, which is also a pairing file (nrm1 2.18)."""
    return canon([document.to_json() for document in documents])


def decode_chain(data: bytes) -> tuple[SignedDocument, ...]:
    """Read a pairing file of at most 4 MiB. Raises RemoteError(too_large, malformed, wrong_type)."""
    value = parse(data, limit=CHAIN_LIMIT)
    if not isinstance(value, list):
        raise malformed("descriptor chain is not an array")
    return tuple(SignedDocument.from_json(item, *DESCRIPTORS) for item in value)


def accept_descriptor(
    prev: Descriptor | None, document: SignedDocument, now: int, *, earlier: Sequence[Descriptor] = ()
) -> Descriptor:
    """Apply rules 1 to 5 and return the accepted descriptor.

    `prev` is the newest descriptor held, None at first contact, and `earlier` are the versions before it; receiving the
    held one again returns `prev`. Raises RemoteError: malformed, too_large, wrong_type, bad_key, revoked_key (1),
    bad_signature (2, 4), wrong_node, wrong_type, bad_chain, rollback, equivocation, bad_key (3, 4), not_yet_valid (5).
    Nothing in a refused document is believed; a document refused with `equivocation` is proof of misconduct and has to
    be kept beside `prev`.
    """
    new = parse_descriptor(document)  # 1
    # Compared by payload: other signatures over the same bytes say nothing new, and peers repeat what they hold.
    if prev is not None and new.document.payload == prev.document.payload:
        return prev
    signers = verify_signers((*(prev.roots if prev else ()), *new.roots), document)
    _require(new.roots, new.threshold, signers, new.issued)  # 2
    if prev is None:
        _first(new)  # 3
    else:
        _next(prev, new, signers)  # 4
        _check_uses((*earlier, prev), new)
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
            chain.append(accept_descriptor(chain[-1] if chain else None, document, now, earlier=chain[:-1]))
    if not chain:
        raise RemoteError(Code.BAD_CHAIN, "no descriptor")
    return tuple(chain)


def require_second_form(descriptor: Descriptor) -> None:
    """Check that the newest descriptor of a peer is of today's form (nrm1 1.18). Raises RefusedError(first_form)."""
    if descriptor.is_first_form:
        raise RefusedError(
            Code.FIRST_FORM,
            "the newest descriptor of that node is of release 0.1.0, with which nothing is exchanged any more",
            hint="call its administrator: its node needs this release, then its root holders sign the next descriptor "
            "(docs/operations.md, After 0.1.0)",
        )


def require_usable_descriptor(descriptor: Descriptor, now: int) -> None:
    """Check the newest descriptor of a peer. Raises RefusedError(first_form), or stale_descriptor where it expired."""
    require_second_form(descriptor)
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


def published_at(chain: Sequence[Descriptor], kid: KeyId, at: int) -> int | None:
    """Find when it was published that `kid` is not to be trusted at `at`: `issued` of the first version that says so.

    A later version may let a revocation reach further back, and publishes that only then. None where none says so.
    """
    found = (d.issued for d in chain if any(r.kid == kid and r.since <= at for r in d.revoked))
    return next(found, None)


def _same(chain: Sequence[Descriptor], version: int, document: SignedDocument, now: int) -> None:
    """Check that `document` is the held one. Another document is judged as the held one was, by the roots before it, so
    that only those who could have issued it can be blamed for a second one.
    """
    held = chain[version - 1]
    if document.payload == held.document.payload:
        return
    if parse_descriptor(document).node != held.node:
        raise RemoteError(Code.WRONG_NODE, "descriptor is of another node")
    before = chain[: version - 1]
    accept_descriptor(before[-1] if before else None, document, now, earlier=before[:-1])
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
    if new.is_first_form and not prev.is_first_form:
        raise RemoteError(Code.WRONG_TYPE, "a descriptor of the first form follows one of the second")
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
    if new.log != prev.log:
        # Witnesses keep one tree for each log: under another name a node could show them a second one (nrm1 11.4).
        raise RemoteError(Code.BAD_CHAIN, "descriptor names another log than the one held")
    # A revocation may reach further back, never less far: a thief of roots could else make a stolen key good again.
    since = {revocation.kid: revocation.since for revocation in new.revoked}
    if any(since.get(old.kid, old.since + 1) > old.since for old in prev.revoked):
        raise RemoteError(Code.ROLLBACK, "a revocation was taken back")


def _check_uses(earlier: Iterable[Descriptor], new: Descriptor) -> None:
    """Check that a component key stays with its other half and its use for ever: else the owner of a hybrid key could
    list its Ed25519 half alone later, and a signature of which one half was stripped would verify.
    """
    known = {part: (r.kid, r.use) for held in earlier for r in held.records for part in r.public.components}
    for record in new.records:
        same = (record.kid, record.use)
        if any(known.get(part, same) != same for part in record.public.components):
            raise RemoteError(Code.BAD_KEY, "a key of an earlier version has another half or another use")
