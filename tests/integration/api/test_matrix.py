"""Who may do what to what, asked from outside: each credential, each operation, what is own, another's and unknown.

What is expected is read from docs/roles.md, as an operator reads it: which role has which operation, which are acts of
a person, what of it somebody gets who is bound to a unit. A new operation that names something of a case fails here
until it stands in `PLAIN` or `GIVEN`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any, get_args
from uuid import uuid4

import pytest
import pytest_asyncio
from pydantic import BaseModel
from support.local import Answer
from support.nodeproc import enquiry
from support.pair import example
from support.tables import Faults
from support.told_roles import told
from support.two_units import NOWHERE, SHELTER, UNIT, UNITS, Credential, House, Things, anew, rows, two_units

from gateway.api.app import APART, STATUS
from gateway.api.routes import PREFIX, ROUTES
from gateway.errors import Code
from gateway.node.rows import ROWS
from gateway.operations.ids import Names, Subject
from gateway.operations.registry import Units
from gateway.operations.roles import READS_CONTENT, Role

TODAY, LATER = "2027-01-14", "2027-12-01"
OF_A_CASE = frozenset(Subject) & {
    *(Subject.ALARM, Subject.CASE, Subject.CASE_CHANGE, Subject.CASE_NUMBER, Subject.CONSENT),
    *(Subject.CONVERSATION, Subject.DRAFT, Subject.FILES, Subject.MESSAGE),
}
DRAFT = {"draft": enquiry("room?", "AL")}
CONTENT = {"content": example("consent.record/1", "AL")["content"]}
MANY = "message.submit_many"
WHY = {"reason": "not_needed"}
KEPT = {"ground": "restriction_18", "until": LATER}
SAID = {"reason": "the person says so"}

PLAIN = (
    *("message.list", "message.show", "message.ack", "message.open", "message.resend", "message.cancel"),
    *("draft.show", "draft.preview", "draft.release", "draft.discard"),
    *("attachment.add", "attachment.list", "attachment.waiting", "attachment.discard"),
    *("conversation.show", "conversation.writable", "conversation.due"),
    *("retention.release", "asylum.hold", "asylum.lift", "asylum.apart", "erasure.follow"),
    *("case.show", "case.grounds", "case.join", "case.relate", "case.confirm", "case.undo", "case.release"),
    *(
        "consent.show",
        "consent.of_case",
        "consent.confirm",
        "consent.withdraw",
        "consent.withdraw_all",
        "case.withdrawals",
        "case.course",
        "case.copy",
    ),
    *(
        "evidence.export",
        "evidence.fields",
        "evidence.contradiction",
        "alarm.dismiss",
        "audit.case",
        "audit.reads",
        "keys.proof",
        "statistics.draft",
    ),
    *("peer.probed", "review.settle"),
)
"""Operations that need nothing but ids."""
GIVEN: Mapping[str, Mapping[str, Any]] = {
    **dict.fromkeys(("message.preview", "draft.save", "draft.change"), DRAFT),
    **dict.fromkeys(("message.erase", "conversation.erase", "case.erase"), WHY),
    **dict.fromkeys(("retention.hold", "erasure.refuse", "case.hold"), KEPT),
    **dict.fromkeys(("case.merge", "case.split", "case.move", "content.ask"), SAID),
    **dict.fromkeys(("case.block", "case.unblock"), {"unit": UNIT} | SAID),
    "message.submit": enquiry("room?", "AL"),
    MANY: {"items": [{"key": "k", **DRAFT}]},
    "message.resend_many": {"state": "failed"},
    "attachment.read": {"part": 0},
    "contact.advise": {"channel": "call"},
    "alert.acknowledge": {"actions": ["visit"]},
    "alert.review": {"outcome": "needed"},
    "case.open": {"label": "Blue 7"},
    "case.assign": {},
    "case.flag": {"text": "Blue 7"},
    "case.label": {"label": "Blue 7"},
    "case.unflag": {"text": "Blue 7"},
    "case.hand_over": {"unit": SHELTER} | SAID,
    "case.note_status": {"status": "presumed", "country": "FR", "body": "Police", "on": TODAY},
    "case.note_role": {"role": "witness", "on": TODAY},
    "consent.record": CONTENT,
}
"""What the others that name something of a case are given besides, so that nothing but an id can be wrong."""
BY_NUMBER = frozenset({"audit.cases"})
"""Lists that call a case by the number of its case system also to who reads no content (ADR 0043)."""
TOLD = told()
ROUTE = {route.operation: route for route in ROUTES}
PLACES = {name: (route.method, PREFIX + route.path) for name, route in ROUTE.items()} | {
    name: ("GET", path) for name, path in APART.items()
}


# --- how it is asked ----------------------------------------------------------------------------------------------

Place = tuple[tuple[str, ...], Subject]


def places(model: type[BaseModel]) -> Iterator[Place]:
    """Where arguments name something of a case, at whatever depth."""
    for name, field in model.model_fields.items():
        marks = {mark.subject for mark in (*field.metadata, *_marks(field.annotation)) if isinstance(mark, Names)}
        yield from (((name,), subject) for subject in marks & OF_A_CASE)
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from (((name, *path), subject) for path, subject in places(part))


def _marks(annotation: Any) -> Iterator[Any]:
    yield from getattr(annotation, "__metadata__", ())
    for part in get_args(annotation):
        yield from _marks(part)


NAMING = {
    name: found for name, row in ROWS.items() if row.units is not Units.FREE and (found := [*places(row.arguments)])
}


async def ask(one: Credential, operation: str, arguments: Mapping[str, Any]) -> Answer:
    """One operation by its route, with every header that any of them needs."""
    method, path = PLACES[operation]
    given = deepcopy(dict(arguments))
    for item in given.get("items", ()):
        item["key"] = uuid4().hex
    path = re.sub(r"\{(\w+)\}", lambda found: str(given.pop(found[1], "x")), path)
    headers = {"Idempotency_Key": uuid4().hex, "If_Match": '"v"'}
    if method == "GET" or ROUTE[operation].takes:
        query = "&".join(f"{name}={value}" for name, value in given.items())
        data = None if method == "GET" else b"words"
        return await one.door.ask(method, f"{path}?{query}", data, **headers)
    answer = await one.door.ask(method, path, given, **headers)
    return answer_of_one(answer) if operation == MANY and answer.status == 200 else answer


def answer_of_one(answer: Answer) -> Answer:
    """The answer to the one message of a call with many, as it is given to that message alone."""
    (item,) = answer.value["items"]
    if (refused := item.get("refused")) is None:
        return replace(answer, value=item["submitted"])
    return replace(answer, status=STATUS.get(Code(refused["code"]), 422), value=refused)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: Any) -> AsyncIterator[House]:
    """Made once: what is refused changes nothing."""
    async with two_units(tmp_path_factory.mktemp("house")) as made:
        yield made


NONE_HERE = frozenset(
    {
        *("evidence.contradiction", "keys.proof", "peer.probed", "review.settle", "statistics.draft"),
        "attachment.read",
    }
)
"""What they are about is a rare thing that neither unit has; a file has left its sender when the peer has it."""
OF_SENT = frozenset({"attachment.list", "message.cancel"})
"""These are about a message that went out with a file."""
LAST = frozenset(
    {"message.erase", "conversation.erase", "case.erase", "erasure.follow", "retention.release", "case.release"}
)
"""After these something is gone, or may go."""
pytestmark = pytest.mark.asyncio(loop_scope="module")


RELEASES = frozenset({"message.submit", "draft.release", "draft.preview"})


def begins(operation: str, path: Sequence[str], subject: Subject) -> bool:
    """Whether what nothing has yet is no fault here: a draft begins a conversation, a number begins a case."""
    of_draft = "draft" in path or (operation in RELEASES and path == ("conversation",))
    return subject is Subject.CASE_NUMBER or (subject is Subject.CONVERSATION and of_draft)


def named_by(operation: str) -> list[Place]:
    """Every place of the arguments that names something of a case, also in the header of a draft."""
    found = list(NAMING[operation])
    for path, subject in NAMING[operation]:
        if subject is Subject.FILES and path != ("id",) and operation != "attachment.add":
            found += [
                ((*path[:-1], "header", "consent_ref"), Subject.CONSENT),
                ((*path[:-1], "header", "case_ref_sender"), Subject.CASE_NUMBER),
            ]
    return found


def draft_in(given: dict[str, Any]) -> dict[str, Any]:
    """The draft that is given, if one is."""
    (holder,) = given.get("items", [given])
    draft: dict[str, Any] = holder.get("draft", holder)
    return draft


def arguments(operation: str, own: Things, path: Sequence[str] = (), value: str = "") -> dict[str, Any]:
    """What is needed, of one's own; and at one place this value."""
    model = ROWS[operation].arguments
    given = deepcopy(dict(GIVEN.get(operation, {})))
    draft = draft_in(given)
    if "header" in draft:
        draft["header"]["sender_unit"] = own.unit
    if operation in ("case.split", "case.move"):
        given["consents"] = [own.ids[Subject.CONSENT]]
        given |= {"source": own.ids[Subject.CASE]} if operation == "case.move" else {}
    if operation in OF_SENT:
        given["id"] = own.sent
    elif operation in own.owed:
        given["id"] = own.owed[operation][0]
    for (name, *deeper), subject in NAMING[operation]:
        if not deeper and model.model_fields[name].is_required() and name not in given:
            given[name] = own.spare if name in ("into", "other") else own.ids[subject]
    if path:
        inner: Any = given
        for step in path[:-1]:
            inner = inner[step][0] if step == "items" else inner[step]
        many = len(path) == 1 and "list" in str(model.model_fields[path[0]].annotation)
        inner[path[-1]] = [value] if many else value
    return given


