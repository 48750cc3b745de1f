"""A receiver judges too: what its records of a consent do not cover is not taken in, and not passed on."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection
from support.forger import Forger
from support.nodeproc import UNIT
from support.pair import NUMBER, START, Party, Spoiler, Two, example, two_nodes

import schemas
from gateway.cases import store as cases
from gateway.cases.rules import LinkKind
from gateway.cases.store import Link
from gateway.consent.effects import Recorded, Withdrawal
from gateway.consent.rules import Consent, read
from gateway.errors import Code, RefusedError
from gateway.messages.types import ValidMessage
from keys.primitives.encoding import b64u, canon

CONSENT = b64u(b"consent consent."[:16])
CONVERSATION = b64u(b"conversation one"[:16])
OTHER = b64u(b"conversation two"[:16])
THIRD = "n1" + "a" * 32
ALL = [code.code for code in schemas.code_list("data_category").codes]
G2, G7 = Code.GATE_G2, Code.GATE_G7


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


def record(party: Party, *categories: str, **members: Any) -> dict[str, Any]:
    """A record for the referral to the unit of `party`."""
    unit = f"{party.running.own.node}/{UNIT}"
    grant = {"purpose": "referral", "recipient_units": [unit], "data_categories": [*categories], "until": "2027-11-30"}
    content: dict[str, Any] = example("consent.record/1", "AL")["content"]
    return content | {"consent_id": CONSENT, "grants": [grant]} | members


def pretended(party: Party) -> Consent:
    """A consent that covers everything, which no receiver holds."""
    return read(record(party, *ALL))


def referral(to: str = "AL", **header: Any) -> dict[str, Any]:
    """A small referral that relies on the consent."""
    request = example("referral.request/1", to, consent_ref=CONSENT, **header)
    return request | {"purpose": "referral", "conversation": CONVERSATION}


def told(content: dict[str, Any]) -> dict[str, Any]:
    """The record as a message."""
    request = example("consent.record/1", "AL") | {"conversation": CONVERSATION, "content": content}
    request["header"].pop("consent_ref", None)
    return request


def types(party: Party) -> list[str]:
    """What its case system was given, by type."""
    return [delivery.type for delivery in party.deliveries()]


@pytest.mark.parametrize("together", [True, False], ids=["in one request", "one after the other"])
async def test_a_message_outside_the_record_is_refused(two: Two, together: bool) -> None:
    """The signed answer is rejected with gate_g2, nothing of it is handed over, and the link goes on."""
    forger = Forger(two.fr)
    first = forger.seal(1, told(record(two.al, "needs")))
    second = forger.seal(2, referral(), consent=pretended(two.al))
    answers = await forger.post(first, second) if together else [*await forger.post(first), *await forger.post(second)]
    assert answers == [(None, "received"), ("gate_g2", "rejected")]
    assert await forger.send(3) == (None, "received")
    await two.until(lambda: len(types(two.al)) == 2)
    assert types(two.al) == ["consent.record/1", "enquiry.capacity/1"]
    assert await forger.post(second) == [("gate_g2", "rejected")]


async def test_a_message_inside_the_record_and_one_without_are_taken(two: Two) -> None:
    """What the record covers is accepted; so is a message whose record has not come yet."""
    forger = Forger(two.fr)
    assert await forger.post(forger.seal(1, referral(), consent=pretended(two.al))) == [(None, "received")]
    assert await forger.post(forger.seal(2, told(record(two.al, *ALL)))) == [(None, "received")]
    other = referral() | {"conversation": OTHER}
    assert await forger.post(forger.seal(3, other, consent=pretended(two.al))) == [(None, "received")]


@pytest.mark.parametrize("held", [True, False], ids=["with the record", "without it"])
async def test_a_referral_that_crosses_a_withdrawal_is_not_taken_in(two: Two, held: bool) -> None:
    """What this node knows to be withdrawn is refused with gate_g7, also when only the withdrawal is here."""
    forger, node = Forger(two.fr), two.al.running
    if held:
        await forger.post(forger.seal(1, told(record(two.al, *ALL))))
    taken_back = {"consent_id": CONSENT, "scope": "all", "withdrawn_on": START, "erase_wanted": False}
    await node.store.move(lambda c: Withdrawal(content=node.content, withdrawn=taken_back).write(c, two.clock.now()))
    late = forger.seal(2, referral(), consent=pretended(two.al))
    assert await forger.post(late) == [("gate_g7", "rejected")]
    assert "referral.request/1" not in types(two.al)


async def test_a_message_that_is_not_agreed_costs_no_other(two: Two) -> None:
    """Its sender has not heard yet that the type was taken out of the scope; what came with it is judged for itself."""
    Spoiler(two.al).away = True
    scope = await two.al.call("peer.scope", id="FR")
    await two.al.changes("peer.narrow", scope=scope | {"types": ["enquiry.capacity"]})
    forger = Forger(two.fr)
    envelopes = [forger.seal(1), forger.seal(2, referral(), consent=pretended(two.al)), forger.seal(3)]
    assert await forger.post(*envelopes) == [(None, "received"), ("out_of_scope", "rejected"), (None, "received")]


def with_content(message: ValidMessage, **members: Any) -> ValidMessage:
    """The message with these members in its content, which no node would have permitted."""
    body = json.loads(message.body)
    return replace(message, body=canon(body | {"content": body["content"] | members}))


def unreadable(party: Party, forger: Forger, first: int) -> list[bytes]:
    """Three referrals from number `first` on: of another shape, with an unknown code, of a schema that nobody has."""
    return [
        forger.seal(first + n, referral(), consent=pretended(party), spoil=spoil)
        for n, spoil in enumerate(
            [
                lambda message: with_content(message, name="Erë"),
                lambda message: with_content(message, referral_kind="no_such_code"),
                lambda message: replace(message, schema="sha256:" + "5a" * 32),
            ]
        )
    ]


async def test_the_body_of_what_is_not_agreed_is_not_looked_at(two: Two) -> None:
    """nrm1 4.13: bodies that break the rules are refused for that while their type is agreed, and as out of scope from
    when it is not; each of these answers is signed.
    """
    forger = Forger(two.fr)
    broken = [("schema", "rejected"), ("gate_g11", "rejected"), ("schema", "rejected")]
    assert await forger.post(*unreadable(two.al, forger, 1)) == broken
    Spoiler(two.al).away = True
    scope = await two.al.call("peer.scope", id="FR")
    await two.al.changes("peer.narrow", scope=scope | {"types": ["enquiry.capacity"]})
    assert await forger.post(*unreadable(two.al, forger, 4), forger.seal(7)) == [
        *[("out_of_scope", "rejected")] * 3,
        (None, "received"),
    ]


# --- tables of statistics -----------------------------------------------------------------------------------------


def table(women: int, period: str = "2025-01-01/2025-12-31") -> dict[str, Any]:
    """A table of these women and 30 men, as a message."""
    cells = [{"key": {"sex": "Feminine"}, "n": women}, {"key": {"sex": "Masculine"}, "n": 30}]
    request = example("stats.submission/1", "AL")
    request["content"] |= {
        "period": period,
        "dimensions": ["sex"],
        "cells": [*cells, {"key": {}, "n": women + 30}],
        "method": {"threshold": 10, "secondary": True},
    }
    return request


@pytest.mark.parametrize("together", [True, False], ids=["in one request", "one after the other"])
async def test_a_table_that_shows_one_person_beside_another_table_is_refused(two: Two, together: bool) -> None:
    """The same table may come again, and one of another time; another count of the same time may not."""
    forger = Forger(two.fr)
    said = [table(20), None, table(20), table(21), table(21, "2024-01-01/2024-12-31")]
    envelopes = [forger.seal(n, request) for n, request in enumerate(said, 1)]
    answers = await forger.post(*envelopes) if together else [(await forger.post(one))[0] for one in envelopes]
    taken = (None, "received")
    assert answers == [taken, taken, taken, ("gate_g12", "rejected"), taken]


# --- onward sharing -----------------------------------------------------------------------------------------------


async def recorded_by_third(two: Two, **members: Any) -> None:
    """FR holds what a third node recorded, for the unit of AL: told about the case of the examples."""
    node = two.fr.running
    case = (await two.fr.call("case.open", number=NUMBER, by="w-1"))["id"]
    talk = Link(key=b"with a third node", kind=LinkKind.CONVERSATION, case_id=case)
    content = record(two.al, *ALL, **members)
    third = Recorded(content=node.content, holder=THIRD, record=content, conversation=talk.key)

    def move(connection: Connection) -> None:
        cases.link(connection, [talk])
        third.write(connection, two.clock.now())

    await node.store.move(move)


async def test_what_another_node_recorded_is_not_passed_on(two: Two) -> None:
    """Without the person's yes to onward sharing nothing leaves, though a grant names the unit."""
    await recorded_by_third(two)
    with pytest.raises(RefusedError) as refusal:
        await two.fr.call("message.submit", **referral() | {"conversation": b64u(b"conversation 3  "[:16])})
    assert refusal.value.code is G2
    assert "passed on" in refusal.value.hint
    assert await two.fr.rows("select * from message") == []


async def test_onward_sharing_inside_the_grant(two: Two) -> None:
    """With that yes it goes, and arrives."""
    await recorded_by_third(two, onward_sharing=True)
    await two.fr.call("message.submit", **referral())
    await two.until(lambda: types(two.al) == ["referral.request/1"])


async def test_the_sender_of_the_data_may_forbid_it(two: Two) -> None:
    """Data that a third node sent with `onward_sharing: none` stay, whatever the person would allow."""
    both = [*record(two.al, *ALL)["grants"], *record(two.fr, *ALL)["grants"]]
    await recorded_by_third(two, onward_sharing=True, grants=both)
    back = Forger(two.al)
    assert await back.post(back.seal(1, referral("FR"), consent=pretended(two.fr))) == [(None, "received")]
    await two.fr.call("message.submit", **referral() | {"conversation": OTHER})  # back to who sent it
    query = f"update message set peer = '{THIRD}' where direction = 'in'"
    await two.fr.running.store.move(lambda c: c.exec_driver_sql(query))
    with pytest.raises(RefusedError) as refusal:
        await two.fr.call("message.submit", **referral() | {"conversation": b64u(b"conversation 3  "[:16])})
    assert (refusal.value.code, "case" in refusal.value.hint) == (G2, False)
