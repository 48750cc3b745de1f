"""What is stored of an asylum hold beside its labels, and its end with the last of what it lies over (gate G5)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import orjson
from sqlalchemy import Connection

from gateway.cases import store as cases
from gateway.cases.ledger_names import names_of_case
from gateway.cases.rules import LinkKind
from gateway.cases.store import Link
from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.content import SealedRow
from gateway.database.content_sealer import ContentSealer
from gateway.database.sealed_content import Content
from gateway.errors import RefusedError
from gateway.foundation.ids import CaseId, ConversationId
from gateway.ledger import store as ledger
from gateway.ledger.rules import HASH
from gateway.ledger.store import LedgerRow
from gateway.messages.content_codec import read_content
from gateway.messages.store import messages
from gateway.policy import store
from gateway.ports import Clock, Json
from keys.primitives.encoding import canon, text, texts, unb64u


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The conversation over which a person placed a hold, the consents that it relied on, and the countries of the
    feared States: those named, and the nationalities that were told by then. A hold that only the ledger knew names no
    consents, its conversation may be empty, and its States are None: nobody knows them, so it keeps from all.
    """

    conversation: ConversationId
    consents: tuple[str, ...]
    states: tuple[str, ...] | None = ()


def sealed(content: Content, named: Named) -> SealedRow:
    """The row that says what a hold lies over, and which States it keeps away from."""
    plain: Json = {
        "conversation": named.conversation,
        "consents": [*named.consents],
        "states": None if named.states is None else [*named.states],
    }
    return content.sealer.seal(content.store.new_ref(), canon(plain))


def opened(sealer: ContentSealer, rows: Collection[SealedRow]) -> dict[int, Named]:
    """By row what these holds lie over; one that does not open is left out."""
    found: dict[int, Named] = {}
    for row, plain in zip(rows, sealer.open_each(list(rows)), strict=True) if rows else ():
        if not isinstance(plain, RefusedError):
            found[row.ref] = _read(plain)
    return found


def _read(plain: bytes) -> Named:
    """A hold that 0.1.0 placed has one line each for the conversation and its consents, and names no State."""
    if not plain.startswith(b"{"):
        conversation, *consents = plain.decode().split("\n")
        return Named(conversation=ConversationId(conversation), consents=tuple(consents))
    held = orjson.loads(plain)
    return Named(
        conversation=ConversationId(text(held["conversation"])),
        consents=texts(held["consents"]),
        states=None if held["states"] is None else texts(held["states"]),
    )


def feared_states(connection: Connection, sealer: ContentSealer, labels: Collection[bytes]) -> frozenset[str]:
    """The States that the holds over these labels name; none, which keeps from all, where one of them is not known."""
    rows = content_rows.get(connection, store.over(connection, labels)).values()
    named = opened(sealer, list(rows)).values()
    known = [one.states for one in named if one.states is not None]
    return frozenset(state for states in known for state in states) if len(known) == len(rows) else frozenset()


async def forget(
    content: Content, clock: Clock, *, but: Callable[[Connection, Collection[int]], Collection[int]]
) -> None:
    """End the holds of which nothing is left here: nothing of their case, no message of the conversation, and none of
    another one with the same consents. `but` finds those of the messages left that do not count, such as what proves an
    erasure. One that names no conversation ends with its case.
    """

    def query(connection: Connection) -> Sequence[SealedRow]:
        return list(content_rows.get(connection, [one.ref for one in store.listed(connection)]).values())

    rows = await content.store.read(query)
    if not rows:
        return
    sealer = content.sealer
    over = {
        ref: (
            named.conversation,
            sealer.hold_indexes(named.conversation, ())[0],
            sealer.conversation_index(named.conversation),
            [*map(sealer.consent_index, named.consents)],
        )
        for ref, named in opened(sealer, rows).items()
    }
    now = clock.now()

    def move(connection: Connection) -> None:
        for ref, (named, label, conversation, consents) in over.items():
            labels = store.labels_of(connection, ref)
            if not labels or cases.cases_of(connection, labels):  # a case ends in what erases the last of it
                continue
            laid = [] if label in labels else ledger.over(connection, labels)
            left = store.concerned(connection, conversation, consents)
            concerned = not set(left).issubset(but(connection, left)) if named else _waits(laid)
            if not concerned:
                for hold in {unb64u(row.detail, HASH) for row in laid} or {label}:
                    ledger.add_lifted(connection, hold, labels, at=now)
                store.lift(connection, ref)
                journal.append_leaf(connection, leaf(now, "asylum.ended"))

    await content.store.move(move)


