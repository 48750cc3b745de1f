"""Many messages in one call: each is judged, stored and answered as one that is submitted alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.acting import act, caller_of, pseudonym_of
from support.nodeproc import UNIT, enquiry
from support.pair import Party, Two, example, two_nodes
from support.tables import Faults, table

from gateway.errors import Code, RefusedError
from gateway.foundation.ids import UnitId
from gateway.node.rows import ROWS
from gateway.operations.roles import Caller, Role
from keys.primitives.encoding import b64u

ONE, MANY = "message.submit", "message.submit_many"


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


def items(*notes: str) -> list[dict[str, Any]]:
    """An enquiry for each note, under a key that is the note."""
    return [{"key": note, "draft": enquiry(note)} for note in notes]


def wrong_unit(note: str) -> dict[str, Any]:
    """An enquiry to a unit that the peer does not have."""
    request = enquiry(note)
    return request | {"header": request["header"] | {"recipient_unit": "nobody"}}


async def send(party: Party, asked: Sequence[Any], key: str | None = None, **more: Any) -> list[dict[str, Any]]:
    """The answers to a call with these items."""
    answered = await act(party.running, MANY, {"items": [*asked], **more}, key=key)
    found: Any = answered.value
    return [*found["items"]]


async def refused(party: Party, asked: Any, key: str | None = None) -> RefusedError:
    """The whole call is refused, and nothing is stored."""
    with pytest.raises(RefusedError) as refusal:
        await act(party.running, MANY, asked, key=key)
    assert await party.rows("select count(*) from message") == [(0,)]
    return refusal.value


def test_row_230_who_may_send_many_may_send_one() -> None:
    """The two rows differ in no member by which a caller is let in or kept out."""
    decides = ("roles", "about", "units", "by_person", "attested", "takes_in", "erases", "shows", "streams")
    one, many = ROWS[ONE], ROWS[MANY]
    assert {name: getattr(one, name) for name in decides} == {name: getattr(many, name) for name in decides}


async def test_each_is_answered_in_order_and_arrives(two: Two) -> None:
    """As many answers as items, each with its key, the id and the state; all go, by the person who sent them."""
    notes = [f"n-{number}" for number in range(64)]
    answers = await send(two.fr, items(*notes))
    assert [answer["key"] for answer in answers] == notes
    assert {answer["submitted"]["state"] for answer in answers} == {"queued"}
    await two.until(lambda: len(two.al.notes()) == 64)
    assert two.al.notes() == notes
    shown = await two.fr.show(answers[63]["submitted"]["id"])
    assert (shown["content"]["note"], shown["header"]["author_ref"]) == ("n-63", pseudonym_of(two.fr.running, "w-1"))


async def test_row_230_a_refused_item_is_told_as_if_it_were_alone(two: Two) -> None:
    """Bad ones between good ones: code, words, hint and findings are those of a submission alone; the others go."""
    bad: dict[str, Any] = {
        "a unit that is not known": wrong_unit("x"),
        "a peer that is not known": enquiry("x", "XX"),
        "a member that is not known": enquiry("x") | {"more": 1},
        "a missing member": {name: value for name, value in enquiry("x").items() if name != "type"},
        "content that the schema refuses": enquiry("x") | {"content": {"services": []}},
        "who attests beside a person": enquiry("x") | {"attested": {"by": "u-1"}},
        "an attestation of another form": enquiry("x") | {"attested": {"by": 7}},
        "a case that is not known": enquiry("x") | {"case": "A" * 22},
        "files that are not there": enquiry("x") | {"message": "A" * 22},
        "danger to life without a ground": example("referral.request/1", "AL", vital_interest={}),
    }
    asked = [{"key": name, "draft": draft} for name, draft in bad.items()]
    answers = await send(two.fr, [*items("first"), *asked, *items("last")])
    with Faults() as faults:
        for (name, draft), answer in zip(bad.items(), answers[1:-1], strict=True):
            with faults.row(name):
                with pytest.raises(RefusedError) as alone:
                    await act(two.fr.running, ONE, draft)
                error = alone.value
                assert answer == {
                    "key": name,
                    "refused": {
                        "code": str(error.code),
                        "title": error.what,
                        "gate": error.code.gate,
                        "hint": error.hint,
                        "findings": [finding.to_json() for finding in error.findings],
                        "again": False,
                    },
                }
    assert ["submitted" in answer for answer in (answers[0], answers[-1])] == [True, True]
    await two.until(lambda: two.al.notes() == ["first", "last"])
    assert await two.fr.rows("select count(*) from message") == [(2,)]


async def test_what_is_no_draft_is_refused_alone(two: Two) -> None:
    """A text, a list and nothing in the place of a draft stop no other item."""
    asked = [{"key": f"k{number}", "draft": draft} for number, draft in enumerate(["x", [], None, 1])]
    *bad, good = await send(two.fr, [*asked, *items("good")])
    assert [answer["refused"]["findings"][0]["rule"] for answer in bad] == ["type"] * 4
    assert good["submitted"]["state"] == "queued"


CALLS: dict[str, tuple[Any, str, str]] = {
    "no items": ({}, "/items", "type"),
    "an empty list": ({"items": []}, "/items", "type"),
    "65 items": ({"items": items(*(f"n-{number}" for number in range(65)))}, "/items", "type"),
    "an item that is none": ({"items": [*items("a"), "b"]}, "/items/1", "type"),
    "a call's unknown member": ({"items": items("a"), "attested": {"by": "u"}}, "", "additionalProperties"),
    "an item's unknown member": ({"items": [items("a")[0] | {"by": "u"}]}, "/items/0", "additionalProperties"),
    "an item without a key": ({"items": [{"draft": enquiry("a")}]}, "/items/0/key", "type"),
    "an item without a draft": ({"items": [{"key": "a"}]}, "/items/0/draft", "type"),
    "a key that is too long": ({"items": [{"key": "k" * 129, "draft": enquiry("a")}]}, "/items/0/key", "type"),
    "a key with a letter that no header has": ({"items": [{"key": "ë", "draft": {}}]}, "/items/0/key", "type"),
    "a key twice": ({"items": items("a", "b", "a")}, "/items/2/key", "unique"),
    "the key of the call": ({"items": items("a", "call")}, "/items/1/key", "unique"),
}


@table(("asked", "place", "rule"), CALLS.values(), ids=CALLS)
async def test_a_call_of_another_form_submits_nothing(two: Two, asked: Any, place: str, rule: str) -> None:
    """The place is named, the value is not."""
    error = await refused(two.fr, asked, key="call")
    assert error.code is Code.INVALID
    assert (place, rule) in [(finding.place, finding.rule) for finding in error.findings]


async def test_a_repeated_call_is_answered_as_before(two: Two) -> None:
    """Under its key with the same items, also at once; with other items it is a conflict that stores nothing."""
    asked = [*items("a", "b"), {"key": "bad", "draft": wrong_unit("c")}]
    first = await send(two.fr, asked, key="call")
    again = await asyncio.gather(*(send(two.fr, asked, key="call") for _ in range(5)))
    assert again == [first] * 5
    with pytest.raises(RefusedError) as refusal:
        await send(two.fr, items("a", "d"), key="call")
    assert refusal.value.code is Code.CONFLICT
    with pytest.raises(RefusedError) as taken:
        await act(two.fr.running, ONE, enquiry("d"), key="call")
    assert taken.value.code is Code.CONFLICT
    assert await two.fr.rows("select count(*) from message") == [(2,)]


async def test_an_item_is_done_once_whichever_way_it_comes_again(two: Two) -> None:
    """In another call, alone, and alone before; with another draft it is a conflict of this item."""
    alone: Any = (await act(two.fr.running, ONE, enquiry("a"), key="a")).value
    first = await send(two.fr, items("a", "b"), key="one")
    assert first[0]["submitted"] == alone
    again = await send(two.fr, [*items("b", "c"), {"key": "a", "draft": enquiry("other")}], key="two")
    assert again[0] == first[1]
    assert again[2]["refused"]["code"] == "conflict"
    last: Any = (await act(two.fr.running, ONE, enquiry("c"), key="c")).value
    assert last == again[1]["submitted"]
    assert await two.fr.rows("select count(*) from message") == [(3,)]


async def test_what_was_refused_goes_when_it_is_mended(two: Two) -> None:
    """Its key is free again, as that of a submission alone, and so is that of a call of which nothing went."""
    (bad,) = await send(two.fr, [{"key": "k", "draft": wrong_unit("a")}], key="one")
    assert bad["refused"]["code"] == "out_of_scope"
    (good,) = await send(two.fr, [{"key": "k", "draft": enquiry("a")}], key="one")
    assert good["submitted"]["state"] == "queued"


@pytest.mark.parametrize("unit", [None, UNIT])
async def test_items_of_one_conversation_are_judged_in_their_order(two: Two, unit: str | None) -> None:
    """What the first one said counts for the next, also where each is looked at for a unit: the question was asked."""
    caller = Caller(roles=frozenset({Role.ADAPTER}), token="t", unit=None if unit is None else UnitId(unit))
    draft = enquiry("n") | {"conversation": b64u(b"conversation"[:12] + b"0000"), "attested": {"by": "u-1"}}
    asked = [{"key": f"k{number}", "draft": draft} for number in range(8)]
    done: Any = (await two.fr.running.desk.call(MANY, {"items": asked}, caller=caller)).value
    codes = [answer.get("refused", {}).get("code", "went") for answer in done["items"]]
    assert codes == ["went", *["out_of_order"] * 7]


async def test_they_are_stored_together(two: Two) -> None:
    """32 messages of one call cost the writer as many transactions as one, but for what the sender does."""
    writer = two.fr.running.store.writer
    await two.al.stop()
    await send(two.fr, items("warm"))
    groups = writer.groups
    await send(two.fr, items(*(f"n-{number}" for number in range(32))), key="call")
    assert writer.groups - groups <= 4


async def test_the_key_service_is_asked_as_often_as_for_one(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it does for 32 messages of one call it is asked for together, and who releases them is asked for once."""
    keys, asked = two.fr.running.keys, list[str]()
    within = False

    def count(name: str) -> None:
        real = getattr(keys, name)

        def counting(*given: Any) -> Any:
            nonlocal within
            if within:  # one call of several does each of them here
                return real(*given)
            asked.append(name)
            within = name == "each"
            try:
                return real(*given)
            finally:
                within = False

        monkeypatch.setattr(keys, name, counting)

    await two.al.stop()
    await send(two.fr, items("warm"), key="warm call")
    for name in ("each", "index", "actor", "wrap", "unwrap"):
        count(name)
    await send(two.fr, items("alone"), key="call of one")
    alone, asked[:] = len(asked), []
    await send(two.fr, items(*(f"n-{number}" for number in range(32))), key="call of 32")
    assert 0 < len(asked) <= alone


