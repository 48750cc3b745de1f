"""What people decide about the link of a restored node and its peer, and what it does to messages
(nrm1 5.8, 5.11; `gateway.peers.link_reset_state` has the rules, `gateway.trust.link_reset.protocol` what the two nodes
say to each other).

`link.reset`         two people of the restored node begin the link anew
`link.accept_reset`  one person of the other side accepts it

Each effect is part of the transaction of the last approval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, text

from gateway.audit import store
from gateway.database import journal, meta
from gateway.database.audit_entries import leaf
from gateway.errors import Code, RefusedError, RemoteError
from gateway.foundation.chores import DAY
from gateway.foundation.ids import NodeId
from gateway.identity.machine_store import begin_alone
from gateway.messages import state_transitions
from gateway.messages.machines.acceptance import Incoming
from gateway.messages.machines.delivery import Outgoing, OutgoingEvent
from gateway.messages.store import links
from gateway.messages.store.messages import MessageRow
from gateway.peers import reset_rows, trust_record_store
from gateway.peers import store as peer_rows
from gateway.peers.link_reset_state import ResetState, new_epoch
from gateway.peers.reset_rows import ResetRow, Restored
from gateway.peers.scope import PeerState
from gateway.ports import Json
from gateway.trust.link_reset import store as resets
from gateway.trust.link_reset.keyset_floor import forget_keyset
from keys.documents.change import Change
from keys.documents.link_reset import Reset, View, reset_hash
from keys.primitives.domains import RESET
from keys.primitives.encoding import (
    Check,
    b64u,
    canon,
    exact,
    is_count,
    is_hash,
    is_int,
    is_object,
    number,
)
from keys.primitives.sign import SignedDocument

UNSEEN = 1_000_000_000
"""Added to counters that other programs have seen further than the backup knows: no number means two things."""
RECALLED = ("delivered", "opened", "erased")
"""Receipts that no void question brings back."""
UNSURE = 7 * DAY
"""Seconds before the time of a backup from which on its peer gives again what it may lack: the clock that dated it may
have been ahead, and a receipt that was made before may have been told after it.
"""


# --- the restored node -------------------------------------------------------------------------------------------


def mark_restored(connection: Connection, *, made: int, sha256: str, gen: int, at: int) -> None:
    """Turn the snapshot of a backup into a node that knows that it is one.

    What was not answered is never sent anew: it becomes a question to its peer (``OutgoingEvent.FENCE``).
    """
    forget_keyset(connection, at)
    begin_alone(connection)
    meta.set_meta(connection, "keystore_gen", str(gen).encode())
    _distrust(connection, Restored(at=at, backup=made, sha256=sha256))
    size = store.size(connection)
    root = b64u(store.tree(connection, size).root())
    journal.append_leaf(connection, leaf(at, "node.restored", of=sha256, size=size, root=root))
    journal.raise_alarm(connection, at=at, kind="node.restored")


def mark_older(connection: Connection, *, made: int, sha256: str, at: int) -> None:
    """Turn a database that is older than this node was into a restored one (nrm1 5.15). `made` is the time of its last
    entry and `sha256` the hash of that.
    """
    forget_keyset(connection, at)
    _distrust(connection, Restored(at=at, backup=made, sha256=sha256))
    journal.append_leaf(connection, leaf(at, "node.older", of=sha256, size=store.size(connection)))
    journal.raise_alarm(connection, at=at, kind="node.older")


def mark_link_older(connection: Connection, node: NodeId, *, made: int, at: int) -> None:
    """A peer has seen more of this node than the database knows: its link needs a reset, as after a restore.

    Only this link: a peer that lies stops nothing but what passes between the two.
    """
    resets.put(connection, ResetRow(peer=node, state=str(ResetState.REQUIRED), at=at, backup=made))
    trust_record_store.owe_again(connection, node)
    before = [row for row in resets.waiting(connection, node) if row.n is not None or row.at <= made]
    _fence(connection, before, at)  # what was submitted since is new: nobody can have it
    journal.append_leaf(connection, leaf(at, "node.older", peer=node, size=store.size(connection)))
    journal.raise_alarm(connection, at=at, kind="node.older", peer=node)


def _distrust(connection: Connection, mark: Restored) -> None:
    """Nothing that this database says of a link counts any more."""
    forgotten = reset_rows.find_forgotten(connection)
    resets.mark_restored(connection, mark)
    for peer in peer_rows.load(connection):
        if peer.state != PeerState.REVOKED:
            backup = min(mark.backup, forgotten.get(peer.node, mark.backup))
            row = ResetRow(peer=peer.node, state=str(ResetState.REQUIRED), at=mark.at, backup=backup)
            resets.put(connection, row)
    trust_record_store.owe_again(connection)
    _fence(connection, resets.waiting(connection), mark.at)
    for table in ("event", "notice"):
        connection.execute(text("update sqlite_sequence set seq = seq + :n where name = :t"), {"n": UNSEEN, "t": table})


def _fence(connection: Connection, waiting: Sequence[MessageRow], at: int) -> None:
    changes = [state_transitions.Change(row=row, event=OutgoingEvent.FENCE, reason=Code.RESTORED) for row in waiting]
    state_transitions.advance(connection, changes, at=at)
    resets.forget_numbers(connection, [row.ref for row in waiting])


def check_reset(connection: Connection, change: Change) -> None:
    """Return if `link.reset` fits what is so now. Raises RefusedError(invalid, conflict)."""
    node = NodeId(change.subject)
    body, row = _body(change, _RESET), resets.get(connection, node)
    if row is None or row.backup is None or row.state == ResetState.OPEN or body["backup"] != row.backup:
        raise RefusedError(Code.CONFLICT, "this link needs no reset; nothing was changed")
    if row.offer is not None:
        raise RefusedError(
            Code.CONFLICT,
            "the peer was restored too, and asks for a reset of the link itself; nothing was changed",
            hint="accept what it asks first: trm peer accept-reset",
        )
    lowest = new_epoch(View.from_json(body["view"]).epoch, *positions(connection, node))
    if body["epoch"] != lowest:
        raise RefusedError(
            Code.CONFLICT,
            "the link has another epoch meanwhile; nothing was changed",
            hint="look at it, and propose it again",
        )


def reset(connection: Connection, change: Change, now: int) -> None:
    """Effect of `link.reset`, approved by two people: the new epoch counts for what comes in; the peer is asked.

    Where the peer is in an epoch that is unknown here, this node may have forgotten that it accepted a request of the
    peer, and what it was to give it then. It gives that now, since whenever.
    """
    node = NodeId(change.subject)
    body, row = _body(change, _RESET), resets.get(connection, node)
    if row is None:
        raise RuntimeError("a reset that was checked has a link")
    epoch = number(body["epoch"])
    if View.from_json(body["view"]).epoch > max(positions(connection, node)):
        _give_again(connection, node, 0, now)
    start_anew(connection, node, epoch)
    journal.close_alarms(connection, "peer.link_reset", at=now, peer=node)  # it may be of before this node was restored
    resets.put(
        connection,
        replace(
            row,
            state=str(ResetState.ASKED),
            at=now,
            epoch=epoch,
            change=change.hash,
            view=canon(body["view"]),
            ours=None,
        ),
    )
    journal.append_leaf(connection, leaf(now, "link.reset", peer=change.subject, change=change.hash, epoch=epoch))


# --- its peer ----------------------------------------------------------------------------------------------------


def check_accept(connection: Connection, change: Change) -> None:
    """Return if `link.accept_reset` is about what the peer asks now. Raises RefusedError(invalid, conflict)."""
    _asked(connection, change)


def accept(connection: Connection, change: Change, now: int) -> None:
    """Effect of `link.accept_reset`, accepted by one person: both directions begin anew.

    What the peer has not answered, or had received after its backup and not handed over, goes again under its old id.
    What was handed over there is named to a person here: the peer has no memory of it. What it was told since is told
    once more. A node that was restored itself has yet to ask for its own reset, or to ask anew: its peer owes it the
    same.
    """
    node = NodeId(change.subject)
    row, reset, of = _asked(connection, change)
    restored = row.state != ResetState.OPEN
    unknown = restored and reset.epoch > max(positions(connection, node)) + 1  # as at `reset`
    since = 0 if unknown else reset.backup - UNSURE
    start_anew(connection, node, reset.epoch)
    _give_again(connection, node, since, now)
    _name_forgotten(connection, node, reset.backup, now)
    trust_record_store.owe_again(connection, node)  # what the backup does not know of them
    state = ResetState.REQUIRED if restored else ResetState.OPEN
    if restored:  # also where two people had asked: that request is over
        if reset_rows.restored(connection) is None:
            journal.raise_alarm(connection, at=now, kind="node.older", peer=node)
        else:
            journal.raise_alarm(connection, at=now, kind="node.restored")
    resets.put(
        connection,
        replace(row, state=str(state), at=now, change=change.hash, offer=None, ours=None, accepted=row.offer),
    )
    journal.close_alarms(connection, "peer.link_reset", at=now, peer=node)
    journal.close_alarms(connection, "peer.link_reset_required", at=now, peer=node)
    journal.append_leaf(
        connection, leaf(now, "link.reset_accepted", peer=node, of=of, change=change.hash, epoch=reset.epoch)
    )


def _asked(connection: Connection, change: Change) -> tuple[ResetRow, Reset, str]:
    node = NodeId(change.subject)
    row = resets.get(connection, node)
    body = _body(change, _ACCEPT)
    if row is None or row.offer is None:
        raise RefusedError(Code.CONFLICT, "this peer does not ask for a reset of the link; nothing was changed")
    reset, of = read_reset(row.offer)
    if (body["reset"], body["epoch"], body["backup"]) != (of, reset.epoch, reset.backup):
        raise RefusedError(Code.CONFLICT, "the peer asks for another reset meanwhile; nothing was changed")
    if reset.epoch <= max(positions(connection, node)):
        raise RefusedError(Code.CONFLICT, "the link has a higher epoch meanwhile; nothing was changed")
    return row, reset, of


def _give_again(connection: Connection, node: NodeId, since: int, now: int) -> None:
    """Give a peer what it forgot by a restore: messages that it received from `since` on, by its own word, and did not
    hand over, or never answered; and the receipts that were made from then on. Its log goes on from the backup: what
    was witnessed of it begins anew, and stays as evidence.
    """
    unanswered = [row for row in resets.waiting(connection, node) if row.n is not None]
    again = [*unanswered, *resets.answered_since(connection, node, since, [str(Outgoing.AWAITING_HANDOVER)])]
    state_transitions.advance(
        connection, [state_transitions.Change(row=row, event=OutgoingEvent.RENUMBER) for row in again], at=now
    )
    resets.forget_numbers(connection, [row.ref for row in again])
    resets.owe_again(connection, node, since, RECALLED)
    for held in store.forget_witnessed(connection, node):
        journal.raise_alarm(connection, at=now, kind="log.restarted", peer=node, proof=held.note)
        journal.append_leaf(
            connection, leaf(now, "log.restart_accepted", peer=node, size=held.size, root=b64u(held.root))
        )


def _name_forgotten(connection: Connection, node: NodeId, backup: int, now: int) -> None:
    forgotten = resets.answered_since(connection, node, backup, [str(Outgoing.AWAITING_OPENING), str(Outgoing.OPENED)])
    for row in forgotten:
        journal.raise_alarm(connection, at=now, kind="message.forgotten", peer=node, ref=row.ref)


# --- both --------------------------------------------------------------------------------------------------------


def _body(change: Change, members: dict[str, Check]) -> dict[str, Json]:
    """The body with exactly these members. Raises RefusedError(invalid)."""
    try:
        body = exact(dict(change.body), members, what=f"body of {change.action}")
        if "view" in body:
            View.from_json(body["view"])
    except RemoteError as exc:
        raise RefusedError(Code.INVALID, f"this change cannot be made: {exc.what}") from exc
    return body


_RESET: dict[str, Check] = {"view": is_object, "epoch": is_count, "backup": is_int()}
_ACCEPT: dict[str, Check] = {"reset": is_hash, "epoch": is_count, "backup": is_int()}


def read_reset(document: bytes) -> tuple[Reset, str]:
    """A signed request that was verified when it came, and the name by which a person accepts it."""
    payload = SignedDocument.decode(document, RESET).payload
    return Reset.parse(payload), reset_hash(payload)


def view_of(connection: Connection, node: NodeId) -> View:
    """Read what is held here of the peer's numbers."""
    position = links.position(connection, node, links.IN)
    last = position.last
    return View(epoch=position.epoch, high=position.high, hash=None if last is None else last.link)


def positions(connection: Connection, node: NodeId) -> tuple[int, int]:
    """The epochs of both directions, incoming first."""
    return links.position(connection, node, links.IN).epoch, links.position(connection, node, links.OUT).epoch


def start_anew(connection: Connection, node: NodeId, epoch: int) -> None:
    """Both directions stand at the beginning of `epoch`; what came before is handed over before what comes now."""
    resets.begin(connection, node, epoch)
    resets.take_first(connection, node, str(Incoming.AWAITING_ORDER))