def _waits(laid: Sequence[LedgerRow]) -> bool:
    """Whether what a hold without a conversation lies over may come again, by the entries of the ledger that lay it
    over a case: a part of that case was never here since a restore, and a peer may write there.
    """
    return not laid or any(row.due for row in laid)


def lay_again(connection: Connection, content: Content, holds: Mapping[bytes, Sequence[bytes]], *, at: int) -> None:
    """Lay holds again that were placed after the backup, by the label of the conversation what each lies over: it keeps
    from all States until a person says which are feared, or two lift it. So does one that lies already and was placed
    once more, since States may have been added.
    """
    known = _find_named(connection, content.sealer, messages.first_of_each(connection)) if holds else {}
    for label, labels in holds.items():
        before = store.get(connection, label)
        conversation, index = known.get(label, (ConversationId(""), None))
        named = Named(conversation=conversation, consents=())
        if before is not None:
            rows = content_rows.get(connection, [before.ref]).values()
            named = opened(content.sealer, rows).get(before.ref, named)
        row = sealed(content, replace(named, states=None))
        content_rows.put(connection, [row])
        if before is not None:
            store.replace(connection, before.ref, row.ref)
        at_first = at if before is None else before.at
        store.place(connection, store.AsylumHold(ref=row.ref, at=at_first, lift=None), labels)
        if index is not None:
            store.lay_on_case(connection, label, index)
        journal.append_leaf(connection, leaf(at, "asylum.held_again"))


def lay_on_case(
    connection: Connection, sealer: ContentSealer, label: bytes, conversation: bytes, *, at: int
) -> CaseId | None:
    """Lay the hold with this label over the case of its conversation, and name that in the ledger; None for none."""
    store.lay_on_case(connection, label, conversation)
    case = cases.cases_of(connection, [label]).get(label)
    if case is not None:
        ledger.add_over(connection, label, names_of_case(sealer, connection, case), at=at)
    return case


def lay_along(
    connection: Connection, sealer: ContentSealer, conversations: Collection[bytes], *, at: int
) -> CaseId | None:
    """Lay the holds that were placed on these conversations, before they were of a case, over theirs; None for none."""
    if not conversations or not store.labels(connection):
        return None
    told = {row.ref: row.conversation for row in messages.of_conversations(connection, list(conversations))}
    named = _find_named(connection, sealer, told)
    there = cases.cases_of(connection, named)
    case = None
    for label, (_, conversation) in named.items():
        if label not in there and store.get(connection, label) is not None:
            case = lay_on_case(connection, sealer, label, conversation, at=at) or case
    return case


def holds_on_case(connection: Connection, sealer: ContentSealer, case: CaseId) -> dict[bytes, tuple[int, Named]]:
    """The holds over a case by their labels, each with its number and what it names; without those that do not open."""
    holds = {link.key: store.get(connection, link.key) for link in cases.links(connection, case, LinkKind.HOLD)}
    refs = {key: hold.ref for key, hold in holds.items() if hold is not None}
    named = opened(sealer, content_rows.get(connection, list(refs.values())).values())
    return {key: (ref, named[ref]) for key, ref in refs.items() if ref in named}


def is_lost(connection: Connection, sealer: ContentSealer, label: bytes, named: Named) -> bool:
    """Whether nobody who works on the case of this hold can name it: its conversation is not known, or of another case
    since people took a merge back.
    """
    index = sealer.conversation_index(named.conversation)
    of = cases.cases_of(connection, [label, index])
    return not named.conversation or of.get(index, of.get(label)) != of.get(label)