async def test_every_credential_gets_past_the_doors_that_the_page_names(house: House):
    """Each is asked with an argument that no operation knows: so who may is told that, and nothing is done."""
    with Faults() as faults, rows(house.fr.folder) as stored:
        for operation in PLACES:
            for one in house.callers:
                with faults.row(operation, one.name):
                    await check_door(one, operation)
                    assert stored.changed() == []


async def check_door(one: Credential, operation: str) -> None:
    """One cell."""
    if operation in APART:
        method, path = PLACES[operation]
        async with one.door.session.request(method, one.door.base + path, headers=one.door.headers) as answer:
            status, value = answer.status, {} if answer.status == 200 else await answer.json(content_type=None)
    else:
        given = {"header": {"sender_unit": one.unit}} if operation == "message.submit" else {}
        asked = await ask(one, operation, {"nothing": "x", **given})
        status, value = asked.status, asked.value
    if one.name == "nobody":
        assert (status, value["code"]) == (401, "unauthorised")
    elif not TOLD.may(one, operation):
        assert (status, value["code"]) == (403, "forbidden")
        lacks = not one.roles & TOLD.marks[operation] and (
            one.person or operation not in TOLD.by_person - TOLD.attested
        )
        assert {Role(said["hint"]) for said in value["findings"]} == (TOLD.marks[operation] if lacks else set())
        assert one.person or operation not in TOLD.by_person - TOLD.attested or "trm login" in value["hint"]
    elif operation in APART:
        assert status == 200
    else:
        assert (status, value["code"]) == (400, "invalid")


