"""The history of a subject, verified from its own bytes: what `trm peer show` prints (nrm1 8.18).

Each change is judged alone, so that an altered byte is named at its place:
  1. the payload is a change of this node and subject, and its hash is the one it is stored under
  2. it follows the change before it; nothing was taken out of the middle or put in another order
  3. each approval is signed by who was an administrator then, for this change, and no person is there twice
  4. there are enough of them, and the stored times are those that the signed approvals give
  5. the audit log has an entry of it; and every change that the log says was completed is here, so that none can be cut
     off at the end, and no first administrators put in the place of others
Whether the log itself is whole is for `trm audit verify` and the witnesses to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.audit import store
from gateway.changes import rules
from gateway.changes import store as rows
from gateway.changes.administrators import ADMINS, enrolled_after
from gateway.changes.rules import Action, Given
from gateway.changes.store import ApprovalRow, ChangeRow
from gateway.changes.supersession import superseded
from gateway.errors import Code, GatewayError, RefusedError
from gateway.foundation.ids import NodeId
from gateway.peers import store as peer_rows
from gateway.peers import trust_record_store
from gateway.peers.scope import PeerState
from gateway.ports import Json
from keys.documents.approvals import Card, read_approval
from keys.documents.change import Change
from keys.documents.descriptor import Descriptor
from keys.documents.trust_record import read_trust
from keys.primitives.encoding import SKEW, parse_payload

_COMPLETED = b'"ev":"change.completed"'  # as canonical JSON spells it
_ISSUED = b'"ev":"trust.issued"'
_TAKEN = b'"ev":"trust.taken"'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """Whose approvals count: every administrator there ever was, with the time from and until which."""

    card: Card
    since: int
    until: int | None

    def at(self, at: int) -> bool:
        """Whether it counts at that second, by clocks that may differ as much as when it was taken."""
        return self.since - SKEW <= at and (self.until is None or at <= self.until + SKEW)


def verified(node: NodeId, connection: Connection, subject: str) -> tuple[list[Json], list[str]]:
    """The completed changes of a subject with what is wrong with each, and everything that is wrong; `node` is this
    one.
    """
    known, faults = _administrators(node, connection)
    if subject == ADMINS:
        faults = []
    logged = _logged(connection, {ADMINS, subject})
    changes, more = _chain(node, connection, subject, known, {hash: at for hash, (_, at) in logged.items()})
    return changes, [*faults, *more, *_unlike_the_log(connection, {ADMINS, subject}, logged)]


def _logged(connection: Connection, subjects: set[str]) -> dict[str, tuple[int, int]]:
    """The completed changes of all these subjects by hash: the number and the time of their entries of the log, which
    is read once.
    """
    logged: dict[str, tuple[int, int]] = {}
    for seq, entry in _entries(connection, _COMPLETED):
        match entry:
            case {"change": str(hash), "subject": str(subject), "at": int(at)} if subject in subjects:
                logged[hash] = seq, at
    return logged


def _unlike_the_log(connection: Connection, subjects: set[str], logged: Mapping[str, tuple[int, int]]) -> list[str]:
    """Step 5."""
    held = {row.hash: row for subject in subjects for row in rows.changes_of(connection, subject)}
    gone = sorted(seq for hash, (seq, _) in logged.items() if hash not in held)
    added = [row for hash, row in held.items() if hash not in logged]
    return [
        *(f"the change that entry {seq} of the audit log completed is not here" for seq in gone),
        *(f"{_place(row)}: the audit log has no entry of it" for row in added),
    ]


def _about(node: NodeId) -> bytes:
    return b'"peer":"' + node.encode() + b'"'


def _entries(connection: Connection, *words: bytes) -> Iterator[tuple[int, Json]]:
    """The entries of the log that hold all these words, newest first, with their numbers."""
    size = store.size(connection)
    return ((seq, _read(leaf)) for seq, leaf in store.matching(connection, 0, size, words, size))


def _read(leaf: bytes) -> Json:
    """An entry of the log; nothing where it was damaged, which is for the examination of the log to name."""
    try:
        return parse_payload(leaf)
    except GatewayError:
        return None


def _place(row: ChangeRow) -> str:
    return f"change {row.seq} of the administrators" if row.subject == ADMINS else f"change {row.seq}"


def position(connection: Connection, node: NodeId) -> list[str]:
    """What is wrong with a peer that counts as active: the last word of the audit log on where it stands is another.
    A stop that no person made (a proof of misbehaviour, a tombstone, changed roots) is in no completed change.
    """
    if peer_rows.state_of(connection, node) != PeerState.ACTIVE:
        return []
    for seq, entry in _entries(connection, b'"ev":"peer.', _about(node)):
        match entry:
            case {"ev": "peer.state", "state": PeerState.ACTIVE}:
                return []
            case {"ev": "peer.state" | "peer.suspended" | "peer.tombstone" | "peer.roots_changed"}:
                return [f"the peer counts as active, and entry {seq} of the audit log stopped it"]
    return ["the peer counts as active, and the audit log has no entry of that"]


def records(
    connection: Connection, node: NodeId, *, ours: Sequence[Descriptor], theirs: Sequence[Descriptor]
) -> list[str]:
    """What is wrong with the stored trust records of both directions: signatures, order, stored hashes, and whether the
    newest one is the newest that the audit log knows. Keys of `ours`, the descriptors of this node, have signed the one
    chain, and keys of `theirs` the other.
    """
    sent = _record_chain(connection, node, trust_record_store.OUT, ours, "of ours", _ISSUED)
    return [*sent, *_record_chain(connection, node, trust_record_store.IN, theirs, "of theirs", _TAKEN)]


def _record_chain(
    connection: Connection, node: NodeId, direction: str, chain: Sequence[Descriptor], whose: str, event: bytes
) -> list[str]:
    faults: list[str] = []
    prev: str | None = None
    begun = False  # the chain of the second form, which names nothing of the first (nrm1 8.7)
    for row in trust_record_store.records_of(connection, node, direction):
        try:
            record = read_trust(row.document, chain)
            named = prev if begun or record.is_first_form else None
            begun, back = begun or not record.is_first_form, begun and record.is_first_form
            if back or (record.hash, record.prev) != (row.hash, named):
                raise _altered("not the record that was stored at this place")
        except GatewayError as error:
            faults.append(f"trust record {row.seq} {whose}: {error.what}")
        prev = row.hash
    match next(_entries(connection, event, _about(node)), None):
        case (seq, {"record": str(newest)}) if newest != prev:
            faults.append(f"the newest trust record {whose} is not the one of entry {seq} of the audit log")
    return faults


def _administrators(node: NodeId, connection: Connection) -> tuple[dict[str, _Known], list[str]]:
    """Everybody who ever was enrolled, from the administrators' own verified history."""
    known: dict[str, _Known] = {}
    faults: list[str] = []
    held: dict[str, Card] = {}
    prev: str | None = None
    for place, row in enumerate(rows.changes_of(connection, ADMINS), 1):
        fault = _fault(node, connection, row, place, prev, known)
        if fault is not None:
            faults.append(f"change {place} of the administrators: {fault}")
        prev = row.hash
        try:
            now = enrolled_after(held, Change.parse(row.payload))
        except GatewayError:
            continue
        at = row.effective or row.at
        known |= {p: _Known(card=card, since=at, until=None) for p, card in now.items() if p not in held}
        known |= {p: _Known(card=known[p].card, since=known[p].since, until=at) for p in held.keys() - now.keys()}
        held = now
    return known, faults