async def test_a_case_system_attests_each_of_them(two: Two) -> None:
    """Its token names its user in each draft; an item without one is refused, and so is what the policy does not let
    leave on its word.
    """
    token = Caller(roles=frozenset({Role.ADAPTER}), token="t")
    attested = {"attested": {"by": "u-1"}}
    referral = example("referral.request/1", "AL") | {"purpose": "referral"}
    asked = [
        {"key": "named", "draft": enquiry("named") | attested},
        {"key": "nobody", "draft": enquiry("nobody")},
        {"key": "held", "draft": referral | attested},
        {"key": "same", "draft": referral | {"attested": {"by": "u-1", "second_by": "U-1"}}},
    ]
    done: Any = (await two.fr.running.desk.call(MANY, {"items": asked}, caller=token)).value
    codes = {answer["key"]: answer.get("refused", {}).get("code", "went") for answer in done["items"]}
    assert codes == {"named": "went", "nobody": "invalid", "held": "forbidden", "same": "conflict"}


async def test_the_owner_sends_none(two: Two) -> None:
    """Who operates the node is no person, and releases nothing, however many."""
    with pytest.raises(RefusedError) as refusal:
        await two.fr.running.desk.call(MANY, {"items": items("a")})
    assert refusal.value.code is Code.FORBIDDEN
    assert await two.fr.rows("select count(*) from message") == [(0,)]


async def test_row_230_what_needs_two_waits_for_the_second(two: Two) -> None:
    """Items for which a second person is asked become drafts that the caller released first; the others go."""
    asked = [*items("goes"), {"key": "waits", "draft": enquiry("waits") | {"two_people": True}}]
    goes, waits = await send(two.fr, asked, key="call")
    assert (goes["submitted"]["state"], waits["submitted"]["state"]) == ("queued", "waiting_second")
    assert await send(two.fr, asked, key="call") == [goes, waits]
    id = waits["submitted"]["id"]
    with pytest.raises(RefusedError):
        await two.fr.running.desk.call("draft.release", {"id": id}, caller=caller_of("w-1"))
    await two.fr.call("draft.release", id=id, by="w-2")
    await two.until(lambda: sorted(two.al.notes()) == ["goes", "waits"])
