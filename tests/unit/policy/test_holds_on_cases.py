"""Which case an asylum hold lies over, what the ledger says of that, and how changes of cases take holds along."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy import Connection
from support import kept_content, rows

from gateway.cases import store as cases
from gateway.cases.rules import CaseState, LinkKind
from gateway.cases.store import CaseRow, Link
from gateway.database import content as content_rows
from gateway.database.content import SealedRow
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.foundation.ids import CaseId, ConversationId
from gateway.ledger import store as ledger
from gateway.ledger.rules import named_case, named_case_of
from gateway.policy import asylum_holds, store
from gateway.policy.asylum_holds import HoldsOnCases, Named
from gateway.policy.store import AsylumHold
from keys.primitives.encoding import b64u

NOW = 1_800_000_000
CASE, APART = CaseId("A" * 22), CaseId("B" * 22)

Told = tuple[str, int, bytes | None, str | None]
"""What an entry of the ledger says: its kind, when, what it names, and of which hold."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a node keeps: two cases, and what a test adds of conversations and holds, each by the name of its
    conversation.
    """

    content: Content
    connection: Connection

    @property
    def sealer(self) -> ContentSealer:
        """Seals for it."""
        return self.content.sealer

    def index(self, talk: str) -> bytes:
        """Under what the database knows a conversation."""
        return self.sealer.conversation_index(ConversationId(talk))

    def label(self, talk: str) -> bytes:
        """Under what it knows the hold on that."""
        return self.sealer.hold_indexes(ConversationId(talk), ())[0]

    def link(self, key: bytes, kind: LinkKind, case: CaseId) -> None:
        """This is of a case."""
        cases.link(self.connection, [Link(key=key, kind=kind, case_id=case)])

    def talk(self, talk: str, case: CaseId | None = None) -> None:
        """A message came in this conversation, which is of a case."""
        ref = self.content.store.new_ref()
        kept_content.keep(
            self.connection, self.sealer, ref, conversation=self.index(talk), facts={"conversation": talk}
        )
        if case is not None:
            self.link(self.index(talk), LinkKind.CONVERSATION, case)

    def hold(
        self,
        talk: str,
        *states: str,
        case: CaseId | None = None,
        row: SealedRow | None = None,
        also: bytes = b"consent",
    ) -> int:
        """A hold was placed on a conversation, over that and `also`, and lies over a case; its number."""
        named = Named(conversation=ConversationId(talk), consents=(), states=states)
        sealed = asylum_holds.sealed(self.content, named) if row is None else row
        content_rows.put(self.connection, [sealed])
        store.place(self.connection, AsylumHold(ref=sealed.ref, at=NOW, lift=None), [self.label(talk), also])
        if case is not None:
            self.link(self.label(talk), LinkKind.HOLD, case)
        return sealed.ref

    def held(self, case: CaseId) -> set[bytes]:
        """What lies over a case, by the labels of the holds."""
        return {link.key for link in cases.links(self.connection, case, LinkKind.HOLD)}

    def told(self) -> list[Told]:
        """Everything that the ledger says."""
        found = [row for row, _ in ledger.after(self.connection, 0, 99)]
        return sorted((row.kind, row.at, row.subject, row.detail) for row in found)

    def over(self, label: bytes, case: CaseId, *talks: str, at: int) -> list[Told]:
        """That a hold lies over a case, under each name of the case: its id and each of these conversations of it."""
        names = [named_case(case), *(named_case_of(self.index(talk)) for talk in talks)]
        return sorted(("over", at, name, b64u(label)) for name in self.sealer.hashes(names))


@pytest.fixture
def kept(connection: Connection, store: Store, vault: ContentSealer) -> Kept:
    """Two open cases of which nothing is here yet."""
    cases.open_cases(connection, [CaseRow(id=id, state=CaseState.OPEN, at=1, card=None) for id in (CASE, APART)])
    return Kept(Content(store, vault), connection)


def test_the_ledger_says_over_which_case_a_hold_lies(kept: Kept):
    """Over the case of its conversation, under every name of that; where it has none nothing is laid nor said."""
    kept.talk("talk", CASE)
    kept.talk("other", CASE)
    kept.talk("elsewhere", APART)
    kept.talk("bare")

    def lay(talk: str) -> CaseId | None:
        label, index = kept.label(talk), kept.index(talk)
        return asylum_holds.lay_on_case(kept.connection, kept.sealer, label, index, at=NOW + 1)

    assert (lay("bare"), kept.told()) == (None, [])
    assert lay("talk") == CASE
    assert (kept.held(CASE), kept.held(APART)) == ({kept.label("talk")}, set())
    assert kept.told() == kept.over(kept.label("talk"), CASE, "talk", "other", at=NOW + 1)


TALKS = ("held", "held before", "held, of no case", "not held")


def of_each_kind(kept: Kept) -> list[bytes]:
    """A conversation whose hold is of no case yet, one whose hold is, one without a case, and one without a hold."""
    for talk in TALKS:
        kept.talk(talk, None if talk == "held, of no case" else CASE)
    kept.hold("held")
    kept.hold("held before", case=APART)
    kept.hold("held, of no case")
    kept.talk("not asked about", CASE)
    kept.hold("not asked about")
    return [kept.index(talk) for talk in TALKS]


def is_laid_along(kept: Kept) -> bool:
    """Whether of all these that one hold was laid which was of no case, and the ledger says so."""
    names = (talk for talk in (*TALKS, "not asked about") if talk != "held, of no case")
    told = kept.over(kept.label("held"), CASE, *names, at=NOW + 1)
    laid = kept.held(CASE), kept.held(APART), kept.told()
    return laid == ({kept.label("held")}, {kept.label("held before")}, told)


def test_a_hold_comes_with_its_conversation_into_a_case(kept: Kept):
    """One that was placed before that was of a case; what is over a case already stays there, without a word."""
    assert asylum_holds.lay_along(kept.connection, kept.sealer, of_each_kind(kept), at=NOW + 1) == CASE
    assert is_laid_along(kept)


def test_a_change_of_cases_takes_holds_along(kept: Kept):
    """As when a referral quotes an enquiry."""
    holds = HoldsOnCases(kept.content, lambda: CaseId("C" * 22))
    holds.lay_along(kept.connection, of_each_kind(kept), NOW + 1)
    assert is_laid_along(kept)


@pytest.mark.parametrize(
    "talks",
    [(), ("held before",), ("held, of no case",), ("not held",), ("unknown",), TALKS[1:]],
    ids=["of nothing", "it lies already", "of no case", "without a hold", "nothing is here of it", "of all these"],
)
def test_where_no_hold_waits_for_a_case_none_is_laid(kept: Kept, talks: tuple[str, ...]):
    """No case is named, and the ledger says nothing."""
    of_each_kind(kept)
    asked = [kept.index(talk) for talk in talks]
    assert asylum_holds.lay_along(kept.connection, kept.sealer, asked, at=NOW + 1) is None
    assert (kept.held(CASE), kept.held(APART), kept.told()) == (set(), {kept.label("held before")}, [])


def test_which_holds_lie_over_a_case(kept: Kept):
    """Each with its number and what it names; without those of another case, lifted ones, and what does not open."""
    refs = [kept.hold("first", "AL", case=CASE), kept.hold("second", case=CASE)]
    kept.hold("damaged", case=CASE, row=rows.sealed(99))
    kept.hold("elsewhere", case=APART)
    kept.link(kept.label("lifted"), LinkKind.HOLD, CASE)
    assert asylum_holds.holds_on_case(kept.connection, kept.sealer, CASE) == {
        kept.label("first"): (refs[0], Named(conversation=ConversationId("first"), consents=(), states=("AL",))),
        kept.label("second"): (refs[1], Named(conversation=ConversationId("second"), consents=(), states=())),
    }


def test_the_holds_of_a_case_that_are_named_on_some_conversations(kept: Kept):
    """A split takes those along that are named on what it takes, and leaves the others."""
    for talk, case in {"first": CASE, "second": CASE, "third": CASE, "elsewhere": APART}.items():
        kept.hold(talk, case=case)
    holds, asked = HoldsOnCases(kept.content, lambda: CaseId("C" * 22)), ("first", "third", "elsewhere")
    found = holds.find_named(kept.connection, CASE, {kept.index(talk) for talk in asked})
    assert sorted(found) == sorted([kept.label("first"), kept.label("third")])


@pytest.mark.parametrize(
    ("conversation", "of", "over", "lost"),
    [
        ("talk", CASE, CASE, False),
        ("talk", APART, CASE, True),
        ("talk", None, CASE, False),
        ("talk", CASE, None, True),
        ("talk", None, None, False),
        ("", None, CASE, True),
        ("", CASE, CASE, True),
    ],
    ids=["of its case", "of another", "of none", "over none", "of none, over none", "unknown", "unknown, of its case"],
)
def test_a_hold_that_nobody_can_name(kept: Kept, conversation: str, of: CaseId | None, over: CaseId | None, lost: bool):
    """Those who work on its case can if they see its conversation: it is known, and of no other case."""
    named = Named(conversation=ConversationId(conversation), consents=())
    for key, kind, case in (
        (kept.index(conversation), LinkKind.CONVERSATION, of),
        (b"the hold", LinkKind.HOLD, over),
        (b"another hold", LinkKind.HOLD, CASE),
    ):
        if case is not None:
            kept.link(key, kind, case)
    assert asylum_holds.is_lost(kept.connection, kept.sealer, b"the hold", named) is lost


def test_a_lost_hold_is_named_on_a_conversation_of_its_case(kept: Kept):
    """It lies over what it lay over, since when it lay there; the row of before is destroyed, and the ledger says that
    it was placed.
    """
    lost, other = kept.hold("", case=CASE), kept.hold("other", case=CASE, also=b"another consent")
    label, named = kept.label(""), Named(conversation=ConversationId("talk"), consents=("one",), states=("AL", "XK"))
    asylum_holds.name_lost(kept.connection, kept.content, label, lost, named, at=NOW + 1)
    ref, now = asylum_holds.holds_on_case(kept.connection, kept.sealer, CASE)[label]
    assert now == named
    assert store.listed(kept.connection) == [AsylumHold(ref=one, at=NOW, lift=None) for one in (other, ref)]
    assert set(store.labels_of(kept.connection, ref)) == {label, b"consent"}
    assert content_rows.present(kept.connection, [lost, other, ref]) == {other, ref}
    assert kept.told() == sorted(("held", NOW + 1, one, b64u(label)) for one in (label, b"consent"))


def test_what_is_laid_over_another_case_has_a_name_of_its_own(kept: Kept):
    """Once for all that keep from the same States; it names no conversation, and the ledger knows it and its case."""
    kept.talk("talk", APART)
    for talk, *states in (("first", "AL"), ("second", "AL"), ("third", "MA")):
        kept.hold(talk, *states, case=CASE, also=talk.encode())
    ids = [CaseId(letter * 22) for letter in "CDE"]
    new = iter(ids)
    HoldsOnCases(kept.content, lambda: next(new)).copy(kept.connection, kept.held(CASE), APART, NOW + 1)
    labels = [kept.label(id) for id in ids[:2]]
    found = asylum_holds.holds_on_case(kept.connection, kept.sealer, APART)
    assert {label: named for label, (_, named) in found.items()} == {
        label: Named(conversation=ConversationId(""), consents=(), states=(state,))
        for label, state in zip(labels, ("AL", "MA"), strict=True)
    }
    for label, (ref, _) in found.items():
        assert store.get(kept.connection, label) == AsylumHold(ref=ref, at=NOW + 1, lift=None)
        assert store.labels_of(kept.connection, ref) == [label]
    held = [("held", NOW + 1, label, b64u(label)) for label in labels]
    assert kept.told() == sorted(
        [*held, *(one for label in labels for one in kept.over(label, APART, "talk", at=NOW + 1))]
    )
