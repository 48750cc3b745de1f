"""Who had from this node what was erased here, by its own records alone (domain 10.8, 10.9).

It went by a message of this node, or on by messages that relied on the same consent of another node. Whether it is gone
there is known from the receipts `erased` that the recipient has signed; no receipt means not known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from gateway.consent.known_by import find_exchanged
from gateway.erasure.peer_requests import store as requests
from gateway.messages.store import local, messages, receipts
from gateway.messages.store.local import OWN
from gateway.messages.store.messages import IN, MessageRow
from keys.documents.envelope import Status

_GONE = frozenset({Status.ERASED, Status.REJECTED})
"""Receipts after which a recipient does not have the message: it has erased it, or never took it."""

Sent = Mapping[str, frozenset[int]]
"""By recipient the messages by which it got what is erased."""


def find_sent(connection: Connection, rows: Iterable[MessageRow]) -> Sent:
    """By which messages others got these from here. To be asked before they are erased: consents go with them."""
    sent: defaultdict[str, set[int]] = defaultdict(set)
    incoming: dict[bytes, str] = {}
    whole = list(rows)
    exchanged = find_exchanged(connection, whole)
    for row in whole:
        if row.direction == IN:
            incoming[row.conversation] = row.peer
        elif row.ref in exchanged:
            sent[row.peer].add(row.ref)
    for conversation, peer in incoming.items():
        theirs = find_theirs(connection, conversation)
        for one in messages.get(connection, requests.passed_on(connection, theirs, but=[peer])).values():
            sent[one.peer].add(one.ref)
    return {peer: frozenset(refs) for peer, refs in sent.items()}


def find_theirs(connection: Connection, conversation: bytes) -> list[bytes]:
    """The consents of a conversation that this node has not recorded itself: what relies on them elsewhere went on."""
    known = messages.consents_of_conversation(connection, conversation)
    return [one for one in known if not any(row.holder == OWN for row in local.consents(connection, one))]


def find_erased(connection: Connection, sent: Sent) -> dict[str, bool]:
    """Of each recipient whether it has signed that it has none of it; of one of which no message is known: no."""
    rows = messages.get(connection, [ref for refs in sent.values() for ref in refs])
    return {
        peer: bool(refs) and all(_is_gone(connection, rows[ref]) for ref in refs) for peer, refs in sorted(sent.items())
    }


def _is_gone(connection: Connection, row: MessageRow) -> bool:
    told = receipts.of_message(connection, receipts.RECEIVED, row.peer, row.id)
    return any(receipt.status in _GONE for receipt in told)
