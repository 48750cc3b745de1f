"""The operations by name. One table: what is not in it can not be asked."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial

from sqlalchemy import Connection

import schemas
from gateway.access.operations import people, tokens
from gateway.administration import status_store as figure_rows
from gateway.administration.operations import backup, status
from gateway.attachments import operations
from gateway.audit.access_log import Reads
from gateway.audit.operations import access
from gateway.audit.operations import log as audit
from gateway.consent import operations as consents
from gateway.conversations.operations import contact, conversations
from gateway.database import content, journal
from gateway.database.audit_entries import leaf
from gateway.database.content import SealedRow
from gateway.delivery.operations import drafting, inbox, messages, release, resend
from gateway.directory.operations import code_lists
from gateway.directory.operations import entries as directory
from gateway.erasure import operations as erasing
from gateway.erasure.peer_requests import operations as requests
from gateway.errors import Code, RefusedError
from gateway.evidence import operations as proof
from gateway.foundation import process
from gateway.guidance import operations as guidance
from gateway.identity import operations as keys
from gateway.messages import probe
from gateway.messages.store import messages as message_rows
from gateway.messages.store.messages import MessageRow
from gateway.node import units
from gateway.node.parts import Parts
from gateway.node.scheduler import Scheduler
from gateway.notifications import operations as alert_operations
from gateway.notifications import webhooks
from gateway.operations.arguments import Arguments, maybe_text, members, number, only, text
from gateway.operations.idempotency import answer_once
from gateway.operations.ports import Happening
from gateway.operations.roles import OWNER, Caller
from gateway.peers.expiry_warnings import endings
from gateway.policy.operations import asylum, policies
from gateway.ports import File, Json, OperationResult
from gateway.statistics import operations as statistics
from gateway.trust import review_store
from gateway.trust.operations import changes, peers, ping
from keys.documents.pairing_qr import node_text
from keys.primitives.encoding import b64u, parse

Operation = Callable[[Arguments], Awaitable[OperationResult]]

EVENTS_AT_ONCE = 200
EVENTS_PAUSE = 15.0
"""Seconds after which the stream looks again without having been told."""
KNOWN_AT_MOST = 1_000
ABOUT_MESSAGES = ("message", "reminder")
"""Kinds of events that say which message they are about: it moved, or an answer to it is owed."""
READS: Mapping[str, str] = {
    "message.show": "message",
    "draft.show": "draft",
    "draft.preview": "draft",
    "conversation.show": "conversation",
    "contact.advise": "contact",
    "evidence.export": "evidence",
    "consent.show": "consent",
}
"""Operations that show what is said about one person, and what of it: who asks them is recorded."""
_LASTING = ("id", "direction", "peer", "type", "conversation", "in_reply_to", "purpose", "unit")


class NodeOperations:
    """Implements `gateway.operations.ports.Operations` on the parts of one node."""

    def __init__(self, parts: Parts, house: Scheduler) -> None:
        self._parts = parts
        self._house = house
        self._known: OrderedDict[int, Mapping[str, Json]] = OrderedDict()
        self._reads = Reads(store=parts.store, clock=parts.clock, actor=parts.keys.actor)
        self._operations = operations_of(parts)
        self._erasures = _erasures(parts)

    async def call(
        self, operation: str, arguments: Mapping[str, Json], *, key: str | None = None, caller: Caller = OWNER
    ) -> OperationResult:
        """Do one operation; see the module it stands in for its arguments."""
        if caller.unit is not None:
            await units.check(self._parts, operation, arguments, caller.unit)
        done = await self._once(operation, arguments, key, caller)
        if caller.unit is not None:
            done = OperationResult(value=units.narrow(operation, done.value, caller.unit), created=done.created)
        await self._read(operation, arguments, done.value, caller)
        return done

    async def _read(self, operation: str, arguments: Arguments, value: Json, caller: Caller) -> None:
        """Record that content is about to be shown (PROTOCOL B10); who may not read it is shown none."""
        what = READS.get(operation)
        if what is None or not caller.reads_content or not isinstance(value, dict):
            return
        if operation == "message.show" and "content" not in value:
            return  # it was erased
        if operation == "evidence.export" and arguments.get("disclose") not in (True, "true"):
            return
        id = text(arguments, "id")
        if what == "consent":
            id = b64u(self._parts.vault.consent_index(id))
        elif what in ("conversation", "evidence", "contact"):
            id = b64u(self._parts.vault.conversation_index(id))
        await self._reads.record(caller, what, id)

    async def _once(self, operation: str, arguments: Arguments, key: str | None, caller: Caller) -> OperationResult:
        """Under a key an act is done once; three operations see to that in their own transaction."""
        if key is None or operation in ("message.submit", "draft.release", "alert.acknowledge"):
            return await self._do(operation, arguments, key, caller)
        return await answer_once(
            self._parts.content,
            self._parts.clock,
            operation,
            arguments,
            key,
            lambda: self._do(operation, arguments, key, caller),
        )

    async def _do(self, operation: str, arguments: Arguments, key: str | None, caller: Caller) -> OperationResult:
        match operation:
            case "message.submit":
                return await release.submit_message(self._parts, arguments, key)
            case "message.show":
                return await messages.show_message(self._parts, arguments, reading=caller.reads_content)
            case "audit.reads":
                return await access.list_reads(self._parts, arguments, reading=caller.reads_content)
            case "alert.acknowledge":
                return await alert_operations.acknowledge(self._parts, arguments, key)
            case "draft.release":
                return await release.release_draft(self._parts, arguments, key)
            case "message.erase" | "conversation.erase" | "erasure.follow":
                return await self._erase(operation, arguments)
            case "retention.run":
                return await self._retain(arguments)
            case "person.add" | "person.change" | "person.invite" | "person.sign_out" | "person.end":
                return await people.ACTS[operation](self._parts, arguments, caller)
            case "keys.publish":
                return await keys.publish(self._parts, self._house, arguments)
            case "keys.rotate_enc":
                return await keys.rotate_enc(self._parts, self._house, arguments)
            case "keys.rotate_epoch":
                return await self._rotate_epoch(arguments)
            case _:
                found = self._operations.get(operation)
                if found is None:
                    raise RuntimeError(f"no operation {operation}")
                return await found(arguments)

    async def attach(
        self, arguments: Mapping[str, Json], chunks: AsyncIterator[bytes], *, size: int, caller: Caller = OWNER
    ) -> OperationResult:
        """Seal a file as it comes."""
        return await operations.add(self._parts, arguments, chunks, size)

    async def attached(self, arguments: Mapping[str, Json], *, caller: Caller = OWNER) -> File:
        """One file of a message, opened as it is read."""
        if caller.unit is not None:
            await units.check(self._parts, "attachment.read", arguments, caller.unit)
        part, chunks = await operations.read(self._parts, arguments)
        await self._reads.record(caller, f"file/{part.n}", text(arguments, "id"), n=part.n)
        return File(
            name=operations.file_name(part), media=part.media, size=part.size, sha256=part.sha256, chunks=chunks
        )

    async def _erase(self, operation: str, arguments: Arguments) -> OperationResult:
        """By a person's act the storage epoch ends at once: no copy of the data keys can be opened (PROTOCOL B9)."""
        done = await self._erasures[operation](arguments)
        self._known.clear()
        await self._house.rotate()
        return done

    async def _retain(self, arguments: Arguments) -> OperationResult:
        """What peers asked is followed with it: some of that the run itself has found to be over."""
        done = await erasing.run(self._parts, arguments)
        if arguments.get("dry_run") is not True:
            self._known.clear()
            await self._house.requests()
        return done

    async def _rotate_epoch(self, arguments: Arguments) -> OperationResult:
        only(arguments, "by")
        text(arguments, "by")
        await self._house.rotate()
        return OperationResult(value={"epoch": self._parts.keys.epoch})

    async def _summaries(self, refs: Sequence[int]) -> Mapping[int, Mapping[str, Json]]:
        """What the stream says about messages; what never changes of a message is opened once."""
        parts = self._parts
        new = [ref for ref in dict.fromkeys(refs) if ref not in self._known]
        if new:

            def query(c: Connection) -> tuple[dict[int, MessageRow], dict[int, SealedRow]]:
                return message_rows.get(c, new), content.get(c, new)

            rows, sealed = await parts.store.read(query)
            sealed = {ref: row for ref, row in sealed.items() if ref in rows}  # drafts have events too
            opened = await parts.workers.off_loop(lambda: messages.opened_rows(parts, sealed))
            for ref, row in rows.items():
                about = messages.summary(parts, row, opened.get(ref))
                self._known[ref] = {name: about[name] for name in _LASTING}
        known = {ref: self._known[ref] for ref in refs if ref in self._known}
        while len(self._known) > KNOWN_AT_MOST:
            self._known.popitem(last=False)
        return known

    async def events(self, after: int, *, caller: Caller = OWNER) -> AsyncIterator[Sequence[Happening]]:
        """Events after a position, and then as they happen, without end; those that are there together."""
        parts = self._parts
        while True:
            happenings = parts.signals.happenings
            found = await parts.store.read(partial(journal.events_after, seq=after, limit=EVENTS_AT_ONCE))
            known = await self._summaries([event.ref for event in found if event.ref is not None])
            told: list[Happening] = []
            for event in found:
                after = event.seq
                about = known.get(event.ref) if event.ref is not None and event.kind in ABOUT_MESSAGES else None
                if about is not None and about["type"] == probe.TYPE:
                    continue  # a test message of the way is nobody's case
                if caller.unit is not None and (about is None or about["unit"] != caller.unit):
                    continue
                told.append((event.seq, {**(about or {}), "kind": event.kind, "at": event.at, "state": event.state}))
            if told:
                yield told
            if len(found) < EVENTS_AT_ONCE:
                await parts.signals.wait_for_more(happenings, EVENTS_PAUSE)


