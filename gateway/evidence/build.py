"""The evidence bundle: who sent what to whom, and what the other side confirmed, for anybody to verify (nrm1 7.1, 7.3).

    bundle        {type, parties, batches, messages, receipts, log}; canonical JSON, exact members, nothing that is not
                  verified
      parties       two descriptor chains, each the signed documents 1 to the newest held; in the order of the node ids
      messages      of one conversation, {statements, disclosure}; in the order of (created, from, epoch, n, id, commit)
        statements    the sealings that are shown, each with its batch; in the order of their payloads
        disclosure    {secret, body} in base64url, or {fields} that are shown alone; null where the content is withheld
                      or erased
      batches       what was signed, once for all that names it; in the order of their bytes
      receipts      each names a statement of the bundle, and its batch; in the order of their payloads
      log           what the audit log of the node that exports has about these, under witnessed checkpoints, or null:
                    ``gateway.evidence.verify_log_part``. It is the only part in which the bundles of the two nodes
                    differ

Every array has one order and no item twice, and the signatures of a descriptor are in the order of their kids: moving a
thing is as much a fault as changing it. The steps of ``verify`` are in ``gateway.evidence.verify``, its words in
``gateway.evidence.findings``. It needs no network, no clock and no node, but two fingerprints from somewhere else.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, replace

from gateway.errors import Code, RefusedError, RemoteError
from gateway.evidence.findings import testify
from gateway.evidence.form import ISSUED, form_of
from gateway.evidence.report import MessageReport, Report
from gateway.evidence.signed import Signed, read_kept_receipts, read_kept_statement
from gateway.evidence.verify import NO_VERSIONS, Chains, place_of, prove, read, read_receipts
from gateway.evidence.verify_log_part import LEAF_LIMIT, cosigned_by
from gateway.evidence.weighing import find_refused
from gateway.foundation.ids import NodeId
from keys.documents.descriptor import Descriptor
from keys.documents.envelope import Statement, statement_hash
from keys.documents.fingerprint import Party, read_code
from keys.documents.receipts import KeptReceipts
from keys.documents.signed_note import SignedNote
from keys.primitives.batch import Verifier
from keys.primitives.commitment import ShownField
from keys.primitives.encoding import Json, b64u, canon, parse

__all__ = ["Exhibit", "Extract", "MessageReport", "Report", "build", "parse_anchors", "verify"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One message as a node keeps it: (statement, proof) frames of its sealings; (secret, body) if it is shown, or the
    single fields that are.
    """

    sealings: Sequence[tuple[bytes, bytes]]
    disclosure: tuple[bytes, bytes] | None = None
    fields: Sequence[ShownField] = ()

    def __repr__(self) -> str:
        return "<redacted>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """What the audit log of `node` has: checkpoints in the order of their sizes, each with the leaves proven under it.

    A checkpoint is a note with the signature of the log first; a leaf comes with its inclusion proof, in the order of
    the numbers. `witnesses` are the chains of whoever may have cosigned, by node id.
    """

    node: NodeId
    checkpoints: Sequence[tuple[bytes, Sequence[tuple[bytes, Sequence[bytes]]]]]
    witnesses: Mapping[NodeId, Sequence[Descriptor]]


def parse_anchors(text: str) -> tuple[Party, ...]:
    """Read what a person typed: one fingerprint, six groups of five digits, which goes with any version; or all that
    two people compare, 60 digits and the two versions. Spaces and hyphens within the digits are free.

    Raises:
        RefusedError: invalid, for anything else.
    """
    digits = re.sub(r"[\s-]", "", text)
    if re.fullmatch(r"[0-9]{30}", digits):
        return (Party(" ".join(digits[i : i + 5] for i in range(0, 30, 5)), 1),)
    try:
        return read_code(text)
    except RefusedError as exc:
        raise RefusedError(
            Code.INVALID,
            "a fingerprint is six groups of five digits",
            hint="one --fingerprint for each of the two nodes, or all 60 digits and both versions of trm peer code",
        ) from exc


def verify(data: bytes, fingerprints: AbstractSet[str], lowest: Mapping[str, int] = NO_VERSIONS) -> Report:
    """Verify a bundle and say in words what it proves. `fingerprints` and the `lowest` version that goes with one are
    what ``parse_anchors`` gives.

    They must come from somewhere else than the bundle; more of them than two do no harm, none at all refuses.

    Raises:
        RemoteError: any fault; wrong_node for a party whose fingerprint is not among the anchors, rollback for a chain
            that ends before the version that was compared.
    """
    return testify(prove(data, fingerprints, lowest))


def build(
    chains: Sequence[Sequence[Descriptor]],
    exhibits: Iterable[Exhibit],
    receipts: Iterable[KeptReceipts],
    extract: Extract | None = None,
) -> bytes:
    """The bundle of two whole chains, the messages of one conversation, and the receipts exchanged about them.

    Of a message that has receipts, only the sealings they name go in. A receipt that names none of the messages, or
    that does not verify, stays out, and a cosignature that does not: a peer must not be able to spoil the proof of
    everything else by one bad line. So does what is dated after its key was revoked, unless a witness saw it before
    that was published: then a verifier needs the fingerprint of that witness.

    Raises:
        RefusedError: not_found for no message, else the code of what is wrong with the rest. What is returned verifies.
    """
    parties: Chains = {chain[-1].node: tuple(chain) for chain in chains}
    shown, told = list(exhibits), list(receipts)
    refused: frozenset[str] = frozenset()
    try:
        while True:
            data, anchors = _assemble(parties, shown, told, extract, without=refused)
            found = frozenset(find_refused(read(data, anchors)))
            if not found:
                return data
            refused |= found
    except RemoteError as exc:
        raise RefusedError(exc.code, f"what is kept does not verify: {exc.what}") from exc


def _assemble(
    parties: Chains,
    exhibits: Sequence[Exhibit],
    receipts: Sequence[KeptReceipts],
    extract: Extract | None,
    *,
    without: AbstractSet[str],
) -> tuple[bytes, frozenset[str]]:
    """A bundle without the statements and receipts that have these marks, and the fingerprints of all in it."""
    messages = [(_statements(exhibit, without), _disclosure(exhibit)) for exhibit in exhibits]
    messages = [message for message in messages if message[0]]
    if not messages:
        raise RefusedError(
            Code.NOT_FOUND,
            "there is no message to give evidence of",
            hint="what is dated after its key was revoked, and was seen by no witness before, is left out",
        )
    kept = [one for item in receipts for one in read_kept_receipts(item) if one.mark not in without]
    told, named = _fitting(parties, [one for statements, _ in messages for one in statements], kept)
    shown = [
        (placed, disclosure)
        for statements, disclosure in messages
        for placed in _by_epoch(_confirmed(statements, named))
    ]
    shown.sort(key=lambda message: place_of([_statement(one) for one in message[0]]))
    signed = [*(one for statements, _ in shown for one in statements), *told]
    batches = sorted({one.batch for one in signed if one.batch is not None}, key=lambda batch: batch.encode())
    places = {batch: place for place, batch in enumerate(batches)}
    hashes = {statement_hash(one.payload) for statements, _ in shown for one in statements}
    hashes |= {one.batch_hash for one in told}
    log, witnesses = (None, frozenset[str]()) if extract is None else _log(extract, parties, hashes)
    data = canon(
        {
            "type": ISSUED,
            "parties": [_whole(parties[node]) for node in sorted(parties)],
            "batches": [batch.to_json() for batch in batches],
            "messages": [
                {"statements": [one.to_json(places) for one in statements], "disclosure": disclosure}
                for statements, disclosure in shown
            ],
            "receipts": [one.to_json(places) for one in told],
            "log": log,
        }
    )
    return data, witnesses | {chain[-1].fingerprint for chain in parties.values()}


def _statements(exhibit: Exhibit, without: AbstractSet[str]) -> list[Signed]:
    """Each sealing once, in order."""
    if not exhibit.sealings:
        raise RefusedError(Code.NOT_FOUND, "a message without a signed statement is no evidence")
    frames = dict(exhibit.sealings)
    signed = [read_kept_statement(payload, frames[payload]) for payload in sorted(frames)]
    return [one for one in signed if one.mark not in without]


def _statement(signed: Signed) -> Statement:
    return Statement.parse(signed.payload, signed.payload_type)


def _fitting(
    chains: Chains, statements: Iterable[Signed], receipts: Iterable[Signed]
) -> tuple[list[Signed], frozenset[str]]:
    """The receipts that go in, in order, and the statement hashes that they name."""
    sealings, verifier = {statement_hash(one.payload): _statement(one) for one in statements}, Verifier()
    kept: dict[tuple[bytes, bytes], Signed] = {}
    named: set[str] = set()
    for one in receipts:
        with suppress(RemoteError):
            named |= {told.receipt.of for told in read_receipts(one, chains, sealings, verifier)}
            kept[one.place] = one
    return [kept[place] for place in sorted(kept)], frozenset(named)


def _confirmed(statements: Sequence[Signed], named: frozenset[str]) -> Sequence[Signed]:
    """Choose the sealings that go in: those with receipts; without any, those of the newest form, since a message that
    was sealed anew in another form commits to its content in another way.
    """
    found = [one for one in statements if statement_hash(one.payload) in named]
    newest = max(form_of(one.payload_type).number for one in statements)
    return found or [one for one in statements if form_of(one.payload_type).number == newest]


def _by_epoch(statements: Iterable[Signed]) -> Iterable[Sequence[Signed]]:
    """Part the sealings of a message that was numbered anew (nrm1 5.11): each number of it is a message of the bundle.

    They come in the order of their payloads, and so do those of each part.
    """
    found: dict[int, list[Signed]] = defaultdict(list)
    for one in statements:
        found[_statement(one).epoch].append(one)
    return found.values()


def _in_order(descriptor: Descriptor) -> Json:
    by_kid = sorted(descriptor.document.signatures, key=lambda signature: signature.kid)
    return replace(descriptor.document, signatures=tuple(by_kid)).to_json()


def _whole(chain: Sequence[Descriptor]) -> Json:
    return [_in_order(descriptor) for descriptor in chain]


def _disclosure(exhibit: Exhibit) -> Json:
    if exhibit.disclosure is not None:
        secret, body = exhibit.disclosure
        return {"secret": b64u(secret), "body": b64u(body)}
    return {"fields": [field.to_json() for field in exhibit.fields]} if exhibit.fields else None


# --- the log -----------------------------------------------------------------------------------------------------


def _log(extract: Extract, parties: Chains, hashes: AbstractSet[str]) -> tuple[Json, frozenset[str]]:
    """Take from the extract what is about the bundle, without cosignatures that do not verify, None for nothing; and
    the fingerprints of its witnesses.
    """
    known = {**extract.witnesses, **parties}
    checkpoints: list[Json] = []
    seen: set[NodeId] = set()
    for note, leaves in extract.checkpoints:
        about = [(leaf, path) for leaf, path in leaves if _of(leaf) in hashes]
        if about:
            kept, names = cosigned_by(SignedNote.decode(note), extract.node, known)
            seen |= names
            entries: list[Json] = [{"leaf": b64u(leaf), "path": [b64u(step) for step in path]} for leaf, path in about]
            checkpoints.append({"note": kept.encode().decode(), "leaves": entries})
    if not checkpoints:
        return None, frozenset()
    others = [known[node] for node in sorted(seen - parties.keys())]
    log: Json = {"node": extract.node, "checkpoints": checkpoints, "witnesses": [_whole(chain) for chain in others]}
    return log, frozenset(chain[-1].fingerprint for chain in others)


def _of(leaf: bytes) -> Json:
    value = parse(leaf, limit=LEAF_LIMIT)
    return value.get("of") if isinstance(value, dict) else None
