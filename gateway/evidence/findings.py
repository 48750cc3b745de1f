"""What an evidence bundle proves and what it does not, in plain words: one line for each thing (nrm1 7.4).

Nothing of a body is in a line, but who signed the certificates that a confirmation forwards. Times are those that the
nodes state, as UTC.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from gateway.erasure.certificates import Certificate
from gateway.errors import Code
from gateway.evidence.key_findings import describe_form, describe_weight, find_support
from gateway.evidence.log_findings import Names, describe_log, format_time, place_in_log
from gateway.evidence.number_findings import describe_contradictions, prove_two_contents
from gateway.evidence.report import MessageReport, Report, SignatureReport
from gateway.evidence.types import Chain, Proof, ProvenMessage, SignedReceipt
from gateway.evidence.weighing import weigh_receipt, weigh_sealing
from keys.documents.envelope import Receipt, Statement, Status
from keys.primitives.encoding import SKEW

_DID: Final = {
    Status.RECEIVED: "received it, whole and with a valid signature, on {at}",
    Status.DELIVERED: "handed it to its case system or desk on {at}",
    Status.OPENED: "says that a person opened it on {at}",
    Status.ERASED: "says that it erased the content on {at}",
    Status.REJECTED: "rejected it on {at}, code {code}",
}
_TIMES: Final = "the times: they are those that the two nodes state, and no third party vouches for them"
_TIMES_SEEN: Final = (
    "the times, but for this: what a witness saw in the log existed by then, by the clock of that witness"
)
_LIMITS: Final = (
    "that nothing is missing: a bundle is a choice, and other messages and receipts may exist",
    "that anybody read a message, or that the content is gone everywhere: a receipt says what a node did with its own "
    "copy",
    "that an answer came as soon as it could: no message forces the other side to answer",
)


def testify(proof: Proof) -> Report:
    """Put a verified bundle into words."""
    names = _names(proof)
    seen = proof.log is not None and any(head.first is not None for head in proof.log.heads)
    return Report(
        conversations=tuple(sorted({message.statement.conv for message in proof.messages})),
        parties=tuple(_party(chain) for chain in proof.chains.values()),
        log=tuple(describe_log(proof, names)),
        messages=tuple(_message(message, proof, names) for message in proof.messages),
        warnings=tuple(describe_contradictions(proof, names)),
        two_contents=tuple(prove_two_contents(proof, names)),
        limits=(
            _TIMES_SEEN if seen else _TIMES,
            *_LIMITS,
            *(_horizon(chain, names) for chain in proof.chains.values()),
        ),
    )


def _names(proof: Proof) -> Names:
    """Choose what to call each node: the name it gives itself, with its id where both give the same."""
    names = {node: chain[-1].name for node, chain in proof.chains.items()}
    alike = len(set(names.values())) < len(names)
    return {node: f"{name} [{node}]" if alike else name for node, name in names.items()}


def _party(chain: Chain) -> str:
    newest = chain[-1]
    return f"{newest.name} ({newest.country}), node {newest.node}, fingerprint {newest.fingerprint} as given"


def _horizon(chain: Chain, names: Names) -> str:
    newest = chain[-1]
    return (
        f"keys that {names[newest.node]} revoked after version {newest.version} of its descriptor, "
        f"issued {format_time(newest.issued)}"
    )


# --- one message -------------------------------------------------------------------------------------------------


def _message(message: ProvenMessage, proof: Proof, names: Names) -> MessageReport:
    statement = message.statement
    shown = ["content disclosed and matches what was signed"] if message.disclosed else []
    if message.fields:
        shown.append(f"single fields disclosed, each as it was signed: {', '.join(message.fields)}")
    shown += [_onward(found, names[statement.from_]) for found in message.onward if found is not None]
    return MessageReport(
        id=statement.id,
        body_type=statement.body_type,
        sender=statement.from_,
        recipient=statement.to,
        created=statement.created,
        n=statement.n,
        statuses=tuple((told.receipt.status.value, told.receipt.at) for told in message.receipts),
        disclosed=message.disclosed,
        fields=message.fields,
        signatures=(*_signed(message, proof, names), *_told_all(message, proof, names)),
        shown=tuple(shown),
        not_proven=tuple(_not_proven(message, proof, names)),
    )


def _signed(message: ProvenMessage, proof: Proof, names: Names) -> Iterator[SignatureReport]:
    """Each sealing."""
    first = message.statement
    for sealing in message.sealings:
        at = sealing.statement.created
        again = "" if sealing.statement is first else ", sealed anew"
        line = (
            f"{names[first.from_]} signed {first.body_type} for {names[first.to]} on {format_time(at)}, "
            f"as number {first.n}{_aim(first)}{again}{place_in_log(proof, names, [sealing.hash])}"
        )
        weight = weigh_sealing(proof, sealing)
        support = find_support(sealing, message, proof, names)
        caveats = [*describe_weight(weight, first.from_, names, at, support), *describe_form([first.payload_type])]
        yield SignatureReport(verdict=weight.verdict, line=line, caveats=tuple(caveats))


def _told_all(message: ProvenMessage, proof: Proof, names: Names) -> Iterator[SignatureReport]:
    """Each receipt."""
    for told in message.receipts:
        receipt, weight = told.receipt, weigh_receipt(proof, told)
        line = _told(told, names) + place_in_log(proof, names, [batch.hash for batch in told.batches])
        caveats = [*describe_weight(weight, receipt.from_, names, receipt.at)]
        caveats += describe_form([batch.payload_type for batch in told.batches])
        if receipt.status is Status.REJECTED:
            caveats.append("rejected does not mean unread")
        yield SignatureReport(verdict=weight.verdict, line=line, caveats=tuple(caveats))


def _onward(found: Certificate, by: str) -> str:
    return (
        f"node {found.node} signed by its own keys that it erased the content of {len(found.erased)} message(s), the "
        f"last on {format_time(found.at)}; that the data had gone to that node is vouched for by {by}"
    )


def _aim(statement: Statement) -> str:
    purpose = "" if statement.purpose is None else f", for the purpose {statement.purpose}"
    return purpose if statement.reply_to is None else f"{purpose}, in reply to {statement.reply_to}"


def _told(told: SignedReceipt, names: Names) -> str:
    receipt = told.receipt
    return f"{names[receipt.from_]} " + _DID[receipt.status].format(at=format_time(receipt.at), code=receipt.code)


def _not_proven(message: ProvenMessage, proof: Proof, names: Names) -> Iterator[str]:
    statement = message.statement
    if not message.receipts:
        yield f"that {names[statement.to]} received it: no receipt of it is in this file"
    yield from _contradictions(message)
    if None in message.onward:
        yield f"{message.onward.count(None)} of the certificates that it forwards: they do not verify"
    if message.fields:
        yield "what its other fields say, or how many there are: they are not in this file"
    elif not message.disclosed:
        yield "what it said: only the hiding commitment remains"


def _contradictions(message: ProvenMessage) -> Iterator[str]:
    receipts = [told.receipt for told in message.receipts]
    if _contradict(receipts):
        yield "what became of it: its receipts contradict each other"
    if any(receipt.at + SKEW < message.statement.created for receipt in receipts):
        yield "the order of times: a receipt is dated before the message"


def _contradict(receipts: Sequence[Receipt]) -> bool:
    """Whether one thing is said in two ways, or what was handed over is rejected, or what arrived was never accepted.

    A message that was received may be rejected afterwards (nrm1 12.6), but not as void (nrm1 5.7).
    """
    said = {receipt.status for receipt in receipts}
    handed = said & {Status.DELIVERED, Status.OPENED}
    void = any(receipt.code == Code.VOID for receipt in receipts)
    return (
        len(said) < len(receipts)
        or (Status.REJECTED in said and bool(handed))
        or (void and (Status.RECEIVED in said or bool(handed)))
    )