async def show_node(parts: Parts, arguments: Arguments) -> OperationResult:
    """Who this node is and how it is."""
    only(arguments)
    own = parts.own.descriptor

    def query(c: Connection) -> tuple[int, int, list[journal.Alarm]]:
        return message_rows.count_queued(c), message_rows.count_waiting(c), journal.open_alarms(c)

    queued, waiting, alarms = await parts.store.read(query)
    return OperationResult(
        value={
            "name": parts.config.node.name,
            "node": own.node,
            "country": own.country,
            "demo": parts.config.node.demo,
            "endpoint": own.endpoints[0],
            "fingerprint": own.fingerprint,
            "scanned": node_text(own.fingerprint_hash, own.endpoints[0]),
            "descriptor": {"version": own.version, "issued": own.issued, "expires": own.expires},
            "keyset": {"version": parts.own.keyset.version, "expires": parts.own.keyset.expires}
            if parts.own.has_keyset
            else None,
            "units": [{"id": u.id, "name": u.name, "kind": u.kind} for u in parts.config.units],
            "peers": len(parts.book.all()),
            "queued": queued,
            "to_hand_over": waiting,
            "alarms": len(alarms),
            "endings": _endings(parts),
            "process": asdict(process.standing()),
        }
    )


def _endings(parts: Parts) -> list[Json]:
    """What ends and when: own descriptor and keys, those of peers, trust in them."""
    names = {peer.node: peer.name for peer in parts.book.all()}
    return [
        {"subject": item.subject, "at": item.at, "peer": None if item.peer is None else names.get(item.peer)}
        for item in endings(parts.own, parts.book)
    ]


