"""gateway.erasure.peer_requests.confirm: what was done is said when it is done, or when it can wait no longer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection
from structlog.testing import capture_logs
from support.kept_content import keep, name_of, plain
from support.nodes import NOW
from support.trust_homes import Home, first_of

from gateway.database import content, journal
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.erasure import certificates
from gateway.erasure import store as erasures
from gateway.erasure.peer_requests import confirm
from gateway.erasure.peer_requests import store as requests
from gateway.erasure.peer_requests.confirm import AHEAD, MOST_CERTIFICATES, RequestConfirmer, find_revision
from gateway.erasure.peer_requests.record import Task
from gateway.erasure.peer_requests.store import OnwardRow, RequestRow, State
from gateway.erasure.rules import DAY, What
from gateway.erasure.store import ErasureRow, HoldRow
from gateway.errors import Code, RefusedError, TransientError
from gateway.foundation.ids import ConversationId
from gateway.messages.answers import sign_receipts
from gateway.messages.content_codec import read_content
from gateway.messages.store import receipts
from keys.documents.envelope import Receipt, Status
from keys.primitives.encoding import b64u
from schemas import load_catalogue

pytestmark = pytest.mark.usefixtures("plain_logs")

PEER, ONWARD = first_of("b"), first_of("d")
ASKS, TASK = 90, 190
UNITS = {"sender_unit": "theirs", "sender_role": "a", "recipient_unit": "ours", "recipient_role": "b"}


def test_the_newest_revision_that_the_peer_can_read():
    """A peer of before gets the first one; one that was never asked is taken to be as new as this node."""
    first, newest = (entry for entry in load_catalogue().held if entry.body_type == "erasure.confirmation/1")
    assert find_revision([first.schema]) == 1
    assert find_revision([first.schema, newest.schema]) == newest.revision == 2
    assert find_revision(None) == 2


class Preparation:
    """Notes what is to be said; `error` is what it meets."""

    def __init__(self) -> None:
        self.drafts: list[Any] = []
        self.error: Exception | None = None

    async def prepare(self, draft: Any, peer: Any) -> list[Any]:
        """Nothing of it leaves."""
        if self.error is not None:
            raise self.error
        assert draft.to == peer.node
        self.drafts.append(draft)
        return []


class Events:
    """Who follows the event stream."""

    def __init__(self) -> None:
        self.count = 0

    async def happened(self) -> None:
        """Something did."""
        self.count += 1


class Desk:
    """A node that has followed a request of a peer to erase a conversation."""

    def __init__(self, home: Home, store: Store, vault: ContentSealer) -> None:
        self.home, self.content, self.preparation, self.events = home, Content(store, vault), Preparation(), Events()
        preparation: Any = self.preparation
        events: Any = self.events
        clock: Any = home.clock
        config: Any = SimpleNamespace(horizon_days=7, backup=None, database=SimpleNamespace(archive_days=None))
        self.config = config
        self.confirmer = RequestConfirmer(
            content=self.content,
            keys=home.keys,
            peers=home.registry,
            preparation=preparation,
            config=config,
            wakeups=home.wakeups,
            events=events,
            clock=clock,
            rand=lambda size: b"r" * size,
        )

    async def keeps(self, *made: Callable[[Connection], Any]) -> None:
        """All this is stored."""

        def move(connection: Connection) -> None:
            for one in made:
                one(connection)

        await self.content.store.move(move)

    def said(self, ref: int, body_type: str | None = "enquiry.capacity/1", said: Any = None, **changed: Any) -> Any:
        """A message of the peer in the conversation that is asked about, but for what is said otherwise."""
        usual = {"conversation": b"asked", "peer": PEER.node}
        return lambda connection: keep(connection, self.content.sealer, ref, body_type, said, **usual | changed)

    async def asked(self, what: What = What.CONVERSATION, **changed: Any) -> None:
        """The request, which was followed, with 40 days for its answer."""
        task = Task(
            what=what,
            ground="objection",
            targets=(),
            consent=changed.pop("consent", None),
            withdrawn=None,
            conversation=ConversationId(name_of(0)),
            purpose="assistance",
            reply_to=name_of(ASKS),
            header=UNITS,
        )
        usual = {"state": State.FOLLOWED, "at": NOW, "follow": None, "due": NOW + 40 * DAY, "done": NOW}
        row = RequestRow(ref=TASK, message=ASKS, peer=PEER.node, **usual | changed)
        await self.keeps(
            self.said(ASKS, "erasure.request/1"),
            lambda c: content.put(c, [self.content.sealer.seal(TASK, task.encode())]),
            lambda c: requests.add(c, row),
        )

    def gone(self, ref: int, *, epoch: int = 0, place: str = "erased", **changed: Any) -> Callable[[Connection], None]:
        """A message was erased because of it."""
        usual = {"at": NOW + ref, "reason": "objection", "told": None, "request": TASK, "found": "content inbox"}
        row = ErasureRow(ref=500 + ref, message=ref, epoch=epoch, place=place, **usual | changed)
        return lambda connection: erasures.add(connection, [row])

    def tells(self, ref: int, **changed: Any) -> list[Callable[[Connection], Any]]:
        """An onward recipient was told by this message."""
        usual = {"direction": "out", "state": "opened", "peer": ONWARD.node, "conversation": b"onward", "n": ref}
        header = UNITS | {"recipient_unit": "desk"}
        return [
            self.said(ref, "erasure.request/1", header=header, **usual | changed),
            lambda c: requests.add_onward(c, [OnwardRow(message=ref, request=TASK)]),
        ]

    def answers(self, asked: int, ref: int, result: str = "erased", **said: Any) -> list[Callable[[Connection], Any]]:
        """It confirms, by this message."""
        body = {"result": result, "places": [], "told_onward": []} | said
        return [
            self.said(ref, "erasure.confirmation/1", body, peer=ONWARD.node, conversation=b"onward"),
            lambda c: requests.answer(c, asked, ref),
        ]

    def heard(self, ref: int, status: Status) -> Callable[[Connection], None]:
        """The onward recipient has signed a receipt of this message."""
        receipt = Receipt(
            of=b64u(bytes([ref]) * 32),
            msg=name_of(ref),
            from_=ONWARD.node,
            from_desc=1,
            to=self.home.node,
            n=1,
            status=status,
            at=NOW,
            code="schema" if status is Status.REJECTED else None,
        )
        kept = sign_receipts([receipt], self.onward_signs)

        def write(connection: Connection) -> None:
            receipts.add_batch(connection, 800 + ref, kept.batch)
            receipts.add(connection, receipts.make_rows(kept, receipts.RECEIVED, ONWARD.node, 800 + ref))

        return write

    onward_signs: Any = None

    async def request(self) -> RequestRow:
        """How far it has come."""
        found = await self.content.store.read(lambda c: requests.of_message(c, ASKS))
        assert found is not None
        return found

    async def answered(self) -> dict[str, Any] | None:
        """The content of what is said, and nothing where nothing is."""
        before = len(self.preparation.drafts)
        await self.confirmer.answer()
        said = self.preparation.drafts[before:]
        assert len(said) <= 1
        return dict(said[0].content) if said else None

    async def told(self) -> list[tuple[str, str | None, int | None, int]]:
        """What people are told."""
        return [(a.kind, a.peer, a.ref, a.at) for a in await self.content.store.read(journal.open_alarms)]


@pytest.fixture
async def desk(store: Store, vault: ContentSealer) -> Desk:
    """A node that has met whoever asks, and whoever had the data from here."""
    made = Desk(await Home.open("a", PEER, ONWARD), store, vault)
    made.onward_signs = (await Home.open("d")).keys.sign_batch
    return made


def places(said: Mapping[str, Any] | None) -> dict[str, str]:
    """What is said of each place."""
    assert said is not None
    return {one["place"]: one["done"] for one in said["places"]}


def last_day(at: int) -> str:
    """The day of a time, as it is said."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()


