"""Consents held here: what was recorded, by whom it is held, and what was withdrawn since.

A stored consent is the content of its `consent.record` plus every withdrawal seen; both are sealed. The index under
which it is found is keyed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from sqlalchemy import Connection

from gateway.core.consent import Consent, read
from gateway.core.gates import UnitKind
from gateway.exchange.outbound import Circumstances
from gateway.ports import Json
from gateway.service.parts import Parts
from gateway.store import content, local, messages
from gateway.store.content import SealedRow
from gateway.store.local import OWN, ConsentRow
from keys.encoding import canon

ACTIVE = "active"
WITHDRAWN = "withdrawn"
WITHDRAWN_PART = "withdrawn_in_part"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldConsent:
    """One stored consent, opened."""

    row: ConsentRow
    record: Mapping[str, Json]
    withdrawals: tuple[Mapping[str, Json], ...]

    @property
    def consent(self) -> Consent:
        """What it permits now."""
        return read(self.record, self.withdrawals)


def encode(record: Mapping[str, Json], withdrawals: tuple[Mapping[str, Json], ...] = ()) -> bytes:
    """The plaintext of a stored consent."""
    return canon({"record": dict(record), "withdrawals": [dict(item) for item in withdrawals]})


def state_of(consent: Consent) -> str:
    """The word stored beside a consent."""
    if consent.fully_withdrawn:
        return WITHDRAWN
    return WITHDRAWN_PART if consent.partly_withdrawn else ACTIVE


async def held(parts: Parts, consent_ref: str) -> list[HeldConsent]:
    """Everything held about one consent, the own record first."""
    return await parts.store.read(lambda c: held_in(parts, c, consent_ref))


def held_in(parts: Parts, connection: Connection, consent_ref: str) -> list[HeldConsent]:
    """The same inside a transaction."""
    rows = local.consents(connection, parts.vault.consent_index(consent_ref))
    sealed = content.get(connection, [row.ref for row in rows])
    found = [opened(parts, row, sealed[row.ref]) for row in rows if row.ref in sealed]
    return sorted(found, key=lambda item: item.row.holder != OWN)


def opened(parts: Parts, row: ConsentRow, sealed: SealedRow) -> HeldConsent:
    """A stored consent in the clear."""
    value = orjson.loads(parts.vault.open(sealed))
    return HeldConsent(row=row, record=value["record"], withdrawals=tuple(value["withdrawals"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """A consent after a withdrawal, sealed and ready to be written."""

    old: HeldConsent
    consent: Consent
    sealed: SealedRow

    def write(self, connection: Connection) -> None:
        """Put it in the place of the old one, whose content is erased."""
        content.put(connection, [self.sealed])
        local.set_consent(connection, self.old.row.ref, state=state_of(self.consent), new_ref=self.sealed.ref)
        content.erase(connection, self.old.row.ref)


def withdrawn(parts: Parts, old: HeldConsent, withdrawal: Mapping[str, Json]) -> Withdrawn:
    """Apply one withdrawal; nothing is written yet."""
    withdrawals = (*old.withdrawals, withdrawal)
    ref = parts.store.new_ref()
    return Withdrawn(
        old=old,
        consent=read(old.record, withdrawals),
        sealed=parts.vault.seal(ref, encode(old.record, withdrawals)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A message about to be judged, as far as consent matters."""

    conversation: str
    consent_ref: str | None
    sender_unit: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is held about the consent of one message, and what the gates must know."""

    circumstances: Circumstances
    held: tuple[HeldConsent, ...]
    told: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """One look into the store for several questions; keys are the keyed indexes."""

    consents: Mapping[bytes, Sequence[ConsentRow]]
    sealed: Mapping[int, SealedRow]
    told: Mapping[bytes, Mapping[str, int]]
    states: Mapping[bytes, Sequence[str]]


async def surroundings(parts: Parts, questions: Sequence[Question]) -> list[Surroundings]:
    """As things stand now, for several messages at once; each stored consent is opened once."""
    return await parts.store.read(lambda c: surroundings_in(parts, c, questions))


def surroundings_in(parts: Parts, connection: Connection, questions: Sequence[Question]) -> list[Surroundings]:
    """The same inside a transaction."""
    conversations = [parts.vault.conversation_index(q.conversation) for q in questions]
    indexes = [None if q.consent_ref is None else parts.vault.consent_index(q.consent_ref) for q in questions]
    stored = _look_up(connection, {index for index in indexes if index is not None}, set(conversations))
    today = datetime.fromtimestamp(parts.clock.now(), UTC).date()
    kinds = {unit.id: UnitKind(unit.kind) for unit in parts.config.units}
    cache: dict[int, HeldConsent] = {}
    found = []
    for question, conversation, index in zip(questions, conversations, indexes, strict=True):
        held_here = _open_all(parts, stored, index, cache)
        states = stored.states[conversation]
        found.append(
            Surroundings(
                circumstances=Circumstances(
                    sender_kind=kinds.get(question.sender_unit) if isinstance(question.sender_unit, str) else None,
                    consent=held_here[0].consent if held_here else None,
                    conversation_withdrawn=bool(states) and states[-1] == WITHDRAWN,
                    today=today,
                ),
                held=held_here,
                told={} if index is None else stored.told[index],
            )
        )
    return found


def _open_all(
    parts: Parts, stored: _Stored, index: bytes | None, cache: dict[int, HeldConsent]
) -> tuple[HeldConsent, ...]:
    """What is held about one consent, the own record first."""
    if index is None:
        return ()
    for row in stored.consents[index]:
        if row.ref not in cache and row.ref in stored.sealed:
            cache[row.ref] = opened(parts, row, stored.sealed[row.ref])
    found = [cache[row.ref] for row in stored.consents[index] if row.ref in cache]
    return tuple(sorted(found, key=lambda item: item.row.holder != OWN))


def _look_up(connection: Connection, indexes: set[bytes], conversations: set[bytes]) -> _Stored:
    consents = {index: local.consents(connection, index) for index in indexes}
    refs = [row.ref for rows in consents.values() for row in rows]
    return _Stored(
        consents=consents,
        sealed=content.get(connection, refs),
        told={index: local.consent_told_to(connection, index) for index in indexes},
        states={conversation: _consent_states(connection, conversation) for conversation in conversations},
    )


def _consent_states(connection: Connection, conversation: bytes) -> list[str]:
    """States of the consents this conversation relied on, in the order in which they were recorded."""
    indexes = messages.consents_of_conversation(connection, conversation)
    rows = [row for index in indexes for row in local.consents(connection, index)]
    return [row.state for row in sorted(rows, key=lambda row: (row.at, row.ref))]