async def pairing(parts: Parts, arguments: Arguments) -> OperationResult:
    """The pairing file: this node's descriptor chain, to be given to another country's administrator."""
    only(arguments)
    return OperationResult(value=parse(parts.own.chain_from(1), limit=4 * 1024 * 1024))


async def list_keys(parts: Parts, arguments: Arguments) -> OperationResult:
    """Every key with its use and age; no key bytes."""
    only(arguments)
    items: list[Json] = [
        {"use": key.use, "kid": key.kid, "made": key.made, "current": key.current} for key in parts.keys.listing()
    ]
    return OperationResult(value={"keys": items})


async def list_schemas(parts: Parts, arguments: Arguments) -> OperationResult:
    """What may be said, in every revision held."""
    only(arguments)
    items: list[Json] = [
        {
            "type": entry.body_type,
            "revision": entry.revision,
            "schema": entry.schema,
            "title": entry.title,
            "kind": entry.kind,
            "stage": entry.stage,
            "personal": entry.personal,
        }
        for entry in schemas.catalogue().held
    ]
    return OperationResult(value={"schemas": items})


async def show_schema(parts: Parts, arguments: Arguments) -> OperationResult:
    """One type field by field, and its JSON Schema."""
    only(arguments, "id")
    entry = schemas.catalogue().find(text(arguments, "id").replace("@", "/"))
    fields: list[Json] = [
        {
            "path": field.path,
            "class": field.sensitivity,
            "category": field.category,
            "codes": field.codes,
            "required": field.required,
        }
        for field in schemas.fields(entry.schema)
    ]
    return OperationResult(
        value={"type": entry.body_type, "schema": entry.schema, "fields": fields, "document": dict(entry.document)}
    )


