"""The history of a case for an auditor or a data protection officer: what was done, by whom, on which basis, who saw
it, and what was erased where; without the person and without a word of a message (ADR 0043).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from gateway.audit import access_store, reader, store
from gateway.audit.case_history import Who, judge, name_actors
from gateway.audit.log import AuditLog
from gateway.audit.operations.access import reader_names
from gateway.audit.operations.case_acts import ActsOfCase
from gateway.audit.operations.case_history_models import CaseHistory, CasesToAudit
from gateway.audit.operations.case_records import CaseRecords, load_records, name_peer
from gateway.audit.store import CheckpointRow
from gateway.cases import kept
from gateway.cases import store as cases
from gateway.cases.operations.cases import following
from gateway.cases.operations.models import CasePage, OneCase
from gateway.cases.references import references_in
from gateway.cases.register import cards_in, find_row
from gateway.cases.rules import Card
from gateway.cases.store import CaseRow
from gateway.database.audit_entries import Actor
from gateway.database.sealed_content import Content
from gateway.erasure import store as erasures
from gateway.foundation.config import Config
from gateway.foundation.ids import NodeId
from gateway.identity.own_identity import OwnIdentity
from gateway.messages.store import messages, receipts
from gateway.operations.actors import pseudonym
from gateway.operations.registry import About, Reading, operation
from gateway.operations.roles import AUDITOR, PROTECTS
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock, Json, OperationResult
from keys.documents.envelope import Status
from keys.documents.signed_note import Checkpoint, SignedNote
from keys.primitives.encoding import b64u

MOST_LOOKS = 500
"""Looks that one answer tells of, the newest."""
_GONE = frozenset({str(Status.ERASED), str(Status.REJECTED)})
"""What a peer signs that has nothing of a message."""


class CaseHistoryForAudit:
    """Operations that show auditors what was done in a case."""

    def __init__(
        self,
        *,
        content: Content,
        own: OwnIdentity,
        peers: PeerRegistry,
        log: AuditLog,
        config: Config,
        clock: Clock,
        actor: Actor,
    ) -> None:
        self._content = content
        self._own = own
        self._peers = peers
        self._log = log
        self._config = config
        self._clock = clock
        self._actor = actor
        self._pseudonyms: dict[str, str] = {}

    @operation(
        "audit.cases",
        "cases by their numbers and references",
        roles=AUDITOR | PROTECTS,
        about=About.CASE,
        answer=CasesToAudit,
    )
    async def list_cases(self, asked: CasePage) -> OperationResult:
        """Open cases, newest first, each by the number that it has here and the reference that each country has for
        it. What people call the person stands in none of it.
        """
        limit, before = asked.limit, asked.place

        def query(c: Connection) -> tuple[CaseRow | None, list[Json]]:
            rows = cases.page(c, limit=limit + 1, before=before)
            last = rows[limit - 1] if 0 < limit < len(rows) else None
            cards = cards_in(self._content.sealer, c, rows[:limit])
            return last, [self._describe(c, row, cards[row.id], self._peers_of(c, row)) for row in rows[:limit]]

        last, items = await self._content.store.read(query)
        return OperationResult(value={"cases": items, "next": following(last)})

    @operation(
        "audit.case",
        "what was done in one case, and what proves it",
        roles=AUDITOR | PROTECTS,
        about=About.CASE,
        answer=CaseHistory,
        reads=Reading(what="case"),
        shows=frozenset({"acts", "looks"}),
    )
    async def show_history(self, asked: OneCase) -> OperationResult:
        """Everything that the log has about one case: acts with who acted and on which basis, looks, erasures, and
        whether the log holds; all of the log is examined for it. People of this node are named, persons of cases never.
        """
        log = reader.of_running(self._content.store, self._own, self._peers, self._log, self._clock)
        verified = await reader.verify(log)
        names = await self._content.store.read(reader_names)
        actors = name_actors(names, self._name_pseudonyms(names))

        def query(c: Connection) -> dict[str, Json]:
            records = load_records(c, self._content.sealer, self._peers, find_row(c, asked.id, place="/id"))
            return self._tell(c, records, actors, names, log.who.quorum)

        told = await self._content.store.read(query)
        findings = verified["findings"] if isinstance(verified["findings"], list) else []
        missing = told["missing"] if isinstance(told["missing"], int) else 0
        return OperationResult(
            value={
                **told,
                "now": log.now,
                "verdict": str(judge(findings=len(findings), missing=missing)),
                "broken_at": next(iter(findings), None),
                "log": verified,
                "fingerprint": self._own.descriptor.fingerprint,
            }
        )

    def _tell(
        self,
        connection: Connection,
        records: CaseRecords,
        actors: Mapping[str, Who],
        names: Mapping[str, str],
        quorum: int,
    ) -> dict[str, Json]:
        newest, witnessed = store.newest_checkpoint(connection), store.newest_witnessed(connection, quorum)
        acts = ActsOfCase(
            records=records,
            actors=actors,
            signed=0 if newest is None else newest.size,
            witnessed=0 if witnessed is None else witnessed.size,
        )
        told, missing = acts.list_acts(connection)
        looks = access_store.page(connection, before=None, limit=MOST_LOOKS + 1, ids=records.subjects)
        peers = dict.fromkeys(row.peer for row in records.rows)
        return {
            **self._describe(connection, records.case, records.card, peers),
            "acts": told,
            "missing": missing,
            "looks": [acts.show_look(one, names) for _, one in looks[:MOST_LOOKS]],
            "more_looks": len(looks) > MOST_LOOKS,
            "erased": self._list_erased(connection, records, peers),
            "holds": [{"ground": one.ground, "until": one.until} for one in _holds(connection, records)],
            "checkpoint": None if newest is None else _head(newest),
        }

    def _name_pseudonyms(self, names: Iterable[str]) -> dict[str, str]:
        """Find the keyed hash of everybody here; each is asked of the key service once."""
        for key in names:
            if key not in self._pseudonyms:
                self._pseudonyms[key] = pseudonym(key, self._actor)
        return self._pseudonyms

    def _peers_of(self, connection: Connection, row: CaseRow) -> Iterable[NodeId]:
        found = messages.of_conversations(connection, cases.conversations_of(connection, row.id))
        return dict.fromkeys(one.peer for one in found)

    def _describe(self, connection: Connection, row: CaseRow, card: Card, peers: Iterable[NodeId]) -> dict[str, Json]:
        pairs = [(peer, card.number or f"#{row.id}") for peer in peers]
        found = references_in(self._content.sealer, connection, pairs)
        return {
            "id": row.id,
            "number": card.number,
            "references": [
                {"peer": name_peer(self._peers, peer), "reference": found[peer, said]} for peer, said in pairs
            ],
            "at": row.at,
        }

    def _list_erased(self, connection: Connection, records: CaseRecords, peers: Iterable[NodeId]) -> list[Json]:
        gone = erasures.of(connection, [row.ref for row in records.rows])
        last = max((one.at for one in gone.values()), default=None)
        asked = [one for one in gone.values() if one.place != "not_held"]
        backups = erasures.find_backups(
            connection,
            self._config.backup,
            self._clock.now() if last is None else last,
            archive_days=self._config.database.archive_days,
        )
        found = [
            _place("here", messages=len(records.rows), erased=len(gone), at=last),
            _place("case_system", messages=len(asked), erased=sum(one.place == "erased" for one in asked)),
            *(self._erased_by(connection, records, peer) for peer in peers),
        ]
        if backups.made:
            found.append(_place("backups", messages=len(gone), until=backups.until if gone else None))
        return [*found]

    def _erased_by(self, connection: Connection, records: CaseRecords, peer: NodeId) -> dict[str, Json]:
        sent = [row.id for row in records.rows if (row.peer, row.direction) == (peer, messages.OUT) and row.n]
        told = receipts.words(connection, receipts.RECEIVED, peer, sent)
        gone = {one.id: one.at for one in told if one.status in _GONE}
        return _place(
            "peer",
            peer=name_peer(self._peers, peer),
            messages=len(sent),
            erased=len(gone),
            at=max(gone.values(), default=None),
        )


def _head(row: CheckpointRow) -> dict[str, Json]:
    root = Checkpoint.parse(SignedNote.decode(row.note).text).root
    return {"size": row.size, "at": row.at, "root": b64u(root)}


def _place(
    place: str,
    *,
    peer: str | None = None,
    messages: int = 0,
    erased: int = 0,
    at: int | None = None,
    until: int | None = None,
) -> dict[str, Json]:
    return {"place": place, "peer": peer, "messages": messages, "erased": erased, "at": at, "until": until}


def _holds(connection: Connection, records: CaseRecords) -> list[erasures.HoldRow | kept.CaseHold]:
    of_it = {row.conversation for row in records.rows}
    every = erasures.every_hold(connection)
    return [*(one for key, one in every.items() if key in of_it), *kept.of_case(connection, records.case.id)]
