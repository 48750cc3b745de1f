"""Erasing by a person, retention, and legal holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from datetime import UTC, date, datetime

from sqlalchemy import Connection

import schemas
from gateway.cases.register import names_of
from gateway.cases.subjects import keys_closed_to
from gateway.conversations import on_call
from gateway.conversations.operations.models import OneConversation
from gateway.conversations.status_updates import StatusUpdates
from gateway.database import content, journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.erasure import erase, places, rules, store
from gateway.erasure.erase import Eraser
from gateway.erasure.operations.models import (
    EraseConversation,
    Erased,
    EraseMessage,
    HoldConversation,
    Kept,
    LegalHolds,
    LiftedHold,
    RetentionRun,
    RunRetention,
)
from gateway.erasure.peer_requests import store as requests
from gateway.erasure.recipients import Sent, find_erased, find_sent
from gateway.erasure.retention import Retention
from gateway.erasure.store import ErasureRow, HoldRow
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.config import BackupSection
from gateway.foundation.ids import ConversationId
from gateway.foundation.workdays import parse_day
from gateway.identity.machine_store import find_behind, find_oldest_epoch
from gateway.identity.node_keys import NodeKeys
from gateway.ledger import store as ledger
from gateway.ledger.rules import named_link
from gateway.messages import content_codec
from gateway.messages.machines.delivery import Outgoing
from gateway.messages.store import messages
from gateway.messages.store.messages import MessageRow
from gateway.operations.actors import pseudonym
from gateway.operations.models import Nothing
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import AUDITOR, FOCAL_POINT, PROTECTS, Caller, Role
from gateway.ports import Clock, Json, OperationResult
from schemas.types import never_blocked

_LISTS = {"reason": "erasure_ground", "ground": "kept_ground"}
"""The code list of each argument that is a code."""
_UNTOLD = frozenset({Outgoing.QUEUED, Outgoing.AWAITING_RECEIPT})
"""States of a message that the peer does not have, as far as is known."""


class ErasureOperations:
    """Operations that erase and hold."""

    def __init__(
        self,
        *,
        content: Content,
        keys: NodeKeys,
        eraser: Eraser,
        retention: Retention,
        status_updates: StatusUpdates,
        backup: BackupSection | None,
        archive_days: int | None,
        clock: Clock,
        actor: Actor,
    ) -> None:
        self._content = content
        self._keys = keys
        self._eraser = eraser
        self._retention = retention
        self._status_updates = status_updates
        self._backup = backup
        self._archive_days = archive_days
        self._clock = clock
        self._actor = actor

    @operation(
        "message.erase",
        "a person erases it",
        roles=FOCAL_POINT,
        about=About.CASE,
        answer=Erased,
        units=Units.NARROWED,
        by_person=True,
        erases=True,
        example={"reason": "not_needed"},
    )
    async def erase_message(self, asked: EraseMessage, caller: Caller) -> OperationResult:
        """A named person erases one message, here and in the case system; its sender is told by a signed receipt."""
        reason = code("reason", asked.reason)
        rows = await self._content.store.read(lambda c: messages.find(c, asked.id, direction=asked.direction))
        if not rows:
            raise RefusedError(Code.NOT_FOUND, "no such message", hint="trm message list shows the ids")
        if len(rows) > 1:
            raise RefusedError(Code.CONFLICT, "two messages have this id; nothing was erased", hint="say --in or --out")
        return await self.erase_rows(rows, reason, caller.actor)

    @operation(
        "conversation.erase",
        "a person erases it",
        roles=FOCAL_POINT,
        about=About.CASE,
        answer=Erased,
        units=Units.NARROWED,
        by_person=True,
        erases=True,
        example={"reason": "not_needed"},
    )
    async def erase_conversation(self, asked: EraseConversation, caller: Caller) -> OperationResult:
        """The same for every message of a conversation; a withdrawal that the peer does not have yet is told first."""
        reason = code("reason", asked.reason)
        return await self.erase_rows(await _conversation(self._content, asked.id), reason, caller.actor)

    async def erase_rows(self, rows: list[MessageRow], reason: str, by: str) -> OperationResult:
        """Erase these rows, which a person named, or none of them. Raises RefusedError conflict."""
        await self._check_holds(rows)
        await self._status_updates.keep()  # an alert that came just now counts
        alarmed = await self._content.store.read(lambda c: journal.open_about(c, on_call.ALARMS))
        if any(row.ref in alarmed for row in rows):
            raise RefusedError(
                Code.CONFLICT,
                "it includes a safety alert that nobody has taken; nothing was erased",
                hint="trm alert acknowledge takes it; trm alarm dismiss says that a person has seen it",
            )
        untold = await self._find_untold(rows)
        rows = [row for row in rows if row.ref not in untold]
        if not rows:
            raise RefusedError(
                Code.CONFLICT,
                "nothing may hold this up, and it has not arrived yet; nothing was erased",
                hint="repeat it when trm message list says that the peer has it",
            )
        sent = await self._content.store.read(lambda c: find_sent(c, rows))
        gone = await self._eraser.erase({row.ref: reason for row in rows}, by=by, untold=untold)
        if not gone:
            await self._check_holds(rows)  # one may have been placed just now
            raise RefusedError(Code.CONFLICT, "this was erased before; nothing was changed")
        found, outcome = await self._content.store.read(lambda c: self._outcome(c, [row.ref for row in rows], sent))
        items: list[Json] = [
            {"id": row.id, "direction": row.direction, **_shown(found[row.ref])} for row in rows if row.ref in found
        ]
        recipients: list[Json] = [{"peer": peer, "erased": gone} for peer, gone in outcome.recipients.items()]
        return OperationResult(
            value={
                "erased": gone,
                "messages": items,
                "places": [*rules.list_places(outcome)],
                "recipients": recipients,
                "machines": [machine.host for machine in await self._content.store.read(find_behind)],
            }
        )

    async def _check_holds(self, rows: Sequence[MessageRow]) -> None:
        """Raise RefusedError conflict where a legal hold lies over one of these."""
        held = await self._content.store.read(store.holds)
        if any(row.conversation in held for row in rows):
            raise RefusedError(
                Code.CONFLICT,
                "the conversation is under a legal hold; nothing was erased",
                hint="trm retention release ends it, if the ground for it is gone",
            )

    def _outcome(
        self, connection: Connection, refs: list[int], sent: Sent
    ) -> tuple[Mapping[int, ErasureRow], rules.Outcome]:
        """The erasures of these messages, and what is so at each place. The storage epoch ends with the operation."""
        now, found = self._clock.now(), store.of(connection, refs)
        oldest = find_oldest_epoch(connection, self._keys)
        return found, rules.Outcome(
            erased_at=now,
            found=frozenset(word for row in found.values() for word in (row.found or "").split()),
            held=places.held(connection, self._content.sealer, refs),
            key_place=self._keys.place.value,
            key_gone=all(row.epoch < oldest for row in found.values()),
            local=[row.place for row in found.values()],
            horizon=now,
            backups=store.find_backups(connection, self._backup, now, archive_days=self._archive_days),
            recipients=find_erased(connection, sent),
        )

    async def _find_untold(self, rows: Sequence[MessageRow]) -> frozenset[int]:
        """Find what nothing may block and the peer does not have yet, such as a withdrawal: it is told first."""
        waiting = [row.ref for row in rows if row.direction == messages.OUT and row.state in _UNTOLD]
        sealed = await self._content.store.read(lambda c: content.get(c, waiting))
        plain = zip(sealed, self._content.sealer.open_each(list(sealed.values())), strict=True)
        opened = {ref: content_codec.read_content(found) for ref, found in plain if isinstance(found, bytes)}
        return frozenset(ref for ref, found in opened.items() if never_blocked(found.facts.body_type))

    @operation(
        "retention.run",
        "erase what may be kept no longer",
        roles=frozenset({Role.FOCAL_POINT, Role.OPERATOR}),
        about=About.NODE,
        answer=RetentionRun,
        example={"dry_run": True},
    )
    async def run(self, asked: RunRetention, caller: Caller) -> OperationResult:
        """Erase what may be kept no longer, and what peers asked to be erased and is due; or with `dry_run` only say
        what that is. Of a case that the caller must not see nothing is said, and it is erased all the same.
        """
        dry = asked.dry_run
        # Asked before, since with all of a conversation it is erased of which case it was.
        closed = await self._content.store.read(lambda c: keys_closed_to(self._content.sealer, c, caller))
        due = await self._content.store.read(lambda c: _due(c, self._clock.now(), closed))
        made = await (self._retention.plan() if dry else self._retention.run(by=caller.actor))
        refs = [item.ref for item in made.erase]
        rows = {row.ref: row for row in await self._content.store.read(lambda c: messages.get_all(c, refs))}
        made.leave_out({ref for ref, row in rows.items() if row.conversation in closed})
        items: list[Json] = [
            {"id": rows[item.ref].id, "direction": rows[item.ref].direction, "rule": item.rule, "due": item.due}
            for item in made.erase
        ]
        return OperationResult(
            value={
                "dry_run": dry,
                "at": made.now,
                "horizon": made.horizon,
                "report": made.lines(),
                "erase": items,
                "requests": due,
            }
        )

    @operation(
        "retention.hold",
        "nothing of it is erased",
        roles=FOCAL_POINT,
        about=About.CASE,
        answer=Kept,
        by_person=True,
        creates=True,
        example={"ground": "restriction_18", "until": "2027-06-30"},
    )
    async def hold(self, asked: HoldConversation, caller: Caller) -> OperationResult:
        """A named person places a legal hold: nothing of the conversation is erased until one lifts it."""
        id, now = asked.id, self._clock.now()
        ground, until = code("ground", asked.ground), day(asked.until, now)
        rows = await _conversation(self._content, id)
        row = HoldRow(conversation=rows[0].conversation, ground=ground, until=until.isoformat(), at=now)
        names = self._content.sealer.hashes([named_link(row.conversation)])

        def move(connection: Connection) -> None:
            store.set_hold(connection, row)
            ledger.add_kept(connection, names, ground, row.until, at=now)
            journal.append_leaf(
                connection, leaf(now, "retention.held", reason=ground, actor=pseudonym(caller.actor, self._actor))
            )

        await self._content.store.move(move)
        return OperationResult(value={"id": id, "ground": ground, "until": row.until}, created=True)

    @operation(
        "retention.release",
        "lift a legal hold",
        roles=FOCAL_POINT,
        about=About.CASE,
        answer=LiftedHold,
        by_person=True,
    )
    async def release(self, asked: OneConversation, caller: Caller) -> OperationResult:
        """A named person lifts a legal hold; retention goes on as if it had never been."""
        id, now = asked.id, self._clock.now()
        index = self._content.sealer.conversation_index(id)
        names = self._content.sealer.hashes([named_link(index)])

        def move(connection: Connection) -> None:
            if not store.lift_hold(connection, index):
                raise RefusedError(Code.NOT_FOUND, "no legal hold applies to it", hint="trm retention list shows them")
            ledger.add_released(connection, names, at=now)
            requests.reopen(connection, at=now)
            journal.append_leaf(connection, leaf(now, "retention.released", actor=pseudonym(caller.actor, self._actor)))

        await self._content.store.move(move)
        return OperationResult(value={"id": id})

    @operation(
        "retention.list",
        "legal holds",
        roles=FOCAL_POINT | AUDITOR | PROTECTS,
        about=About.CASE,
        answer=LegalHolds,
    )
    async def list_holds(self, _asked: Nothing) -> OperationResult:
        """Legal holds, oldest first; without an id one on a whole case, and one on a conversation of which nothing is
        left.
        """

        def query(c: Connection) -> list[tuple[HoldRow, ConversationId | None]]:
            found = sorted(store.every_hold(c).values(), key=lambda row: row.at)
            return [(row, _find_id(self._content.sealer, c, row.conversation)) for row in found]

        today = datetime.fromtimestamp(self._clock.now(), UTC).date().isoformat()
        found = await self._content.store.read(query)
        names = await names_of(self._content, [row.conversation for row, _ in found])
        items: list[Json] = [
            {
                "id": id,
                "of_case": names.get(row.conversation),
                "ground": row.ground,
                "until": row.until,
                "over": row.until < today,
                "at": row.at,
            }
            for row, id in found
        ]
        return OperationResult(value={"holds": items})


def _shown(row: ErasureRow) -> dict[str, Json]:
    """An erasure as people and programs are shown it; `told` is when the receipt for the sender was signed."""
    return {"at": row.at, "reason": row.reason, "local_system": row.place, "told": row.told}


async def shown(store: Store, row: MessageRow) -> Json:
    """What became of the content of a message, None while it is there."""
    found = await erase.erased(store, [row.ref])
    return _shown(found[row.ref]) if row.ref in found else None


def _due(connection: Connection, now: int, closed: Set[bytes]) -> list[Json]:
    """The requests of peers that are followed now, by the messages that made them; none in a closed conversation."""
    refs = [row.message for row in requests.unsettled(connection) if row.follow is not None and row.follow <= now]
    rows = {row.ref: row for row in messages.get_all(connection, refs)}
    return [rows[ref].id for ref in refs if rows[ref].conversation not in closed]


# --- legal holds --------------------------------------------------------------------------------------------------


def _find_id(sealer: ContentSealer, connection: Connection, conversation: bytes) -> ConversationId | None:
    """The id of a conversation by any message of it that opens."""
    refs = [row.ref for row in messages.of_conversation(connection, conversation)]
    for sealed in content.get(connection, refs).values():
        with suppress(RefusedError):
            return content_codec.read_content(sealer.open(sealed)).facts.conversation
    return None


async def _conversation(content: Content, id: ConversationId) -> list[MessageRow]:
    index = content.sealer.conversation_index(id)
    rows = await content.store.read(lambda c: messages.of_conversation(c, index))
    if not rows:
        raise RefusedError(Code.NOT_FOUND, "no such conversation", hint="trm conversation list shows the ids")
    return rows


def code(name: str, value: str) -> str:
    """The value of this argument, which is a code of its list. Raises RefusedError invalid."""
    codes = [entry.code for entry in schemas.code_list(_LISTS[name]).codes]
    if value not in codes:
        raise RefusedError(
            Code.INVALID,
            f"the {name} is not known; nothing was changed",
            findings=[Finding(place=f"/{name}", rule="unknown_code", hint="one of " + ", ".join(codes))],
        )
    return value


def day(value: str, now: int) -> date:
    """The argument `until`, a day that is not over. Raises RefusedError invalid."""
    until = parse_day(value)
    if until is None or until < datetime.fromtimestamp(now, UTC).date():
        raise RefusedError(
            Code.INVALID,
            "the argument until is not a day in the future; nothing was changed",
            findings=[Finding(place="/until", rule="format", hint="YYYY-MM-DD, today or later")],
        )
    return until
