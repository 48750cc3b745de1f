"""Consents: recorded by a person, shown, and withdrawn; a withdrawal is never blocked (domain 2.21 and
2.22).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Connection

import schemas
from gateway.cases import store as cases
from gateway.cases.register import CaseRegister, find_row, join, names_of, number_signs
from gateway.cases.rules import Card, LinkKind, Signs, hand_over
from gateway.cases.store import Link
from gateway.consent import register
from gateway.consent.known_by import RECORD
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
from gateway.consent.operations.withdrawing import Withdrawer, take_back
from gateway.consent.rules import read
from gateway.database import content, journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.config import Config
from gateway.foundation.ids import CaseId, NodeId
from gateway.identity.own_identity import OwnIdentity
from gateway.messages.store import local
from gateway.messages.store.local import OWN, ConsentRow
from gateway.operations.actors import name_actor, pseudonym
from gateway.operations.paging import paged
from gateway.operations.registry import About, Reading, Units, operation
from gateway.operations.roles import CASE_SYSTEMS, CASES, PROTECTS, Caller
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock, Json, OperationResult
from keys.primitives.encoding import b64u


class ConsentOperations:
    """Operations on consents."""

    def __init__(
        self,
        *,
        content: Content,
        own: OwnIdentity,
        peers: PeerRegistry,
        withdrawer: Withdrawer,
        cases: CaseRegister,
        config: Config,
        clock: Clock,
        rand: Callable[[int], bytes],
        actor: Actor,
    ) -> None:
        self._content = content
        self._own = own
        self._peers = peers
        self._withdrawer = withdrawer
        self._cases = cases
        self._config = config
        self._clock = clock
        self._rand = rand
        self._actor = actor

    @operation(
        "consent.record",
        "record a consent that a person gave",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=Recorded,
        units=Units.NARROWED,
        attested=True,
        creates=True,
        example=EXAMPLE,
        takes_in=True,
    )
    async def record(self, asked: RecordConsent, caller: Caller) -> OperationResult:
        """Keep what the person of a case consented to; units may be named PEER/unit. Nothing is sent until a message
        relies on it. The case is named by its id, or by the number it has in the case system, which opens one.
        """
        actor = pseudonym(name_actor(caller, asked.attested), self._actor)
        attested = asked.attested is not None
        signs, card = self._case_named(asked, caller)
        given = dict(asked.content)
        given.setdefault("consent_id", b64u(self._rand(16)))
        given |= self._resolved(given)
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
        joining = self._cases.joining(signs, card)

        def move(connection: Connection) -> None:
            if local.withdrawals(connection, [index]):
                raise RefusedError(
                    Code.GATE_G7,
                    "a consent with this id was withdrawn; nothing was stored",
                    hint="if the person agrees again, record that as a new consent under a new consent_id",
                )
            if any(row.holder == OWN for row in local.consents(connection, index)):
                raise RefusedError(Code.EXISTS, "a consent with this id is recorded already; nothing was changed")
            if signs.named is not None:
                find_row(connection, signs.named)
            if index in cases.cases_of(connection, [index]):
                raise RefusedError(Code.EXISTS, "a consent with this id is of a case already; nothing was changed")
            case = join(connection, joining, now)
            cases.link(connection, [Link(key=index, kind=LinkKind.CONSENT, case_id=case)])
            content.put(connection, [sealed])
            local.add_consent(connection, ConsentRow(ref=ref, consent=index, holder=OWN, state=register.ACTIVE, at=now))
            journal.append_leaf(connection, leaf(now, "consent.recorded", actor=actor, attested=attested))

        await self._content.store.move(move)
        return OperationResult(value={"id": consent.consent_id, "state": register.ACTIVE}, created=True)

    def _case_named(self, asked: RecordConsent, caller: Caller) -> tuple[Signs, Card]:
        """Find whose consent it is; a case that begins is looked after by the unit of the caller.

        Raises:
            RefusedError: invalid; nobody said so, or in two ways.
        """
        case, known_by = asked.case, asked.number
        if (case is None) is (known_by is None):
            raise RefusedError(
                Code.INVALID,
                "a consent is of one case; nothing was stored",
                hint="name the case (trm case list), or the number it has in the case system",
                findings=[Finding(place="/case", rule="required", hint="an id of a case here, or else /number")],
            )
        if known_by is None:
            return Signs(named=CaseId(case or "")), Card()
        card, now = Card(number=known_by), self._clock.now()
        if caller.unit is not None:
            card = hand_over(card, unit=caller.unit, worker=caller.person, reason="opened it", now=now)
        return Signs(number=number_signs(self._content.sealer, [known_by])[known_by]), card

    def _resolved(self, given: Mapping[str, Json]) -> dict[str, Json]:
        """The lists of grants and denials with peer names replaced by node ids in their units; what is not understood
        is left for the schema to refuse.
        """
        names: dict[str, str] = {peer.name: peer.node for peer in self._peers.all()}
        names |= {self._config.node.name: self._own.node}

        def named(item: Json) -> Json:
            if not isinstance(item, dict):
                return item
            units = item.get("recipient_units")
            granted: dict[str, Json] = {}
            if isinstance(units, list):
                granted["recipient_units"] = [_unit(names, unit) for unit in units]
            return item | granted | {key: _unit(names, unit) for key, unit in item.items() if key == "unit"}

        lists = {key: given[key] for key in ("grants", "denials") if key in given}
        return {key: [*map(named, items)] if isinstance(items, list) else items for key, items in lists.items()}

    @operation("consent.list", "consents held here", roles=CASES | PROTECTS, about=About.CASE, answer=Consents)
    async def list_consents(self, asked: ConsentPage) -> OperationResult:
        """Consents held here, newest first, without what they say."""
        limit, before = asked.limit, asked.position

        def query(c: Connection) -> tuple[list[ConsentRow], dict[int, SealedRow]]:
            rows = local.all_consents(c, limit + 1, before)
            return rows, content.get(c, [row.ref for row in rows])

        rows, sealed = await self._content.store.read(query)
        items: list[Json] = []
        shown, following = paged(rows, limit, lambda row: row.ref)
        names = await names_of(self._content, [row.consent for row in shown])
        for row in shown:
            record = register.opened(self._content.sealer, sealed.get(row.ref))
            whole = isinstance(record, dict)
            items.append(
                {
                    "id": record["consent_id"] if isinstance(record, dict) else None,
                    "of_case": names.get(row.consent),
                    "holder": self._holder(row),
                    "state": row.state if whole or row.state == register.WITHDRAWN else register.DAMAGED,
                    "at": row.at,
                }
            )
        return OperationResult(value={"consents": items, "next": following})

    def _holder(self, row: ConsentRow) -> str:
        peer = self._peers.get(NodeId(row.holder))
        return row.holder if peer is None else peer.name

    @operation(
        "consent.show",
        "one consent",
        roles=CASE_SYSTEMS | PROTECTS,
        about=About.CASE,
        answer=Consent,
        units=Units.NARROWED,
        reads=Reading(what="consent"),
        shows=frozenset({"record", "withdrawals"}),
    )
    async def show(self, asked: OneConsent, caller: Caller) -> OperationResult:
        """One consent as held here, with every withdrawal: of which case it is, which conversations with which
        countries rely on it, what would stop and who would be told if it were withdrawn. A record has codes and no
        name; what names the case or a conversation is only for who reads content.
        """
        known = await self._find(asked.id)
        if not known.held:
            raise RefusedError(
                Code.UNDECRYPTABLE,
                "the record of this consent cannot be opened; nothing that relies on it is sent",
                hint="restore a backup, or record what the person says now as a new consent under a new consent_id",
            )
        first = known.held[0]
        relied_on, tells = await self._content.store.read(lambda c: self._withdrawer.find_relying(c, known, caller))
        return OperationResult(
            value={
                "id": first.record["consent_id"],
                "of_case": (await names_of(self._content, [known.index])).get(known.index),
                "relied_on": relied_on,
                "tells": tells,
                "holder": self._holder(first.row),
                "state": known.state,
                "record": dict(first.record),
                "withdrawals": [dict(item) for item in known.withdrawals or ()],
            }
        )

    async def _find(self, reference: str) -> register.Known:
        known = await register.known(self._content, reference)
        if not known.rows:
            raise _none_such()
        return known

    async def _find_known(self, reference: str) -> register.Known:
        """Find the same, also where its record was erased with what relied on it: a peer may still act on it."""

        def query(connection: Connection) -> register.Known:
            known = register.known_in(self._content.sealer, connection, reference)
            if not known.rows and not self._withdrawer.is_known_elsewhere(connection, known):
                raise _none_such()
            return known

        return await self._content.store.read(query)

    @operation(
        "consent.withdraw",
        "withdraw, never blocked",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=Withdrawn,
        units=Units.NARROWED,
        attested=True,
        creates=True,
        example={"erase_wanted": True},
    )
    async def withdraw(self, asked: WithdrawConsent, caller: Caller) -> OperationResult:
        """Take back a consent, whole or in part: effective here at once, told to every peer that relies on it. A case
        system may leave out who says so: nothing hinders a withdrawal, also where all that relied on it was erased.
        """
        reference, attested = asked.id, asked.attested is not None
        actor = pseudonym(name_actor(caller, asked.attested, required=False), self._actor)
        known = await self._find_known(reference)
        taken_back = take_back(reference, now=self._clock.now(), erase_wanted=asked.erase_wanted, grants=asked.grants)
        (state,), told = await self._withdrawer.withdraw([(known, taken_back)], actor, attested=attested, caller=caller)
        return OperationResult(value={"id": reference, "state": state, "told": told}, created=bool(told))


def _none_such() -> RefusedError:
    return RefusedError(Code.NOT_FOUND, "no such consent", hint="trm consent list shows the ids")


def _unit(names: dict[str, str], unit: Json) -> Json:
    if not isinstance(unit, str):
        return unit
    node, _, rest = unit.partition("/")
    return f"{names[node]}/{rest}" if node in names else unit
