"""A short conversation of two endpoints with everything that was signed about it, as both nodes keep it.

A sends an enquiry of another conversation and a referral; B declines. B's first batch of receipts is about both
messages of A, its second about the referral alone. The audit log of A has all of it; B and C witnessed it, twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from support.batches import by, proofs
from support.endpoints import Endpoint, circumstances, consent, edited
from support.nodes import NOW, Node, Seeds, record, signed

from gateway.database.audit_entries import leaf
from gateway.evidence.build import Exhibit, Extract, build
from gateway.evidence.signed import Signed
from gateway.messages.answers import sign_receipts
from gateway.messages.types import AcceptedMessage, SealedEnvelope
from keys.documents.descriptor import Descriptor
from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.envelope import Receipt, Statement, Status
from keys.documents.key_records import Use
from keys.documents.log_signatures import cosign_checkpoint, cosignature_text, sign_checkpoint
from keys.documents.receipts import KeptReceipts, SignedReceipts, batch_hash
from keys.documents.signed_note import Checkpoint, NoteSignature, SignedNote, read_signatures
from keys.documents.statement import STATEMENTS, proof_hash
from keys.offline.roots import new_root
from keys.primitives.batch import Batch, Proof
from keys.primitives.domains import STATEMENT
from keys.primitives.encoding import DAY, MAX_INT, b64u
from keys.primitives.hybrid_keys import SigningKey
from keys.primitives.merkle_tree import Tiles, leaf_hash, prove_inclusion


class Witness(Node):
    """A node with an audit log that witnesses those of others."""

    def __post_init__(self) -> None:
        given = self.content
        self.content = {}
        super().__post_init__()
        self.log, self.wit = (SigningKey.generate_for_notes(self.rand) for _ in range(2))
        self.content["keys"] += [record(self.log, Use.LOG), record(self.wit, Use.WIT)]
        self.content |= given


A, B, C = Witness("a"), Witness("b"), Witness("c")


def frame_of(proof: bytes | Proof) -> bytes:
    """What stands beside a statement, as the wire has it."""
    return proof if isinstance(proof, bytes) else proof.encode()


@dataclass
class Logbook:
    """The audit log of a node, in memory; a checkpoint is what it signed when it had `size` leaves."""

    node: Witness
    leaves: list[bytes] = field(default_factory=list)
    notes: dict[int, bytes] = field(default_factory=dict)
    witnesses: Mapping[str, Sequence[Descriptor]] = field(default_factory=lambda: WITNESSES)

    def write(self, at: int, event: str, **facts: Any) -> None:
        """One more leaf."""
        self.leaves.append(leaf(at, event, **facts)(len(self.leaves) + 1))

    def departed(self, sealed: SealedEnvelope) -> None:
        """The leaf of a sealing of this node."""
        said = stated(sealed)
        self.write(
            said.created,
            "message.departed",
            of=sealed.statement_hash,
            peer=said.to,
            n=said.n,
            sig=proof_hash(frame_of(sealed.proof)),
        )

    def received(self, sealed: SealedEnvelope | AcceptedMessage) -> None:
        """The leaf of an accepted message."""
        said = stated(sealed)
        self.write(
            said.created,
            "message.received",
            of=sealed.statement_hash,
            peer=said.from_,
            n=said.n,
            code=None,
            sig=proof_hash(frame_of(sealed.proof)),
        )

    def batch(self, kept: KeptReceipts, peer: Node, *, issued: bool) -> None:
        """The leaf of a batch of receipts."""
        self.write(NOW, "receipts.issued" if issued else "receipts.held", of=log_name(kept), peer=peer.first().node)

    def tree(self, size: int) -> Tiles:
        """The tree of the first leaves."""
        hashes = [leaf_hash(data) for data in self.leaves]
        return Tiles(size, lambda level, index: None, lambda first, last: hashes[first:last])

    def checkpoint(self, *seen: tuple[Witness, int], key: SigningKey | None = None) -> None:
        """Sign the log as it is, and let witnesses cosign, each at its time."""
        size, origin = len(self.leaves), self.node.first().log
        text = Checkpoint(origin=origin, size=size, root=self.tree(size).root()).text
        lines = [*read_signatures(sign_checkpoint(text, key or self.node.log))]
        for witness, at in sorted(seen, key=lambda item: item[0].first().node):
            lines += cosigned(text, witness, at)
        self.notes[size] = SignedNote(text=text, signatures=tuple(lines)).encode()

    def extract(self) -> Extract:
        """Every leaf under the first checkpoint that has it; what is about nothing shown, ``build`` leaves out."""
        checkpoints, done = [], 0
        for size, note in sorted(self.notes.items()):
            node = self.tree(size).node
            leaves = [(self.leaves[i], prove_inclusion(i, size, node)) for i in range(done, size)]
            checkpoints.append((note, leaves))
            done = size
        return Extract(node=self.node.first().node, checkpoints=checkpoints, witnesses=self.witnesses)


def cosigned(text: bytes, witness: Witness, at: int, key: SigningKey | None = None) -> tuple[NoteSignature, ...]:
    """The lines of a witness under a checkpoint."""
    name = witness.first().node
    return read_signatures(cosign_checkpoint(cosignature_text(text, at), name, key or witness.wit))


WITNESSES: Mapping[str, Sequence[Descriptor]] = {node.first().node: (node.first(),) for node in (A, B, C)}


@dataclass(frozen=True, kw_only=True)
class Case:
    """What goes into a bundle; a test changes a part of it."""

    chains: tuple[tuple[Descriptor, ...], tuple[Descriptor, ...]]
    exhibits: tuple[Exhibit, ...]
    batches: tuple[KeptReceipts, ...]
    extract: Extract | None = None
    sealed: dict[str, SealedEnvelope] = field(default_factory=dict)

    @property
    def anchors(self) -> set[str]:
        """The two fingerprints, from an independent channel."""
        return {chain[-1].fingerprint for chain in self.chains}

    def build(self, **changes: Any) -> bytes:
        """The bundle of this case with `changes`."""
        case = replace(self, **changes)
        return build(case.chains, case.exhibits, case.batches, case.extract)

    def erased(self) -> Case:
        """The same after the content was erased."""
        return replace(self, exhibits=tuple(replace(exhibit, disclosure=None) for exhibit in self.exhibits))


def exhibit(sealed: SealedEnvelope, body: bytes, *more: SealedEnvelope) -> Exhibit:
    """One message as it is kept, with other sealings of it."""
    frames = [(one.statement, one.proof) for one in (sealed, *more)]
    return Exhibit(sealings=frames, disclosure=(sealed.secret, body))


@cache
def conversation() -> Case:
    """See the module."""
    a, b = Endpoint.pair(A, B)
    b.conversation = a.conversation
    enquiry = a.send(a.submit(a.draft("enquiry.capacity.1/valid-minimal", conversation="C" * 21 + "A")))
    message = a.submit(a.draft("referral.request.1/valid-minimal"))
    referral = a.send(message)
    first = b.answer([enquiry.data, referral.data])
    a.hear(first, [enquiry.id, referral.id])
    b.now = a.now = NOW + 60
    draft = b.draft("referral.decline.1/valid-capacity", reply_to=referral.id)
    reply = b.submit(draft, circumstances(consent(a.own.node)))
    decline = b.send(reply)
    b.hear(a.answer([decline.data]), [decline.id])
    later = [b.receipt(stated(referral), Status.DELIVERED), b.receipt(stated(referral), Status.OPENED, at=NOW + 90)]
    batches = (*a.documents, *b.documents, batch(B.sig, *later))
    return Case(
        chains=((a.own,), (b.own,)),
        exhibits=(exhibit(referral, message.body), exhibit(decline, reply.body)),
        batches=batches,
        extract=logbook(A, (enquiry, referral), decline, batches).extract(),
        sealed={"enquiry": enquiry, "referral": referral, "decline": decline},
    )


def logbook(
    node: Witness, first: Sequence[SealedEnvelope], reply: SealedEnvelope, batches: Sequence[KeptReceipts]
) -> Logbook:
    """What the log of A, or of B, has of the conversation: first half witnessed at NOW + 30, all at NOW + 120."""
    other = B if node is A else A
    book = Logbook(node)
    book.write(NOW - 100, "node.made", node=node.first().node)
    for sealed in first:
        (book.departed if node is A else book.received)(sealed)
    book.batch(batches[0], other, issued=node is B)
    book.checkpoint((other, NOW + 30), (C, NOW + 40))
    (book.received if node is A else book.departed)(reply)
    book.batch(batches[1], other, issued=node is A)
    book.batch(batches[2], other, issued=node is B)
    book.write(NOW + 95, "keyset.issued", version=2)
    book.checkpoint((other, NOW + 120))
    return book


@cache
def small() -> Case:
    """One message and one batch: quicker to verify."""
    whole = conversation()
    return replace(whole, exhibits=whole.exhibits[:1], batches=whole.batches[:1])


@cache
def tiny() -> Case:
    """One message, one batch and one witnessed checkpoint of nodes with one root: for tests that verify often."""
    one, two = (
        Witness(name, threshold=1, roots=[new_root(now=NOW - DAY, rand=Seeds(f"root of {name}"))]) for name in "xy"
    )
    a, b = Endpoint.pair(one, two)
    message = a.submit(a.draft("enquiry.capacity.1/valid-minimal"))
    sealed = a.send(message)
    a.hear(b.answer([sealed.data]), [sealed.id])
    book = Logbook(one)
    book.departed(sealed)
    book.batch(a.documents[0], two, issued=False)
    book.checkpoint((two, NOW + 30))
    return Case(
        chains=((a.own,), (b.own,)),
        exhibits=(exhibit(sealed, message.body),),
        batches=tuple(a.documents),
        extract=book.extract(),
        sealed={"enquiry": sealed},
    )


def stated(sealed: SealedEnvelope) -> Statement:
    """The statement of a sealed envelope."""
    return Statement.parse(sealed.statement, *STATEMENTS)


def batch(key: SigningKey, *receipts: Receipt) -> SignedReceipts:
    """Receipts that are signed together."""
    return sign_receipts(receipts, by(key))


def log_name(kept: KeptReceipts) -> str:
    """By what a log names the batch that these receipts are in."""
    return kept.batch.hash if isinstance(kept, SignedReceipts) else batch_hash(kept.encode())


def receipt(sealed: SealedEnvelope, status: Status, **changes: Any) -> Receipt:
    """The receiver's receipt for a sealed message."""
    said = stated(sealed)
    usual = {
        "of": sealed.statement_hash,
        "msg": said.id,
        "from_": said.to,
        "from_desc": 1,
        "to": said.from_,
        "n": said.n,
        "status": status,
        "at": NOW + 60,
    }
    return Receipt(**{**usual, **changes})


