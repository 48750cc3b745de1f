"""The acts of a case as an auditor is shown them: entries of the log, with what the case knows of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from gateway.audit.access_store import Reading
from gateway.audit.case_entries import Entry, find_at, find_named
from gateway.audit.case_history import RELEASES, Kind, Who, covered, find_actor, find_releasers, is_act
from gateway.audit.operations.case_records import CaseRecords
from gateway.evidence.signed import read_kept_receipts
from gateway.messages.store import messages, receipts
from gateway.messages.store.messages import MessageRow
from gateway.operations.roles import OWNER
from gateway.ports import Json

QUEUED, RECEIVED, HELD = "message.queued", "message.received", "receipts.held"


class ActsOfCase:
    """Reads the entries of one case. `actors` are known by their pseudonyms; `signed` and `witnessed` are up to which
    entry the log is covered.
    """

    def __init__(self, *, records: CaseRecords, actors: Mapping[str, Who], signed: int, witnessed: int) -> None:
        self._records = records
        self._actors = actors
        self._signed = signed
        self._witnessed = witnessed

    def list_acts(self, connection: Connection) -> tuple[list[Json], int]:
        """The acts, the newest first, and of how many messages the log has no entry."""
        found = find_named(connection, self._records.subjects)
        acts = [self._of_entry(connection, entry) for entry in found.values() if is_act(entry)]
        moments = (self._of_moment(connection, *one) for one in dict.fromkeys(self._records.moments))
        acts += [one for one in moments if one is not None]
        acts += self._of_receipts(connection)
        return [*sorted(acts, key=_by_time, reverse=True)], self._count_missing(found)

    def show_look(self, reading: Reading, names: Mapping[str, str]) -> Json:
        """That somebody was shown something of the case."""
        kind = Kind(reading.reader.partition("/")[0])
        name = None if reading.reader == OWNER.actor else names.get(reading.reader)
        return {
            "at": reading.at,
            "what": reading.what,
            "message": self._records.describe(self._records.named.get(reading.id)),
            "by": {"kind": str(kind), "name": name},
        }

    def _of_entry(self, connection: Connection, entry: Entry) -> dict[str, Any]:
        row = self._row_of(entry)
        by = [found] if (found := find_actor(entry, self._actors)) else []
        if entry["ev"] == QUEUED:
            by = self._find_releasers(connection, entry)
        return self._act(entry, row, by, status=entry.get("state") if entry["ev"] == "message.state" else None)

    def _row_of(self, entry: Entry) -> MessageRow | None:
        found = (self._records.named.get(str(entry.get(name))) for name in ("id", "of"))
        return next((row for row in found if row is not None), None)

    def _find_releasers(self, connection: Connection, entry: Entry) -> list[Who]:
        """Who let a message go: the entry beside its own says so, and of a draft also who released it first."""
        beside = [one for one in find_at(connection, RELEASES, entry["at"]) if one["at"] == entry["at"]]
        drafts = [one["id"] for one in beside if one["ev"] == "draft.released"]
        released = find_named(connection, drafts).values()
        return find_releasers(beside, (one for one in released if one["ev"] == "draft.released_first"), self._actors)

    def _of_moment(self, connection: Connection, events: tuple[str, ...], at: int) -> dict[str, Any] | None:
        """The entry of something that the case says happened then; none is named where several may be meant."""
        found = find_at(connection, events, at)
        if not found:
            return None
        if len(found) > 1:
            return self._act({"ev": events[0], "at": at}, None, [])
        actor = find_actor(found[0], self._actors)
        return self._act(found[0], None, [] if actor is None else [actor])

    def _of_receipts(self, connection: Connection) -> Iterator[dict[str, Any]]:
        """What peers signed of our messages; each with the entry of the batch that it came in."""
        for told in self._records.receipts:
            batches = [
                one.batch_hash for kept in receipts.signed(connection, [told]) for one in read_kept_receipts(kept)
            ]
            entry = next((one for one in find_named(connection, batches).values() if one["ev"] == HELD), {"ev": HELD})
            yield self._act({**entry, "at": told.at}, self._records.named.get(told.id), [], status=told.status)

    def _act(
        self, entry: Mapping[str, Any], row: MessageRow | None, by: list[Who], *, status: str | None = None
    ) -> dict[str, Any]:
        seq = entry.get("seq")
        return {
            "at": entry["at"],
            "event": entry["ev"],
            "status": status,
            "message": self._records.describe(row),
            "by": [{"kind": str(who.kind), "name": who.name} for who in by],
            "basis": self._records.basis(row) if entry["ev"] in (QUEUED, RECEIVED) else None,
            "entry": seq,
            "covered": None if seq is None else covered(seq, signed=self._signed, witnessed=self._witnessed),
        }

    def _count_missing(self, found: Mapping[int, Entry]) -> int:
        """Count the messages that the log does not know: each has an entry from when it was submitted, or came."""
        queued = {entry.get("id") for entry in found.values() if entry["ev"] == QUEUED}
        came = {entry.get("of") for entry in found.values() if entry["ev"] == RECEIVED}
        return sum(
            row.id not in queued if row.direction == messages.OUT else came.isdisjoint(self._records.hashes[row.ref])
            for row in self._records.rows
        )


def _by_time(act: Mapping[str, Any]) -> tuple[int, int]:
    return act["at"], act["entry"] or 0