async def check_draft(parts: Parts, arguments: Arguments) -> OperationResult:
    """Check the form and schema of a draft; nothing is stored or sent."""
    only(arguments, "draft")
    try:
        parts.drafts.check_form(members(arguments, "draft"))
    except RefusedError as error:
        return OperationResult(
            value={"ok": False, "code": str(error.code), "findings": [f.to_json() for f in error.findings]}
        )
    return OperationResult(value={"ok": True, "code": None, "findings": []})


async def list_alarms(parts: Parts, arguments: Arguments) -> OperationResult:
    """What a person has to look at, oldest first; of one kind if named. `open` is how many of these there are."""
    only(arguments, "limit", "cursor", "kind")
    limit, after = number(arguments, "limit", otherwise=50), messages.position(arguments)
    kind = maybe_text(arguments, "kind")

    def query(c: Connection) -> tuple[list[journal.Alarm], dict[int, MessageRow], dict[str, int], int]:
        found = journal.open_page(c, limit=limit + 1, after=after, kind=kind)
        there = sum(pile.count for name, pile in figure_rows.alarms(c).items() if kind in (None, name))
        refs = [alarm.ref for alarm in found if alarm.ref is not None]
        return found, message_rows.get(c, refs), review_store.counts(c), there

    found, rows, doubted, there = await parts.store.read(query)
    shown, following = messages.paged(found, limit, lambda alarm: alarm.seq)
    items: list[Json] = []
    for alarm in shown:
        peer = parts.book.get(alarm.peer) if alarm.peer is not None else None
        row = rows.get(alarm.ref) if alarm.ref is not None else None
        items.append(
            {
                "id": str(alarm.seq),
                "at": alarm.at,
                "kind": alarm.kind,
                "peer": None if peer is None else peer.name,
                "message": None if row is None else row.id,
                "reason": None if row is None else row.reason,
                "count": doubted.get(alarm.peer or "") if alarm.kind == "peer.review" else None,
            }
        )
    return OperationResult(value={"alarms": items, "open": there, "next": following})


async def dismiss_alarm(parts: Parts, arguments: Arguments) -> OperationResult:
    """A named person has seen it."""
    only(arguments, "id", "by")
    seq, by = number(arguments, "id", otherwise=0, most=2**40), text(arguments, "by", longest=64)
    now = parts.clock.now()

    def move(connection: Connection) -> None:
        if not journal.dismiss_alarm(connection, seq, at=now):
            raise RefusedError(Code.NOT_FOUND, "no such open alarm", hint="trm node show lists the alarms")
        journal.append_leaf(connection, leaf(now, "alarm.dismissed", actor=parts.keys.actor(by.encode()).hex()))

    await parts.store.move(move)
    return OperationResult(value={"id": str(seq)})


async def list_webhooks(parts: Parts, arguments: Arguments) -> OperationResult:
    """Systems that are told what happens, and what waits for them."""
    only(arguments)
    return OperationResult(value={"webhooks": await webhooks.standing(parts.store, parts.config)})


async def check_adapter(parts: Parts, arguments: Arguments) -> OperationResult:
    """The case system's adapter: what it is, and what is wrong with it."""
    only(arguments)
    if parts.adapter is None:
        return OperationResult(value={"adapter": None, "ok": True, "findings": []})
    about = parts.adapter.describe()
    findings = await parts.adapter.check()
    return OperationResult(
        value={
            "adapter": {
                "kind": about.kind,
                "version": about.version,
                "target": about.target,
                "can_pull": about.can_pull,
                "can_push": about.can_push,
                "erasure": str(about.erasure),
            },
            "ok": not findings,
            "findings": [f.to_json() for f in findings],
        }
    )


def _erasures(parts: Parts) -> Mapping[str, Operation]:
    """What destroys keys by a person's act."""
    return {
        "message.erase": partial(erasing.erase_message, parts),
        "conversation.erase": partial(erasing.erase_conversation, parts),
        "erasure.follow": partial(requests.follow, parts),
    }


