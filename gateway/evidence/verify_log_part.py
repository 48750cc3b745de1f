"""How the part `log` of an evidence bundle is verified: step 6 of ``gateway.evidence.verify`` (nrm1 7.2, 7.6).

    log           {node, checkpoints, witnesses}: the audit log of one of the parties, or null
      checkpoints   each {note, leaves}; in the order of their sizes
        note          a C2SP checkpoint: one signature by a `log` key of the node, then one cosignature of each witness,
                      in the order of the node ids
        leaves        each {leaf, path}: the bytes of the leaf, the RFC 9162 inclusion proof; in the order of `seq`
      witnesses     the descriptor chains of the witnesses that are no party, in the order of the node ids

A leaf is about a statement or a batch of the bundle, by hash, and one that this node would write about it. Every line
under a checkpoint is verified: a cosignature of somebody whose chain is not here, or by a key that is not in that
chain, is refused. Whether a witness counts is another question, see ``Cosignature``: whoever exports can invent
witnesses, so only those count whose fingerprint came from somewhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from gateway.errors import Code, RemoteError
from gateway.evidence.types import (
    Chain,
    Cosignature,
    Entry,
    Head,
    Log,
    ReceiptBatch,
    Sealing,
    ascending,
    read_chain,
    require_version,
)
from gateway.foundation.ids import NodeId
from keys.documents.descriptor import Descriptor
from keys.documents.descriptor_chain import published_at, revocation_of
from keys.documents.key_records import Use
from keys.documents.log_signatures import cosigned_at, open_checkpoint
from keys.documents.signed_note import NOTE_LIMIT, Checkpoint, NoteSignature, SignedNote
from keys.primitives.encoding import (
    Check,
    Json,
    exact,
    is_count,
    is_hash,
    is_int,
    is_node,
    is_object,
    is_str,
    items,
    list_of,
    malformed,
    number,
    one_of,
    parse,
    text,
    unb64u,
)
from keys.primitives.hybrid_keys import PublicKey
from keys.primitives.merkle_tree import is_included, leaf_hash

LEAF_LIMIT: Final = 4096  # bytes of one leaf
MOST_CHECKPOINTS: Final = 1_000
MOST_LEAVES: Final = 20_000
MOST_WITNESSES: Final = 63  # signed-note: a note has at most 64 signatures here, one of the log itself
DEPARTED: Final = "message.departed"
ARRIVED: Final = "message.received"
ISSUED: Final = "receipts.issued"
HELD: Final = "receipts.held"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What a log is read against: whose it is, the chains of everybody, what the bundle holds, what was compared."""

    node: NodeId
    parties: Mapping[NodeId, Chain]
    chains: Mapping[NodeId, Chain]
    fingerprints: Mapping[NodeId, str]
    compared: AbstractSet[str]
    sealings: Mapping[str, Sealing]
    batches: Mapping[str, ReceiptBatch]


def read_log(
    value: Json,
    parties: Mapping[NodeId, Chain],
    sealings: Mapping[str, Sealing],
    batches: Mapping[str, ReceiptBatch],
    compared: AbstractSet[str],
    lowest: Mapping[str, int],
) -> Log:
    """Verify the log; `compared` are the fingerprints from elsewhere, `lowest` the versions that came with them.

    Raises RemoteError for any fault.
    """
    member = exact(value, _LOG, what="log")
    node = NodeId(text(member["node"]))
    if node not in parties:
        raise RemoteError(Code.SPLICED, "the log is of none of the parties")
    witnesses = [read_chain(items(chain)) for chain in items(member["witnesses"])]
    ascending([chain[-1].node for chain in witnesses], "witnesses")
    for chain in witnesses:
        require_version(chain, lowest)
    others: dict[NodeId, Chain] = {chain[-1].node: chain for chain in witnesses}
    if others.keys() & parties.keys():
        raise malformed("a party is among the witnesses")
    chains = {**parties, **others}
    known = _Known(
        node=node,
        parties=parties,
        chains=chains,
        compared=compared,
        sealings=sealings,
        batches=batches,
        fingerprints={other: chain[-1].fingerprint for other, chain in chains.items()},
    )
    read = [_checkpoint(item, known) for item in items(member["checkpoints"])]
    heads, entries = tuple(head for head, _ in read), tuple(entry for _, found in read for entry in found)
    ascending([head.size for head in heads], "checkpoints")
    ascending([entry.seq for entry in entries], "leaves")
    if others.keys() - {cosignature.witness for head in heads for cosignature in head.cosignatures}:
        raise malformed("a witness has signed nothing")
    return Log(node=node, heads=heads, entries=entries)


