"""Consents: recorded by a person, shown, and withdrawn; a withdrawal is never blocked (domain 2.21 and
2.22).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sqlalchemy import Connection

import schemas
from gateway.consent import register
from gateway.consent.effects import Withdrawal
from gateway.consent.operations.models import (
    EXAMPLE,
    Consent,
    ConsentPage,
    Consents,
    OneConsent,
    RecordConsent,
    Recorded,
    WithdrawConsent,
    Withdrawn,
)
from gateway.consent.rules import read
from gateway.database import content, journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.delivery.outbound import draft as drafts
from gateway.delivery.outbound import preparation
from gateway.delivery.outbound.preparation import Preparation
from gateway.erasure.peer_requests import store
from gateway.errors import Code, RefusedError
from gateway.foundation.config import Config
from gateway.identity.own_identity import OwnIdentity
from gateway.messages import content_codec, headers
from gateway.messages.store import local, messages
from gateway.messages.store.local import OWN, ConsentRow
from gateway.messages.types import Draft
from gateway.messages.wakeups import EventStream, Wakeups
from gateway.operations.authors import author_ref
from gateway.operations.paging import paged
from gateway.operations.registry import About, Reading, Units, operation
from gateway.operations.roles import CASE_SYSTEMS, CASES
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock, Json, OperationResult
from keys.primitives.encoding import b64u

RECORD = "consent.record/1"
WITHDRAWAL = "consent.withdrawal/1"


class ConsentOperations:
    """Operations on consents."""

    def __init__(
        self,
        *,
        content: Content,
        own: OwnIdentity,
        peers: PeerRegistry,
        preparation: Preparation,
        config: Config,
        wakeups: Wakeups,
        events: EventStream,
        clock: Clock,
        rand: Callable[[int], bytes],
        actor: Actor,
    ) -> None:
        self._content = content
        self._own = own
        self._peers = peers
        self._preparation = preparation
        self._config = config
        self._wakeups = wakeups
        self._events = events
        self._clock = clock
        self._rand = rand
        self._actor = actor

    @operation(
        "consent.record",
        "record a consent that a person gave",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=Recorded,
        units=Units.FREE,
        creates=True,
        example=EXAMPLE,
    )
    async def record(self, asked: RecordConsent) -> OperationResult:
        """Keep what a person consented to; units may be named PEER/unit. Nothing is sent until a message relies on
        it.
        """
        by = asked.by
        given = dict(asked.content)
        given.setdefault("consent_id", b64u(self._rand(16)))
        given["grants"] = self._resolved(given.get("grants"))
        findings = [
            finding
            for finding in (*schemas.validate(RECORD, {"header": {}, "content": given}), *schemas.text_findings(given))
            if finding.place.startswith("/content")
        ]
        if findings:
            raise RefusedError(
                Code.SCHEMA,
                f"the consent has {len(findings)} fault(s); nothing was stored",
                findings=findings,
                hint="trm schema show consent.record/1 prints what is expected",
            )
        consent = read(given)
        ref, now = self._content.store.new_ref(), self._clock.now()
        index = self._content.sealer.consent_index(consent.consent_id)
        sealed = self._content.sealer.seal(ref, register.encode(given))

        def move(connection: Connection) -> None:
            if local.withdrawals(connection, [index]):
                raise RefusedError(
                    Code.GATE_G7,
                    "a consent with this id was withdrawn; nothing was stored",
                    hint="if the person agrees again, record that as a new consent under a new consent_id",
                )
            if any(row.holder == OWN for row in local.consents(connection, index)):
                raise RefusedError(Code.EXISTS, "a consent with this id is recorded already; nothing was changed")
            content.put(connection, [sealed])
            local.add_consent(connection, ConsentRow(ref=ref, consent=index, holder=OWN, state=register.ACTIVE, at=now))
            journal.append_leaf(connection, leaf(now, "consent.recorded", actor=self._actor(by.encode()).hex()))

        await self._content.store.move(move)
        return OperationResult(value={"id": consent.consent_id, "state": register.ACTIVE}, created=True)

    def _resolved(self, grants: Json) -> Json:
        """Unit references with peer names replaced by node ids; what is not understood is left for the schema to
        refuse.
        """
        if not isinstance(grants, list):
            return grants
        names: dict[str, str] = {peer.name: peer.node for peer in self._peers.all()}
        names |= {self._config.node.name: self._own.node}
        resolved: list[Json] = []
        for grant in grants:
            if isinstance(grant, dict) and isinstance(units := grant.get("recipient_units"), list):
                grant = grant | {"recipient_units": [_unit(names, unit) for unit in units]}
            resolved.append(grant)
        return resolved

    @operation("consent.list", "consents held here", roles=CASES, about=About.CASE, answer=Consents)
    async def list_consents(self, asked: ConsentPage) -> OperationResult:
        """Consents held here, newest first, without what they say."""
        limit, before = asked.limit, asked.position

        def query(c: Connection) -> tuple[list[ConsentRow], dict[int, SealedRow]]:
            rows = local.all_consents(c, limit + 1, before)
            return rows, content.get(c, [row.ref for row in rows])

        rows, sealed = await self._content.store.read(query)
        items: list[Json] = []
        shown, following = paged(rows, limit, lambda row: row.ref)
        for row in shown:
            record = register.opened(self._content.sealer, sealed.get(row.ref))
            whole = isinstance(record, dict)
            items.append(
                {
                    "id": record["consent_id"] if isinstance(record, dict) else None,
                    "holder": self._holder(row),
                    "state": row.state if whole or row.state == register.WITHDRAWN else register.DAMAGED,
                    "at": row.at,
                }
            )
        return OperationResult(value={"consents": items, "next": following})

    def _holder(self, row: ConsentRow) -> str:
        peer = self._peers.get(row.holder)
        return row.holder if peer is None else peer.name

    @operation(
        "consent.show",
        "one consent",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=Consent,
        units=Units.FREE,
        reads=Reading(what="consent"),
    )
    async def show(self, asked: OneConsent) -> OperationResult:
        """One consent as held here, with every withdrawal."""
        known = await self._find(asked.id)
        if not known.held:
            raise RefusedError(
                Code.UNDECRYPTABLE,
                "the record of this consent cannot be opened; nothing that relies on it is sent",
                hint="restore a backup, or record what the person says now as a new consent under a new consent_id",
            )
        first = known.held[0]
        return OperationResult(
            value={
                "id": first.record["consent_id"],
                "holder": self._holder(first.row),
                "state": known.state,
                "record": dict(first.record),
                "withdrawals": [dict(item) for item in known.withdrawals or ()],
            }
        )

    async def _find(self, reference: str) -> register.Known:
        known = await register.known(self._content, reference)
        if not known.rows:
            raise RefusedError(Code.NOT_FOUND, "no such consent", hint="trm consent list shows the ids")
        return known

    @operation(
        "consent.withdraw",
        "withdraw, never blocked",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=Withdrawn,
        units=Units.FREE,
        creates=True,
        example={"by": "Ana Doe", "erase_wanted": True},
    )
    async def withdraw(self, asked: WithdrawConsent) -> OperationResult:
        """Take back a consent, whole or in part: effective here at once, told to every peer that relies on it."""
        reference, by = asked.id, asked.by
        known = await self._find(reference)
        now = self._clock.now()
        taken_back: dict[str, Json] = {
            "consent_id": reference,
            "scope": "all" if asked.grants is None else "grants",
            "withdrawn_on": now,
            "erase_wanted": asked.erase_wanted,
        }
        if asked.grants is not None:
            taken_back["grants"] = [*asked.grants]
        effect = Withdrawal(content=self._content, withdrawn=taken_back)
        told, damaged = await self._tell(known, taken_back, by)

        def move(connection: Connection) -> str:
            state = effect.write(connection, now)
            preparation.write(connection, told)
            register.alarm(connection, damaged, now)
            journal.append_leaf(connection, leaf(now, "consent.withdraw", actor=self._actor(by.encode()).hex()))
            return state

        state = await self._content.store.move(move)
        for item in told:
            self._wakeups.outgoing(item.row.peer).set()
        await self._events.happened()
        return OperationResult(
            value={
                "id": reference,
                "state": state,
                "told": [{"peer": self._peers.find(item.row.peer).name, "message": item.row.id} for item in told],
            },
            created=bool(told),
        )

    async def _tell(
        self, known: register.Known, taken_back: dict[str, Json], by: str
    ) -> tuple[list[preparation.Prepared], list[int]]:
        """One withdrawal for every peer that was told of the consent, or that told us, in the conversation they know.

        Also the messages by which a peer knows it that do not open: that peer can not be told, and somebody has to
        phone.
        """
        prepared: list[preparation.Prepared] = []
        damaged: list[int] = []
        for node, (ref, incoming) in (await self._content.store.read(lambda c: _known_by(c, known))).items():
            sealed = await self._content.store.read(partial(content.get, refs=[ref]))
            if ref not in sealed:
                continue
            try:
                about = content_codec.read_content(self._content.sealer.open(sealed[ref]))
            except RefusedError:
                damaged.append(ref)
                continue
            draft = Draft(
                id=b64u(self._rand(drafts.ID)),
                body_type=WITHDRAWAL,
                to=node,
                conversation=about.facts.conversation,
                reply_to=None,
                purpose=about.facts.purpose,
                header=headers.along(about.halves()[0], author_ref(by, self._actor), incoming=incoming),
                content=taken_back,
            )
            reference = str(taken_back["consent_id"])
            prepared.extend(await self._preparation.prepare(draft, self._peers.find(node), reference=reference))
        return prepared, damaged


def _unit(names: dict[str, str], unit: Json) -> Json:
    if not isinstance(unit, str):
        return unit
    node, _, rest = unit.partition("/")
    return f"{names[node]}/{rest}" if node in names else unit


def _known_by(connection: Connection, known: register.Known) -> dict[str, tuple[int, bool]]:
    """By peer the message by which it knows the consent, and whether that message came from it."""
    told = {node: (ref, False) for node, ref in local.consent_told_to(connection, known.index).items()}
    for row in known.rows:
        if row.holder != OWN:
            for node, ref in messages.relying_on(connection, known.index, row.holder).items():
                told.setdefault(node, (ref, True))
    on = messages.get(connection, store.passed_on(connection, [known.index], but=told))
    for ref, sent in on.items():
        told.setdefault(sent.peer, (ref, False))
    return told