def operations_of(parts: Parts) -> Mapping[str, Operation]:
    """Every operation by its name."""
    return {
        "message.list": partial(messages.list_messages, parts),
        "message.ack": partial(messages.acknowledge, parts),
        "message.open": partial(messages.open_message, parts),
        "message.resend": partial(messages.resend, parts),
        "message.resend_many": partial(resend.resend_many, parts),
        "message.cancel": partial(messages.cancel, parts),
        "draft.list": partial(messages.list_drafts, parts),
        "draft.show": partial(messages.show_draft, parts),
        "draft.save": partial(drafting.save, parts),
        "draft.change": partial(drafting.change, parts),
        "draft.discard": partial(messages.discard_draft, parts),
        "inbox.list": partial(inbox.list_inbox, parts),
        "code.list": partial(code_lists.list_code_lists, parts),
        "code.show": partial(code_lists.show_code_list, parts),
        "directory.list": partial(code_lists.directory, parts),
        "directory.search": partial(directory.search, parts),
        "directory.show": partial(directory.show, parts),
        "directory.own": partial(directory.own, parts),
        "directory.publish": partial(directory.publish, parts),
        "guidance.list": partial(guidance.list_texts, parts),
        "guidance.search": partial(guidance.search, parts),
        "guidance.show": partial(guidance.show, parts),
        "attachment.list": partial(operations.list_attachments, parts),
        "attachment.moving": partial(operations.moving, parts),
        "attachment.waiting": partial(operations.waiting, parts),
        "attachment.discard": partial(operations.discard, parts),
        "conversation.list": partial(messages.list_conversations, parts),
        "conversation.due": partial(conversations.list_due, parts),
        "conversation.show": partial(conversations.show_conversation, parts),
        "conversation.writable": partial(conversations.list_writable, parts),
        "erasure.list": partial(requests.list_requests, parts),
        "erasure.refuse": partial(requests.refuse, parts),
        "retention.hold": partial(erasing.hold, parts),
        "retention.release": partial(erasing.release, parts),
        "retention.list": partial(erasing.list_holds, parts),
        "alert.list": partial(alert_operations.list_alerts, parts),
        "asylum.hold": partial(asylum.hold, parts),
        "asylum.lift": partial(asylum.lift, parts),
        "contact.advise": partial(contact.advise, parts),
        "asylum.list": partial(asylum.list_holds, parts),
        "consent.record": partial(consents.record, parts),
        "consent.list": partial(consents.list_consents, parts),
        "consent.show": partial(consents.show, parts),
        "consent.withdraw": partial(consents.withdraw, parts),
        "statistics.make": partial(statistics.make, parts),
        "statistics.list": partial(statistics.list_releases, parts),
        "statistics.show": partial(statistics.show, parts),
        "statistics.draft": partial(statistics.draft, parts),
        "node.show": partial(show_node, parts),
        "node.status": partial(status.status, parts),
        "node.ready": partial(status.ready, parts),
        "node.pairing": partial(pairing, parts),
        "keys.list": partial(list_keys, parts),
        "keys.request": partial(keys.request, parts),
        "keys.tombstone": partial(keys.tombstone, parts),
        "keys.end": partial(keys.end, parts),
        "keys.proof": partial(keys.proof, parts),
        "peer.tombstone": partial(keys.end_of_peer, parts),
        "review.list": partial(keys.list_reviews, parts),
        "review.settle": partial(keys.settle_review, parts),
        "peer.list": partial(peers.list_peers, parts),
        "peer.add": partial(peers.add, parts),
        "peer.show": partial(peers.show, parts),
        "peer.code": partial(peers.code, parts),
        "peer.scope": partial(peers.scope, parts),
        "change.prepare": partial(changes.prepare, parts),
        "change.propose": partial(changes.propose, parts),
        "change.list": partial(changes.list_changes, parts),
        "change.show": partial(changes.show, parts),
        "change.approve": partial(changes.approve, parts),
        "change.withdraw": partial(changes.withdraw, parts),
        "admin.list": partial(changes.list_admins, parts),
        "policy.show": partial(policies.show, parts),
        "message.preview": partial(release.preview_message, parts),
        "draft.preview": partial(release.preview_draft, parts),
        "peer.ping": partial(ping.ping, parts),
        "peer.probe": partial(ping.probe, parts),
        "peer.probed": partial(ping.probed, parts),
        "schema.list": partial(list_schemas, parts),
        "schema.show": partial(show_schema, parts),
        "schema.check": partial(check_draft, parts),
        "evidence.export": partial(proof.export, parts),
        "audit.show": partial(audit.show, parts),
        "audit.list": partial(access.list_entries, parts),
        "audit.verify": partial(audit.verify, parts),
        "audit.export": partial(audit.export, parts),
        "alarm.list": partial(list_alarms, parts),
        "alarm.dismiss": partial(dismiss_alarm, parts),
        "adapter.check": partial(check_adapter, parts),
        "webhook.list": partial(list_webhooks, parts),
        "backup.make": partial(backup.make, parts),
        "token.new": partial(tokens.new, parts),
        "token.list": partial(tokens.list_tokens, parts),
        "token.revoke": partial(tokens.revoke, parts),
        "person.list": partial(people.list_people, parts),
    }