def _checkpoint(value: Json, known: _Known) -> tuple[Head, list[Entry]]:
    member = exact(value, _CHECKPOINT, what="checkpoint")
    note = SignedNote.decode(text(member["note"]).encode())
    checkpoint, key = _own(note, known.chains[known.node])
    others = _by_name(note)[1:]
    ascending([lines[0].name for lines in others], "cosignatures")
    cosignatures = tuple(_cosignature(note.text, lines, known, key) for lines in others)
    head = Head(size=checkpoint.size, cosignatures=cosignatures)
    return head, [_entry(item, checkpoint, head, known) for item in items(member["leaves"])]


def _own(note: SignedNote, chain: Chain) -> tuple[Checkpoint, PublicKey]:
    """The checkpoint, signed in the first lines by a key that the chain lists for the log, and that key."""
    lines = _by_name(note)[0]
    first = SignedNote(text=note.text, signatures=lines)
    origin = Checkpoint.parse(note.text).origin
    if origin not in {descriptor.log for descriptor in chain}:
        raise RemoteError(Code.SPLICED, "a checkpoint is of another log")
    for public in _keys(chain, Use.LOG):
        with suppress(RemoteError):
            checkpoint = open_checkpoint(first, origin, [public])
            if len(lines) == len(public.components):
                return checkpoint, public
    raise RemoteError(Code.BAD_SIGNATURE, "a checkpoint is not signed by a key of its log")


def _by_name(note: SignedNote) -> list[tuple[NoteSignature, ...]]:
    """The lines of each signer, one after the other; of a hybrid key the Ed25519 line comes first.

    Raises RemoteError(malformed) for another order.
    """
    found = [tuple(lines) for _, lines in groupby(note.signatures, key=lambda line: line.name)]
    for lines in found:
        ascending([len(line.value) for line in lines], "lines of a signature")
    return found


def _cosignature(checkpoint: bytes, lines: Sequence[NoteSignature], known: _Known, key: PublicKey) -> Cosignature:
    """The lines of one witness under a checkpoint that `key` of the log signed."""
    witness, public, at = _witness(checkpoint, lines, known.node, known.chains)
    chain, fingerprint = known.chains[witness], known.fingerprints[witness]
    published = published_at(known.chains[known.node], key.kid, at)
    sound = fingerprint in known.compared and revocation_of(chain, public.kid) is None
    return Cosignature(
        witness=witness,
        name=chain[-1].name,
        fingerprint=fingerprint,
        at=at,
        counts=sound and published is None,
        stands=sound and (published is None or at < published),
    )


def _witness(
    checkpoint: bytes, lines: Sequence[NoteSignature], node: NodeId, chains: Mapping[NodeId, Sequence[Descriptor]]
) -> tuple[NodeId, PublicKey, int]:
    """Find who signed, by which key of its chain, and when. Raises RemoteError for whoever has no chain here."""
    witness = NodeId(lines[0].name)
    chain = chains.get(witness)
    if chain is None or witness == node:
        raise RemoteError(Code.UNKNOWN_KEY, "a cosignature is by somebody who is no witness of this log")
    for public in _keys(chain, Use.WIT):
        try:
            return witness, public, cosigned_at(checkpoint, lines, [public])
        except RemoteError:
            continue
    raise RemoteError(Code.BAD_SIGNATURE, "a cosignature is not by a key of its witness")