# --- one answer -------------------------------------------------------------------------------------------------------


async def test_what_was_erased_is_said_at_once(desk: Desk) -> None:
    """When the last of it went, and where it was; the request is over, and what was sealed beside it is gone."""
    await desk.asked()
    await desk.keeps(
        desk.said(1, None), desk.said(2, None), desk.gone(1), desk.gone(2, found="draft", place="not_held")
    )
    desk.home.clock.at += 9
    said = await desk.answered()
    assert said is not None
    assert (said["result"], said["erased_at"], said["told_onward"]) == ("erased", NOW + 2, [])
    assert {place: done for place, done in places(said).items() if done != "not_held"} == {
        "gateway": "erased",
        "draft": "erased",
        "key_file": "erased",
        "local_system": "erased",
        "journal": "erased",
    }
    (draft,) = desk.preparation.drafts
    assert (draft.id, draft.body_type, draft.to) == (b64u(b"r" * 16), "erasure.confirmation/1", PEER.node)
    assert (draft.conversation, draft.reply_to, draft.purpose) == (name_of(0), name_of(ASKS), "assistance")
    assert draft.header == UNITS
    row = await desk.request()
    assert (row.state, row.answered) == (State.OVER, NOW + 9)
    assert await desk.content.store.read(lambda c: content.get(c, [TASK])) == {}
    assert (desk.home.wakeups.outgoing(PEER.node).is_set(), desk.events.count) == (True, 1)
    (entry,) = [one for _, one in await desk.content.store.read(journal.leaves)]
    assert all(word in entry for word in (b'"ev":"request.answered"', draft.id.encode(), b'"at":%d' % (NOW + 9)))
    assert await desk.answered() is None