async def test_what_is_of_another_is_as_if_it_were_not_there(house: House):
    """By each id that arguments name, for each credential that is bound to a unit, and for a person who must not see a
    case: answered in the same words as what nobody has, and nothing is changed.
    """
    assert {*PLAIN, *GIVEN} == NAMING.keys()
    with Faults() as faults, rows(house.fr.folder) as stored:
        for operation in NAMING:
            for one in (*house.callers, house.kept_out):
                bound = one is house.kept_out or one.unit is not None
                own, other = (house.of[unit] for unit in (UNITS if one is house.kept_out else UNITS[::-1]))
                for path, subject in named_by(operation) if bound and TOLD.may(one, operation) else ():
                    with faults.row(operation, "/".join(path), one.name):
                        value = other.owed.get(operation, [other.ids[subject]])[0]
                        theirs = await ask(one, operation, arguments(operation, own, path, value))
                        assert not [mark for mark in other.marks if mark in theirs.text]
                        if begins(operation, path, subject):
                            assert (theirs.status, theirs.value["code"]) == (404, "not_found")
                        else:
                            unknown = await ask(one, operation, arguments(operation, own, path, NOWHERE))
                            assert (theirs.status, theirs.value) == (unknown.status, unknown.value)
                            assert theirs.status == 404 or (theirs.status, PLACES[operation][0]) == (200, "GET")
                        assert stored.changed() == []


async def test_lists_and_searches_show_nothing_of_another(house: House):
    """Nor of what a case is called, to who does not read content."""
    with Faults() as faults:
        for operation in filter(lists, ROWS):
            for one in (*house.callers, house.kept_out):
                if not TOLD.may(one, operation):
                    continue
                with faults.row(operation, one.name):
                    answer = await ask(one, operation, {"text": "Label"} if operation == "case.find" else {})
                    assert answer.status == 200
                    if one is house.kept_out or one.unit is not None:
                        other = house.of[UNITS[one is house.kept_out]]
                        assert not [mark for mark in other.marks if mark in answer.text]
                        if operation == "alarm.list":
                            assert answer.value["open"] == len(answer.value["alarms"])
                    if not one.owner and not one.roles & READS_CONTENT:
                        words = {word for of in house.of.values() for word in of.words}
                        words -= {word for word in words if operation in BY_NUMBER and word.startswith("N-")}
                        assert not [word for word in words if word in answer.text]