def cosigned_by(
    note: SignedNote, node: NodeId, chains: Mapping[NodeId, Sequence[Descriptor]]
) -> tuple[SignedNote, frozenset[NodeId]]:
    """The note of `node` as a bundle has it, without cosignatures that do not verify, and who signed the others."""
    found: dict[NodeId, tuple[NoteSignature, ...]] = {}
    own, *others = (tuple(lines) for _, lines in groupby(note.signatures, key=lambda line: line.name))
    for lines in others:
        # One line of an Ed25519 key, two of a hybrid one; another cosignature of the same witness may stand behind.
        for first in (lines[:2], lines[:1]):
            with suppress(RemoteError):
                witness, *_ = _witness(note.text, first, node, chains)
                found.setdefault(witness, first)
    kept = (line for name in sorted(found) for line in found[name])
    return SignedNote(text=note.text, signatures=own).plus(kept), frozenset(found)


def _keys(chain: Sequence[Descriptor], use: Use) -> Sequence[PublicKey]:
    """Every key that some version lists for `use`, once; from when until when it is listed is not judged here."""
    return tuple({r.kid: r.public for descriptor in chain for r in descriptor.keys if r.use is use}.values())


def _entry(value: Json, checkpoint: Checkpoint, head: Head, known: _Known) -> Entry:
    member = exact(value, _ENTRY, what="entry")
    leaf = unb64u(member["leaf"])
    path = [unb64u(step) for step in items(member["path"])]
    entry = _leaf(leaf, head, known)
    if not is_included(leaf_hash(leaf), entry.seq - 1, checkpoint.size, path, checkpoint.root):
        raise RemoteError(Code.BAD_CHAIN, "an entry is not in the log of the checkpoint")
    return entry


def _leaf(leaf: bytes, head: Head, known: _Known) -> Entry:
    """Read a leaf, which must say what this node would write about the statement or the batch that it names."""
    value = parse(leaf, limit=LEAF_LIMIT)
    event = value.get("ev") if isinstance(value, dict) else None
    shape = _SHAPES.get(event) if isinstance(event, str) else None
    if shape is None:
        raise malformed("a leaf is of no kind that evidence shows")
    member = exact(value, shape, what="leaf")
    of = text(member["of"])
    sealing, batch = known.sealings.get(of), known.batches.get(of)
    if sealing is not None:
        own = sealing.statement.from_ == known.node
        expected = (DEPARTED if own else ARRIVED, sealing.statement.n, sealing.sig)
        fits = (event, member.get("n"), member.get("sig")) == expected
    else:
        fits = batch is not None and event == (ISSUED if batch.issuer == known.node else HELD)
    if not fits or {text(member["peer"]), known.node} != known.parties.keys():
        raise RemoteError(Code.SPLICED, "an entry is about nothing in this bundle, or says something else")
    return Entry(seq=number(member["seq"]), at=number(member["at"]), of=of, head=head)


def _is_null(value: Json) -> bool:
    return value is None


_LOG: Final[dict[str, Check]] = {
    "node": is_node,
    "checkpoints": list_of(is_object, 1, MOST_CHECKPOINTS),
    "witnesses": list_of(list_of(is_object, 1, 1_000), 0, MOST_WITNESSES),
}
_CHECKPOINT: Final[dict[str, Check]] = {
    "note": is_str(maxlen=NOTE_LIMIT),
    "leaves": list_of(is_object, 1, MOST_LEAVES),
}
_ENTRY: Final[dict[str, Check]] = {"leaf": is_str(r"[A-Za-z0-9_-]*", 2 * LEAF_LIMIT), "path": list_of(is_hash, 0, 63)}
_BATCH_LEAF: Final[dict[str, Check]] = {
    "seq": is_count,
    "at": is_int(),
    "ev": one_of(ISSUED, HELD),
    "of": is_hash,
    "peer": is_node,
}
_DEPARTED_LEAF: Final[dict[str, Check]] = {**_BATCH_LEAF, "ev": one_of(DEPARTED), "n": is_count, "sig": is_hash}
_ARRIVED_LEAF: Final[dict[str, Check]] = {**_DEPARTED_LEAF, "ev": one_of(ARRIVED), "code": _is_null}
_SHAPES: Final = {
    DEPARTED: _DEPARTED_LEAF,
    ARRIVED: _ARRIVED_LEAF,
    ISSUED: _BATCH_LEAF,
    HELD: _BATCH_LEAF,
}
