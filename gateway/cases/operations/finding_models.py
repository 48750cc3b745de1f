"""What finding, assigning and flagging cases take and answer."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from gateway.cases.list_rules import Order, Owes, Place
from gateway.cases.operations.models import CaseLine, OneCase
from gateway.cases.rules import LONGEST_LABEL
from gateway.errors import Code, RefusedError
from gateway.operations.ids import PeerId, PersonId, UnitId
from gateway.operations.models import ONE_LINE, Answer, Count, Next, OneOf, Read, Time, Unsettled
from gateway.operations.paging import Page


class FindCases(Page):
    """Which cases are wanted, all of it at once. It stands in the body, since an address has no value of a case."""

    text: Annotated[
        str | None,
        Field(max_length=LONGEST_LABEL, description="beginnings of words of a label, number, pseudonym or reference"),
    ] = None
    peer: PeerId | None = Field(default=None, description="with whom a conversation is held")
    stage: Annotated[
        str | None, Field(max_length=40, description="of the procedure, as trm procedure list tells it")
    ] = None
    unit: UnitId | None = Field(default=None, description="which looks after it")
    language: Annotated[str | None, Field(max_length=20, description="of the person, as ar")] = None
    owes: Annotated[str, OneOf(*Owes)] | None = Field(default=None, description="who has to act next")
    overdue: bool = Field(default=False, description="only where somebody is late")
    soon: bool = Field(default=False, description="only where something is over until `soon_until`, and nobody is late")
    soon_until: Time | None = Field(default=None, description="until when it is soon: 48 hours where nothing is said")
    mine: bool = Field(default=False, description="only those that the person who asks looks after")
    flagged: bool = Field(default=False, description="only those with a flag")
    closed: bool = Field(default=False, description="those that came to their end, instead of those that go on")
    at_once: bool = Field(default=False, description="without what has changed last, for a number beside a page")
    sort: Annotated[str, OneOf(*Order)] = Field(
        default=Order.DUE, description="the next deadline, how long nothing moved, or the newest first"
    )

    @property
    def place(self) -> Place | None:
        """The case behind which the page begins; None for the first page. Raises RefusedError invalid."""
        if self.cursor is None:
            return None
        first, second, id = (*self.cursor.split(".", 2), "", "")[:3]
        if not _NUMBER.fullmatch(first) or not _NUMBER.fullmatch(second) or not id:
            raise RefusedError(Code.INVALID, "the cursor is not valid", hint="take it from the page before")
        return int(first), int(second), id


_NUMBER = re.compile(r"-?[0-9]{1,16}")


class AssignCase(OneCase):
    """A case, and the person here who looks after it from now on; nobody where none is named."""

    worker: PersonId | None = None


class FlagCase(OneCase):
    """A case, and the word that makes it stand out in lists."""

    text: Annotated[str, Field(min_length=1, max_length=40, description="a few words, never a name"), ONE_LINE]


# --- answers ------------------------------------------------------------------------------------------------------


class CaseReference(Answer):
    """Under which reference a country knows the case."""

    peer: str
    reference: Read[str | None] = None
    began: Annotated[str, OneOf(*Owes)] | None = Field(
        description="who wrote first; nobody where nothing of it is left"
    )


class NextStep(Answer):
    """What is owed next in a case, by whom and until when."""

    what: str = Field(description="the clock, as docs/domain tells it")
    owes: Annotated[str, OneOf(*Owes)]
    peer: str
    until: Time
    overdue: bool
    certain: bool


class FoundCase(CaseLine):
    """A case as the list shows it."""

    peers: list[CaseReference]
    stage: str | None = Field(description="the furthest of what goes on")
    next: NextStep | None
    moved: Time = Field(description="when something last happened in it")
    worker: Read[str | None] = Field(default=None, description="the person here who looks after it, by id")
    flags: Read[list[str]] = Field(default_factory=list)
    closed: bool
    age_group: Read[str | None] = Field(default=None, description="a code of the list age_group, as it counts now")
    child: Read[bool | None] = Field(
        default=None, description="whether the person counts as a child today; nothing where no age was said"
    )
    gender: Read[str | None] = Field(default=None, description="a code of the list gender")


class CaseCounts(Answer):
    """How many cases there are in each part of what was asked for; all but `closed` are of those that go on."""

    open: Count
    mine: Count
    overdue: Count
    soon: Count
    ours: Count
    theirs: Count
    flagged: Count
    closed: Count


class CasesFound(Answer):
    """A page of cases in the order asked for, and how many there are in each part."""

    cases: list[FoundCase]
    counts: CaseCounts
    total: Count = Field(description="how many are wanted, on all pages")
    next: Next | None
    unsettled: Unsettled
