"""How an evidence bundle is verified: from bytes and anchors to a ``Proof``. Its format: ``gateway.evidence.build``.

1. size, canonical form, exact members;
2. both chains by every rule of nrm1 2.13 to 2.17, without a gap; the fingerprint of their newest roots is an anchor;
3. each statement: signed by a `sig` key that the sender's chain lists at or after `from_desc`, between the two parties,
   all of one conversation or of one number; the sealings of a message differ only in what sealing anew changes
   (nrm1 5.5);
4. each disclosure: it is what the statement commits to, or single fields of it;
5. each receipt: signed likewise by the receiver's chain; it agrees with the statement that it names in parties, id and
   number. What was signed in one batch is verified once;
6. the audit log of one party about all of this, if it is there: ``gateway.evidence.verify_log_part``;
7. no signature is dated after its key was revoked, unless a witness counts that saw it before the revocation was
   published: ``gateway.evidence.weighing``.

There is no clock: times are told, not judged, but for this. ``gateway.evidence.findings`` says in words what each
signature is worth: whoever stole a key can write any date.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from gateway.erasure import certificates
from gateway.erasure.certificates import Certificate
from gateway.errors import Code, RemoteError
from gateway.evidence.form import BUNDLES, ISSUED, Form, check_form, form_of
from gateway.evidence.signed import Signed
from gateway.evidence.types import (
    Chain,
    Proof,
    ProvenMessage,
    ReceiptBatch,
    Sealing,
    SignedReceipt,
    ascending,
    read_chain,
    require_version,
)
from gateway.evidence.verify_log_part import read_log
from gateway.evidence.weighing import find_refused
from gateway.foundation.ids import NodeId
from keys.documents.descriptor_chain import key_at
from keys.documents.envelope import (
    MESSAGE_LIFE,
    Receipt,
    Secret,
    Statement,
    Status,
    statement_hash,
)
from keys.primitives.batch import Batch, Verifier
from keys.primitives.commitment import MOST_LEAVES, ShownField, check_fields
from keys.primitives.encoding import (
    MAX_INT,
    Check,
    Json,
    exact,
    is_object,
    is_str,
    items,
    list_of,
    malformed,
    nullable,
    one_of,
    parse,
    text,
    unb64u,
)
from keys.primitives.seal import SUITE
from schemas.types import type_name

LIMIT: Final = 64 * 1024 * 1024  # bytes of a bundle
NO_VERSIONS: Final[Mapping[str, int]] = MappingProxyType({})
MOST_VERSIONS: Final = 1_000
MOST_MESSAGES: Final = 1_000
MOST_RECEIPTS: Final = 10_000
MOST_BATCHES: Final = 20_000
_STEPS: Final = tuple(Status)  # in the order in which they happen, for receipts of one second

Chains = Mapping[NodeId, Chain]


def prove(data: bytes, fingerprints: AbstractSet[str], lowest: Mapping[str, int] = NO_VERSIONS) -> Proof:
    """Steps 1 to 7. `lowest` has the versions that were compared with fingerprints.

    Raises:
        RemoteError: any fault; wrong_node for a party whose fingerprint is not among the anchors, revoked_key where
            only the word of a witness could help whose fingerprint is not; rollback for a chain that ends too early.
    """
    proof = read(data, fingerprints, lowest)
    if any(find_refused(proof)):  # 7
        raise RemoteError(
            Code.REVOKED_KEY, "something is dated after its key was revoked, and no witness counts who saw it before"
        )
    return proof


def read(data: bytes, fingerprints: AbstractSet[str], lowest: Mapping[str, int] = NO_VERSIONS) -> Proof:
    """Steps 1 to 6. Raises RemoteError for any fault."""
    member = _members(parse(data, limit=LIMIT))  # 1
    chains = _chains(items(member["parties"]), fingerprints)  # 2
    for chain in chains.values():
        require_version(chain, lowest)
    forms = BUNDLES[text(member["type"])]
    batches, verifier = [Batch.from_json(item) for item in items(member["batches"])], Verifier()
    messages = [_read_message(item, batches, forms) for item in items(member["messages"])]
    told = [_read_receipt(item, batches, forms) for item in items(member["receipts"])]
    _check_batches(batches, [*(one for statements, _ in messages for one in statements), *told])
    shown = [_message(statements, disclosure, chains, verifier) for statements, disclosure in messages]  # 3, 4
    _check_conversation(shown)
    ascending([one.place for one in told], "receipts")  # 5
    sealings = {sealing.hash: sealing for message in shown for sealing in message.sealings}
    said = {hash: sealing.statement for hash, sealing in sealings.items()}
    receipts = [receipt for one in told for receipt in read_receipts(one, chains, said, verifier)]
    named = {batch.hash: batch for receipt in receipts for batch in receipt.batches}
    log = None if member["log"] is None else read_log(member["log"], chains, sealings, named, fingerprints, lowest)  # 6
    return Proof(chains=chains, messages=tuple(_with_receipts(message, receipts) for message in shown), log=log)


def _chains(parties: Sequence[Json], fingerprints: AbstractSet[str]) -> dict[NodeId, Chain]:
    chains = [read_chain(items(party)) for party in parties]
    ascending([chain[-1].node for chain in chains], "parties")
    for chain in chains:
        if chain[-1].fingerprint in fingerprints:
            continue
        if any(older.fingerprint in fingerprints for older in chain):
            raise RemoteError(Code.WRONG_NODE, "a fingerprint is of older roots: ask for the one of today")
        raise RemoteError(Code.WRONG_NODE, "no fingerprint fits one of the parties")
    return {chain[-1].node: chain for chain in chains}


def _read_message(value: Json, batches: Sequence[Batch], forms: Sequence[Form]) -> tuple[list[Signed], Json]:
    """The statements of one message, of which nothing is believed yet, and what is shown of it."""
    member = exact(value, _MESSAGE, what="message")
    kinds = [form.statement for form in forms]
    statements = [Signed.from_json(item, batches, *kinds) for item in items(member["statements"])]
    ascending([one.payload for one in statements], "statements")
    return statements, member["disclosure"]


def _read_receipt(value: Json, batches: Sequence[Batch], forms: Sequence[Form]) -> Signed:
    """A receipt, or of the first form a batch of them, or a lone one, which was never issued (nrm1 7.1)."""
    return Signed.from_json(value, batches, *(kind for form in forms for kind in form.receipts))


def _check_batches(batches: Sequence[Batch], signed: Iterable[Signed]) -> None:
    """Check that the batches are in their order and that something names each. Raises RemoteError(malformed)."""
    ascending([batch.encode() for batch in batches], "batches")
    if {one.batch for one in signed} - {None} != {*batches}:
        raise malformed("a batch is of nothing in this bundle")


def _message(statements: Sequence[Signed], shown: Json, chains: Chains, verifier: Verifier) -> ProvenMessage:
    sealings = sorted((_sealing(one, chains, verifier) for one in statements), key=lambda s: s.statement.created)
    first = sealings[0].statement
    for sealing in sealings:
        if _lasting(sealing.statement) != _lasting(first):
            raise RemoteError(Code.SPLICED, "two statements of one message are of different messages")
    if isinstance(shown, dict) and "fields" in shown:
        return ProvenMessage(sealings=tuple(sealings), receipts=(), disclosed=False, fields=_fields(shown, first))
    if shown is not None:
        _check_disclosure(shown, first)
    return ProvenMessage(
        sealings=tuple(sealings), receipts=(), disclosed=shown is not None, onward=_onward(shown, first)
    )


def _sealing(signed: Signed, chains: Chains, verifier: Verifier) -> Sealing:
    statement = Statement.parse(signed.payload, signed.payload_type)
    if statement.suite != SUITE:
        raise RemoteError(Code.DOWNGRADE, "a statement is of another suite")
    if {statement.from_, statement.to} != chains.keys():
        raise RemoteError(Code.SPLICED, "a statement is of another pair of nodes")
    if statement.to_desc > len(chains[statement.to]):
        raise RemoteError(Code.BAD_CHAIN, "a statement names a descriptor that is not in the chain")
    if not 0 < statement.expires - statement.created <= MESSAGE_LIFE:
        raise malformed("a statement lives too long")
    check_form(form_of(signed.payload_type), chains[statement.from_], statement.from_desc)
    signed.verify(key_at(chains[statement.from_], signed.kid, statement.from_desc).public, verifier)
    return Sealing(statement=statement, hash=statement_hash(signed.payload), kid=signed.kid, sig=signed.mark)


def _lasting(statement: Statement) -> Statement:
    """A statement without what sealing anew changes (nrm1 5.5)."""
    return replace(statement, rcp=(), from_desc=0, to_desc=0, created=0)


def _check_disclosure(value: Json, statement: Statement) -> None:
    member = exact(value, _DISCLOSURE, what="disclosure")
    secret, body = unb64u(member["secret"]), unb64u(member["body"])
    if form_of(statement.payload_type).commitment(secret, body) != statement.commit:
        raise RemoteError(Code.BAD_COMMITMENT, "the disclosed content is not what was signed")
    Secret.parse(secret)


def _fields(value: Json, statement: Statement) -> tuple[str, ...]:
    """Verify single fields, each of which a statement of the second form commits to; return their pointers."""
    fields = [ShownField.from_json(field) for field in items(exact(value, _FIELDS, what="disclosure")["fields"])]
    check_fields(statement.commit, fields)
    return tuple(field.pointer for field in fields)


def _onward(disclosure: Json, statement: Statement) -> tuple[Certificate | None, ...]:
    """Verify the certificates that a shown confirmation of an erasure forwards. They are no part of the proof of
    the bundle: who forwards them has signed them as they are.
    """
    if not isinstance(disclosure, dict) or type_name(statement.body_type) != "erasure.confirmation":
        return ()
    try:
        body = parse(unb64u(disclosure["body"]), limit=LIMIT)
    except RemoteError:
        return ()
    content = body.get("content") if isinstance(body, dict) else None
    found = certificates.read_all(content, MAX_INT) if isinstance(content, dict) else []
    return tuple(proven for _, proven in found)


def _check_conversation(messages: Sequence[ProvenMessage]) -> None:
    said = [message.statement for message in messages]
    # What a node signed twice under one number may be about two conversations, and is one proof (nrm1 7.15).
    if len({one.conv for one in said}) > 1 and len({(one.from_, one.epoch, one.n) for one in said}) > 1:
        raise RemoteError(Code.SPLICED, "the messages are of several conversations")
    # One id with two contents is two messages: its sender is to be seen to have signed both. So is one of two epochs.
    if len({(one.from_, one.epoch, one.id, one.commit) for one in said}) != len(said):
        raise malformed("a message occurs twice")
    ascending([place_of([sealing.statement for sealing in message.sealings]) for message in messages], "messages")


def place_of(sealings: Sequence[Statement]) -> tuple[int, str, int, int, str, str]:
    """Return the key by which messages are ordered: (created of the oldest sealing, from, epoch, n, id, commit)."""
    first = min(sealings, key=lambda statement: statement.created)
    return first.created, first.from_, first.epoch, first.n, first.id, first.commit


def read_receipts(
    signed: Signed, chains: Chains, sealings: Mapping[str, Statement], verifier: Verifier
) -> tuple[SignedReceipt, ...]:
    """The receipts of one signature that name one of the statements, by hash; there is at least one.

    Raises RemoteError.
    """
    receipts = signed.receipts()
    issuer, sender = receipts[0].from_, receipts[0].to
    if {issuer, sender} != chains.keys():
        raise RemoteError(Code.SPLICED, "receipts are of another pair of nodes")
    newest = max(receipt.from_desc for receipt in receipts)
    check_form(form_of(signed.payload_type), chains[issuer], newest)
    signed.verify(key_at(chains[issuer], signed.kid, newest).public, verifier)
    fitting = [receipt for receipt in receipts if receipt.of in sealings]
    if not fitting:
        raise RemoteError(Code.SPLICED, "receipts name none of the messages")
    for receipt in fitting:
        _check_receipt(receipt, sealings[receipt.of])
        if form_of(signed.payload_type).number < form_of(sealings[receipt.of].payload_type).number:
            raise RemoteError(Code.WRONG_TYPE, "a receipt is of an older form than the statement it names")
    batch = ReceiptBatch(
        issuer=issuer, hash=signed.batch_hash, kid=signed.kid, payload_type=signed.payload_type, mark=signed.mark
    )
    return tuple(SignedReceipt(receipt=receipt, batches=(batch,)) for receipt in fitting)


def _check_receipt(receipt: Receipt, statement: Statement) -> None:
    said = (receipt.from_, receipt.to, receipt.msg, receipt.n)
    if said != (statement.to, statement.from_, statement.id, statement.n):
        raise RemoteError(Code.SPLICED, "a receipt does not agree with the statement it names")


def _with_receipts(message: ProvenMessage, receipts: Sequence[SignedReceipt]) -> ProvenMessage:
    hashes = {sealing.hash for sealing in message.sealings}
    found: dict[Receipt, tuple[ReceiptBatch, ...]] = {}
    for told in sorted(receipts, key=lambda told: (told.receipt.at, _STEPS.index(told.receipt.status))):
        if told.receipt.of in hashes:
            found[told.receipt] = (*found.get(told.receipt, ()), *told.batches)
    known = tuple(SignedReceipt(receipt=receipt, batches=batches) for receipt, batches in found.items())
    return replace(message, receipts=known)


def _members(value: Json) -> dict[str, Json]:
    """Check the members of a bundle; one of the first form has no batches. Raises RemoteError(malformed)."""
    without = {name: check for name, check in _BUNDLE.items() if name != "batches"}
    if isinstance(value, dict) and value.get("type") != ISSUED:
        return {**exact(value, without, what="evidence"), "batches": []}
    return exact(value, _BUNDLE, what="evidence")


_BUNDLE: Final[dict[str, Check]] = {
    "type": one_of(*BUNDLES),
    "parties": list_of(list_of(is_object, 1, MOST_VERSIONS), 2, 2),
    "messages": list_of(is_object, 1, MOST_MESSAGES),
    "receipts": list_of(is_object, 0, MOST_RECEIPTS),
    "batches": list_of(is_object, 0, MOST_BATCHES),
    "log": nullable(is_object),
}
_MESSAGE: Final[dict[str, Check]] = {"statements": list_of(is_object, 1, 1_000), "disclosure": nullable(is_object)}
_FIELDS: Final[dict[str, Check]] = {"fields": list_of(is_object, 1, MOST_LEAVES)}
_DISCLOSURE: Final[dict[str, Check]] = {"secret": is_str(maxlen=LIMIT), "body": is_str(maxlen=LIMIT)}
