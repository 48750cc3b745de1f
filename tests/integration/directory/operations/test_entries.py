"""The directory and the guidance between two real nodes: published once, kept by the newest, asked in any language."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.nodeproc import UNIT
from support.pair import Party, Two, two_nodes
from support.questions import QUESTIONS
from support.running import until

from gateway.directory.entries import LIFE
from gateway.errors import Code, RefusedError

SUNDAY = "Who do I ask in Albania for a child case on a Sunday?"


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """FR and AL, paired; AL has offices to tell."""
    async with two_nodes(tmp_path) as made:
        yield made


def offices(party: Party, country: str = "AL", **changed: Any) -> dict[str, Any]:
    """The offices of a country as the questions have them, valid for 80 days from now."""
    (said,) = (item["content"] for item in QUESTIONS["directory"] if item["country"] == country)
    last = datetime.fromtimestamp(party.clock.now(), tz=UTC).date() + timedelta(days=80)
    units = [{**unit, "valid_until": last.isoformat(), **changed} for unit in said["units"]]
    return {"units": units, "focal_points": said["focal_points"]}


async def asked(party: Party, question: str, **more: Any) -> list[Any]:
    """The units that answer a question, best first."""
    return list((await party.call("directory.search", text=question, **more))["units"])


async def arrived(party: Party, number: int) -> None:
    """The entry of AL with this number is held."""

    async def there() -> bool:
        try:
            shown = await party.call("directory.show", id="AL")
        except RefusedError:
            return False
        return bool(shown["entries"][0]["number"] == number)

    await until(there)


async def test_a_country_tells_its_offices_and_another_asks_in_greek(two: Two) -> None:
    """Published at one desk, in front of everybody at the other; a newer one takes its place, and after 90 days it is
    over.
    """
    begun = await two.al.call("directory.own")
    assert (begun["number"], [unit["unit_id"] for unit in begun["content"]["units"]]) == (None, [UNIT])
    first = await two.al.call("directory.publish", content=offices(two.al), by="w-7", language="sq")
    assert (first["number"], [one["peer"] for one in first["sent"]], first["left_out"]) == (0, ["FR"], [])
    await arrived(two.fr, 0)
    for party, state in ((two.fr, "active"), (two.al, "own")):
        found = (await asked(party, SUNDAY))[0]
        assert (found["unit"], found["contact"]["duty"], found["state"]) == ("kujdestaria", True, state)
        assert (await asked(party, "Ποιον ρωτάω στην Αλβανία για ένα παιδί την Κυριακή;"))[0]["unit"] == "kujdestaria"
    assert (await asked(two.fr, "shelter in Romania")) == []

    closed = await two.al.call("directory.publish", content=offices(two.al, capacity_status="closed"), by="w-7")
    assert closed["number"] == 1
    own = await two.al.call("directory.own")
    assert (own["number"], own["expires"]) == (1, own["made"] + LIFE)
    assert own["content"] == offices(two.al, capacity_status="closed") | {"keys": []}
    await arrived(two.fr, 1)
    assert {one["capacity"] for one in await asked(two.fr, "Albania")} == {"closed"}
    shown = await two.fr.call("directory.show", id="AL", language="sq")
    assert len(shown["entries"]) == 1
    assert shown["entries"][0]["units"][1]["name"].startswith("Zyra")
    assert await two.fr.rows("select count(*) from directory") == [(1,)]
    conversations = set(await two.al.rows("select conversation from message where kind = 'standing'"))
    assert len(conversations) == 1  # each confirms the one before

    two.fr.clock.advance(LIFE + 1)
    assert {one["current"] for one in await asked(two.fr, SUNDAY)} == {False}


async def test_a_country_speaks_only_for_itself_and_for_ninety_days(two: Two) -> None:
    """Foreign offices and entries without end are refused at the own desk; nothing is kept or sent."""
    last = datetime.fromtimestamp(two.al.clock.now(), tz=UTC).date() + timedelta(days=100)
    wrong = [offices(two.al, country="GR"), offices(two.al, valid_until=last.isoformat()), {"units": []}]
    for content, rule in zip(wrong, ("foreign", "too_long", "required"), strict=True):
        with pytest.raises(RefusedError) as refused:
            await two.al.call("directory.publish", content=content, by="w-7")
        assert refused.value.code is Code.SCHEMA
        assert rule in {finding.rule for finding in refused.value.findings}
    assert await two.al.rows("select count(*) from directory") == [(0,)]
    assert await two.al.rows("select count(*) from message where kind = 'standing'") == [(0,)]


async def test_what_a_peer_says_of_another_country_is_left_out(two: Two) -> None:
    """A node that writes such a message all the same is not believed: its foreign units are counted and not shown."""
    content = {**offices(two.al), "keys": [], "supersedes": 4}
    content["units"][0]["country"] = "FR"
    header = {
        "sender_unit": UNIT,
        "sender_role": "nrm_coordinator",
        "recipient_unit": UNIT,
        "recipient_role": "national_focal_point",
        "author_ref": "w-7",
        "priority": "normal",
        "language": "en",
        "handling": {"onward_sharing": "none", "retain_until": "2030-01-01", "export_to_local": "full"},
    }
    await two.al.call("message.submit", type="directory.update/1", to="FR", header=header, content=content)
    await arrived(two.fr, 4)
    entry = (await two.fr.call("directory.show", id="AL"))["entries"][0]
    assert entry["foreign"] == 1
    assert "onac" not in {unit["unit"] for unit in entry["units"]}
    assert await asked(two.fr, "focal point in France") == []


async def test_the_entry_lies_sealed_and_is_lost_with_trust(two: Two) -> None:
    """No telephone number of an office stands in the database, and a peer that is revoked is shown no more."""
    await two.al.call("directory.publish", content=offices(two.al), by="w-7")
    await arrived(two.fr, 0)
    assert (await asked(two.fr, SUNDAY)) != []
    await two.fr.changes("peer.revoke")
    assert (await asked(two.fr, SUNDAY)) == []
    await two.fr.stop()
    stored = b"".join(path.read_bytes() for path in two.fr.folder.glob("node.db*"))
    assert b"kujdestaria" not in stored
    assert b"+355690000" not in stored


async def test_guidance_of_the_package_and_of_the_mechanism(two: Two) -> None:
    """Own texts stand beside the others without a restart; a folder with a fault is told and not used."""
    fr = two.fr
    hits = (await fr.call("guidance.search", text="la personne retire son consentement", language="fr"))["texts"]
    assert (hits[0]["id"], hits[0]["draft"], hits[0]["origin"]) == ("withdrawal", True, "general")
    shown = await fr.call("guidance.show", id="withdrawal", language="fr")
    assert shown["title"].startswith("Quand")
    assert (shown["body_language"], shown["body_draft"], shown["written_in"]) == ("fr", True, "en")
    original = await fr.call("guidance.show", id="withdrawal", language="fr", original=True)
    assert (original["body_language"], original["body_draft"]) == ("en", False)
    assert original["title"] == shown["title"] and original["body"] != shown["body"]
    assert {"gdpr", "ecat"} <= {source["id"] for source in shown["sources"]}

    folder = fr.folder / "guidance" / "texts"
    folder.mkdir(parents=True)
    head = {
        "title": "La cellule de Lyon",
        "language": "fr",
        "stages": "referral",
        "roles": "case_manager",
        "topics": "law",
        "countries": "FR",
        "version": "1",
        "written": "2020-01-01",
        "review_by": "2021-01-01",
        "sources": "gdpr",
        "keywords": "Lyon",
        "summary": "Qui appeler.",
    }
    lines = "".join(f"{name}: {value}\n" for name, value in head.items())
    (folder / "lyon.md").write_text(f"---\n{lines}---\n\nAppeler.\n")
    (own,) = (await fr.call("guidance.search", text="Lyon", language="uk"))["texts"]
    assert (own["id"], own["origin"], own["overdue"], own["title"]) == ("lyon", "own", True, "La cellule de Lyon [fr]")
    assert (await fr.call("guidance.list", topic="law"))["faults"] == []

    (folder / "consent.md").write_text(f"---\n{lines}---\n\nAppeler.\n")
    listed = await fr.call("guidance.list", country="FR")
    assert [(fault["place"], fault["rule"]) for fault in listed["faults"]] == [("texts/consent.md", "twice")]
    assert "lyon" not in {text["id"] for text in listed["texts"]}
    assert "sources" not in json.dumps(listed)
    with pytest.raises(RefusedError, match="no such text"):
        await fr.call("guidance.show", id="lyon")