@pytest.mark.parametrize(
    ("lacks", "changed"),
    [
        ("the storage epoch", {"epoch": 1}),
        ("the case system", {"place": "due"}),
        ("the drafts", {}),
        ("the receipts", {}),
        ("the onward recipient", {}),
    ],
)
async def test_an_answer_waits_for_what_is_owed(desk: Desk, lacks: str, changed: dict[str, Any]) -> None:
    """But not beyond its time: then it says what is not done, and another one follows when it is."""
    await desk.asked()
    await desk.keeps(
        desk.said(1, None, direction="out", state="opened", peer=ONWARD.node, n=1), desk.gone(1, **changed)
    )
    if lacks == "the drafts":
        await desk.keeps(lambda c: content.put(c, [desk.content.sealer.seal(1, b"left")]))
    if lacks in ("the receipts", "the onward recipient"):
        await desk.keeps(*desk.tells(20))
    if lacks == "the receipts":
        await desk.keeps(*desk.answers(20, 21))
    late = NOW + 40 * DAY - AHEAD
    desk.home.clock.at = late - 1
    assert await desk.answered() is None
    desk.home.clock.at = late
    keys = places(await desk.answered())["key_file"]
    assert keys == ("due" if lacks == "the storage epoch" else "erased")
    row = await desk.request()
    assert (row.state, row.answered) == (State.FOLLOWED, late)
    desk.home.clock.at += 50 * DAY
    assert await desk.answered() is None


async def test_a_short_time_is_not_used_up_by_waiting(desk: Desk) -> None:
    """A quarter of it is left where that is less than two days."""
    await desk.asked(due=NOW + 24 * 3_600)
    await desk.keeps(desk.said(1, None), desk.gone(1, epoch=1))
    for at, answered in ((NOW + 18 * 3_600 - 1, False), (NOW + 18 * 3_600, True)):
        desk.home.clock.at = at
        assert (await desk.answered() is not None) is answered


