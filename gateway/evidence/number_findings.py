"""Numbers that cannot both be true (nrm1 5.2, 7.15): the signed statements prove who is to blame."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from gateway.evidence.form import form_of
from gateway.evidence.log_findings import Names
from gateway.evidence.types import Proof, ProvenMessage
from gateway.evidence.weighing import Verdict, weigh_sealing
from gateway.foundation.ids import NodeId

DOUBT = "; not all of these signatures are proven"
"""How a line ends that somebody else than its node may have signed."""
Numbered = Mapping[tuple[int, int], Sequence[ProvenMessage]]
"""The messages of one node by epoch and number."""


def describe_contradictions(proof: Proof, names: Names) -> Iterator[str]:
    """Put into words where a node signed two contents under one number or id, and where a number does not follow."""
    for node, name in names.items():
        numbered = _number(proof, node)
        yield from _two_contents(proof, numbered, name)
        yield from _two_numbers(proof, numbered, name)
        yield from _broken_links(numbered, name)


def prove_two_contents(proof: Proof, names: Names) -> Iterator[str]:
    """Put into words where a node signed two contents, and nobody else can have: what it is to blame for."""
    for node, name in names.items():
        numbered = _number(proof, node)
        for line in (*_two_contents(proof, numbered, name), *_two_numbers(proof, numbered, name)):
            if not line.endswith(DOUBT):
                yield line


def _number(proof: Proof, node: NodeId) -> Numbered:
    found: dict[tuple[int, int], list[ProvenMessage]] = defaultdict(list)
    for message in proof.messages:
        if message.statement.from_ == node:
            found[message.statement.epoch, message.statement.n].append(message)
    return dict(sorted(found.items()))


def _two_contents(proof: Proof, numbered: Numbered, name: str) -> Iterator[str]:
    for (_, n), messages in numbered.items():
        if len(messages) > 1:
            ids = sorted({message.statement.id for message in messages})
            yield f"{name} signed two contents under number {n}, as {' and '.join(ids)}{_doubt(proof, messages)}"


def _two_numbers(proof: Proof, numbered: Numbered, name: str) -> Iterator[str]:
    """One id at several numbers is one message that was numbered anew, unless it says something else there."""
    by_id: dict[str, list[ProvenMessage]] = defaultdict(list)
    for messages in numbered.values():
        by_id[messages[0].statement.id].append(messages[0])
    for id, messages in by_id.items():
        if len({message.statement.commit for message in messages}) > 1:
            numbers = " and ".join(str(message.statement.n) for message in messages)
            yield f"{name} signed two contents as {id}, under the numbers {numbers}{_doubt(proof, messages)}"


def _broken_links(numbered: Numbered, name: str) -> Iterator[str]:
    for (epoch, n), messages in numbered.items():
        before = [message.statement for message in numbered.get((epoch, n - 1), ())]
        links = {form_of(statement.payload_type).link(statement) for statement in before}
        if links and any(message.statement.prev not in links for message in messages):
            yield f"{name} gave number {n} to a message that does not follow number {n - 1}"


def _doubt(proof: Proof, messages: Sequence[ProvenMessage]) -> str:
    """Whoever stole a key can sign a second content: the owner is to blame for what is proven alone."""
    weights = [weigh_sealing(proof, sealing) for message in messages for sealing in message.sealings]
    proven = all(weight.verdict is Verdict.PROVEN for weight in weights)
    return "" if proven else DOUBT