def name_lost(connection: Connection, content: Content, label: bytes, ref: int, named: Named, *, at: int) -> None:
    """Say of the hold with this label, whose conversation is lost, what `named` says: a conversation of its case, on
    which people find and lift it, and the States. It lies over what it lay over.
    """
    row = sealed(content, named)
    content_rows.put(connection, [row])
    store.replace(connection, ref, row.ref)
    ledger.add_held(connection, label, store.labels_of(connection, row.ref), at=at)


class HoldsOnCases:
    """Asylum holds as changes of cases need them (`gateway.cases.safeguards`)."""

    def __init__(self, content: Content, new_id: Callable[[], CaseId]) -> None:
        self._content = content
        self._new_id = new_id

    def find_named(self, connection: Connection, case: CaseId, conversations: Collection[bytes]) -> list[bytes]:
        """Find the labels of those over a case that are named on one of these conversations."""
        sealer = self._content.sealer
        named = holds_on_case(connection, sealer, case)
        return [key for key, (_, one) in named.items() if sealer.conversation_index(one.conversation) in conversations]

    def copy(self, connection: Connection, holds: Collection[bytes], to: CaseId, at: int) -> None:
        """Lay over a case what these holds, by their labels, lie over, with the same States, each under a name of its
        own: like a hold whose conversation is lost it is named, and lifted, on a conversation of that case. One that
        lies there and keeps from the same States is enough, unless somebody wants it lifted.
        """
        sealer = self._content.sealer
        refs = {hold.ref for label in holds if (hold := store.get(connection, label))}
        rows = content_rows.get(connection, sorted(refs))
        named = opened(sealer, rows.values())
        there = {label: one.states for label, (_, one) in holds_on_case(connection, sealer, to).items()}
        # Where no State is known a hold keeps from all: what is feared of somebody else must not narrow that.
        keeps_from_all = () in there.values()
        same = [states for label, states in there.items() if not _lift_wanted(connection, label)]
        for ref in rows:
            states = (named[ref].states or None) if ref in named and not keeps_from_all else None
            if states not in same:
                same.append(states)
                self._lay(connection, states, to, at)

    def lay_along(self, connection: Connection, conversations: Collection[bytes], at: int) -> None:
        """Lay the holds that were placed on these conversations, before they were of a case, over theirs."""
        lay_along(connection, self._content.sealer, conversations, at=at)

    def _lay(self, connection: Connection, states: tuple[str, ...] | None, case: CaseId, at: int) -> None:
        sealer = self._content.sealer
        (label,) = sealer.hold_indexes(ConversationId(self._new_id()), ())
        row = sealed(self._content, Named(conversation=ConversationId(""), consents=(), states=states))
        content_rows.put(connection, [row])
        store.place(connection, store.AsylumHold(ref=row.ref, at=at, lift=None), [label])
        cases.link(connection, [Link(key=label, kind=LinkKind.HOLD, case_id=case)])
        ledger.add_held(connection, label, [label], at=at)
        ledger.add_over(connection, label, names_of_case(sealer, connection, case), at=at)


def _lift_wanted(connection: Connection, label: bytes) -> bool:
    hold = store.get(connection, label)
    return hold is None or hold.lift is not None


def _find_named(
    connection: Connection, sealer: ContentSealer, told: Mapping[int, bytes]
) -> dict[bytes, tuple[ConversationId, bytes]]:
    """By the label of a hold over it the id and the index of each conversation that one of these messages names; they
    are given with the indexes of theirs.
    """
    found: dict[bytes, tuple[ConversationId, bytes]] = {}
    rows = content_rows.get(connection, list(told))
    for row, plain in zip(rows.values(), sealer.open_each(list(rows.values())), strict=True):
        if not isinstance(plain, RefusedError):
            id = read_content(plain).facts.conversation
            found[sealer.hold_indexes(id, ())[0]] = (id, told[row.ref])
    return found
