"""What an evidence bundle proves and what it does not, in plain words: one line for each thing (PROTOCOL B7).

Nothing of a body is in a line. Times are those that the nodes state, as UTC.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

from gateway.errors import Code
from gateway.exchange.proof import Chain, Proof, ProvenMessage, Sealing, SignedReceipt
from gateway.exchange.report import MessageReport, Report
from keys.descriptor import Revocation, revocation_of
from keys.encoding import SKEW
from keys.envelope import Receipt, Statement, Status, link_hash
from keys.records import Use

_DID: Final = {
    Status.RECEIVED: "received it, whole and with a valid signature, on {at}",
    Status.DELIVERED: "handed it to its case system or desk on {at}",
    Status.OPENED: "says that a person opened it on {at}",
    Status.ERASED: "says that it erased the content on {at}",
    Status.REJECTED: "rejected it on {at}, code {code}",
}
_LIMITS: Final = (
    "the times: they are those that the two nodes state, and no third party vouches for them",
    "that nothing is missing: a bundle is a choice, and other messages and receipts may exist",
    "that anybody read a message: a receipt says what a node did",
)
_LAST_SECOND: Final = 253_402_300_799  # of the year 9999


def testify(proof: Proof) -> Report:
    """Put a verified bundle into words."""
    names = _names(proof)
    return Report(
        conversation=proof.messages[0].statement.conv,
        parties=tuple(_party(chain) for chain in proof.chains.values()),
        messages=tuple(_message(message, proof, names) for message in proof.messages),
        warnings=tuple(_warnings(proof, names)),
        limits=(*_LIMITS, *(_horizon(chain, names) for chain in proof.chains.values())),
    )


def _names(proof: Proof) -> dict[str, str]:
    """What to call each node: the name it gives itself, with its id where both give the same."""
    names = {node: chain[-1].name for node, chain in proof.chains.items()}
    alike = len(set(names.values())) < len(names)
    return {node: f"{name} [{node}]" if alike else name for node, name in names.items()}


def _party(chain: Chain) -> str:
    newest = chain[-1]
    return f"{newest.name} ({newest.country}), node {newest.node}, fingerprint {newest.fingerprint} as given"


def _horizon(chain: Chain, names: dict[str, str]) -> str:
    newest = chain[-1]
    return (
        f"keys that {names[newest.node]} revoked after version {newest.version} of its descriptor, "
        f"issued {_when(newest.issued)}"
    )


def _message(message: ProvenMessage, proof: Proof, names: dict[str, str]) -> MessageReport:
    statement = message.statement
    return MessageReport(
        id=statement.id,
        body_type=statement.body_type,
        sender=statement.from_,
        recipient=statement.to,
        created=statement.created,
        n=statement.n,
        statuses=tuple((told.receipt.status.value, told.receipt.at) for told in message.receipts),
        disclosed=message.disclosed,
        proven=tuple(_proven(message, proof, names)),
        not_proven=tuple(_not_proven(message, proof, names)),
    )


def _proven(message: ProvenMessage, proof: Proof, names: dict[str, str]) -> Iterator[str]:
    first = message.statement
    for sealing in message.sealings:
        at = sealing.statement.created
        if _forgeable(_revocation(proof, first.from_, sealing.kid), at):
            continue
        again = "" if sealing.statement is first else ", sealed anew"
        yield (
            f"{names[first.from_]} signed {first.body_type} for {names[first.to]} on {_when(at)}, "
            f"as number {first.n}{_aim(first)}{again}"
        )
    for told in message.receipts:
        if not _forgeable(_revocation(proof, told.receipt.from_, _best(proof, told)), told.receipt.at):
            yield _told(told, names)
    if message.disclosed:
        yield "content disclosed and matches what was signed"


def _aim(statement: Statement) -> str:
    purpose = "" if statement.purpose is None else f", for the purpose {statement.purpose}"
    return purpose if statement.reply_to is None else f"{purpose}, in reply to {statement.reply_to}"


def _told(told: SignedReceipt, names: dict[str, str]) -> str:
    receipt = told.receipt
    return f"{names[receipt.from_]} " + _DID[receipt.status].format(at=_when(receipt.at), code=receipt.code)


def _not_proven(message: ProvenMessage, proof: Proof, names: dict[str, str]) -> Iterator[str]:
    statement = message.statement
    for sealing in message.sealings:
        said = sealing.statement
        support = _support(sealing, message, proof, names)
        yield from _key_doubts(proof, names, said.from_, sealing.kid, said.created, support)
        if not _valid(proof.chains[said.from_], sealing.kid, said):
            yield f"that the message was acceptable: its key was not valid on {_when(said.created)}"
    for told in message.receipts:
        yield from _key_doubts(proof, names, told.receipt.from_, _best(proof, told), told.receipt.at, None)
    if not message.receipts:
        yield f"that {names[statement.to]} received it: no receipt of it is in this file"
    yield from _contradictions(message)
    if not message.disclosed:
        yield "what it said: only the hiding commitment remains"


def _contradictions(message: ProvenMessage) -> Iterator[str]:
    receipts = [told.receipt for told in message.receipts]
    if _contradict(receipts):
        yield "what became of it: its receipts contradict each other"
    if any(receipt.at + SKEW < message.statement.created for receipt in receipts):
        yield "the order of times: a receipt is dated before the message"


def _contradict(receipts: Sequence[Receipt]) -> bool:
    """Whether one thing is said in two ways, or what was handed over is rejected, or what arrived was never accepted.

    A message that was received may be rejected afterwards (DESIGN 3b.6), but not as void (B14.4).
    """
    said = {receipt.status for receipt in receipts}
    handed = said & {Status.DELIVERED, Status.OPENED}
    void = any(receipt.code == Code.VOID for receipt in receipts)
    return (
        len(said) < len(receipts)
        or (Status.REJECTED in said and bool(handed))
        or (void and (Status.RECEIVED in said or bool(handed)))
    )


# --- keys --------------------------------------------------------------------------------------------------------


def _revocation(proof: Proof, node: str, kid: str) -> Revocation | None:
    return revocation_of(proof.chains[node], kid)


def _best(proof: Proof, told: SignedReceipt) -> str:
    """Of the keys that signed a receipt, one that was never revoked where there is one."""
    never = (kid for kid in told.kids if _revocation(proof, told.receipt.from_, kid) is None)
    return next(never, told.kids[0])


def _forgeable(revocation: Revocation | None, at: int) -> bool:
    """Whether the signature is dated when the key may have been in other hands."""
    return revocation is not None and at >= revocation.since


def _key_doubts(
    proof: Proof, names: dict[str, str], node: str, kid: str, at: int, support: tuple[int, str] | None
) -> Iterator[str]:
    """A revoked key: what is dated since then proves nothing; what is dated before rests on its date (PROTOCOL B7)."""
    revocation = _revocation(proof, node, kid)
    if revocation is None:
        return
    revoked = f"{names[node]} revoked the key as of {_when(revocation.since)} ({revocation.reason})"
    if _forgeable(revocation, at):
        yield f"who signed what is dated {_when(at)}: {revoked}, so it may have been somebody else"
    elif support is not None and support[0] < revocation.since:
        yield f"that what is dated {_when(at)} was signed before {revoked}, except by {support[1]}"
    else:
        yield f"that what is dated {_when(at)} was signed before {revoked}: only its own date says so"


def _support(sealing: Sealing, message: ProvenMessage, proof: Proof, names: dict[str, str]) -> tuple[int, str] | None:
    """The first receipt of this sealing by a key that was never revoked: when, and how to call it."""
    for told in message.receipts:
        receipt = told.receipt
        if receipt.of == sealing.hash and _revocation(proof, receipt.from_, _best(proof, told)) is None:
            return receipt.at, f"the receipt of {names[receipt.from_]} of {_when(receipt.at)}"
    return None


def _valid(chain: Chain, kid: str, statement: Statement) -> bool:
    """Whether the key was listed as valid when the statement is dated, at or after `from_desc` (B14.11)."""
    return any(
        record.kid == kid and record.use is Use.SIG and record.valid_at(statement.created, skew=SKEW)
        for descriptor in chain
        if descriptor.version >= statement.from_desc
        for record in descriptor.keys
    )


# --- numbers -----------------------------------------------------------------------------------------------------


def _warnings(proof: Proof, names: dict[str, str]) -> Iterator[str]:
    """Numbers that can not both be true (PROTOCOL B5, Numbering): the signed statements prove who is to blame."""
    statements = [message.statement for message in proof.messages]
    for node, name in names.items():
        mine = sorted((s for s in statements if s.from_ == node), key=lambda s: (s.epoch, s.n))
        yield from _link_faults(mine, name)


def _link_faults(statements: Sequence[Statement], name: str) -> Iterator[str]:
    for before, after in pairwise(statements):
        if before.epoch != after.epoch:
            continue
        link = link_hash(epoch=before.epoch, n=before.n, id=before.id, prev=before.prev)
        if before.n == after.n:
            yield f"{name} used number {before.n} for two messages, {before.id} and {after.id}"
        elif before.n + 1 == after.n and after.prev != link:
            yield f"{name} gave number {after.n} to a message that does not follow number {before.n}"


def _when(at: int) -> str:
    if at > _LAST_SECOND:
        return f"second {at}"
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