def next_version(node: Node, held: Sequence[Descriptor], **changes: Any) -> tuple[Descriptor, ...]:
    """The chain with one more version that has other content."""
    document = signed(node.next(held[-1], **changes), node.roots[:2])
    return (*held, accept_descriptor(held[-1], document, MAX_INT, earlier=held[:-1]))


def lying(value: Any, payload: bytes, key: SigningKey, payload_type: str = STATEMENT) -> Any:
    """A document for a bundle, truly signed by whoever `key` is; its batch is put among those that are there."""
    (proof,) = proofs(key, (payload_type, payload))
    held = [Batch.from_json(item) for item in value["batches"]]
    places = {batch: place for place, batch in enumerate(sorted({*held, proof.batch}, key=Batch.encode))}
    _renumber(value, [places[batch] for batch in held])
    value["batches"] = [batch.to_json() for batch in places]
    return Signed(payload=payload, payload_type=payload_type, by=proof).to_json(places)


def sweep(value: Any) -> None:
    """Take away the batches that nothing in a bundle names any more."""
    kept = sorted({document["batch"] for document in _in_batches(value)})
    _renumber(value, [kept.index(place) if place in kept else -1 for place in range(len(value["batches"]))])
    value["batches"] = [value["batches"][place] for place in kept]


def _in_batches(value: Any) -> list[Any]:
    listed = [*(one for message in value["messages"] for one in message["statements"]), *value["receipts"]]
    return [document for document in listed if "batch" in document]


def _renumber(value: Any, places: Sequence[int]) -> None:
    for document in _in_batches(value):
        document["batch"] = places[document["batch"]]


def base64_fields(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where a bundle has base64url: paths to every text that is neither a type nor a note."""
    if isinstance(value, dict):
        return [found for name, item in value.items() for found in base64_fields(item, (*path, name))]
    if isinstance(value, list):
        return [found for place, item in enumerate(value) for found in base64_fields(item, (*path, place))]
    return [path] if isinstance(value, str) and path[-1] not in ("payloadType", "type", "note") else []


def at(value: Any, path: tuple[Any, ...]) -> Any:
    """What is at a path."""
    for step in path:
        value = value[step]
    return value


def with_text(data: bytes, path: tuple[Any, ...], text: str) -> bytes:
    """The bundle with another text at a path."""
    return edited(data, lambda value: at(value, path[:-1]).__setitem__(path[-1], text))


OTHER_ID = b64u(b"\1" * 16)