async def test_what_can_not_be_said_is_told_to_a_person(desk: Desk) -> None:
    """Nothing is written; what is only away for now is said at the next look."""
    await desk.asked()
    await desk.keeps(desk.said(1, None), desk.gone(1))
    desk.preparation.error = TransientError(Code.DISK, "it is away")
    with capture_logs() as said:
        assert (await desk.answered(), await desk.told()) == (None, [])
        desk.preparation.error = RefusedError(Code.NOT_ACTIVE, "it has none")
        assert await desk.answered() is None
    assert said == [
        {"event": "request.postponed", "code": "disk", "log_level": "info"},
        {"event": "request.unanswered", "code": "not_active", "log_level": "warning"},
    ]
    assert await desk.told() == [("erasure.unanswered", PEER.node, ASKS, NOW)]
    assert (await desk.request()).state == State.FOLLOWED
    desk.preparation.error = None
    assert await desk.answered() is not None


async def test_how_long_a_backup_may_still_open_it(desk: Desk) -> None:
    """As long as the office keeps a file of the keys."""
    desk.config.backup = SimpleNamespace(keystore_days=3)
    await desk.asked()
    await desk.keeps(desk.said(1, None), desk.gone(1))
    said = await desk.answered()
    assert said is not None
    (backup,) = [one for one in said["places"] if one["place"] == "backup"]
    assert backup == {"place": "backup", "done": "due", "by_date": last_day(NOW + 3 * DAY)}


@pytest.mark.parametrize("state", [State.NEW, State.WAITING, State.KEPT])
async def test_only_what_was_followed_is_answered(desk: Desk, state: State) -> None:
    """The rest is not known yet, or was said."""
    await desk.asked(state=state)
    assert await desk.answered() is None


# --- what is kept -----------------------------------------------------------------------------------------------------


def held(talk: bytes, until: str, ground: str = "legal_claims_17_3_e") -> Callable[[Connection], None]:
    """A legal hold."""
    row = HoldRow(conversation=talk, ground=ground, until=until, at=1)
    return lambda connection: erasures.set_hold(connection, row)


async def test_what_is_kept_is_said_with_its_ground(desk: Desk) -> None:
    """At once, where nothing else is to be waited for; the categories are those of what is there."""
    await desk.asked()
    body = {"person": {"pseudonym": "x"}}
    await desk.keeps(desk.said(1, "referral.request/1", body), held(b"asked", "2029-01-01"))
    said = await desk.answered()
    assert said is not None and said["result"] == "refused"
    assert {(one["ground"], one["until"]) for one in said["kept"]} == {("legal_claims_17_3_e", "2029-01-01")}
    assert (await desk.request()).state == State.KEPT
    assert await desk.content.store.read(lambda c: set(content.get(c, [TASK]))) == {TASK}


async def test_of_several_holds_the_longest_is_said(desk: Desk) -> None:
    """And of what does not open, that it is about somebody."""
    consent = name_of(7)
    index = desk.content.sealer.consent_index(consent)
    await desk.asked(What.CONSENT, consent=consent)
    for ref, talk, until, ground in (
        (1, b"one", "2028-01-01", "restriction_18"),
        (2, b"two", "2030-01-01", "legal_claims_17_3_e"),
        (3, b"three", "2029-01-01", "restriction_18"),
    ):
        await desk.keeps(desk.said(ref, None, conversation=talk, consent=index), held(talk, until, ground))
    said = await desk.answered()
    assert said is not None
    assert said["kept"] == [{"data_category": "identity", "ground": "legal_claims_17_3_e", "until": "2030-01-01"}]


# --- those who had it from here ---------------------------------------------------------------------------------------


async def onward(desk: Desk, *made: Callable[[Connection], Any], result: str = "erased", **said: Any) -> Any:
    """A message went on and was erased here; its recipient was told and has confirmed. What is said then."""
    await desk.asked()
    await desk.keeps(
        desk.said(1, None, direction="out", state="opened", peer=ONWARD.node, conversation=b"onward", n=1),
        desk.gone(1),
        *desk.tells(20),
        *desk.answers(20, 21, result, **said),
        *made,
    )
    return await desk.answered()


