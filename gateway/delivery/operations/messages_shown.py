"""How a message is shown: what opens of it, its line without the body, the rows of a conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from gateway.database import content as content_rows
from gateway.database.content import SealedRow
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.erasure.operations import erasing
from gateway.errors import Code, RefusedError
from gateway.foundation.ids import ConversationId, NodeId
from gateway.messages import content_codec
from gateway.messages.content_codec import MessageContent
from gateway.messages.machines.delivery import SENDING, Outgoing
from gateway.messages.store import messages
from gateway.messages.store.messages import MessageRow
from gateway.peers.registry import Peer, PeerRegistry
from gateway.ports import Clock, Json


def peer_of(peers: PeerRegistry, peer: str | None) -> NodeId | None:
    """The node of a peer that may be named. Raises RefusedError for one that is not known."""
    return None if peer is None else peers.find(peer).node


def opened_row(sealer: ContentSealer, sealed: SealedRow | None) -> MessageContent | None:
    """The content of a row, None once it was erased."""
    return None if sealed is None else content_codec.read_content(sealer.open(sealed))


def opened_rows(sealer: ContentSealer, sealed: Mapping[int, SealedRow]) -> dict[int, MessageContent]:
    """The contents of several rows, without those that do not open any more: one damaged row hides no other."""
    plaintexts = sealer.open_each(list(sealed.values()))
    return {
        ref: content_codec.read_content(plain)
        for ref, plain in zip(sealed, plaintexts, strict=True)
        if not isinstance(plain, RefusedError)
    }


def own_unit(row: MessageRow, opened: MessageContent | None) -> Json:
    """The unit of this node that sent a message or gets it; None once the content was erased."""
    if opened is None:
        return None
    return opened.halves()[0].get("recipient_unit" if row.direction == messages.IN else "sender_unit")


def summary(
    peers: PeerRegistry, clock: Clock, row: MessageRow, opened: MessageContent | None, of_case: Json = None
) -> dict[str, Json]:
    """One message without its body; type and conversation are null once the content was erased, or is damaged."""
    peer = peers.get(row.peer)
    return {
        "id": row.id,
        "direction": row.direction,
        "peer": row.peer if peer is None else peer.name,
        "type": None if opened is None else opened.facts.body_type,
        "conversation": None if opened is None else opened.facts.conversation,
        "of_case": of_case,
        "in_reply_to": None if opened is None else opened.facts.reply_to,
        "purpose": None if opened is None else opened.facts.purpose,
        "unit": own_unit(row, opened),
        "state": row.state,
        "reason": row.reason,
        "held": _held(clock, row, peer),
        "n": row.n,
        "at": row.at,
        "expires": row.expires,
        "out_of_order": row.out_of_order,
    }


def _held(clock: Clock, row: MessageRow, peer: Peer | None) -> str | None:
    """Why an outgoing message waits for people: nothing is agreed with the peer now (nrm1 8.3)."""
    if row.direction != messages.OUT or Outgoing(row.state) not in SENDING or peer is None:
        return None
    return peer.standing(clock.now()).held


def incoming(connection: Connection, id: str) -> tuple[list[MessageRow], dict[int, str]]:
    """Received messages with this id, and the hashes of their statements by number."""
    rows = messages.find(connection, id, direction=messages.IN)
    return rows, messages.statement_hashes(connection, [row.ref for row in rows])


async def conversation_rows(content: Content, id: ConversationId) -> tuple[Sequence[MessageRow], dict[int, SealedRow]]:
    """Rows and content of one conversation; raises RefusedError not_found."""
    index = content.sealer.conversation_index(id)

    def query(c: Connection) -> tuple[list[MessageRow], dict[int, SealedRow]]:
        rows = messages.of_conversation(c, index)
        return rows, content_rows.get(c, [row.ref for row in rows])

    rows, sealed = await content.store.read(query)
    if not rows:
        raise RefusedError(Code.NOT_FOUND, "no such conversation", hint="trm conversation list shows the ids")
    return rows, sealed


async def find_message(store: Store, id: str, direction: str | None = None) -> MessageRow:
    """The message with this id. Raises RefusedError: there is none."""
    rows = await store.read(lambda c: messages.find(c, id, direction=direction))
    if not rows:
        raise RefusedError(Code.NOT_FOUND, "no such message", hint="trm message list shows the ids")
    return rows[0]


async def check_not_erased(store: Store, row: MessageRow) -> None:
    """Return while the content is there. Raises RefusedError: nobody can take, open or send it any more."""
    if await erasing.shown(store, row) is not None:
        raise make_erased()


def make_erased() -> RefusedError:
    """The refusal of what would need a content that was erased."""
    return RefusedError(Code.CONFLICT, "the content of this message was erased; nothing was changed")
