"""What a peer's messages say of the person: a case without a name gets the pseudonym that the peer gave, and what a
country decided is noted. It is sealed with the messages, and written for all messages of a request at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from sqlalchemy import Connection

from gateway.cases import entries, store
from gateway.cases.history import StatusEntry, read_decision, to_json
from gateway.cases.register import CaseRegister, encode
from gateway.cases.rules import LONGEST_LABEL, Card, LinkKind, pseudonym_of
from gateway.database import content
from gateway.database.content import SealedRow
from gateway.database.engine import Store
from gateway.foundation.ids import CaseId
from gateway.messages.store.messages import MessageRow
from gateway.messages.types import AcceptedMessage
from gateway.peers.registry import PeerRegistry
from keys.primitives.encoding import canon
from schemas.types import type_name

NAMES: frozenset[str] = frozenset({"referral.request"})
"""Messages whose pseudonym names a case."""
DECIDES: frozenset[str] = frozenset({"referral.request", "identification.certificate"})
"""Messages that tell what a country decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseNews:
    """What one message says: a name, and a decision; each None where it says nothing, else with the number under which
    it is sealed.
    """

    conversation: bytes
    name: tuple[int, str] | None = None
    decision: tuple[int, StatusEntry] | None = None

    def plaintexts(self) -> list[tuple[int, bytes]]:
        """What has to be sealed: the card of a case that has none yet, and the entry."""
        found: list[tuple[int, bytes]] = []
        if self.name is not None:
            found.append((self.name[0], encode(Card(label=self.name[1]))))
        if self.decision is not None:
            found.append((self.decision[0], canon(to_json(self.decision[1]))))
        return found


ReadNews: TypeAlias = Callable[[MessageRow, AcceptedMessage], CaseNews]


def read_news(store: Store, peers: PeerRegistry, row: MessageRow, message: AcceptedMessage) -> CaseNews:
    """Read what a message says of its case."""
    kind = type_name(message.body_type)
    name = pseudonym_of(message.content) if kind in NAMES else None
    decision = _decision(peers, row, message) if kind in DECIDES else None
    return CaseNews(
        conversation=row.conversation,
        name=None if name is None else (store.new_ref(), name[:LONGEST_LABEL]),
        decision=None if decision is None else (store.new_ref(), decision),
    )


def _decision(peers: PeerRegistry, row: MessageRow, message: AcceptedMessage) -> StatusEntry | None:
    peer, day = peers.get(row.peer), datetime.fromtimestamp(row.at, UTC).date().isoformat()
    if peer is None:
        return None
    return read_decision(message.content, country=peer.descriptor.country, message=row.id, received=day, at=row.at)


def write_news(
    cases: CaseRegister,
    connection: Connection,
    told: Sequence[CaseNews],
    begun: Mapping[bytes, CaseId],
    sealed: Mapping[int, SealedRow],
) -> None:
    """Write what messages say of their cases: ``begun`` are conversations whose case this transaction opened, without a
    card; ``sealed`` are the rows of `CaseNews.plaintexts` by number.
    """
    told = [news for news in told if news.name is not None or news.decision is not None]
    others = {news.conversation for news in told} - begun.keys()
    case_of = {**begun, **(store.cases_of(connection, others) if others else {})}
    _write_names(cases, connection, told, case_of, set(begun.values()), sealed)
    noted = [
        (case_of[news.conversation], sealed[news.decision[0]])
        for news in told
        if news.decision is not None and news.conversation in case_of
    ]
    entries.keep(connection, LinkKind.ENTRY, noted)


def _write_names(
    cases: CaseRegister,
    connection: Connection,
    told: Sequence[CaseNews],
    case_of: Mapping[bytes, CaseId],
    new: set[CaseId],
    sealed: Mapping[int, SealedRow],
) -> None:
    """Call each case that has no name by the first that is given. A card that has other things is sealed anew."""
    given: dict[CaseId, tuple[int, str]] = {}
    for news in told:
        case = case_of.get(news.conversation)
        if news.name is not None and case is not None:
            given.setdefault(case, news.name)
    rows = store.get(connection, given.keys() - new)
    blank = {case: ref for case, (ref, _) in given.items() if case in new or rows[case].card is None}
    content.put(connection, [sealed[ref] for ref in blank.values()])
    store.set_cards(connection, blank)
    for case in given.keys() - blank.keys():
        cases.name_card(connection, rows[case], given[case][1])