def lists(operation: str) -> bool:
    """Whether it reads without naming anything, and not what is the same for everybody."""
    route = ROUTE.get(operation)
    if route is None or "{" in route.path or ROWS[operation].units is Units.FREE:
        return False
    return route.method == "GET" or operation == "case.find"


async def test_what_is_said_of_ones_own_tells_nothing_of_another(house: House):
    """Also where the two have to do with each other: a conversation went from one to the other, and not its consent."""
    with Faults() as faults:
        for operation in sorted(NAMING.keys() - NONE_HERE):
            for one in (*house.callers, house.kept_out):
                bound = one is house.kept_out or one.unit is not None
                own, other = (house.of[unit] for unit in (UNITS if one is house.kept_out else UNITS[::-1]))
                if not bound or PLACES[operation][0] != "GET" or not TOLD.may(one, operation):
                    continue
                for path, subject in named_by(operation):
                    with faults.row(operation, "/".join(path), one.name):
                        answer = await ask(one, operation, about_own(one, operation, own, path, subject))
                        check_own(answer)
                        assert not [mark for mark in other.marks if mark in answer.text]


async def test_ones_own_is_there(house: House):
    """Whoever may is answered about what their unit looks after; who is bound to no unit, about what any does."""
    own = house.of[SHELTER]
    with Faults() as faults:
        for operation in sorted(NAMING.keys() - NONE_HERE, key=lambda name: (name in LAST, name)):
            may = [one for one in house.callers if TOLD.may(one, operation)]
            for one in [one for one in may if one.unit is not None] or [one for one in may if one.person][:1]:
                for path, subject in named_by(operation):
                    with faults.row(operation, "/".join(path), one.name):
                        await anew(house.fr, own)
                        check_own(await ask(one, operation, about_own(one, operation, own, path, subject)))


async def test_a_list_in_the_place_of_a_unit_is_no_fault_of_ours(house: House):
    """Whoever may write, bound to a unit or to none, as a person or a program: refused in words, at its place, or since
    it is not the unit of the caller.
    """
    writers = [one for one in house.callers if TOLD.may(one, "message.submit") and not one.owner]
    assert {(one.person, one.unit) for one in writers} == {(p, u) for p in (False, True) for u in (None, SHELTER)}
    with Faults() as faults, rows(house.fr.folder) as stored:
        for one in writers:
            for member in ("sender_unit", "recipient_unit"):
                for operation, asked in listed_as(one, member):
                    with faults.row(one.name, operation, member):
                        answer = await ask(one, operation, asked)
                        elsewhere = member == "sender_unit" and one.unit is not None
                        code = "forbidden" if elsewhere else "out_of_scope"
                        assert (answer.status, answer.value["code"]) == (403, code)
                        places = [said["place"] for said in answer.value["findings"]]
                        assert places == ([] if elsewhere else [f"/header/{member}"])
                        assert stored.changed() == []


def listed_as(one: Credential, member: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """How a message is looked at, and by a person sent, with a list in the place of one member of its header."""
    request = deepcopy(DRAFT["draft"])
    request["header"] |= {"sender_unit": SHELTER} | {member: [SHELTER]}
    yield "message.preview", {"draft": request}
    if one.person:
        yield "message.submit", request


def about_own(one: Credential, operation: str, own: Things, path: Sequence[str], subject: Subject) -> dict[str, Any]:
    """All of it of one's own; a case system says which of its users asks."""
    value = own.ids[subject]
    if path == ("id",) and operation in OF_SENT:
        value = own.sent
    elif operation in own.owed:
        owed = own.owed[operation]
        value = owed.pop() if owed[1:] else owed[0]
    asked = arguments(operation, own, path, value)
    attests = {"attested": {"by": "u-7"}} if TOLD.attests(one, operation) else {}
    (draft_in(asked) if operation == MANY else asked).update(attests)
    return asked


def check_own(answer: Answer) -> None:
    """It was done, or refused for what is so in the case, or because the policy lets no case system attest it."""
    if answer.status >= 400:
        assert answer.status != 500
        assert answer.value["code"] not in ("unauthorised", "not_found", "invalid", "malformed")
        assert answer.value["code"] != "forbidden" or {said["place"] for said in answer.value["findings"]} == {"/type"}
