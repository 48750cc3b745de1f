"""gateway.erasure.peer_requests.forward: whoever had the data from here hears of it once, by what it knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection
from structlog.testing import capture_logs
from support import rows
from support.incoming import STATED
from support.kept_content import keep, name_of
from support.nodes import NOW
from support.trust_homes import Home, first_of

import schemas
from gateway.database import content, journal
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.delivery.outbound.prepared import Prepared
from gateway.erasure.peer_requests import store as requests
from gateway.erasure.peer_requests.forward import MOST_TARGETS, RequestForwarder
from gateway.erasure.peer_requests.record import Task
from gateway.erasure.peer_requests.store import RequestRow, State
from gateway.erasure.rules import What
from gateway.errors import Code, RefusedError, TransientError
from gateway.foundation.ids import ConversationId, UnitId, UnitKind
from gateway.messages.store import local, messages
from gateway.messages.store.local import OWN, ConsentRow
from gateway.messages.store.messages import StatementRow
from gateway.messages.types import Draft, ValidMessage
from keys.documents.descriptor import Descriptor, Unit
from keys.primitives.encoding import canon, lp_join

pytestmark = pytest.mark.usefixtures("plain_logs")

PEER, ONWARD, THIRD = first_of("b"), first_of("d"), first_of("e")
ASKS, TASK = 90, 190
CONSENT = name_of(7)
WITHDRAWN = {"consent_id": CONSENT, "scope": "all", "withdrawn_on": NOW, "erase_wanted": True}
LATER = NOW + 86_400


def with_units(of: Descriptor, *units: str) -> Descriptor:
    """The node has these units."""
    made = (Unit(id=UnitId(unit), name=unit, kind=UnitKind.NGO, roles=("case_manager",)) for unit in units)
    return replace(of, units=tuple(made))


class Preparation:
    """Makes a message of each draft; to whom in `closed` nothing can be said, and `away` is for all of them."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.drafts, self.references = desk, list[Draft](), set[str | None]()
        self.closed: set[str] = set()
        self.away = False

    async def prepare(self, draft: Draft, peer: Any, *, reference: str | None) -> list[Prepared]:
        """What is to be written of it."""
        if self.away:
            raise TransientError(Code.DISK, "it is away")
        if peer.node in self.closed:
            raise RefusedError(Code.NOT_ACTIVE, "it is revoked")
        self.drafts.append(draft)
        self.references.add(reference)
        ref = 600 + len(self.drafts)
        message = ValidMessage(
            id=draft.id,
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
        row = rows.message(ref, peer=peer.node, id=name_of(ref), conversation=b"onward %d" % ref)
        sealed = self.desk.content.sealer.seal(ref, b"told")
        return [Prepared(message=message, row=row, sealed=sealed)]


class Events:
    """Who follows the event stream."""

    async def happened(self) -> None:
        """Something did."""


class Desk:
    """A node that a peer asked to erase."""

    def __init__(self, home: Home, store: Store, vault: ContentSealer) -> None:
        self.home, self.content = home, Content(store, vault)
        self.preparation = Preparation(self)
        preparation: Any = self.preparation
        events: Any = Events()
        own: Any = SimpleNamespace(descriptor=with_units(home.own.descriptor, "ours"))
        clock: Any = home.clock
        numbers = iter(range(1, 1_000))
        self.forwarder = RequestForwarder(
            content=self.content,
            own=own,
            peers=home.registry,
            preparation=preparation,
            wakeups=home.wakeups,
            events=events,
            clock=clock,
            rand=lambda size: next(numbers).to_bytes(size, "big"),
            actor=lambda data: b"actor of " + data,
        )

    async def keeps(self, *made: Callable[[Connection], Any]) -> None:
        """All this is stored."""

        def move(connection: Connection) -> None:
            for one in made:
                one(connection)

        await self.content.store.move(move)

    def said(self, ref: int, body_type: str | None = "referral.request/1", **changed: Any) -> Callable[..., Any]:
        """A message of the peer in the conversation that is asked about, but for what is said otherwise."""
        header = {
            "sender_unit": "theirs",
            "sender_role": "a",
            "recipient_unit": "ours",
            "recipient_role": "b",
            "handling": {"retain_until": "2030-01-01"},
            "language": "fr",
        }
        usual = {"conversation": b"asked", "peer": PEER.node, "header": header}
        return lambda connection: keep(connection, self.content.sealer, ref, body_type, **usual | changed)

    def passed(
        self,
        ref: int,
        to: Any = ONWARD,
        body_type: str | None = "referral.request/1",
        *,
        unit: str | None = None,
        **changed: Any,
    ) -> Any:
        """A message by which it went on under the consent, to this unit."""
        usual = {"direction": "out", "state": "opened", "n": ref, "peer": to.node, "conversation": b"onward"}
        header = {
            "sender_unit": "ours",
            "sender_role": "b",
            "recipient_unit": unit or f"desk of {to.name}",
            "recipient_role": "c",
            "handling": {"retain_until": "2030-01-01"},
            "language": "fr",
        }
        return self.said(ref, body_type, **usual | {"header": header, "consent": self.index} | changed)

    @property
    def index(self) -> bytes:
        """The consent as rows name it."""
        return self.content.sealer.consent_index(CONSENT)

    def signed(self, ref: int, conversation: str) -> Callable[[Connection], None]:
        """What was signed of a message is kept: it names the conversation."""
        statement = replace(STATED, conv=ConversationId(conversation), purpose="assistance").encode()
        kept = StatementRow(hash=f"hash {ref}", message=ref, evidence=400 + ref, created=1)
        sealed = self.content.sealer.seal(kept.evidence, lp_join(statement, canon({"proof": "of the first form"})))

        def write(connection: Connection) -> None:
            messages.add_statements(connection, [kept])
            content.put(connection, [sealed])

        return write

    def recorded(self, holder: str, *units: str) -> Callable[[Connection], None]:
        """Who recorded the consent, and the units that it names."""
        row = ConsentRow(ref=300, consent=self.index, holder=holder, state="valid", at=1)
        grant = {"purpose": "assistance", "recipient_units": [*units], "data_categories": [], "until": "2031-05-06"}
        said = {"consent_id": CONSENT, "given_by": "person", "taken_on": "2026-05-20", "grants": [grant]}
        sealed = self.content.sealer.seal(row.ref, canon(said | {"told": {"purpose": True}}))

        def write(connection: Connection) -> None:
            local.add_consent(connection, row)
            if units:
                content.put(connection, [sealed])

        return write

    async def asked(self, what: What | None, *, withdrawn: Any = None, **changed: Any) -> None:
        """The request, and the message that makes it."""
        task = Task(
            what=what,
            ground="objection",
            targets=(),
            consent=None if withdrawn is None else CONSENT,
            withdrawn=withdrawn,
            conversation=ConversationId(name_of(0)),
            purpose="assistance",
            reply_to=name_of(ASKS),
            header={},
        )
        usual = {"state": State.NEW, "at": NOW, "follow": LATER, "due": NOW + 100}
        row = RequestRow(ref=TASK, message=ASKS, peer=PEER.node, **usual | changed)
        await self.keeps(
            self.said(ASKS, "erasure.request/1"),
            lambda c: content.put(c, [self.content.sealer.seal(TASK, task.encode())]),
            lambda c: requests.add(c, row),
        )

    async def request(self) -> tuple[str, int | None, list[int]]:
        """How far it has come, when it is followed, and the messages by which it was told on."""
        found = await self.content.store.read(lambda c: requests.of_message(c, ASKS))
        assert found is not None
        told = await self.content.store.read(lambda c: requests.onward(c, TASK))
        return found.state, found.follow, [one.message for one in told]

    async def alarms(self) -> list[tuple[str, str | None, int | None, int]]:
        """What people are told."""
        return [(a.kind, a.peer, a.ref, a.at) for a in await self.content.store.read(journal.open_alarms)]

    def told(self) -> dict[str, list[tuple[str, Any]]]:
        """What is said to whom: types and what is named."""
        found: dict[str, list[tuple[str, Any]]] = {}
        for draft in self.preparation.drafts:
            named = draft.content.get("targets", draft.content.get("scope"))
            found.setdefault(draft.to, []).append((draft.body_type, named))
        return found


@pytest.fixture
async def desk(store: Store, vault: ContentSealer) -> Desk:
    """Of a node that has met whoever asks, and two others."""
    return Desk(await Home.open("a", PEER, ONWARD, THIRD), store, vault)


# --- a request to erase -----------------------------------------------------------------------------------------------


async def test_a_request_names_the_messages_by_which_it_went(desk: Desk) -> None:
    """In the conversation that the recipient knows, in the name of the node; then it waits for its time."""
    await desk.keeps(
        desk.said(1, consent=desk.index),
        desk.recorded(PEER.node),
        desk.passed(2, facts={"conversation": ConversationId(name_of(55)), "purpose": "assistance"}),
        desk.passed(3, facts={"conversation": ConversationId(name_of(55)), "purpose": "assistance"}),
    )
    await desk.asked(What.CONVERSATION)
    await desk.forwarder.spread()
    (draft,) = desk.preparation.drafts
    assert (draft.id, draft.body_type, draft.to) == (name_of(1), "erasure.request/1", ONWARD.node)
    assert draft.content == {"scope": "message", "targets": [name_of(2), name_of(3)], "ground": "objection"}
    assert (draft.conversation, draft.reply_to, draft.purpose) == (name_of(55), None, "assistance")
    assert (draft.header["sender_unit"], draft.header["recipient_unit"]) == ("ours", "desk of NRM d")
    assert draft.header["author_ref"] == b"actor of gateway".hex()
    assert await desk.request() == (State.WAITING, LATER, [601])
    assert (desk.home.wakeups.outgoing(ONWARD.node).is_set(), await desk.alarms()) == (True, [])
    entries = [one for _, one in await desk.content.store.read(journal.leaves)]
    (entry,) = [one for one in entries if b'"ev":"request.passed_on"' in one]
    assert all(word in entry for word in (b'"count":1', PEER.node.encode(), b'"at":%d' % NOW))
    await desk.forwarder.spread()
    assert len(desk.preparation.drafts) == 1


async def test_each_unit_is_told_once(desk: Desk) -> None:
    """Each peer in its own conversation; two units of one peer each of its own messages."""
    await desk.keeps(
        desk.said(1, consent=desk.index),
        desk.recorded(PEER.node),
        desk.passed(2),
        desk.passed(3, THIRD, conversation=b"third"),
        desk.passed(4, unit="clinic"),
        desk.passed(5),
    )
    await desk.asked(What.CONVERSATION)
    await desk.forwarder.spread()
    assert desk.told() == {
        ONWARD.node: [("erasure.request/1", [name_of(2), name_of(5)]), ("erasure.request/1", [name_of(4)])],
        THIRD.node: [("erasure.request/1", [name_of(3)])],
    }
    units = [draft.header["recipient_unit"] for draft in desk.preparation.drafts]
    assert units == ["desk of NRM d", "desk of NRM e", "clinic"]


async def test_many_messages_are_named_in_several_requests(desk: Desk) -> None:
    """As many as one may name."""
    await desk.keeps(
        desk.said(1, consent=desk.index),
        desk.recorded(PEER.node),
        *(desk.passed(ref) for ref in range(200, 200 + MOST_TARGETS + 1)),
    )
    await desk.asked(What.CONVERSATION)
    await desk.forwarder.spread()
    assert [len(draft.content["targets"]) for draft in desk.preparation.drafts] == [MOST_TARGETS, 1]


async def test_who_has_it_from_elsewhere_is_not_told(desk: Desk) -> None:
    """Who asks, who recorded the consent, and whoever never got it; of our own consent nobody is asked."""
    await desk.keeps(
        desk.said(1, consent=desk.index),
        desk.recorded(THIRD.node),
        desk.passed(2, PEER),
        desk.passed(3, THIRD),
        desk.passed(4, n=None, state="queued"),
        desk.passed(5, consent=b"another"),
    )
    await desk.asked(What.CONVERSATION)
    await desk.forwarder.spread()
    assert (desk.told(), await desk.request()) == ({}, (State.WAITING, LATER, []))


async def test_of_a_consent_of_our_own_nothing_went_on(desk: Desk) -> None:
    """The person has said to this node who may have it."""
    await desk.keeps(desk.said(1, consent=desk.index), desk.recorded(OWN), desk.passed(2))
    await desk.asked(What.CONVERSATION)
    await desk.forwarder.spread()
    assert (desk.told(), await desk.alarms()) == ({}, [])


@pytest.mark.parametrize(
    ("what", "elsewhere", "clear"),
    [
        (What.CONVERSATION, False, True),
        (What.CONVERSATION, True, False),
        (What.MESSAGES, False, False),
        (What.PART, False, True),
    ],
)
async def test_where_it_is_not_clear_what_went_a_person_decides(
    desk: Desk, what: What, elsewhere: bool, clear: bool
) -> None:
    """The request is about less than what went on: nobody is told, nothing goes by itself, and they are asked."""
    await desk.keeps(desk.said(1, consent=desk.index), desk.recorded(PEER.node), desk.passed(2))
    if elsewhere:
        await desk.keeps(desk.said(3, conversation=b"another", consent=desk.index))
    await desk.asked(what)
    await desk.forwarder.spread()
    told = {ONWARD.node: [("erasure.request/1", [name_of(2)])]} if clear and what is not What.PART else {}
    assert desk.told() == told
    assert (await desk.request())[:2] == (State.WAITING, LATER if clear else None)
    assert await desk.alarms() == ([] if clear else [("erasure.asked", PEER.node, ASKS, NOW)])


async def test_who_can_not_be_told_is_telephoned(desk: Desk) -> None:
    """A person hears of it; the others are told."""
    await desk.keeps(
        desk.said(1, consent=desk.index),
        desk.recorded(PEER.node),
        desk.passed(2),
        desk.passed(3, THIRD, conversation=b"third"),
    )
    desk.preparation.closed = {ONWARD.node}
    await desk.asked(What.CONVERSATION)
    await desk.forwarder.spread()
    assert desk.told() == {THIRD.node: [("erasure.request/1", [name_of(3)])]}
    assert await desk.alarms() == [("erasure.untold", ONWARD.node, ASKS, NOW)]


async def test_what_is_away_for_now_is_done_at_the_next_look(desk: Desk) -> None:
    """All of it; nothing is half told."""
    await desk.keeps(desk.said(1, consent=desk.index), desk.recorded(PEER.node), desk.passed(2))
    await desk.asked(What.CONVERSATION)
    desk.preparation.away = True
    with capture_logs() as said:
        await desk.forwarder.spread()
    assert said == [{"event": "request.postponed", "code": "disk", "log_level": "info"}]
    assert (await desk.request(), await desk.alarms()) == ((State.NEW, LATER, []), [])
    desk.preparation.away = False
    await desk.forwarder.spread()
    assert (await desk.request())[0] == State.WAITING


async def test_what_was_erased_beside_what_is_left_is_named_too(desk: Desk) -> None:
    """Its conversation is known by the message that is still there; where nothing is, somebody telephones."""
    await desk.keeps(
        desk.said(1, consent=desk.index),
        desk.recorded(PEER.node),
        desk.passed(2),
        desk.passed(3, body_type=None),
        desk.passed(4, THIRD, body_type=None, conversation=b"third"),
    )
    await desk.asked(What.CONVERSATION)
    await desk.forwarder.spread()
    assert desk.told() == {ONWARD.node: [("erasure.request/1", [name_of(2), name_of(3)])]}
    assert await desk.alarms() == [("erasure.untold", THIRD.node, ASKS, NOW)]


async def test_of_what_was_erased_the_unit_that_the_consent_names_is_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once of all of it, in the conversation that was signed: of that no content is left."""
    third = desk.home.peer(THIRD)
    there = replace(third, chain=(with_units(THIRD, "shelter", "clinic"),))
    monkeypatch.setattr(desk.home.registry, "get", {third.node: there}.get)
    await desk.keeps(
        desk.said(1, consent=desk.index),
        desk.recorded(PEER.node, f"{THIRD.node}/clinic"),
        *(desk.passed(ref, THIRD, body_type=None, conversation=b"third") for ref in (2, 3)),
        desk.signed(3, name_of(55)),
    )
    await desk.asked(What.CONVERSATION)
    await desk.forwarder.spread()
    (draft,) = desk.preparation.drafts
    assert (draft.to, draft.conversation, draft.purpose) == (THIRD.node, name_of(55), "assistance")
    assert draft.content == {"scope": "message", "targets": [name_of(2), name_of(3)], "ground": "objection"}
    assert (draft.header["sender_unit"], draft.header["recipient_unit"]) == ("ours", "clinic")
    assert draft.header["handling"]["retain_until"] == "2031-05-06"
    assert (await desk.request(), await desk.alarms()) == ((State.WAITING, LATER, [601]), [])


@pytest.mark.parametrize("state", [State.WAITING, State.FOLLOWED, State.KEPT])
async def test_what_was_told_on_is_not_told_again(desk: Desk, state: State) -> None:
    """It is further on."""
    await desk.keeps(desk.said(1, consent=desk.index), desk.recorded(PEER.node), desk.passed(2))
    await desk.asked(What.CONVERSATION, state=state)
    await desk.forwarder.spread()
    assert (desk.told(), (await desk.request())[0]) == ({}, state)


# --- a withdrawal -----------------------------------------------------------------------------------------------------


async def test_a_withdrawal_goes_on_as_it_is(desk: Desk) -> None:
    """To whom it went; what relied on it is erased at its time."""
    await desk.keeps(desk.said(1, consent=desk.index), desk.recorded(PEER.node), desk.passed(2), desk.passed(3))
    await desk.asked(What.CONSENT, withdrawn=WITHDRAWN)
    await desk.forwarder.spread()
    assert desk.told() == {ONWARD.node: [("consent.withdrawal/1", "all")]}
    assert desk.preparation.drafts[0].content == WITHDRAWN
    assert desk.preparation.references == {CONSENT}
    assert await desk.request() == (State.WAITING, LATER, [601])


async def test_a_withdrawal_that_wants_nothing_erased_is_over(desk: Desk) -> None:
    """When it was told on; nothing of it stays."""
    await desk.keeps(desk.said(1, consent=desk.index), desk.recorded(PEER.node), desk.passed(2))
    await desk.asked(None, withdrawn=WITHDRAWN | {"erase_wanted": False}, follow=None)
    await desk.forwarder.spread()
    assert (await desk.request())[:2] == (State.OVER, None)
    assert await desk.content.store.read(lambda c: content.get(c, [TASK])) == {}


async def test_who_only_knows_the_consent_hears_of_it_too(desk: Desk) -> None:
    """Whoever relied on it towards us; it confirms nothing, since it got nothing from here."""
    await desk.keeps(
        desk.said(1, consent=desk.index),
        desk.recorded(PEER.node),
        desk.said(2, peer=THIRD.node, conversation=b"third", consent=desk.index),
        desk.passed(3),
    )
    await desk.asked(What.CONSENT, withdrawn=WITHDRAWN)
    await desk.forwarder.spread()
    assert set(desk.told()) == {ONWARD.node, THIRD.node}
    assert len((await desk.request())[2]) == 1
    (there,) = [draft for draft in desk.preparation.drafts if draft.to == THIRD.node]
    assert (there.header["sender_unit"], there.header["recipient_unit"]) == ("ours", "theirs")


async def test_who_can_not_be_told_of_a_withdrawal(desk: Desk) -> None:
    """A person hears of it under its own name, unless it was told somewhere else."""
    await desk.keeps(
        desk.said(1, consent=desk.index),
        desk.recorded(PEER.node),
        desk.passed(2, THIRD, body_type=None, conversation=b"third"),
        desk.passed(3, ONWARD, body_type=None, conversation=b"first"),
        desk.passed(4, ONWARD),
    )
    await desk.asked(What.CONSENT, withdrawn=WITHDRAWN)
    await desk.forwarder.spread()
    assert set(desk.told()) == {ONWARD.node}
    assert await desk.alarms() == [("consent.untold", THIRD.node, ASKS, NOW)]


async def test_who_may_have_it_since_a_restore_hears_of_a_withdrawal(desk: Desk) -> None:
    """What went lost its number when this node was restored: whoever it was for is asked whether it came."""
    await desk.keeps(
        desk.said(1, consent=desk.index),
        desk.recorded(PEER.node),
        desk.passed(2, n=None, state="voiding"),
        desk.passed(3, THIRD, n=None, state="queued"),
    )
    await desk.asked(What.CONSENT, withdrawn=WITHDRAWN)
    await desk.forwarder.spread()
    assert desk.told() == {ONWARD.node: [("consent.withdrawal/1", "all")]}
