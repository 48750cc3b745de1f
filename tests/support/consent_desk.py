"""A node at which consents are recorded and taken back, for tests of what people may ask of it: what it would say to
other countries is noted, and nothing is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import orjson
from sqlalchemy import Connection
from support import rows
from support.endpoints import example
from support.kept_content import keep
from support.nodes import NOW, Node, Seeds
from support.robbed_stand_ins import Clock

import schemas
from gateway.cases import store as cases
from gateway.cases.rules import CaseState, LinkKind
from gateway.cases.store import CaseRow, Link
from gateway.consent import register
from gateway.consent.operations.withdrawing import Withdrawer
from gateway.database import content, journal
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.delivery.outbound.prepared import Prepared
from gateway.errors import Code, RefusedError
from gateway.foundation.ids import CaseId, MessageId, NodeId, UnitId, UnitKind
from gateway.messages.store import local, messages
from gateway.messages.store.local import OWN, ConsentRow
from gateway.messages.types import Draft, ValidMessage
from gateway.messages.wakeups import EventStream, Wakeups
from gateway.operations.roles import Caller, Role
from keys.documents.descriptor import Descriptor, Unit
from keys.primitives.encoding import b64u

CONSENT, OTHER, THIRD = (b64u(name) for name in (b"consent of her..", b"another consent.", b"the third one..."))
CASE, ANOTHER = (CaseId(b64u(name)) for name in (b"case of hers....", b"another case...."))
WORKER = Caller(roles=frozenset({Role.CASE_WORKER}), person="P" * 22)
GONE = NodeId("n1" + "g" * 32)
"""A node that wrote once, and of which nothing is held any more."""
OURS = {
    "sender_unit": "desk",
    "sender_role": "case_manager",
    "recipient_unit": "shelter",
    "recipient_role": "shelter_provider",
    "handling": {"retain_until": "2030-01-01"},
    "language": "sq",
}
"""What the header of a message from here says."""
THEIRS = OURS | {
    "sender_unit": "shelter",
    "sender_role": "shelter_provider",
    "recipient_unit": "desk",
    "recipient_role": "case_manager",
}
"""What that of a message from there says."""
Keeping = Callable[[Connection], Any]


def country(name: str, unit: str, role: str) -> Descriptor:
    """The node of a country, with one unit."""
    only = Unit(id=UnitId(unit), name=unit, kind=UnitKind.NGO, roles=(role,))
    return replace(Node(name.lower()).first(), name=name, country=name, units=(only,))


FR, AL, IT = (
    country("FR", "desk", "case_manager"),
    country("AL", "shelter", "shelter_provider"),
    country("IT", "shelter", "shelter_provider"),
)
RECORD: dict[str, Any] = example("consent.record.1/valid-adult", AL.node)["content"] | {
    "consent_id": CONSENT,
    "grants": [
        {
            "purpose": "referral",
            "recipient_units": [f"{AL.node}/shelter"],
            "data_categories": ["needs"],
            "until": "2030-12-31",
        }
    ],
}


class Peers:
    """The countries that this node has met."""

    def __init__(self, *met: Descriptor) -> None:
        self.met = {one.node: SimpleNamespace(node=one.node, name=one.name, descriptor=one) for one in met}

    def all(self) -> list[Any]:
        """Each of them."""
        return [*self.met.values()]

    def get(self, node: NodeId) -> Any:
        """The one with this node id."""
        return self.met.get(node)

    def find(self, node: NodeId) -> Any:
        """The same, where there is one."""
        if node not in self.met:
            raise RefusedError(Code.NOT_FOUND, "no such peer")
        return self.met[node]


class Preparation:
    """Makes a message of each draft; to whom in `closed` nothing can be said."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self.drafts, self.references, self.closed = list[Draft](), list[str | None](), set[NodeId]()

    async def prepare(self, draft: Draft, peer: Any, *, reference: str | None) -> list[Prepared]:
        """What is to be written of it."""
        if peer.node in self.closed:
            raise RefusedError(Code.NOT_FOUND, "the unit is gone")
        self.drafts.append(draft)
        self.references.append(reference)
        message = ValidMessage(
            id=MessageId(draft.id),
            body_type=draft.body_type,
            schema=schemas.load_catalogue().get(draft.body_type).schema,
            to=draft.to,
            conversation=draft.conversation,
            reply_to=None,
            purpose=draft.purpose,
            consent_ref=None,
            submitted=NOW,
            expires=NOW + 5,
            body=b"{}",
        )
        ref, conversation = self._content.store.new_ref(), self._content.sealer.conversation_index(draft.conversation)
        row = rows.message(ref, peer=peer.node, id=draft.id, conversation=conversation)
        return [Prepared(message=message, row=row, sealed=self._content.sealer.seal(ref, b"told"))]


