"""Consents held here: what was recorded, by whom it is held, and what was withdrawn since.

Each holder's record of a consent is sealed, and once per consent everything that was taken back of it, whoever told of
that and whether or not a record ever came: so a withdrawal binds all records of the consent, also a later one. Both
are found under a keyed index of the id. What does not open any more is closed: nothing is sent on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import orjson
from sqlalchemy import Connection

from gateway.consent.rules import Consent, adds, bound, everything, read
from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.content import SealedRow
from gateway.database.content_sealer import ContentSealer
from gateway.database.sealed_content import Content
from gateway.errors import RefusedError
from gateway.messages.store import local
from gateway.messages.store.local import OWN, ConsentRow
from gateway.ports import Json
from keys.primitives.encoding import canon

ACTIVE = "active"
WITHDRAWN = local.WITHDRAWN
WITHDRAWN_PART = "withdrawn_in_part"
DAMAGED = "damaged"

Record = Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldConsent:
    """One holder's record of a consent, opened."""

    row: ConsentRow
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Everything known here about one consent: the records that open, the own one first, and what was withdrawn.

    ``rows`` are all that are stored, ``damaged`` the numbers of sealed rows that do not open. ``withdrawals`` is None
    where that is one of them: then everything counts as taken back, since nobody can tell what was.
    """

    index: bytes
    rows: tuple[ConsentRow, ...]
    held: tuple[HeldConsent, ...]
    withdrawals: tuple[Record, ...] | None
    withdrawn_in: int | None
    damaged: frozenset[int]

    @property
    def consent(self) -> Consent | None:
        """What may be relied on; None where nothing is held, or where a record that might say no does not open."""
        if not self.held or self.damaged:
            return None
        first, *others = (read(item.record, self.withdrawals or ()) for item in self.held)
        return bound(first, others)

    @property
    def withdrawn(self) -> bool:
        """Whether everything was taken back."""
        return self.is_withdrawn(self.consent)

    def is_withdrawn(self, consent: Consent | None) -> bool:
        """The same where `consent`, what may be relied on, is known already: to read it is most of the work."""
        if self.withdrawals is None or everything(self.withdrawals):
            return True
        return consent is not None and consent.fully_withdrawn

    @property
    def records(self) -> tuple[Consent, ...]:
        """What each holder's record says, after all that was taken back; where that does not open, it is everything."""
        taken = ({"scope": "all"},) if self.withdrawals is None else self.withdrawals
        return tuple(read(item.record, taken) for item in self.held)

    def recorded_by(self, own: str) -> frozenset[str]:
        """The nodes that recorded it; `own` is the id of this one."""
        return frozenset(own if item.row.holder == OWN else item.row.holder for item in self.held)

    def with_news(self, holder: str, records: Sequence[Record], withdrawals: Sequence[Record], now: int) -> Known:
        """What will be known when records and withdrawals of `holder` are stored that came in the same request."""
        taken = self.withdrawals
        for withdrawal in withdrawals:
            if taken is not None and adds(taken, withdrawal):
                taken = (*taken, withdrawal)
        after = replace(self, withdrawals=taken)
        row = ConsentRow(ref=0, consent=self.index, holder=holder, state=ACTIVE, at=now)
        others = tuple(item for item in self.held if item.row.holder != holder)
        for record in records:
            closed = after.closed_by(holder, record, now)
            taken = after.withdrawals if closed is None else (*(after.withdrawals or ()), closed)
            after = replace(after, held=(*others, HeldConsent(row=row, record=record)), withdrawals=taken)
        return after

    def closed_by(self, holder: str, record: Record, now: int) -> Record | None:
        """The withdrawal of everything, where a record of `holder` says other grants than theirs of before, of which a
        part was taken back by its place: nobody can tell any more which part of it that is. None where it does not.
        """
        theirs = [item.record for item in self.held if item.row.holder == holder]
        if not self.withdrawals or all(read(each).grants == read(record).grants for each in theirs):
            return None
        return {"consent_id": record["consent_id"], "scope": "all", "withdrawn_on": now, "erase_wanted": False}

    @property
    def state(self) -> str:
        """The word for all of it together."""
        if self.withdrawn:
            return WITHDRAWN
        if not self.rows and self.withdrawals:  # its record was erased, or never came
            return WITHDRAWN_PART
        consent = self.consent
        return DAMAGED if consent is None else _state(consent)

    def state_of(self, record: Record | None) -> str:
        """The word stored beside one record after a withdrawal; of one that does not open everything was taken back."""
        if record is None or self.withdrawals is None:
            return WITHDRAWN
        return _state(read(record, self.withdrawals))


