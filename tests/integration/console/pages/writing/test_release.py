"""Writing at the console of two nodes that run, without JavaScript: from an enquiry to a referral that arrives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest_asyncio
from aiohttp import ClientSession
from support.ceremony import ADMINS
from support.running import UNIT, asked, pair, running, until
from support.visitors import Visitor, console_at, visitor

from gateway.composition.node import Node
from gateway.operations.roles import Role

NAMED = "Tulpe-7391"
HANDLING = {
    "/header/handling/onward_sharing": "none",
    "/header/handling/retain_until": "2099-11-30",
    "/header/handling/export_to_local": "full",
}
ROUTED = {"/header/priority": "normal", "/header/language": "fr", **HANDLING}
TODAY = datetime.now(UTC).date().isoformat()


@dataclass
class House:
    """Two nodes, two workers of the first and one of the second."""

    fr: Node
    al: Node
    ana: Visitor
    ben: Visitor
    era: Visitor


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """France and Albania, paired."""
    async with (
        running(tmp_path, {"FR": None, "AL": None}, desk_only=["FR", "AL"], prepare=console_at) as nodes,
        ClientSession() as http,
    ):
        fr, al = nodes["FR"], nodes["AL"]
        await pair(fr, al)
        ana = await visitor(fr, http, "Ana Doe", Role.CASE_WORKER)
        ben = await visitor(fr, http, "Ben Roe", Role.FOCAL_POINT, admin=ADMINS[1])
        era = await visitor(al, http, "Era Hoxha", Role.CASE_WORKER)
        yield House(fr=fr, al=al, ana=ana, ben=ben, era=era)


async def received(node: Node, body_type: str) -> dict[str, Any]:
    """The message of this type that came in."""
    found: list[dict[str, Any]] = []

    async def there() -> bool:
        value = await asked(node, "message.list", {"direction": "in"})
        found[:] = [message for message in value["messages"] if message["type"] == body_type]
        return bool(found)

    await until(there)
    return found[0]


def conversation_of(message: dict[str, Any]) -> str:
    """The page of its conversation."""
    return f"/conversations/{message['conversation']}"


async def released(who: Visitor) -> None:
    """Press the button under what would leave."""
    (action,) = [form.action for form in who.page.forms if form.action.endswith("/release")]
    await who.press(action)


async def by_steps(who: Visitor, answers: Mapping[str, str | Sequence[str]]) -> None:
    """Answer step by step until what would leave is shown, with what each step asks for."""
    left = dict(answers)
    while not who.path.endswith("/preview"):
        form = who.page.form(who.path)
        asked = form.offered | {name for name, _ in form.fields}
        rows = [act for _, act in form.buttons if act.startswith("add:")]
        lacking = [act for act in rows if any(name.startswith(f"{act[4:]}/") for name in set(left) - asked)]
        if lacking:
            await who.press(who.path, act=lacking[0])
            continue
        here, before = {name: left.pop(name) for name in [*left] if name in asked}, who.path
        await who.press(who.path, here, act="continue")
        assert who.status == 200 and who.path != before, who.page.wrong
    assert left == {}


async def test_from_an_enquiry_to_a_referral_that_arrives(house: House) -> None:
    """Enquiry, offer, consent in two languages, what would leave and what not, two people, and it is there."""
    ana, ben, era = house.ana, house.ben, house.era

    # an enquiry: nothing is filled in by itself, what is missing is told at its place, and nothing is lost
    await ana.open("/drafts/new")
    await ana.press("/drafts/new", {"type": "enquiry.capacity/1", "to": f"AL/{UNIT}"})
    first = ana.path
    await ana.press(first, {"/content/referral_kind": "return_reception"}, act="continue")
    assert ana.status == 422 and "#/content/services" in ana.page.links
    assert ana.page.form(first).sent()["/content/referral_kind"] == ("return_reception",)
    await by_steps(ana, {"/content/services": "safe_accommodation", "/content/age_group": "adult", **ROUTED})
    await released(ana)

    # the answer is offered first, with what it answers
    enquiry = await received(house.al, "enquiry.capacity/1")
    await era.open(f"{conversation_of(enquiry)}/write")
    what = f"FR enquiry.reply/1 {enquiry['id']}"
    await era.press(era.path, {"what": what})
    offer = {
        "/content/answer": "yes",
        "/content/offer_valid_until": "2099-01-01",
        "/content/services_available": "safe_accommodation",
        **ROUTED,
    }
    await by_steps(era, offer)
    await released(era)

    # a referral that uses the offer
    reply = await received(house.fr, "enquiry.reply/1")
    await ana.open(f"{conversation_of(reply)}/write")
    await ana.press(ana.path, {"what": "AL referral.request/1"})
    assert ana.status == 422 and "#case_label" in ana.page.links
    await ana.press(ana.path, {"case_label": "Blue 7"})
    draft = ana.path.partition("/step")[0]
    assert ana.page.form(ana.path).sent()["/content/enquiry_id"] == (enquiry["id"],)
    case = {
        "/content/referral_kind": "return_reception",
        "/content/person/pseudonym": NAMED,
        "/content/person/name_family": "Lule",
        "/content/person/age_group": "adult",
        "/content/person/languages/0/language": "sq",
        "/content/person/unknown/safe_contact_rule": "not_yet",
        "/content/thb_status": "presumed",
        "/content/services_requested/0/service": "safe_accommodation",
        "/content/legal_status": "residence_art14",
        "/content/unknown/immediate_risk": "unknown",
        "/content/expected_next_step": "return_planning",
        "/purpose": "referral",
        "/header/legal_basis": ["6_1_e", "9_2_a"],
        "/header/transfer_basis": "admin_arrangement_46_3_b",
        "/header/transfer_instrument": "Arrangement 2025/4",
        **ROUTED,
    }
    await by_steps(ana, case)
    assert "G2" in ana.page.said and not any(form.action.endswith("/release") for form in ana.page.forms)

    # the consent for it, explained in Albanian: a yes and a no for what a referral there needs, and nothing ticked
    await ana.open(f"/consents/new?draft={draft.rpartition('/')[2]}")
    await ana.press("/consents/new", {"with": "sq"}, act="begin")
    form = ana.page.form("/consents/new")
    asks = {name for name in form.offered if name.startswith("ask:")}
    assert {"ask:identity", "ask:needs", "ask:immigration"} <= asks and not asks & set(form.sent())
    told = {
        f"/content/told/{name}": "true"
        for name in ("purpose", "uses", "recipients", "research_use", "access", "storage_time", "withdrawal")
    }
    agreed = {
        "/content/given_by": "person",
        "/content/form": "written",
        "/content/taken_on": TODAY,
        "/content/interpreter": "true",
        "/content/onward_sharing": "false",
        "until": form.choices("until")[-1],
        **dict.fromkeys(sorted(asks), "true"),
    }
    await ana.press("/consents/new", agreed, act="record")
    assert ana.status == 422
    await ana.press("/consents/new", told, act="record")
    assert ana.path.startswith("/consents/"), ana.page.wrong
    await ana.open(f"{ana.path.partition('?')[0]}/sheet")
    assert 'lang="sq"' in ana.text and "Albania: Focal point" not in ana.text and "Focal point" in ana.text

    # what leaves and what does not; the first person, who is not the second one; then another
    await ana.open(f"{draft}/preview")
    assert NAMED in ana.page.said
    kept = ana.page.said.partition("This stays here")
    assert "Lule" not in ana.page.said and "Family name" in kept[2], ana.page.wrong
    await released(ana)
    assert "You have released this" in ana.page.said and not ana.page.forms[1].action.endswith("/release")
    await ben.open("/drafts")
    assert "Released by Ana Doe" in ben.page.said
    await ben.open(f"{draft}/preview")
    await released(ben)
    referral = await received(house.al, "referral.request/1")
    whole = await asked(house.al, "message.show", {"id": referral["id"]})
    assert whole["content"]["person"]["pseudonym"] == NAMED and "name_family" not in whole["content"]["person"]

    # and taken back in two clicks
    await ben.open(f"{conversation_of(referral)}/withdraw")
    await ben.press(ben.path, act="all")
    assert "Consent withdrawn" in ben.page.said
    await ben.open("/cases")  # where it stays until Albania has confirmed
    (case,) = {link for link in ben.page.links if link.startswith("/cases/") and link != "/cases/new"}
    await ben.open(case)
    assert "Blue 7" in ben.page.said and conversation_of(referral) in ben.page.links
    assert conversation_of(enquiry) in ben.page.links, "the enquiry is of the case of its referral"
    await received(house.al, "consent.withdrawal/1")
