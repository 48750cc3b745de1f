"""The network at the console: what is broken first, each link as a picture and a row, delivery as bars and a table."""

from __future__ import annotations

from typing import Any

from support.consoles import NOW, console, person
from support.operated import DELIVERY, HELD, LINKS, PEER, STATUS, answers

from gateway.operations.roles import Role

NOTHING = {"count": 0, "oldest": None}
CALM: dict[str, Any] = PEER | {
    "delivery": "idle",
    "queued": NOTHING,
    "unreceived": NOTHING,
    "failing_since": None,
    "contact": NOW - 120,
}


async def test_the_page_says_what_is_broken_and_whom_to_call():
    """A banner with what to do, the picture with a sentence, the same in a table, delivery as bars and in a table."""
    away = PEER | {"failing_since": NOW - 70_000}
    async with console(
        answers(node__status=STATUS | {"peers": [away, HELD]}), places={"FR": (49, 2), "AL": (41, 20)}
    ) as there:
        text = (await there.get("/network")).text
    for word in (
        "0 of 2 links work.",
        "<bdi>Albania</bdi> has not answered for 19 hours.",
        "3 messages wait here; none is lost.",
        'href="/directory/AL">Whom to call<span',
        'role="img" aria-label="0 of 2 links work."',
        "3 wait, 2 hours",
        "within an hour 18",
        "not yet there 3",
        "18 of 24 messages of the last 30 days were received within an hour",
        'aria-label="24 messages in 12 days"',
    ):
        assert word in text, word


async def test_each_role_finds_its_way():
    """A trust administrator comes to the trust in a country, an operator to the way to it."""
    for role, way in (
        (Role.TRUST_ADMIN, f"/trust/peers/{LINKS['peers'][0]['node']}"),
        (Role.OPERATOR, "/operations/peers/AL"),
    ):
        async with console(answers()) as there:
            there.sign_in.sessions["secret"] = person(role)
            assert f'href="{way}"><bdi>Albania</bdi></a>' in (await there.get("/network")).text


async def test_a_node_without_peers_has_a_page():
    """No picture and no table of links, and it says why."""
    alone = STATUS | {"peers": []}
    async with console(answers(node__status=alone, node__delivery=DELIVERY | {"days": []})) as there:
        text = (await there.get("/network")).text
    assert "No other country is known yet." in text and "Picture of the links" not in text


async def test_the_page_stays_small():
    """Twenty countries, each with a month of messages: under 60 kB."""
    names = [f"{one}{other}" for one in "ABCD" for other in "ABCDE"]
    days = [
        {"day": NOW // 86_400 * 86_400 - 86_400 * back, "peer": name, "within_hour": 9, "later": 9, "not_yet": 9}
        for back in range(30)
        for name in names
    ]
    lines = [LINKS["peers"][0] | {"name": name, "node": f"n1{name}" + "a" * 30, "country": name} for name in names]
    said = answers(
        node__status=STATUS | {"peers": [CALM | {"name": name} for name in names]},
        peer__list={"peers": lines},
        node__delivery=DELIVERY | {"days": days},
    )
    async with console(said) as there:
        there.sign_in.sessions["secret"] = person(language="el")
        assert len((await there.get("/network")).text.encode()) < 60_000