class Desk:
    """Of which nothing is stored yet; what the node itself stores is numbered behind what a test does."""

    def __init__(self, store: Store, vault: ContentSealer) -> None:
        while store.new_ref() < 1_000:
            pass
        self.content, self.clock = Content(store, vault), Clock()
        self.own: Any = SimpleNamespace(node=FR.node, descriptor=FR)
        self.preparation = Preparation(self.content)
        self.peers: Any = Peers(AL, IT)
        self.wakeups, self.events = Wakeups(), EventStream()
        preparation: Any = self.preparation
        clock: Any = self.clock
        self.withdrawer = Withdrawer(
            content=self.content,
            own=self.own,
            peers=self.peers,
            preparation=preparation,
            wakeups=self.wakeups,
            events=self.events,
            clock=clock,
            rand=Seeds("withdrawals"),
        )

    def index(self, consent: str = CONSENT) -> bytes:
        """A consent as rows name it."""
        return self.content.sealer.consent_index(consent)

    async def keeps(self, *made: Keeping) -> None:
        """All this is stored."""

        def move(connection: Connection) -> None:
            for one in made:
                one(connection)

        await self.content.store.move(move)

    def recorded(
        self, ref: int, consent: str = CONSENT, holder: str = OWN, *, opens: bool = True, state: str = register.ACTIVE
    ) -> Keeping:
        """Somebody holds a record of a consent."""
        row = ConsentRow(ref=ref, consent=self.index(consent), holder=holder, state=state, at=NOW)
        record = register.encode(RECORD | {"consent_id": consent})
        sealed = self.content.sealer.seal(ref, record) if opens else rows.sealed(ref)

        def write(connection: Connection) -> None:
            content.put(connection, [sealed])
            local.add_consent(connection, row)

        return write

    def of_case(self, case: CaseId, *consents: str, talks: tuple[bytes, ...] = ()) -> Keeping:
        """A case, of which these consents and conversations are."""
        links = [Link(key=self.index(one), kind=LinkKind.CONSENT, case_id=case) for one in consents]
        links += [Link(key=talk, kind=LinkKind.CONVERSATION, case_id=case) for talk in talks]

        def write(connection: Connection) -> None:
            cases.open_cases(connection, [CaseRow(id=case, state=CaseState.OPEN, at=NOW, card=None)])
            cases.link(connection, links)

        return write

    def said(
        self,
        ref: int,
        body_type: str | None = "referral.request/1",
        *,
        consent: str = CONSENT,
        header: Mapping[str, Any] = OURS,
        **changed: Any,
    ) -> Keeping:
        """A message to Albania that relies on a consent, but for what is said otherwise."""
        sent = {"direction": messages.OUT, "peer": AL.node, "n": ref, "epoch": 1, "conversation": b"talk"}
        usual = sent | {"consent": self.index(consent), "header": header}
        return lambda connection: keep(connection, self.content.sealer, ref, body_type, **usual | changed)

    def waits(self, ref: int, **changed: Any) -> Keeping:
        """The same while it has not gone yet."""
        said = self.said(ref, **{"state": "queued", "n": None, "epoch": None} | changed)

        def write(connection: Connection) -> None:
            row = said(connection)
            messages.enqueue(connection, [(ref, row.peer, row.expires)])

        return write

    def spoilt(self, ref: int) -> Keeping:
        """What is stored under this number does not open any more."""

        def write(connection: Connection) -> None:
            content.erase(connection, ref)
            content.put(connection, [rows.sealed(ref)])

        return write

    async def alarms(self) -> list[tuple[str, str | None, int | None]]:
        """What people are told, as of now."""
        found = await self.content.store.read(journal.open_alarms)
        assert {alarm.at for alarm in found} <= {self.clock.at}
        return [(alarm.kind, alarm.peer, alarm.ref) for alarm in found]

    async def entries(self, event: str) -> list[dict[str, Any]]:
        """What the log says of such events, and when."""
        found = [orjson.loads(leaf) for _, leaf in await self.content.store.read(journal.leaves)]
        return [
            {name: value for name, value in leaf.items() if name not in ("seq", "ev")}
            for leaf in found
            if leaf["ev"] == event
        ]


def actor(name: bytes) -> bytes:
    """What stands for a name in the log here."""
    return b"actor of " + name


def actor_of(caller: Caller) -> str:
    """What the log says of who did it."""
    return actor(caller.actor.encode()).hex()