async def test_who_was_told_has_confirmed(desk: Desk) -> None:
    """The unit that was told is named, with the certificate of what it signed."""
    said = await onward(desk, desk.heard(1, Status.ERASED))
    assert said["told_onward"] == [f"{ONWARD.node}/desk"]
    (certificate,) = said["onward_certificates"]
    proven = certificates.verify(certificate, NOW)
    assert (proven.node, proven.erased) == (ONWARD.node, (b64u(bytes([1]) * 32),))


@pytest.mark.parametrize(
    ("result", "status", "answered"),
    [
        ("erased", None, False),
        ("partly_erased", None, False),
        ("not_held", None, True),
        ("refused", None, True),
        ("erased", Status.REJECTED, True),
        ("erased", Status.DELIVERED, False),
    ],
)
async def test_the_receipts_of_who_says_that_it_erased_are_waited_for(
    desk: Desk, result: str, status: Status | None, answered: bool
) -> None:
    """Whoever never took it, or says that it has nothing, has none to sign."""
    said = await onward(desk, *([desk.heard(1, status)] if status else []), result=result)
    assert (said is not None) is answered
    assert said is None or "onward_certificates" not in said


async def test_the_certificates_of_others_go_on(desk: Desk) -> None:
    """Those that an onward recipient attached, each once, and none that proves nothing."""
    receipt = Receipt(
        of=b64u(bytes([9]) * 32),
        msg=name_of(9),
        from_=ONWARD.node,
        from_desc=1,
        to=PEER.node,
        n=1,
        status=Status.ERASED,
        at=NOW,
    )
    theirs = dict(certificates.encode(sign_receipts([receipt], desk.onward_signs), (ONWARD,)))
    spoiled = theirs | {"node": PEER.node}
    said = await onward(desk, result="not_held", onward_certificates=[theirs, spoiled, theirs])
    assert said["onward_certificates"] == [theirs]


def test_no_more_certificates_than_one_message_carries(monkeypatch: pytest.MonkeyPatch) -> None:
    """By their number, each once, and by their size."""
    found = [{"n": n} for n in range(MOST_CERTIFICATES + 5)]
    assert list(confirm._within([*found[:3], *found])) == found[:MOST_CERTIFICATES]
    size = len(str(found[0]))
    monkeypatch.setattr(confirm, "CERTIFICATES_LIMIT", 2 * size)
    assert list(confirm._within(found[:4])) == found[:2]


async def test_who_had_it_and_is_not_known_to_have_erased_it(desk: Desk) -> None:
    """It went there under a consent of somebody else: whoever has signed nothing is not known."""
    index = b"theirs"
    await desk.asked()
    await desk.keeps(
        desk.said(1, None, consent=index),
        desk.gone(1),
        desk.said(2, direction="out", state="opened", peer=ONWARD.node, conversation=b"onward", n=2, consent=index),
    )
    assert places(await desk.answered())["recipient"] == "unknown"


async def test_who_had_it_and_has_erased_it(desk: Desk) -> None:
    """It has signed so of each message."""
    index = b"theirs"
    await desk.asked()
    await desk.keeps(
        desk.said(1, None, consent=index),
        desk.gone(1),
        desk.said(2, direction="out", state="opened", peer=ONWARD.node, conversation=b"onward", n=2, consent=index),
        desk.heard(2, Status.ERASED),
    )
    assert places(await desk.answered())["recipient"] == "erased"


def test_what_a_confirmation_says_is_read_from_its_content() -> None:
    """And of one that does not open nothing is."""
    for result, claims in (("erased", True), ("partly_erased", True), ("not_held", False), ("refused", False)):
        said = read_content(plain("erasure.confirmation/1", {"result": result}))
        assert confirm._claims(said) is claims
    assert not confirm._claims(None)
    assert list(confirm._forwarded(None, NOW)) == []