def _chain(
    node: NodeId, connection: Connection, subject: str, known: Mapping[str, _Known], logged: Mapping[str, int]
) -> tuple[list[Json], list[str]]:
    """The changes in their order. `completed` is when the log here says that enough people had approved it: the clock
    of whoever signed an approval may be another one.
    """
    changes: list[Json] = []
    faults: list[str] = []
    prev: str | None = None
    held = rows.changes_of(connection, subject)
    names = [_action(row) for row in held]
    over = superseded([Action(name) if name in list(Action) else None for name in names])
    for place, row in enumerate(held, 1):
        fault = _fault(node, connection, row, place, prev, known)
        if fault is not None:
            faults.append(f"change {place}: {fault}")
        approvals = rows.approvals_of(connection, row.hash)
        people: list[Json] = [_who(approval, known) for approval in approvals]
        changes.append(
            {
                "seq": place,
                "id": row.hash,
                "action": _action(row),
                "at": row.at,
                "completed": logged.get(row.hash),
                "effective": _effect(row, names[place - 1], logged.get(row.hash)),
                "superseded": None if (later := over[place - 1]) is None else later + 1,
                "state": row.state,
                "approvals": people,
                "fault": fault,
            }
        )
        prev = row.hash
    return changes, faults


def _effect(row: ChangeRow, action: str | None, completed: int | None) -> int | None:
    """When a change took or takes effect here: what has no delay with its completion, by our clock."""
    if action is None or completed is None or rules.rule_of(action).delayed:
        return row.effective
    return completed


def _action(row: ChangeRow) -> str | None:
    try:
        return Change.parse(row.payload).action
    except GatewayError:
        return None


def _who(row: ApprovalRow, known: Mapping[str, _Known]) -> Json:
    found = known.get(row.admin)
    return {"admin": row.admin, "label": None if found is None else found.card.label, "at": row.at}


def _fault(
    node: NodeId, connection: Connection, row: ChangeRow, place: int, prev: str | None, known: Mapping[str, _Known]
) -> str | None:
    try:
        _judge(node, connection, row, place, prev, known)
    except GatewayError as error:
        return error.what
    return None


def _judge(
    node: NodeId, connection: Connection, row: ChangeRow, place: int, prev: str | None, known: Mapping[str, _Known]
) -> None:
    change = Change.parse(row.payload)  # 1
    if change.hash != row.hash:
        raise _altered("its bytes are not those that were approved")
    if (change.node, change.subject, change.at) != (node, row.subject, row.at):
        raise _altered("it is of another node, subject or time")
    if change.prev != prev or row.seq != place:  # 2
        raise _altered("it does not follow the change before it")
    given: list[Given] = []
    for approval in rows.approvals_of(connection, row.hash):  # 3
        new = _approval(approval, change, known)
        rules.check_another(given, new)
        given.append(new)
    effective = rules.effective_at(change.action, given, change.at)  # 4
    if effective is None:
        raise _altered("too few people approved it")
    if effective != row.effective:
        raise _altered("its time is not the one that the approvals give")


def _approval(row: ApprovalRow, change: Change, known: Mapping[str, _Known]) -> Given:
    approval = read_approval(row.document)
    person = known.get(approval.admin)
    if person is None or not person.at(approval.at):
        raise _altered("approved by somebody who was no administrator then")
    approval.check(person.card, change)
    if (approval.change, approval.admin, approval.at) != (change.hash, row.admin, row.at):
        raise _altered("an approval is for another change, person or time")
    return Given(admin=approval.admin, kid=person.card.kid, at=approval.at, emergency=approval.emergency)


def _altered(what: str) -> RefusedError:
    return RefusedError(Code.INVALID, what)
