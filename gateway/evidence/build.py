"""The evidence bundle: who sent what to whom, and what the other side confirmed, for anybody to verify (nrm1 7.1, 7.3).

    bundle        {type, parties, messages, receipts, log}; canonical JSON, exact members, nothing that is not verified
      parties       two descriptor chains, each the signed documents 1 to the newest held; in the order of the node ids
      messages      of one conversation, {statements, disclosure}; in the order of (created, from, epoch, n, id, commit)
        statements    the sealings that are shown, a signed document each; in the order of their payloads
        disclosure    {secret, body} in base64url, or {fields} that are shown alone; null where the content is withheld
                      or erased
      receipts      signed batches, whole; each names a statement of the bundle; in the order of their payloads
      log           what the audit log of the node that exports has about these, under witnessed checkpoints, or null:
                    ``gateway.evidence.verify_log_part``. It is the only part in which the bundles of the two nodes
                    differ

Every array has one order and no item twice, and the signatures of a descriptor are in the order of their kids: moving a
thing is as much a fault as changing it. The steps of ``verify`` are in ``gateway.evidence.verify``, its words in
``gateway.evidence.findings``. It needs no network, no clock and no node, but two fingerprints from somewhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from gateway.errors import Code, RefusedError, RemoteError
from gateway.evidence.findings import testify
from gateway.evidence.form import FIRST, ISSUED, SECOND, form_of
from gateway.evidence.report import MessageReport, Report
from gateway.evidence.verify import LIMIT, NO_VERSIONS, Chains, place_of, prove, read, read_batch, receipt_document
from gateway.evidence.verify_log_part import LEAF_LIMIT, cosigned_by
from gateway.evidence.weighing import find_refused
from gateway.foundation.ids import NodeId
from keys.documents.descriptor import Descriptor
from keys.documents.envelope import Statement, parse_signatures, statement_hash
from keys.documents.fingerprint import Party, read_code
from keys.documents.receipts import batch_hash
from keys.documents.signed_note import SignedNote
from keys.documents.statement import STATEMENTS
from keys.primitives.commitment import ShownField
from keys.primitives.encoding import Json, b64u, canon, parse
from keys.primitives.sign import SignedDocument

__all__ = ["Exhibit", "Extract", "MessageReport", "Report", "build", "parse_anchors", "verify"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One message as a node keeps it: (statement, signatures) frames of its sealings; (secret, body) if it is shown, or
    the single fields that are.
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
    batches: Iterable[bytes],
    extract: Extract | None = None,
) -> bytes:
    """The bundle of two whole chains, the messages of one conversation, and the batches exchanged about them.

    Of a message that has receipts, only the sealings they name go in. A batch that names none of the messages, or that
    does not verify, stays out, and a cosignature that does not: a peer must not be able to spoil the proof of
    everything else by one bad line. So does what is dated after its key was revoked, unless a witness saw it before
    that was published: then a verifier needs the fingerprint of that witness.

    Raises:
        RefusedError: not_found for no message, else the code of what is wrong with the rest. What is returned verifies.
    """
    parties: Chains = {chain[-1].node: tuple(chain) for chain in chains}
    kept, told = list(exhibits), list(batches)
    refused: frozenset[str] = frozenset()
    try:
        while True:
            data, anchors = _assemble(parties, kept, told, extract, without=refused)
            found = frozenset(find_refused(read(data, anchors)))
            if not found:
                return data
            refused |= found
    except RemoteError as exc:
        raise RefusedError(exc.code, f"what is kept does not verify: {exc.what}") from exc


def _assemble(
    parties: Chains,
    exhibits: Sequence[Exhibit],
    batches: Sequence[bytes],
    extract: Extract | None,
    *,
    without: AbstractSet[str],
) -> tuple[bytes, frozenset[str]]:
    """A bundle without these statements and batches, and the fingerprints of all that are in it."""
    messages = [(_documents(exhibit, without), _disclosure(exhibit)) for exhibit in exhibits]
    messages = [message for message in messages if message[0]]
    if not messages:
        raise RefusedError(
            Code.NOT_FOUND,
            "there is no message to give evidence of",
            hint="what is dated after its key was revoked, and was seen by no witness before, is left out",
        )
    receipts, named = _fitting(
        parties, [document for documents, _ in messages for document in documents], batches, without
    )
    shown = [(_confirmed(documents, named), disclosure) for documents, disclosure in messages]
    shown.sort(key=lambda message: place_of([_statement(document) for document in message[0]]))
    hashes = {statement_hash(document.payload) for documents, _ in shown for document in documents}
    hashes |= {batch_hash(document.encode()) for document in receipts}
    log, witnesses = (None, frozenset[str]()) if extract is None else _log(extract, parties, hashes)
    data = canon(
        {
            "type": ISSUED,
            "parties": [_whole(parties[node]) for node in sorted(parties)],
            "messages": [_message(documents, disclosure) for documents, disclosure in shown],
            "receipts": [document.to_json() for document in receipts],
            "log": log,
        }
    )
    return data, witnesses | {chain[-1].fingerprint for chain in parties.values()}


def _documents(exhibit: Exhibit, without: AbstractSet[str]) -> list[SignedDocument]:
    """Each sealing once, in order."""
    if not exhibit.sealings:
        raise RefusedError(Code.NOT_FOUND, "a message without a signed statement is no evidence")
    signatures = dict(exhibit.sealings)
    return [
        SignedDocument(
            payload=payload,
            payload_type=Statement.parse(payload, *STATEMENTS).payload_type,
            signatures=(parse_signatures(signatures[payload]),),
        )
        for payload in sorted(signatures)
        if statement_hash(payload) not in without
    ]


def _statement(document: SignedDocument) -> Statement:
    return Statement.parse(document.payload, document.payload_type)


def _fitting(
    chains: Chains, documents: Iterable[SignedDocument], batches: Iterable[bytes], without: AbstractSet[str]
) -> tuple[list[SignedDocument], frozenset[str]]:
    """The batches that go in, in order, and the statement hashes that they name."""
    sealings = {statement_hash(document.payload): _statement(document) for document in documents}
    kept: dict[bytes, SignedDocument] = {}
    named: set[str] = set()
    for data in batches:
        try:
            document = receipt_document(parse(data, limit=LIMIT), (FIRST, SECOND))
            if batch_hash(document.encode()) in without:
                continue
            named |= {told.receipt.of for told in read_batch(document, chains, sealings)}
        except RemoteError:
            continue
        kept[document.payload] = document
    return [kept[payload] for payload in sorted(kept)], frozenset(named)


def _confirmed(documents: Sequence[SignedDocument], named: frozenset[str]) -> Sequence[SignedDocument]:
    """Choose the sealings that go in: those with receipts; without any, those of the newest form, since a message that
    was sealed anew in another form commits to its content in another way.
    """
    found = [document for document in documents if statement_hash(document.payload) in named]
    newest = max(form_of(document.payload_type).number for document in documents)
    return found or [document for document in documents if form_of(document.payload_type).number == newest]


def _in_order(descriptor: Descriptor) -> Json:
    by_kid = sorted(descriptor.document.signatures, key=lambda signature: signature.kid)
    return replace(descriptor.document, signatures=tuple(by_kid)).to_json()


def _whole(chain: Sequence[Descriptor]) -> Json:
    return [_in_order(descriptor) for descriptor in chain]


def _message(documents: Sequence[SignedDocument], disclosure: Json) -> Json:
    return {"statements": [document.to_json() for document in documents], "disclosure": disclosure}


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
