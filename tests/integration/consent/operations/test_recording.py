"""How a consent is recorded at a real node: whose it is, which units it names, and what is refused before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.acting import id_of
from support.nodeproc import UNIT
from support.pair import Party, Two, two_nodes
from support.persons import damage
from support.relied_on import CONSENT, record_of

from gateway.errors import Code, RefusedError
from gateway.operations.roles import Caller, Role
from keys.primitives.encoding import b64u

OTHER = b64u(b"another consent.")


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes that know each other."""
    async with two_nodes(tmp_path) as made:
        yield made


async def record(party: Party, content: dict[str, Any], **whose: str) -> dict[str, Any]:
    """Record a consent, of a case by its number unless something else is said."""
    done: dict[str, Any] = await party.call("consent.record", by="w-1", **(whose or {"number": "F-1"}), content=content)
    return done


async def refused(act: Any, code: Code, *places: str) -> RefusedError:
    """It is refused with this code, at these places."""
    with pytest.raises(RefusedError) as caught:
        await act
    assert caught.value.code is code
    assert [finding.place for finding in caught.value.findings] == [*places]
    return caught.value


async def test_units_are_named_by_country_or_by_node(two: Two):
    """In grants and denials, of the own country too; what is kept has the ids of nodes."""
    fr, al = two.fr, two.al.running.own.node
    own = fr.running.own.node
    content = record_of(f"AL/{UNIT}")
    content["grants"][0]["recipient_units"] = [f"AL/{UNIT}", f"FR/{UNIT}", f"{al}/police"]
    content["denials"] = [{"unit": "AL/police", "data_category": "risk"}, {"data_category": "contact"}]
    assert await record(fr, content) == {"id": CONSENT, "state": "active"}
    kept = (await fr.call("consent.show", id=CONSENT))["record"]
    assert kept["grants"][0]["recipient_units"] == [f"{al}/{UNIT}", f"{own}/{UNIT}", f"{al}/police"]
    assert kept["grants"][1] == content["grants"][1] | {"recipient_units": [f"{al}/{UNIT}"]}
    assert kept["denials"] == [{"unit": f"{al}/police", "data_category": "risk"}, {"data_category": "contact"}]


async def test_a_consent_gets_an_id_where_nobody_gave_one(two: Two):
    """A new one each time."""
    content = record_of(f"AL/{UNIT}")
    del content["consent_id"]
    first, second = [(await record(two.fr, content))["id"] for _ in range(2)]
    assert first != second
    assert (await two.fr.call("consent.show", id=first))["record"]["consent_id"] == first


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"grants": "all"}, "/content/grants"),
        ({"grants": [7]}, "/content/grants/0"),
        ({"denials": [{"unit": 7}]}, "/content/denials/0/unit"),
        ({"grants": [record_of("XX/desk")["grants"][0]]}, "/content/grants/0/recipient_units/0"),
    ],
    ids=["no list", "no object", "no text", "a country that nobody knows"],
)
async def test_what_is_not_understood_is_for_the_schema_to_refuse(two: Two, changed: dict[str, Any], place: str):
    """At its place, and nothing is kept."""
    told = await refused(record(two.fr, record_of(f"AL/{UNIT}") | changed), Code.SCHEMA, place)
    assert "nothing was stored" in told.what
    assert await two.fr.rows("select count(*) from consent") == [(0,)]


async def test_a_consent_is_of_one_case(two: Two):
    """Named by its id here or by its number there, once."""
    content = record_of(f"AL/{UNIT}")
    await record(two.fr, content, number="F-1")
    case = (await two.fr.call("consent.show", id=CONSENT))["of_case"]
    assert case["name"] == "F-1"
    await record(two.fr, content | {"consent_id": OTHER}, case=case["id"])
    assert (await two.fr.call("consent.show", id=OTHER))["of_case"] == case
    third = content | {"consent_id": b64u(b"the third one...")}
    for whose in ({}, {"case": case["id"], "number": "F-1"}):
        await refused(two.fr.call("consent.record", by="w-1", content=third, **whose), Code.INVALID, "/case")
    await refused(record(two.fr, third, case=b64u(b"case of nobody..")), Code.NOT_FOUND, "/case")
    await refused(record(two.fr, content), Code.EXISTS)
    assert await two.fr.rows("select count(*) from consent") == [(2,)]


async def test_a_case_that_begins_is_with_the_unit_of_who_records(two: Two):
    """And with the person; with nobody by name where the recorder is of no unit."""
    worker = Caller(roles=frozenset({Role.CASE_WORKER}), unit=UNIT, person=id_of("Eva"))
    asked = {"number": "F-1", "content": record_of(f"AL/{UNIT}")}
    await two.fr.running.desk.call("consent.record", asked, caller=worker)
    await record(two.fr, record_of(f"AL/{UNIT}") | {"consent_id": OTHER}, number="F-2")
    shown = {}
    for consent in (CONSENT, OTHER):
        case = (await two.fr.call("consent.show", id=consent))["of_case"]["id"]
        shown[consent] = (await two.fr.call("case.show", id=case))["keepers"]
    assert [(one["unit"], one["worker"], one["reason"]) for one in shown[CONSENT]] == [
        (UNIT, id_of("Eva"), "opened it")
    ]
    assert shown[OTHER] == []


async def test_consents_are_listed_newest_first(two: Two):
    """Page by page, with who holds each; one that does not open says so and not which it is."""
    ids = [b64u(bytes([n] * 16)) for n in range(3)]
    for n, id in enumerate(ids):
        await record(two.fr, record_of(f"AL/{UNIT}") | {"consent_id": id}, number=f"F-{n}")
    first = await two.fr.call("consent.list", limit=2)
    assert [(one["id"], one["of_case"]["name"], one["holder"], one["state"]) for one in first["consents"]] == [
        (ids[2], "F-2", "own", "active"),
        (ids[1], "F-1", "own", "active"),
    ]
    await damage(two.fr, "select min(ref) from consent")
    (last,) = (await two.fr.call("consent.list", limit=2, cursor=first["next"]))["consents"]
    assert (last["id"], last["of_case"]["name"], last["state"]) == (None, "F-0", "damaged")
    await refused(two.fr.call("consent.show", id=ids[0]), Code.UNDECRYPTABLE)
    await refused(two.fr.call("consent.show", id=OTHER), Code.NOT_FOUND)