def _state(consent: Consent) -> str:
    if consent.fully_withdrawn:
        return WITHDRAWN
    return WITHDRAWN_PART if consent.partly_withdrawn else ACTIVE


def encode(record: Record) -> bytes:
    """The plaintext of a stored record."""
    return canon(dict(record))


def opened(sealer: ContentSealer, sealed: SealedRow | None) -> Json:
    """What a sealed row of this module says; None when it is gone or does not open."""
    if sealed is not None:
        with suppress(RefusedError):
            value: Json = orjson.loads(sealer.open(sealed))
            return value
    return None


async def known(content: Content, consent_ref: str) -> Known:
    """Everything known about one consent."""
    return await content.store.read(lambda c: known_in(content.sealer, c, consent_ref))


def known_in(sealer: ContentSealer, connection: Connection, consent_ref: str) -> Known:
    """The same inside a transaction."""
    return known_under(sealer, connection, sealer.consent_index(consent_ref))


def known_under(sealer: ContentSealer, connection: Connection, index: bytes) -> Known:
    """The same by the keyed index of the consent."""
    rows, withdrawals = local.consents_of(connection, [index]), local.withdrawals(connection, [index])
    return open_consents(sealer, connection, rows, withdrawals)[index]


def alarm(connection: Connection, refs: Iterable[int], now: int) -> None:
    """Stored rows that do not open are told to a person."""
    for ref in sorted(refs):
        journal.raise_alarm(connection, at=now, kind="content.damaged", ref=ref)


def take_back(content: Content, connection: Connection, before: Known, withdrawal: Record) -> Known | None:
    """Keep one more withdrawal and what it leaves of every record; None, and nothing is written, when it adds nothing.

    Withdrawals that do not open stay as they are: what replaced them might take back less.
    """
    if before.withdrawals is None or not adds(before.withdrawals, withdrawal):
        return None
    ref = content.store.new_ref()
    after = replace(before, withdrawals=(*before.withdrawals, withdrawal), withdrawn_in=ref)
    content_rows.put(connection, [content.sealer.seal(ref, canon([dict(item) for item in after.withdrawals or ()]))])
    local.set_withdrawals(connection, before.index, ref)
    if before.withdrawn_in is not None:
        content_rows.erase(connection, before.withdrawn_in)
    records = {item.row.ref: item.record for item in after.held}
    for row in after.rows:
        local.set_consent(connection, row.ref, state=after.state_of(records.get(row.ref)))
    return after


def open_consents(
    sealer: ContentSealer,
    connection: Connection,
    consents: Mapping[bytes, Sequence[ConsentRow]],
    withdrawals: Mapping[bytes, int],
) -> dict[bytes, Known]:
    """Everything known about each of these consents, whose rows are given by index; each stored row is opened once."""
    refs = [*(row.ref for rows in consents.values() for row in rows), *withdrawals.values()]
    sealed = content_rows.get(connection, refs)
    opened = sealer.open_each(list(sealed.values())) if sealed else []
    values: dict[int, Json] = {
        ref: None if isinstance(plain, RefusedError) else orjson.loads(plain)
        for ref, plain in zip(sealed, opened, strict=True)
    }
    return {index: _known(index, rows, withdrawals.get(index), values) for index, rows in consents.items()}


def _known(index: bytes, stored: Sequence[ConsentRow], withdrawn_in: int | None, values: Mapping[int, Json]) -> Known:
    """What is stored about one consent; the own record comes first. `values` are what sealed rows say, None for one
    that does not open.
    """
    rows = tuple(sorted(stored, key=lambda row: row.holder != OWN))
    refs = [row.ref for row in rows] + ([] if withdrawn_in is None else [withdrawn_in])
    said = {ref: values.get(ref) for ref in refs}
    return Known(
        index=index,
        rows=rows,
        held=tuple(HeldConsent(row=row, record=record) for row in rows if isinstance(record := said[row.ref], dict)),
        withdrawals=() if withdrawn_in is None else _listed(said[withdrawn_in]),
        withdrawn_in=withdrawn_in,
        damaged=frozenset(ref for ref, value in said.items() if value is None),
    )


def _listed(value: Json) -> tuple[Record, ...] | None:
    return tuple(item for item in value if isinstance(item, dict)) if isinstance(value, list) else None
