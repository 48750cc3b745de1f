"""The consent matrix between real nodes: what a consent does not cover neither leaves nor is passed on (gate G2)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.nodeproc import UNIT
from support.pair import START, Party, Spoiler, Two, example, introduce, make_party, two_nodes
from support.policies import open_on, text_of

import schemas
from gateway.errors import Code, RefusedError
from keys.primitives.encoding import b64u

TODAY = datetime.fromtimestamp(START, UTC).date()
ALL = [code.code for code in schemas.code_list("data_category").codes]
NEEDED = ["identity", "contact", "exploitation", "needs", "immigration", "risk"]
"""The categories of the small referral."""
G2, G7 = Code.GATE_G2, Code.GATE_G7


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


def day(offset: int) -> str:
    """A date so many days from the start."""
    return (TODAY + timedelta(days=offset)).isoformat()


def of(name: str) -> str:
    """The 16 bytes that a name of a test stands for."""
    return b64u(name.encode().ljust(16)[:16])


def grant(*units: str, purpose: str = "referral", categories: list[str] = ALL, until: int = 30) -> dict[str, Any]:
    """One yes of the person."""
    return {"purpose": purpose, "recipient_units": [*units], "data_categories": categories, "until": day(until)}


async def recorded(party: Party, name: str, *grants: dict[str, Any], **members: Any) -> str:
    """A consent that a person of `party` recorded; its id."""
    content = example("consent.record/1", "AL")["content"] | {"consent_id": of(name), "taken_on": day(-30)}
    await party.call("consent.record", by="w-1", number="fr-7f3a", content=content | {"grants": [*grants]} | members)
    return of(name)


def referral(to: str, consent: str, name: str = "the case", **header: Any) -> dict[str, Any]:
    """A small referral that relies on a consent."""
    request = example("referral.request/1", to, consent_ref=consent, **header)
    return request | {"purpose": "referral", "conversation": of(name)}


async def queue(party: Party) -> list[Any]:
    """Everything that a refusal has to leave alone: messages, what waits, who was told of which consent."""
    tables = (
        "* from message",
        "* from outbox",
        "* from sealed",
        "* from consent_told",
        "conversation, peer, kind, changes, quoted from conversation",  # and not what a look at it keeps there
    )
    return [await party.rows(f"select {table} order by 1") for table in tables]


async def refused(party: Party, request: dict[str, Any], gate: Code, place: str, words: str) -> None:
    """It is refused by its gate, with the place and the way forward; everything else is as it was."""
    before = await queue(party)
    with pytest.raises(RefusedError) as refusal:
        await party.call("message.submit", **request)
    assert refusal.value.code is gate
    (found,) = [finding for finding in refusal.value.findings if finding.rule == str(gate)]
    assert found.place == place
    assert words in found.hint
    assert await queue(party) == before


async def test_what_a_consent_does_not_cover_is_refused(two: Two) -> None:
    """Without consent; expired; for another recipient, another purpose, without a category; refused; withdrawn."""
    fr, al, here = two.fr, f"AL/{UNIT}", "/header/consent_ref"
    await fr.changes("policy.widen", "node", policy=text_of(open_on(("FR", "AL"))))  # so that only consent refuses
    spoiler = Spoiler(fr)
    spoiler.away = True
    covered = await recorded(fr, "covered", grant(al, categories=NEEDED))
    await fr.call("message.submit", **referral("AL", covered, "waits"))

    nothing = referral("AL", covered)
    del nothing["header"]["consent_ref"]
    await refused(fr, nothing, G2, here, "need the id of a consent record")
    await refused(fr, referral("AL", of("never")), G2, here, "no such consent record")
    expired = await recorded(fr, "expired", grant(al, until=-1))
    await refused(fr, referral("AL", expired), G2, here, "has ended: ask the person again")
    recipient = await recorded(fr, "recipient", grant("AL/another-unit"), grant(f"FR/{UNIT}"))
    await refused(fr, referral("AL", recipient), G2, here, "does not cover")
    purpose = await recorded(fr, "purpose", grant(al, purpose="assistance"))
    await refused(fr, referral("AL", purpose), G2, here, "does not cover")
    category = await recorded(fr, "category", grant(al, categories=[c for c in NEEDED if c != "immigration"]))
    await refused(fr, referral("AL", category), G2, here, "does not cover immigration")
    denied = await recorded(fr, "denied", grant(al), denials=[{"data_category": "risk"}])
    await refused(fr, referral("AL", denied), G2, here, "said no to risk for this recipient: leave it out")
    withdrawn = await recorded(fr, "withdrawn", grant(al))
    await fr.call("consent.withdraw", id=withdrawn, by="w-1")
    await refused(fr, referral("AL", withdrawn), G7, here, "withdrew consent")

    spoiler.away = False
    await two.until(lambda: [d.type for d in al_has(two)] == ["consent.record/1", "referral.request/1"], seconds=60)


def al_has(two: Two) -> list[Any]:
    """What the case system of AL was given."""
    return two.al.deliveries()


async def test_a_consent_that_ends_while_the_message_waits(two: Two) -> None:
    """It is asked again when the message departs: the message fails with its gate, and what is behind it goes on."""
    fr, al = two.fr, f"AL/{UNIT}"
    spoiler = Spoiler(fr)
    spoiler.away = True
    short = await recorded(fr, "short", grant(al, until=0))
    late = await fr.call("message.submit", **referral("AL", short))
    note = await fr.submit("behind it")
    two.clock.advance(2 * 86_400)
    spoiler.away = False

    async def ended() -> bool:
        return [await fr.state(id) for id in (late["id"], note)] == ["failed", "awaiting_opening"]

    await two.until(ended, seconds=120)
    assert (await fr.show(late["id"]))["reason"] == "gate_g2"
    assert "referral.request/1" not in [delivery.type for delivery in al_has(two)]


async def case_of(party: Party, consent: str) -> str:
    """The case that a consent is of here."""
    return str((await party.call("consent.show", id=consent))["of_case"]["id"])


async def test_a_receiver_passes_nothing_on_outside_the_grant(two: Two, tmp_path: Path) -> None:
    """FR's record lets AL have the data. AL may not give them to a third country: not where the person did not agree to
    it, nor where no grant names that unit, nor where FR said no; inside all three it goes.
    """
    third = await make_party(tmp_path, "IT", two.clock)
    try:
        await third.start()
        await introduce(two.al, third)
        await two.until(lambda: two.al.agreed("IT") and third.agreed("AL"), seconds=60)
        node = third.running.own.node
        al, it, here = f"AL/{UNIT}", f"{node}/{UNIT}", "/header/consent_ref"
        named = {
            "handling": {
                "onward_sharing": "named_units",
                "onward_units": [it],
                "retain_until": day(300),
                "export_to_local": "full",
            }
        }
        cases: list[tuple[str, list[str], bool, dict[str, Any], str | None]] = [
            ("no yes to it", [al, it], False, named, "may not be passed on"),
            ("not this unit", [al], True, named, "does not cover"),
            ("FR said no", [al, it], True, {}, "may not be passed on"),
            ("inside", [al, it], True, named, None),
        ]
        for name, units, agreed, header, words in cases:
            consent = await recorded(two.fr, name, grant(*units), onward_sharing=agreed)
            id = (await two.fr.call("message.submit", **referral("AL", consent, name, **header)))["id"]

            async def there(id: str = id) -> bool:
                return bool(await two.fr.state(id) == "awaiting_opening")

            await two.until(there, seconds=60)
            onward = referral("IT", consent, f"{name} on") | {"case": await case_of(two.al, consent)}
            if words is not None:
                await refused(two.al, onward, G2, here, words)
        await two.al.call("message.submit", **onward)
        await two.until(lambda: [d.type for d in third.deliveries()] == ["referral.request/1"], seconds=60)
    finally:
        await third.stop()


async def test_a_denial_names_a_unit_as_a_grant_does(two: Two) -> None:
    """PEER/unit in a denial is the unit of that peer: what the person refused it does not go there (threat 152)."""
    granted, denied = grant(f"AL/{UNIT}"), {"purpose": "referral", "unit": f"AL/{UNIT}"}
    consent = await recorded(two.fr, "refused", granted, denials=[denied])
    (held,) = (await two.fr.call("consent.show", id=consent))["record"]["denials"]
    assert held == {"purpose": "referral", "unit": f"{two.al.running.own.node}/{UNIT}"}
    await refused(two.fr, referral("AL", consent), G2, "/header/consent_ref", "said no")
